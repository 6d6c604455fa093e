#include "store/hash.h"

#include <string.h>

#include "base/load.h"

static const uint64_t P1 = 0x9E3779B185EBCA87, P2 = 0xC2B2AE3D27D4EB4F, P3 = 0x165667B19E3779F9,
		      P4 = 0x85EBCA77C2B2AE63, P5 = 0x27D4EB2F165667C5;

static inline uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t round64(uint64_t lane, uint64_t input)
{
	return rotate(lane + input * P2, 31) * P1;
}

static inline uint64_t merge_lane(uint64_t hash, uint64_t lane)
{
	return (hash ^ round64(0, lane)) * P1 + P4;
}

static struct hash_lanes begin_lanes(void)
{
	return (struct hash_lanes){P1 + P2, P2, 0, -P1};
}

/* The four lanes over all whole stripes. Return: where what is left begins. */
static const uint8_t *hash_stripes(struct hash_lanes *lanes, const uint8_t *at, const uint8_t *end)
{
	struct hash_lanes l = *lanes;

	for (; end - at >= HASH_STRIPE; at += HASH_STRIPE) {
		l.a = round64(l.a, load_u64(at, false));
		l.b = round64(l.b, load_u64(at + 8, false));
		l.c = round64(l.c, load_u64(at + 16, false));
		l.d = round64(l.d, load_u64(at + 24, false));
	}
	*lanes = l;
	return at;
}

static uint64_t join_lanes(const struct hash_lanes *l)
{
	uint64_t hash = rotate(l->a, 1) + rotate(l->b, 7) + rotate(l->c, 12) + rotate(l->d, 18);

	hash = merge_lane(merge_lane(hash, l->a), l->b);
	return merge_lane(merge_lane(hash, l->c), l->d);
}

static uint64_t hash_rest(uint64_t hash, const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= 8; at += 8)
		hash = rotate(hash ^ round64(0, load_u64(at, false)), 27) * P1 + P4;
	if (end - at >= 4) {
		hash = rotate(hash ^ load_u32(at, false) * P1, 23) * P2 + P3;
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
	struct hash_lanes lanes = begin_lanes();
	uint64_t hash = P5;

	if (n >= HASH_STRIPE) {
		at = hash_stripes(&lanes, at, end);
		hash = join_lanes(&lanes);
	}
	return avalanche(hash_rest(hash + n, at, end));
}

void hash_begin(struct hash_state *s)
{
	*s = (struct hash_state){.lanes = begin_lanes()};
}

void hash_add(struct hash_state *s, const void *data, size_t n)
{
	const uint8_t *at = data, *end = at + n;
	size_t kept = s->n % HASH_STRIPE, missing = HASH_STRIPE - kept;

	s->n += n;
	if (n < missing) {
		memcpy(s->rest + kept, at, n);
		return;
	}
	if (kept) {
		memcpy(s->rest + kept, at, missing);
		hash_stripes(&s->lanes, s->rest, s->rest + HASH_STRIPE);
		at += missing;
	}
	at = hash_stripes(&s->lanes, at, end);
	memcpy(s->rest, at, (size_t)(end - at));
}

uint64_t hash_end(const struct hash_state *s)
{
	uint64_t hash = s->n >= HASH_STRIPE ? join_lanes(&s->lanes) : P5;

	return avalanche(hash_rest(hash + s->n, s->rest, s->rest + s->n % HASH_STRIPE));
}
