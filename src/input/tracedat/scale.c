#include "input/tracedat/scale.h"

enum { SCALE_BITS = 63 };

struct tracedat_scale tracedat_scale_of_frequency(uint64_t hz)
{
	const unsigned __int128 billion = 1000000000;
	struct tracedat_scale s = {.shift = SCALE_BITS};
	/* Rounded up, so that whole ns stay whole. */
	unsigned __int128 mult = ((billion << s.shift) + hz - 1) / hz;

	while (mult >> SCALE_BITS) {
		mult >>= 1;
		s.shift--;
	}
	s.mult = (uint64_t)mult;
	return s;
}
