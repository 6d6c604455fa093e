/*
 * bytes: numbers and strings read one after the other from a stretch of memory in the file's byte
 * order.
 *
 * What is past the end reads as 0 or "" and is remembered in `bad`: a caller reads a whole group
 * and asks once.
 */
#ifndef VMSCOPE_INPUT_FTRACE_BYTES_H
#define VMSCOPE_INPUT_FTRACE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/load.h"

struct bytes {
	const uint8_t *at;
	size_t n; /* left */
	bool big_endian;
	bool bad;
};

/* Takes n bytes off. Return: them, or NULL when there are not so many. */
static inline const uint8_t *bytes_take(struct bytes *b, uint64_t n)
{
	const uint8_t *at = b->at;

	if (b->bad || n > b->n) {
		b->bad = true;
		return NULL;
	}
	b->at += n;
	b->n -= n;
	return at;
}

static inline uint8_t bytes_u8(struct bytes *b)
{
	const uint8_t *at = bytes_take(b, sizeof(uint8_t));

	return at ? *at : 0;
}

static inline uint16_t bytes_u16(struct bytes *b)
{
	const uint8_t *at = bytes_take(b, sizeof(uint16_t));

	return at ? load_u16(at, b->big_endian) : 0;
}

static inline uint32_t bytes_u32(struct bytes *b)
{
	const uint8_t *at = bytes_take(b, sizeof(uint32_t));

	return at ? load_u32(at, b->big_endian) : 0;
}

static inline uint64_t bytes_u64(struct bytes *b)
{
	const uint8_t *at = bytes_take(b, sizeof(uint64_t));

	return at ? load_u64(at, b->big_endian) : 0;
}

/* A string that ends with a NUL. Return: it, borrowed; "" when it does not end. */
static inline const char *bytes_string(struct bytes *b)
{
	const uint8_t *end = b->n && !b->bad ? memchr(b->at, 0, b->n) : NULL;
	const uint8_t *at = bytes_take(b, end ? (uint64_t)(end - b->at) + 1 : b->n + UINT64_C(1));

	return at ? (const char *)at : "";
}

/* A stretch of its own, of n bytes; empty and bad when there are not so many. */
static inline struct bytes bytes_part(struct bytes *b, uint64_t n)
{
	const uint8_t *at = bytes_take(b, n);

	return (struct bytes){.at = at, .n = at ? n : 0, .big_endian = b->big_endian, .bad = !at};
}

#endif
