/*
 * section: the parts of a report, and what is asked of it.
 */
#ifndef VMSCOPE_REPORT_SECTION_H
#define VMSCOPE_REPORT_SECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "report/choice.h"
#include "results/findings.h"
#include "results/range.h"

struct tally;

enum report_section {
	REPORT_FINDINGS,
	REPORT_MISSING,
	REPORT_SPLIT,
	REPORT_MACHINES,
	REPORT_VCPUS,
	REPORT_PCPUS,
	REPORT_STEAL,
	REPORT_VM_EXITS,
	REPORT_EXITS,
	REPORT_EXIT_DETAILS,
	REPORT_THREADS,
	REPORT_CONTAINERS,
	REPORT_LATENCY,
	REPORT_WAITS,
	REPORT_SYNC,
	REPORT_DIAG,
	REPORT_N_SECTIONS,
};

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV };

struct report_options {
	enum report_format format;
	/*
	 * bit 1 << enum report_section for each; 0: all of them, but in text only an overview if
	 * `all` is not set
	 */
	unsigned sections;
	struct results_range range;
	struct report_choice choice;
	struct findings_wanted findings; /* of which findings are told */
	const char *asked;		 /* text: the range, as the user wrote it; or NULL */
	bool utc;			 /* text: times of day are UTC, not local */
	bool color;			 /* text: with terminal escapes */
	bool all;			 /* text: all sections, long lists whole */
	unsigned threads; /* that may be used; 0 is 1. What is printed does not depend on it */
	/*
	 * Of all rows, if they were added up when they were written; used up by the report, which
	 * has no range then. NULL: the rows are read.
	 */
	struct tally *tally;
};

/* Return: the sections' names, in their order, then NULL. */
const char *const *report_section_names(void);

#endif
