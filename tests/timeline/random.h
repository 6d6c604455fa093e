/*
 * random: numbers for property tests, the same in every run.
 */
#ifndef VMSCOPE_TESTS_TIMELINE_RANDOM_H
#define VMSCOPE_TESTS_TIMELINE_RANDOM_H

#include <math.h>
#include <stdint.h>

/* splitmix64; any seed will do. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* In [low, high]. */
static inline int64_t random_in(uint64_t *state, int64_t low, int64_t high)
{
	return (int64_t)((uint64_t)low + random_next(state) % ((uint64_t)high - (uint64_t)low + 1));
}

/* Exponentially distributed, at least 1. */
static inline int64_t random_exp(uint64_t *state, double mean)
{
	double u = (double)(random_next(state) >> 11) * 0x1p-53;

	return 1 + (int64_t)(-mean * log1p(-u));
}

#endif
