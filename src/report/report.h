/*
 * report: what a results file says, for people (text) and for programs (JSON, CSV).
 *
 *	store --> results (what there is, and sums)   results/results.h, results/summary_scan.h
 *	    |
 *	    +------> rows, complete, typed      rows.h   --> JSON, CSV
 *	    +------> text, what matters first, cut to a screen's size: an overview, or sections
 *	    +------> verdicts on limits         limits.h
 *
 * What was chosen of it (choice.h), and in which order, goes for all of the first two.
 *
 * The fields of JSON and CSV are a promise to other programs: docs/report.md.
 */
#ifndef VMSCOPE_REPORT_REPORT_H
#define VMSCOPE_REPORT_REPORT_H

#include <stdio.h>

#include "base/error.h"
#include "report/section.h"
#include "store/reader.h"

/*
 * Return: 0; 1 when the file has no VM or vCPU of those that findings are asked of; or ERR with err
 * set when it is damaged. Nothing is printed then.
 */
int report_print(FILE *f, const struct store *store, const struct report_options *options,
		 struct error *err);

/* Return: 1 if data was lost or damaged, so that the result is not whole; 0 if not; or ERR. */
int report_is_damaged(const struct store *store, struct error *err);

#endif
