#include "rng.h"

#include <math.h>

static uint64_t rotl(uint64_t x, unsigned k)
{
	return (x << k) | (x >> (64 - k));
}

void rng_init(struct rng *r, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t result = rotl(r->s[1] * 5, 7) * 9, t = r->s[1] << 17;
	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl(r->s[3], 45);
	return result;
}

static double unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

int64_t rng_range(struct rng *r, int64_t lo, int64_t hi)
{
	uint64_t span = (uint64_t)(hi - lo) + 1;
	return lo + (int64_t)(((unsigned __int128)rng_u64(r) * span) >> 64);
}

bool rng_percent(struct rng *r, double percent)
{
	return percent > 0 && unit(r) * 100 < percent;
}

int64_t rng_exp(struct rng *r, int64_t mean)
{
	double x = -log(1 - unit(r));
	return (int64_t)((double)mean * (x > 8 ? 8 : x));
}
