/*
 * report: what a results file says, for people (text) and for programs (JSON, CSV).
 *
 *	store --> results (what there is, and sums)   results.h, summary.h
 *	    |
 *	    +------> rows, complete, typed      rows.h   --> JSON, CSV
 *	    +------> text, what matters first, cut to a screen's size
 *
 * The fields of JSON and CSV are a promise to other programs: docs/report.md.
 */
#ifndef VMSCOPE_REPORT_REPORT_H
#define VMSCOPE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "store/reader.h"

enum report_section {
	REPORT_MACHINES,
	REPORT_VCPUS,
	REPORT_PCPUS,
	REPORT_STEAL,
	REPORT_VM_EXITS,
	REPORT_EXITS,
	REPORT_THREADS,
	REPORT_CONTAINERS,
	REPORT_LATENCY,
	REPORT_WAITS,
	REPORT_SYNC,
	REPORT_DIAG,
	REPORT_N_SECTIONS,
};

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV };

/* A part of the recording: [from, to), ns on its time line. */
struct report_range {
	bool given; /* otherwise all of it */
	int64_t from, to;
};

struct report_options {
	enum report_format format;
	unsigned sections; /* bit 1 << enum report_section for each; 0: those that fit the format */
	struct report_range range;
	bool color;	  /* text: with terminal escapes */
	bool all;	  /* text: long lists whole */
	unsigned threads; /* that may be used; 0 is 1. What is printed does not depend on it */
};

/* Return: 0, or ERR with err set when the file is damaged; nothing is printed then. */
int report_print(FILE *f, const struct store *store, const struct report_options *options,
		 struct error *err);

/* Return: 1 if data was lost or damaged, so that the result is not whole; 0 if not; or ERR. */
int report_is_damaged(const struct store *store, struct error *err);

/* Return: the sections' names, in their order, then NULL. */
const char *const *report_section_names(void);

#endif
