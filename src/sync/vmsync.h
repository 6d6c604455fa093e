/*
 * vmsync: bounds on the difference of two clocks from the vmsync events of a guest and its
 * host.
 *
 * One exchange has four events, in this order of real time: gh_guest, gh_host, hg_host, hg_guest.
 * The events of a pair carry the same count. A gh pair says that the guest's clock plus the
 * difference was at most the host's (an upper bound), an hg pair that it was at least that.
 *
 * The counts alone do not make pairs: they start again when the module is loaded again, either
 * side may have lost events, and the host emits its two for every hypercall 5, which guests also
 * use to wake a paravirtual spinlock's waiter (decoys: with counts of their own). So all events
 * with the same count are candidates, and those win whose difference most others share.
 *
 * A decoy whose count is that of an exchange beside it is off by a few us only, so that its bound
 * may contradict no other and still be false. Of two events that may be the exchange's, the one
 * whose bound says less is taken. Where the host lost events, a decoy may be the only one left:
 * there a gh pair gives a bound only if the hg of the same call stands behind it on the host, not
 * much farther off than usual. One bound less makes the corridor a little wider; a false one makes
 * it wrong.
 */
#ifndef VMSCOPE_SYNC_VMSYNC_H
#define VMSCOPE_SYNC_VMSYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "sync/hull.h"

struct sync_vmsync_event {
	int64_t ts;    /* ns, by its own machine's clock */
	uint64_t cnt;  /* as in the event */
	bool to_guest; /* hg, else gh */
};

struct sync_vmsync {
	VEC(struct sync_bound) bounds; /* one per pair that is sure, sorted by guest time */
	uint64_t pairs_gh, pairs_hg;
	uint64_t decoys; /* host events between the first and the last pair that fit no exchange */
	uint64_t lost_host;  /* guest events without a host's */
	uint64_t lost_guest; /* host events between the first and the last pair without a guest's */
};

/*
 * Pairs the events of one vm_uid. host, guest: sorted by time.
 */
void sync_vmsync_init(struct sync_vmsync *v, const struct sync_vmsync_event *host, size_t n_host,
		      const struct sync_vmsync_event *guest, size_t n_guest);
void sync_vmsync_deinit(struct sync_vmsync *v);

#endif
