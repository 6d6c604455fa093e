/*
 * bytes: numbers of the format put together, and taken apart without reading past the end.
 */
#ifndef VMSCOPE_STORE_BYTES_H
#define VMSCOPE_STORE_BYTES_H

#include <stddef.h>
#include <stdint.h>

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
