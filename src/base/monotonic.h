/*
 * monotonic: the time by a clock that is never set, for how long something takes and may take.
 */
#ifndef VMSCOPE_BASE_MONOTONIC_H
#define VMSCOPE_BASE_MONOTONIC_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Return: ns since some time before the program began. */
static inline int64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Return: the time, as monotonic_ns(), at which so many seconds are over. */
static inline int64_t monotonic_after_s(unsigned seconds)
{
	return monotonic_ns() + (int64_t)seconds * INT64_C(1000000000);
}

static inline bool monotonic_is_past(int64_t ns)
{
	return monotonic_ns() >= ns;
}

#endif
