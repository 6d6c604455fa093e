/*
 * contain: who is whose guest, and whose clock is where, from containment alone.
 *
 * Every machine's CPUs are compared with the vCPU threads of every other machine that is a host. A
 * machine that fits one VM belongs to it. A nested guest fits twice, in the VM of its own host and, since that
 * host is a guest too, in the VM around it: the inner one is its own.
 */
#ifndef VMSCOPE_ANALYZE_CONTAIN_H
#define VMSCOPE_ANALYZE_CONTAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/gather.h"
#include "ctf/trace.h"
#include "model/identity.h"
#include "timeline/sync_contain.h"
#include "timeline/sync_fit.h"

struct containment {
	size_t n_machines;
	struct gathered_machine *machines; /* owned */
	struct gathered_windows *windows;  /* owned; per vCPU of the identity */
	size_t n_vcpus;
};

/* Reads what is to be compared. traces[i] is machine i of the identity. */
void containment_init(struct containment *c, struct ctf_trace *const *traces,
		      const struct identity *identity);
void containment_deinit(struct containment *c);

/*
 * Ties machines that are no VM yet to the VMs that they fit, and says in the identity's `why` what
 * could not be told. The vCPUs of VMs that are tied, now or before, learn which guest CPU they are.
 */
void containment_identify(const struct containment *c, struct identity *identity);

/*
 * Fits machine `guest`, which is a VM, to its host's clock.
 * Return: 0 with *fit made, or SYNC_NO_FIT.
 */
int containment_fit(const struct containment *c, const struct identity *identity, int guest,
		    const struct sync_fit_options *options, struct sync_contain *fit);

/*
 * Counts the guest's events that `map` puts outside every window of their vCPU: *n_eventsp is how many
 * it puts between the first and the last window, of those the ones outside any are added to
 * outside_of_piece[piece of the map].
 */
void containment_count_outside(const struct containment *c, const struct identity *identity,
			       int guest, const struct clock_map *map, uint64_t *n_eventsp,
			       uint64_t *outside_of_piece);

#endif
