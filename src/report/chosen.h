/*
 * chosen: what of a results file a choice leaves, and in which order.
 */
#ifndef VMSCOPE_REPORT_CHOSEN_H
#define VMSCOPE_REPORT_CHOSEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "report/choice.h"
#include "results/results.h"

struct chosen {
	const struct report_choice *choice; /* borrowed, as the results are */
	VEC(const struct res_vcpu *) vcpus; /* in the order that was asked for */
	bool *machines;			    /* by index: whether it was chosen */
	bool *related;			    /* the same, with the machines that these run on */
};

/* Return: 0, or ERR with err set when there is nothing of the kind; deinitialize in every case. */
int chosen_init(struct chosen *c, const struct results *r, const struct report_choice *choice,
		struct error *err);
void chosen_deinit(struct chosen *c);

/* Return: whether the choice has the vCPU of this number of the VM of this name. */
bool choice_has_vcpu(const struct report_choice *c, const char *vm, int64_t index);

bool chosen_has_vcpu(const struct chosen *c, const struct results *r, const struct res_vcpu *v);

/* By a key of vCPUs. */
void chosen_sort_vcpus(const struct results *r, const struct res_vcpu **vcpus, size_t n,
		       enum sort_key key);

/* Sorts n exits as was asked for. */
void chosen_sort_exits(const struct chosen *c, struct summary_exits *exits, size_t n);

#endif
