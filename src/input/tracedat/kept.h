/*
 * kept: chunks that opening decompressed, as long as they are not more than a few MiB.
 *
 * Where a clock's rate has to be found out, opening looks at most of a short recording, and
 * everything is read again after it. Filled by opening alone, and only read from then on, so that
 * several threads can.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_KEPT_H
#define VMSCOPE_INPUT_TRACEDAT_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"

struct tracedat_chunk {
	const uint8_t *at; /* borrowed from struct tracedat_kept */
	size_t n;	   /* bytes */
};

/* Zeroed, it is empty and keeps nothing. */
struct tracedat_kept {
	struct map index; /* in chunks; by the byte of the file at which one begins */
	VEC(struct tracedat_chunk) chunks;
	uint8_t *memory; /* owned; of `room` bytes the first n are used */
	size_t room, n;
};

/* Makes room for `size` bytes, or fewer if that is much. It may have room already. */
void tracedat_kept_init(struct tracedat_kept *k, uint64_t size);
void tracedat_kept_deinit(struct tracedat_kept *k);

/*
 * Return: room for a chunk of `size` bytes, which tracedat_kept_put() makes one of those that are
 * kept; NULL: there is none.
 */
uint8_t *tracedat_kept_room(const struct tracedat_kept *k, size_t size);

/*
 * There are n bytes in the room that was asked for last; the chunk begins at byte `place` of the
 * file.
 */
void tracedat_kept_put(struct tracedat_kept *k, uint64_t place, size_t n);

/* Return: NULL if it is not kept. */
const struct tracedat_chunk *tracedat_kept_find(const struct tracedat_kept *k, uint64_t place);

#endif
