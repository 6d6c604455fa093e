/*
 * load: integers of either byte order, from bytes that need not be aligned.
 */
#ifndef VMSCOPE_BASE_LOAD_H
#define VMSCOPE_BASE_LOAD_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t load_u16(const uint8_t *at, bool big_endian)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return big_endian ? be16toh(v) : le16toh(v);
}

static inline uint32_t load_u32(const uint8_t *at, bool big_endian)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return big_endian ? be32toh(v) : le32toh(v);
}

static inline uint64_t load_u64(const uint8_t *at, bool big_endian)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return big_endian ? be64toh(v) : le64toh(v);
}

/* Eight bytes at most before the first NUL. */
static inline size_t load_length_in_word(const uint8_t *at)
{
	uint64_t low = UINT64_C(0x0101010101010101);
	uint64_t v = load_u64(at, false), nuls = (v - low) & ~v & low << 7;

	return nuls ? (size_t)__builtin_ctzll(nuls) / 8 : 8;
}

/* What kernels keep of a thread's name: TASK_COMM_LEN. */
enum { LOAD_COMM = 16 };

/* Return: of LOAD_COMM bytes, those before the first NUL. Nearly every event has a name, so it
 * counts how long this takes. */
static inline size_t load_comm_length(const uint8_t *at)
{
	size_t n = load_length_in_word(at);

	return n < 8 ? n : 8 + load_length_in_word(at + 8);
}

#endif
