/*
 * range: a part of a recording, of which alone is told.
 */
#ifndef VMSCOPE_RESULTS_RANGE_H
#define VMSCOPE_RESULTS_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* [from, to), ns on the recording's time line. */
struct results_range {
	bool given; /* otherwise all of it */
	int64_t from, to;
};

#endif
