/*
 * bytes: what is written to files put together in memory; and numbers of varying length, as LEB128
 * has them, taken apart without reading past the end.
 */
#ifndef VMSCOPE_BASE_BYTES_H
#define VMSCOPE_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

enum { BYTES_MAX_VARINT = 10 };

/* Small numbers of either sign as small ones without: 0, -1, 1, -2, ... */
static inline uint64_t bytes_zigzag(int64_t x)
{
	return (uint64_t)x << 1 ^ (uint64_t)(x >> 63);
}

static inline int64_t bytes_unzigzag(uint64_t x)
{
	return (int64_t)(x >> 1 ^ -(x & 1));
}

/* Bytes being put together. */
struct bytes {
	uint8_t *at; /* owned */
	size_t n, cap;
};

/* Return: room for `more` bytes behind the last one; the caller adds to n what it used. */
uint8_t *bytes_room(struct bytes *b, size_t more);
void bytes_put(struct bytes *b, const void *at, size_t n);
void bytes_varint(struct bytes *b, uint64_t x);
void bytes_svarint(struct bytes *b, int64_t x);
void bytes_deinit(struct bytes *b);

/* Bytes being read. */
struct slice {
	const uint8_t *at, *end;
};

/* Return: 0, or -1 when there is no sound number there. */
int slice_varint(struct slice *s, uint64_t *xp);
int slice_svarint(struct slice *s, int64_t *xp);

#endif
