#include "store/hash.h"

#include <endian.h>
#include <string.h>

static const uint64_t P1 = 0x9E3779B185EBCA87, P2 = 0xC2B2AE3D27D4EB4F, P3 = 0x165667B19E3779F9,
		      P4 = 0x85EBCA77C2B2AE63, P5 = 0x27D4EB2F165667C5;

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	return le64toh(x);
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t x;

	memcpy(&x, at, sizeof(x));
	return le32toh(x);
}

static inline uint64_t round64(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * P2, 31) * P1;
}

static inline uint64_t merge_lane(uint64_t hash, uint64_t lane)
{
	return (hash ^ round64(0, lane)) * P1 + P4;
}

/* The four lanes over all whole stripes of 32 bytes. */
static uint64_t hash_stripes(const uint8_t **atp, const uint8_t *end)
{
	const uint8_t *at = *atp;
	uint64_t a = P1 + P2, b = P2, c = 0, d = -P1;

	for (; end - at >= 32; at += 32) {
		a = round64(a, load64(at));
		b = round64(b, load64(at + 8));
		c = round64(c, load64(at + 16));
		d = round64(d, load64(at + 24));
	}
	*atp = at;
	uint64_t hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);

	return merge_lane(merge_lane(merge_lane(merge_lane(hash, a), b), c), d);
}

static uint64_t hash_rest(uint64_t hash, const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= 8; at += 8)
		hash = rotate(hash ^ round64(0, load64(at)), 27) * P1 + P4;
	if (end - at >= 4) {
		hash = rotate(hash ^ load32(at) * P1, 23) * P2 + P3;
		at += 4;
	}
	for (; at < end; at++)
		hash = rotate(hash ^ *at * P5, 11) * P1;
	return hash;
}

static uint64_t avalanche(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * P2;
	hash = (hash ^ hash >> 29) * P3;
	return hash ^ hash >> 32;
}

uint64_t hash_bytes(const void *data, size_t n)
{
	const uint8_t *at = data, *end = at + n;
	uint64_t hash = n >= 32 ? hash_stripes(&at, end) : P5;

	return avalanche(hash_rest(hash + n, at, end));
}
