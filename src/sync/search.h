/*
 * search: who is whose guest, and roughly where its clock is, from containment alone.
 *
 * Every machine's CPUs are compared with the vCPU threads of every other machine that is a host. A
 * machine that fits one VM belongs to it. A nested guest fits twice, in the VM of its own host and,
 * since that host is a guest too, in the VM around it: the inner one is its own.
 */
#ifndef VMSCOPE_SYNC_SEARCH_H
#define VMSCOPE_SYNC_SEARCH_H

#include <stdint.h>

#include "base/mem.h"
#include "model/identity.h"
#include "sync/observed.h"

/* Where the clock of one machine is. */
struct sync_found {
	uint32_t agreeing;  /* coincidences that agree on `difference`; 0: none */
	int64_t difference; /* ns, host - guest, somewhere in the trace */
	/* Of each of its CPUs, where enough agree: they may differ. */
	VEC(struct {
		uint32_t cpu;
		int64_t difference;
	})
	cpus;
};

/* Return: the difference of a CPU, the machine's unless it has one of its own. */
int64_t sync_found_of_cpu(const struct sync_found *found, uint32_t cpu);

/*
 * Ties machines that are no VM yet to the VMs that they fit, and says in the identity's `why` what
 * could not be told. The vCPUs of VMs that are tied, now or before, learn which guest CPU they are.
 * found: per machine, zeroed by the caller, who frees their `cpus`.
 */
void sync_search(const struct observed *o, struct identity *id, unsigned threads,
		 struct sync_found *found);

#endif
