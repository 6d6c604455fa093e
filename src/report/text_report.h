/*
 * text_report: the report for people: which sections, and in which order.
 */
#ifndef VMSCOPE_REPORT_TEXT_REPORT_H
#define VMSCOPE_REPORT_TEXT_REPORT_H

#include <stdio.h>

#include "report/chosen.h"
#include "report/section.h"

/* What an overview needs, as sections. */
enum { TEXT_OVERVIEW = 1u << REPORT_FINDINGS | 1u << REPORT_VCPUS | 1u << REPORT_STEAL };

void text_print(FILE *f, const struct results *r, const struct findings *found,
		const struct chosen *c, const struct report_options *options);

#endif
