/*
 * gaps: triples of events, found again on another clock by the two gaps between them.
 */
#ifndef VMSCOPE_SYNC_GAPS_H
#define VMSCOPE_SYNC_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "sync/limits.h"

struct sync_triple {
	uint32_t cpu;	/* whose it is */
	uint32_t index; /* its number among the triples of that CPU */
	int64_t ts;	/* of the one in the middle */
	uint32_t next;	/* triple of the same key + 1, or 0 */
};

/*
 * How exactly gaps are compared: to about 2^this ns. Delays have to fit in, so slow machines need
 * the coarse one; of events that come thick and fast only the fine one tells any two apart.
 */
enum sync_grain { SYNC_COARSE = 15, SYNC_FINE = 12 };

struct sync_gaps {
	enum sync_grain grain;
	VEC(struct sync_triple) triples;
	struct map by_key;
};

/* The three times of a triple, in order, and what kind of event they are of. */
struct sync_times {
	int64_t at[3];
	uint32_t cause;
};

void sync_gaps_add(struct sync_gaps *g, const struct sync_times *t, uint32_t cpu, uint32_t index);

/*
 * Finds triples with nearly the same gaps as t, which is on another clock: delays of the grain
 * and drift of some hundred ppm do not matter. Gaps that many have tell nothing and are left
 * out. Return: how many; into found.
 */
size_t sync_gaps_find(const struct sync_gaps *g, const struct sync_times *t,
		      const struct sync_triple *found[SYNC_GAPS_FOUND]);
void sync_gaps_deinit(struct sync_gaps *g);

#endif
