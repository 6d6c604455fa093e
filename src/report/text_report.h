/*
 * text_report: the report for people: which sections, and in which order.
 */
#ifndef VMSCOPE_REPORT_TEXT_REPORT_H
#define VMSCOPE_REPORT_TEXT_REPORT_H

#include <stdio.h>

#include "report/section.h"
#include "results/results.h"

void text_print(FILE *f, const struct results *r, const struct findings *found,
		const struct report_options *options);

#endif
