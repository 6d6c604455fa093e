/*
 * random_type: trace types that no metadata would describe, but could.
 *
 * One stream class with a few event classes, whose fields are of every kind, nested, of any size,
 * alignment, byte and bit order, and depend on one another.
 */
#ifndef VMSCOPE_TESTS_CTF_RANDOM_TYPE_H
#define VMSCOPE_TESTS_CTF_RANDOM_TYPE_H

#include <stdint.h>

#include "input/ctf/type.h"

/* splitmix64; any seed will do. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return random_next(state) % n;
}

/* Makes a finished type, to be deinitialized by the caller. */
void random_type(struct ctf_trace_type *t, uint64_t *rng);

#endif
