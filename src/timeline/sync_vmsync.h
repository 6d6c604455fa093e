/*
 * sync_vmsync: bounds on the difference of two clocks from the vmsync events of a guest and its
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
 */
#ifndef VMSCOPE_TIMELINE_SYNC_VMSYNC_H
#define VMSCOPE_TIMELINE_SYNC_VMSYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "timeline/sync_hull.h"

struct sync_vmsync_event {
	int64_t ts;    /* ns, by its own machine's clock */
	uint64_t cnt;  /* as in the event */
	bool to_guest; /* hg, else gh */
};

struct sync_vmsync {
	VEC(struct sync_bound) bounds; /* one per pair, sorted by guest time */
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
