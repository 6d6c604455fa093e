/*
 * pauses: whether a VM's vCPUs spun while another one of it had no CPU.
 */
#ifndef VMSCOPE_RESULTS_PAUSES_H
#define VMSCOPE_RESULTS_PAUSES_H

#include "results/results.h"

struct pauses {
	uint64_t n;	       /* exits for spinning (CAUSE_PAUSE) */
	uint64_t with_sibling; /* of them, those during which another vCPU of the VM had no CPU */
};

/*
 * Counts them, in r's range: reads the VM's exits and lanes side by side, once. Return: 0, or ERR
 * with err set.
 */
int pauses_count(struct pauses *p, const struct results *r, int vm, struct error *err);

#endif
