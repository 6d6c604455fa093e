/*
 * limits: a results file held against limits, for people and for CI.
 */
#ifndef VMSCOPE_REPORT_LIMITS_H
#define VMSCOPE_REPORT_LIMITS_H

#include <stdio.h>

#include "base/error.h"
#include "report/limit.h"
#include "report/section.h"
#include "store/reader.h"

enum limits_format { LIMITS_TEXT, LIMITS_JSON, LIMITS_JUNIT };

struct limits_job {
	const struct limit *limits;
	size_t n_limits;
	enum limits_format format;
	struct results_range range; /* what counts */
	const char *asked;	    /* text: the range, as the user wrote it, or NULL */
	unsigned threads;	    /* that may be used */
};

enum { LIMITS_KEPT = 0, LIMITS_BROKEN = 1, LIMITS_UNKNOWN = 2 };

/*
 * Prints a verdict for each limit and vCPU. Return: LIMITS_BROKEN when a limit is, or else
 * LIMITS_UNKNOWN when that could not be found out of one, or else LIMITS_KEPT; or ERR with err set.
 */
int limits_print(FILE *f, const struct store *store, const struct limits_job *job,
		 struct error *err);

#endif
