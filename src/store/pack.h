/*
 * pack: unsigned numbers in few bits.
 *
 * Four packings, of which the encoder takes the smallest: all zero; one width for all; four widths,
 * for numbers that spread over decades, as durations do; and a bitmap of those that are not zero, for
 * columns that mostly are.
 */
#ifndef VMSCOPE_STORE_PACK_H
#define VMSCOPE_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "store/bytes.h"

enum packing_kind { PACK_CONSTANT, PACK_FIXED, PACK_CLASSES, PACK_SPARSE, PACK_N };

enum { PACK_CLASSES_N = 4, PACK_MAX_WIDTH = 64 };

/* How numbers are to be packed, and how many bytes that takes. */
struct packing {
	uint8_t kind;
	uint8_t inner;			/* PACK_SPARSE: the packing of those that are not zero */
	uint8_t widths[PACK_CLASSES_N]; /* ascending; PACK_FIXED: the first */
	size_t size;
};

static inline unsigned bit_length(uint64_t x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* n is at most FORMAT_BLOCK_ROWS; top: the largest of them. They are not looked at if that is 0. */
struct packing pack_choose(const uint64_t *codes, uint32_t n, uint64_t top);

/* Appends p.size bytes. */
void pack_put(struct bytes *out, const struct packing *p, const uint64_t *codes, uint32_t n);

/*
 * Takes n <= FORMAT_BLOCK_ROWS numbers of this packing. Only bytes of the slice count, but up to 9
 * behind it are loaded. Return: 0, or -1 when it ends early or is not sound.
 */
int pack_get(unsigned kind, struct slice *s, uint64_t *codes, uint32_t n);

#endif
