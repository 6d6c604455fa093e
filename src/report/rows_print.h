/*
 * rows_print: sections as JSON and as CSV.
 */
#ifndef VMSCOPE_REPORT_ROWS_PRINT_H
#define VMSCOPE_REPORT_ROWS_PRINT_H

#include <stdio.h>

#include "report/rows_choose.h"

/* sections: bit 1 << enum report_section for each. */
void rows_print_json(FILE *f, const struct results *r, const struct findings *found,
		     const struct chosen *c, unsigned sections);
void rows_print_csv(FILE *f, const struct results *r, const struct findings *found,
		    const struct chosen *c, unsigned sections);

#endif
