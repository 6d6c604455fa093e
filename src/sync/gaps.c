#include "sync/gaps.h"

#include <stdlib.h>

#include "sync/limits.h"
static uint64_t gap_code(const struct sync_gaps *g, int64_t gap)
{
	uint64_t ns = gap < 0 ? 0 : (uint64_t)gap;
	unsigned int grain = g->grain, shift = grain,
		     top = 63 - (unsigned int)__builtin_clzll(ns | 1);

	if (top > grain + GAPS_SCALE_BITS)
		shift = top - GAPS_SCALE_BITS;
	return (ns >> shift) + ((uint64_t)(shift - grain) << GAPS_SCALE_BITS);
}

static uint64_t key_of(uint64_t first, uint64_t second, uint32_t cause)
{
	return first << 20 | second << 4 | cause;
}

void sync_gaps_add(struct sync_gaps *g, const struct sync_times *t, uint32_t cpu, uint32_t index)
{
	uint64_t key = key_of(gap_code(g, t->at[1] - t->at[0]), gap_code(g, t->at[2] - t->at[1]),
			      t->cause);
	uint64_t *first = map_put(&g->by_key, key, 0);

	*vec_push(&g->triples) = (struct sync_triple){
		.cpu = cpu, .index = index, .ts = t->at[1], .next = (uint32_t)*first};
	*first = g->triples.n;
}

static size_t find_key(const struct sync_gaps *g, uint64_t key, const struct sync_triple **found)
{
	const uint64_t *first = map_get(&g->by_key, key);
	size_t n = 0;

	for (uint64_t i = first ? *first : 0; i; i = g->triples.at[i - 1].next) {
		if (n == GAPS_MAX_ALIKE)
			return 0;
		found[n++] = &g->triples.at[i - 1];
	}
	return n;
}

size_t sync_gaps_find(const struct sync_gaps *g, const struct sync_times *t,
		      const struct sync_triple *found[SYNC_GAPS_FOUND])
{
	uint64_t first = gap_code(g, t->at[1] - t->at[0]),
		 second = gap_code(g, t->at[2] - t->at[1]);
	size_t n = 0;

	for (int i = -1; i <= 1; i++)
		for (int k = -1; k <= 1; k++)
			if ((first || i >= 0) && (second || k >= 0))
				n += find_key(
					g,
					key_of(first + (uint64_t)i, second + (uint64_t)k, t->cause),
					found + n);
	return n;
}

void sync_gaps_deinit(struct sync_gaps *g)
{
	vec_deinit(&g->triples);
	map_deinit(&g->by_key);
}
