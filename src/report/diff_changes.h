/*
 * diff_changes: what there is to compare of two files, in pairs of numbers.
 */
#ifndef VMSCOPE_REPORT_DIFF_CHANGES_H
#define VMSCOPE_REPORT_DIFF_CHANGES_H

#include "base/arena.h"
#include "report/diff_kind.h"
#include "report/choice.h"
#include "results/results.h"

struct change {
	const struct res_vcpu *in_a, *in_b; /* NULL: it is not there */
	const char *machine;		    /* the VM's name, in a if it is there */
	enum diff_kind kind;
	const char *what; /* NULL: the vCPU itself is in one file only */
	double a, b;	  /* percent of the time, per second, or ns */
	double change;	  /* percentage points, or percent of a; infinite when a is 0 */
	bool past;	  /* its threshold */
	double weight;	  /* how many times its threshold it changed */
};

struct changes {
	VEC(struct change) at; /* by vCPU, unless sorted */
	struct arena texts;
};

/* a, b: with everything added up; they must outlive it. choice: of which vCPUs. */
void changes_init(struct changes *c, const struct results *a, const struct results *b,
		  const double *thresholds, const struct report_choice *choice);

/* Puts the worst first; see diff.h. */
void changes_sort(struct changes *c);
void changes_deinit(struct changes *c);

#endif
