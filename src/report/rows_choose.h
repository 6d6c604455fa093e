/*
 * rows_choose: of a section's rows those that were asked for, in the order that was asked for.
 */
#ifndef VMSCOPE_REPORT_ROWS_CHOOSE_H
#define VMSCOPE_REPORT_ROWS_CHOOSE_H

#include "report/chosen.h"
#include "report/rows.h"

void rows_choose(struct rows *t, const struct results *r, enum report_section section,
		 const struct chosen *c);

#endif
