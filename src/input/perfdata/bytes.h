/*
 * bytes: a stretch of bytes that is read in order, integers in the file's byte order.
 */
#ifndef VMSCOPE_PERFDATA_BYTES_H
#define VMSCOPE_PERFDATA_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/load.h"

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
	*vp = load_u32(part.at, b->big_endian);
	return true;
}

static inline bool perfdata_take_u64(struct perfdata_bytes *b, uint64_t *vp)
{
	struct perfdata_bytes part;

	if (!perfdata_take(b, sizeof(*vp), &part))
		return false;
	*vp = load_u64(part.at, b->big_endian);
	return true;
}

#endif
