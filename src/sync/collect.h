/*
 * collect: what each guest event says about the difference of two clocks that is known to a range.
 *
 * The event lies in one of the few windows of its vCPU that the range allows: after the begin of
 * the first, before the end of the last. Some events say what is false, since windows were lost. So
 * those of a stretch are asked what most of them agree on (sync/consensus.h), unless every one is
 * to be believed.
 */
#ifndef VMSCOPE_SYNC_COLLECT_H
#define VMSCOPE_SYNC_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "timeline/clock_map.h"
#include "sync/bounds.h"
#include "sync/pair.h"
#include "sync/fit.h"

/* What is known of the difference: a map with its errors, or (closer) the bounds of a fit. */
struct sync_known {
	const struct clock_map *map;
	const struct sync_fit *fit; /* of that map, or NULL */
	int widen;		    /* times the width of the fit's range to add on both sides */
	int64_t slack; /* ns: of a map, what its error changes by from one event to the next */
	bool believe;  /* every event, even if most others in its bucket contradict it */
};

/* Of a fit that nothing is to be added to. */
struct sync_known sync_known_fit(const struct sync_fit *f);

/*
 * bounds: gets those of all events, sorted; or NULL.
 * Return: events that no window can hold; into *seenp, those that had windows around them.
 */
uint64_t sync_collect(const struct sync_known *known, const struct sync_pair *pairs, size_t n_pairs,
		      struct sync_bounds *bounds, uint64_t *seenp);

#endif
