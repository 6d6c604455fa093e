/*
 * pack: unsigned numbers in few bits.
 *
 * Four packings, of which the encoder takes the smallest: all zero; one width for all; four widths,
 * for numbers that spread over decades, as durations do; and a bitmap of those that are not zero,
 * for columns that mostly are.
 */
#ifndef VMSCOPE_STORE_PACK_H
#define VMSCOPE_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "store/bits.h"
#include "base/bytes.h"
#include "store/format.h"
#include "store/kernels.h"

enum packing_kind { PACK_CONSTANT, PACK_FIXED, PACK_CLASSES, PACK_SPARSE, PACK_N };

enum { PACK_CLASSES_N = 4, PACK_MAX_WIDTH = 64 };

/* Numbers, and how they are to be packed. */
struct packing {
	/* What is to be packed. */
	uint32_t n; /* at most FORMAT_BLOCK_ROWS */
	/* none is larger, and the largest has as many bits; 0: they are not looked at */
	uint64_t top;
	uint64_t codes[FORMAT_BLOCK_ROWS + KERNEL_ROOM];

	/* Of pack_choose(). */
	uint8_t kind;
	uint8_t inner;			/* PACK_SPARSE: the packing of those that are not zero */
	uint8_t widths[PACK_CLASSES_N]; /* ascending; PACK_FIXED: the first */
	uint32_t n_dense; /* codes that are left; PACK_SPARSE: those not zero, less 1 */
	uint8_t lengths
		[FORMAT_BLOCK_ROWS]; /* PACK_CLASSES: bits of each of them; later, its width */
	uint64_t nonzero[FORMAT_BLOCK_ROWS / 64]; /* PACK_SPARSE: a bit per number */
	size_t size;				  /* bytes */
};

/*
 * Finds the smallest packing, nearly. Changes the codes: only pack_put() can tell what they are
 * then.
 */
void pack_choose(struct packing *p, const struct kernels *k);

/* Appends p->size bytes. Once only: what it needs is used up then. */
void pack_put(struct bytes *out, struct packing *p, const struct kernels *k);

/*
 * Takes n <= FORMAT_BLOCK_ROWS numbers of this packing. Only bytes of the slice count, but up to 9
 * behind it are loaded. Return: 0, or -1 when it ends early or is not sound.
 */
int pack_get(unsigned kind, struct slice *s, uint64_t *codes, uint32_t n);

#endif
