/*
 * diff: two results files compared, vCPU by vCPU.
 *
 * vCPUs are matched by their VM's name and their number in it. A VM without a trace has no name
 *that lasts: those that no name matches are matched in the order of their processes. Compared are
 *
 *	share	 part of the known time in each state, and lost to each kind of occupant
 *	rate	 exits per second of known time, all and by reason
 *	latency	 median and 99th percentile of exits by reason, and of stages of wake-ups
 *
 * What is too rare to tell anything (DIFF_FEWEST) is left out. The worst comes first: vCPUs that
 * are in one file only, then shares, which are of all time, then the others, by how many times
 * their threshold they changed.
 */
#ifndef VMSCOPE_REPORT_DIFF_H
#define VMSCOPE_REPORT_DIFF_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "report/diff_kind.h"
#include "report/section.h"
#include "store/reader.h"

struct diff_options {
	/* How much may change: percentage points of a share, percent of the others. */
	double threshold[DIFF_N_KINDS];
	bool json, all; /* all: text also shows what is within the thresholds */
	bool by_vcpu;	/* in the order of vCPUs; otherwise the worst first */
	struct report_choice choice;
	struct results_range before, after; /* what of each file is compared */
	const char *asked;		    /* text: the range, as the user wrote it, or NULL */
};

#define DIFF_OPTIONS_DEFAULT    \
	((struct diff_options){ \
		.threshold = {[DIFF_SHARE] = 2, [DIFF_RATE] = 25, [DIFF_LATENCY] = 50}})

const char *diff_kind_name(enum diff_kind kind);

/*
 * Compares b with a and prints how it differs to f.
 * Return: 1 if something changed by more than its threshold, 0 if not; or ERR with err set.
 */
int diff_print(FILE *f, const struct store *a, const struct store *b,
	       const struct diff_options *options, struct error *err);

#endif
