/*
 * follow: one pass over a host's trace and those of its guests, side by side, whatever their length.
 *
 * Windows and guest events are taken as they come and forgotten when they have been compared, so what
 * is held in memory depends on the number of vCPUs, not on the length of the traces. Either the clocks are
 * followed (sync/track.h), or it is counted how many events a known map puts where no window is.
 */
#ifndef VMSCOPE_SYNC_FOLLOW_H
#define VMSCOPE_SYNC_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/gather.h"
#include "base/worker.h"
#include "input/input.h"
#include "model/identity.h"
#include "timeline/clock_map.h"
#include "sync/track.h"

/* A guest of the host, and what became of it. */
struct followed {
	int machine;
	int64_t difference; /* ns, host - guest, somewhere in the trace */
	int64_t reach;	    /* ns: at the trace's begin it may be that far from there */
	struct sync_track track;
	bool lost; /* it could not be followed: the track is worth nothing */
};

/*
 * Follows n guests of machine `host`, each track initialized by the caller. traces: by machine of the
 * identity, which says which guest CPU each vCPU is. helper: does a part of it; or NULL.
 */
void follow_guests(struct recording *const *traces, const struct identity *identity, int host,
		   struct followed *guests, size_t n, struct worker *helper);

/* As containment_count_outside() (sync/search.h), by reading the traces once more. */
void follow_count_outside(struct recording *const *traces, const struct identity *identity,
			  int guest, const struct clock_map *map, uint64_t *n_eventsp,
			  uint64_t *outside_of_piece);

#endif
