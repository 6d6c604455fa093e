/*
 * hash: XXH64 with seed 0, the checksum of the results file.
 */
#ifndef VMSCOPE_STORE_HASH_H
#define VMSCOPE_STORE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *at, size_t n);

enum { HASH_STRIPE = 32 };

struct hash_lanes {
	uint64_t a, b, c, d;
};

/* The same of bytes that come one after another. */
struct hash_state {
	struct hash_lanes lanes;
	uint8_t rest[HASH_STRIPE]; /* after the last whole stripe: n % HASH_STRIPE bytes */
	uint64_t n;
};

void hash_begin(struct hash_state *s);
void hash_add(struct hash_state *s, const void *at, size_t n);
uint64_t hash_end(const struct hash_state *s);

#endif
