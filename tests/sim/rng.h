/*
 * rng: the simulator's own random numbers, so that a seed means the same trace everywhere.
 *
 * xoshiro256** (Blackman and Vigna, public domain algorithm), seeded through splitmix64.
 */
#ifndef VMSCOPE_SIM_RNG_H
#define VMSCOPE_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);

/* Return: an integer in [lo, hi]. lo <= hi. */
int64_t rng_range(struct rng *r, int64_t lo, int64_t hi);

/* Return: true with a probability of percent / 100. */
bool rng_percent(struct rng *r, double percent);

/* Return: an exponentially distributed value of the given mean, at most 8 times the mean. */
int64_t rng_exp(struct rng *r, int64_t mean);

#endif
