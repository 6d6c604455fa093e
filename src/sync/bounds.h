/*
 * bounds: many bounds on the difference of two clocks, of which only those are kept that no others
 * imply.
 */
#ifndef VMSCOPE_SYNC_BOUNDS_H
#define VMSCOPE_SYNC_BOUNDS_H

#include "base/mem.h"
#include "sync/fit.h"
#include "sync/hull.h"

struct sync_bounds {
	VEC(struct sync_bound) at;
	size_t thinned; /* how many were left when they were thinned last */
};

static inline void sync_bounds_put(struct sync_bounds *b, int64_t at, int64_t value,
				   enum sync_side side)
{
	*vec_push(&b->at) = (struct sync_bound){.at = at, .value = value, .side = side};
}

/* Sorts bounds by time. */
void sync_bounds_sort(struct sync_bound *bounds, size_t n);

/* Leaves of n bounds in order only those on their hull, in order. Return: how many. */
size_t sync_bounds_thin_hull(struct sync_bound *bounds, size_t n);

/* The same with a hull of some neighbours each. */
size_t sync_bounds_thin_groups(struct sync_bound *bounds, size_t n);

/*
 * The same with larger groups, but none across a rate change of the clock, which would be hidden:
 * where there are very many, and many since it was done last. Return: whether it was done.
 */
bool sync_bounds_make_room(struct sync_bounds *b, const struct sync_fit_options *o);

#endif
