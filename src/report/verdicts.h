/*
 * verdicts: limits held against what a results file says of each vCPU.
 *
 * A limit is broken only if it is so whatever the time was that is unknown, and kept only if it
 * would be; where that time decides, it could not be found out.
 */
#ifndef VMSCOPE_REPORT_VERDICTS_H
#define VMSCOPE_REPORT_VERDICTS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/mem.h"
#include "report/limit.h"
#include "results/results.h"

/* In the order in which people want to read them. */
enum verdict_kind { VERDICT_BROKEN, VERDICT_UNKNOWN, VERDICT_KEPT, VERDICT_N_KINDS };

struct verdict {
	enum verdict_kind kind;
	const struct limit *limit;
	const struct res_vcpu *vcpu; /* NULL: there is none that it is about */
	bool measured;
	double low, high; /* between these it is, in the limit's unit */
	const char *why;  /* it could not be found out, or nothing was there to measure; or NULL */
};

struct verdicts {
	const struct results *r; /* borrowed */
	const char *asked;	 /* the range, as the user wrote it; NULL: all of it */
	VEC(struct verdict) at;	 /* by limit, then by vCPU */
	size_t n[VERDICT_N_KINDS];
	struct arena texts;
};

/* r: with everything added up; it and the limits must outlive it. */
void verdicts_init(struct verdicts *v, const struct results *r, const struct limit *limits,
		   size_t n_limits);
void verdicts_deinit(struct verdicts *v);

/* Return: "broken", "unknown" or "kept". */
const char *verdict_kind_name(enum verdict_kind kind);

void verdicts_print_text(FILE *f, const struct verdicts *v);
void verdicts_print_json(FILE *f, const struct verdicts *v);

/* As JUnit's reports are: a test case per limit and vCPU. */
void verdicts_print_junit(FILE *f, const struct verdicts *v);

#endif
