/*
 * bytes: integers in a file's byte order, and a stretch of bytes that is read in order.
 */
#ifndef VMSCOPE_PERFDATA_BYTES_H
#define VMSCOPE_PERFDATA_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t perfdata_u16(const uint8_t *at, bool big_endian)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return big_endian ? be16toh(v) : le16toh(v);
}

static inline uint32_t perfdata_u32(const uint8_t *at, bool big_endian)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return big_endian ? be32toh(v) : le32toh(v);
}

static inline uint64_t perfdata_u64(const uint8_t *at, bool big_endian)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return big_endian ? be64toh(v) : le64toh(v);
}

/* What is left to be read. */
struct perfdata_bytes {
	const uint8_t *at; /* borrowed */
	size_t n;
	bool big_endian;
};

/* Takes n bytes off b. Return: whether there are so many; if not, b and *partp are untouched. */
static inline bool perfdata_take(struct perfdata_bytes *b, uint64_t n, struct perfdata_bytes *partp)
{
	if (n > b->n)
		return false;
	*partp = (struct perfdata_bytes){b->at, (size_t)n, b->big_endian};
	b->at += n;
	b->n -= (size_t)n;
	return true;
}

static inline bool perfdata_take_u32(struct perfdata_bytes *b, uint32_t *vp)
{
	struct perfdata_bytes part;

	if (!perfdata_take(b, sizeof(*vp), &part))
		return false;
	*vp = perfdata_u32(part.at, b->big_endian);
	return true;
}

static inline bool perfdata_take_u64(struct perfdata_bytes *b, uint64_t *vp)
{
	struct perfdata_bytes part;

	if (!perfdata_take(b, sizeof(*vp), &part))
		return false;
	*vp = perfdata_u64(part.at, b->big_endian);
	return true;
}

#endif
