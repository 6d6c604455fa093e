/*
 * exchanges: the clock of a guest from all of vmsync's exchanges with its host (sync/vmsync.h),
 * some at a time.
 */
#ifndef VMSCOPE_SYNC_EXCHANGES_H
#define VMSCOPE_SYNC_EXCHANGES_H

#include <stdint.h>

#include "model/identity.h"
#include "sync/fit.h"
#include "sync/observed.h"

struct sync_exchanges {
	/*
	 * the host's events that belong to none, and those of the VM's threads that name
	 * another VM
	 */
	uint64_t decoys;
	uint64_t lost; /* events whose partner is missing */
};

/* Of a machine that is a VM with a vm_uid. Return: 0 with *fit made, or SYNC_NO_FIT. */
int sync_exchanges_fit(const struct observed *o, const struct identity *id, int machine,
		       struct sync_exchanges *x, struct sync_fit *fit);

#endif
