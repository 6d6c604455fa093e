/*
 * count: the check of a clock that needs no trust: guest events that a map puts where none can be.
 */
#ifndef VMSCOPE_SYNC_COUNT_H
#define VMSCOPE_SYNC_COUNT_H

#include <stdint.h>

#include "sync/observed.h"
#include "timeline/clock_map.h"

struct sync_count {
	const struct clock_map *map; /* to the host; borrowed */
	uint64_t n_events; /* that it puts between the first window of their vCPU and the last */
	/* per piece of the map, by the caller: of them, those outside any window */
	uint64_t *outside;
};

/* Counts a guest's events, by n maps in one walk. */
void sync_count(const struct observed_guest *guest, struct sync_count *counts, size_t n);

#endif
