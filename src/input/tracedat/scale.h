/*
 * scale: from what a clock counted to ns.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_SCALE_H
#define VMSCOPE_INPUT_TRACEDAT_SCALE_H

#include "input/tracedat/tracedat.h"

/* One count is one ns. */
static inline struct tracedat_scale tracedat_scale_ns(int64_t offset)
{
	return (struct tracedat_scale){.mult = 1, .offset = offset};
}

/* So many counts a second; hz is not 0. Rounded by less than one part in 2^62. */
struct tracedat_scale tracedat_scale_of_frequency(uint64_t hz);

/* Rounded down; what does not fit is the greatest or least that does. */
static inline int64_t tracedat_scale_to_ns(const struct tracedat_scale *s, uint64_t count)
{
	unsigned __int128 scaled = (unsigned __int128)count * s->mult >> s->shift;
	int64_t ns;

	if (__builtin_expect(scaled > INT64_MAX, 0))
		scaled = INT64_MAX;
	if (__builtin_expect(__builtin_add_overflow((int64_t)scaled, s->offset, &ns), 0))
		return s->offset < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

#endif
