/*
 * bits: integers of any size at any bit.
 *
 * CTF numbers bits from the least significant one of each byte in little-endian fields and from the
 * most significant one in big-endian fields.
 */
#ifndef VMSCOPE_CTF_BITS_H
#define VMSCOPE_CTF_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Reads `size` (1..64) bits at bit `pos`; touches only the bytes that hold them. */
static inline uint64_t bits_read_le(const uint8_t *data, uint64_t pos, unsigned size)
{
	uint64_t value = 0;
	unsigned got = 0;

	while (got < size) {
		unsigned shift = (unsigned)(pos & 7);
		unsigned take = 8 - shift < size - got ? 8 - shift : size - got;
		uint64_t part = (uint64_t)(data[pos >> 3] >> shift) & ((1u << take) - 1);

		value |= part << got;
		got += take;
		pos += take;
	}
	return value;
}

static inline uint64_t bits_read_be(const uint8_t *data, uint64_t pos, unsigned size)
{
	uint64_t value = 0;
	unsigned got = 0;

	while (got < size) {
		unsigned used = (unsigned)(pos & 7);
		unsigned take = 8 - used < size - got ? 8 - used : size - got;
		uint64_t part =
			(uint64_t)(data[pos >> 3] >> (8 - used - take)) & ((1u << take) - 1);

		value = value << take | part;
		got += take;
		pos += take;
	}
	return value;
}

static inline uint64_t bits_sign_extend(uint64_t value, unsigned size)
{
	unsigned up = 64 - size;

	return (uint64_t)((int64_t)(value << up) >> up);
}

static inline uint64_t bits_reverse(uint64_t value, unsigned size)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < size; i++)
		r |= (value >> i & 1) << (size - 1 - i);
	return r;
}

static inline uint64_t bits_align(uint64_t pos, uint64_t align)
{
	return (pos + align - 1) & ~(align - 1);
}

#endif
