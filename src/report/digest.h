/*
 * digest: what several sections need of the analysis, put together.
 */
#ifndef VMSCOPE_REPORT_DIGEST_H
#define VMSCOPE_REPORT_DIGEST_H

#include "analyze/analysis.h"

/* Return: reference times from the machine's first event to its last, that included; empty if it
 * has none. */
struct model_span machine_span(const struct analysis *a, size_t machine);

/* Return: the machine whose clock this one's was put on, itself if that is so. */
int machine_reference(const struct analysis *a, int machine);

/* The exits of all vCPUs of a VM, by cause, those that took most time first. */
struct vm_exits {
	VEC(struct summary_exits) exits;
	int64_t known; /* ns in which the vCPUs' states are known, summed up */
};

void vm_exits_init(struct vm_exits *x, const struct analysis *a, int vm);
void vm_exits_deinit(struct vm_exits *x);

/* Return: number of vCPUs of the VM. */
size_t vm_n_vcpus(const struct analysis *a, int vm);

/* Return: ns of the lane in which something is known. */
int64_t known_time(const struct summary_vcpu *v);

#endif
