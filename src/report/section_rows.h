/*
 * section_rows: one section of a report as rows, with all that they rest on.
 */
#ifndef VMSCOPE_REPORT_SECTION_ROWS_H
#define VMSCOPE_REPORT_SECTION_ROWS_H

#include "report/chosen.h"
#include "report/rows.h"
#include "results/findings.h"

struct section_rows {
	struct report_choice choice;
	struct results results;
	struct chosen chosen;
	struct findings found;
	struct rows rows;
};

/* What is asked of it. */
struct section_wanted {
	enum report_section section;
	struct results_range range;
	struct report_choice choice;
	unsigned threads; /* that may be used; 0 is 1 */
};

/* Return: what has to be added up (summary_scan.h) for some sections, a bit for each. */
unsigned report_parts(unsigned sections);

/*
 * s must outlive it. Return: 0, or ERR with err set when there is nothing of what is wanted, or the
 * file is damaged; deinitialize in every case.
 */
int section_rows_init(struct section_rows *t, const struct store *s,
		      const struct section_wanted *wanted, struct error *err);
void section_rows_deinit(struct section_rows *t);

#endif
