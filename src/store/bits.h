/*
 * bits: numbers put one behind the other, without bytes between them. Lowest bits first.
 *
 * All of it is inline, so that each of the kernels (kernels.h) gets it for its own processor. There
 * have to be BITS_ROOM bytes of room behind what is put.
 */
#ifndef VMSCOPE_STORE_BITS_H
#define VMSCOPE_STORE_BITS_H

#include <stdint.h>

#include "store/format.h"

#define BITS_INLINE static inline __attribute__((always_inline))

enum {
	BITS_ROOM = 16,
	BITS_AT_ONCE = 56, /* at most */
};

struct bit_writer {
	uint8_t *at;
	uint64_t word;
	unsigned fill; /* bits of it, < 8 */
};

BITS_INLINE void bits_put(struct bit_writer *w, uint64_t x, unsigned width)
{
	w->word |= x << w->fill;
	format_store64(w->at, w->word);
	w->fill += width;
	w->at += w->fill / 8;
	w->word >>= w->fill & ~7U;
	w->fill &= 7;
}

BITS_INLINE void bits_put_wide(struct bit_writer *w, uint64_t x, unsigned width)
{
	unsigned low = width < 32 ? width : 32;

	bits_put(w, x & UINT32_MAX, low);
	bits_put(w, x >> 32, width - low);
}

/* Return: where the bytes end. */
BITS_INLINE uint8_t *bits_end(const struct bit_writer *w)
{
	return w->at + (w->fill != 0);
}

/* --- one width for all --- */

BITS_INLINE uint64_t bits_join(const uint64_t *codes, unsigned n, unsigned width)
{
	uint64_t x = 0;

	for (unsigned i = n; i--;)
		x = x << width | codes[i];
	return x;
}

/* Eight numbers take `width` bytes, which end with them. Return: how many numbers were put. */
BITS_INLINE uint32_t bits_put_eights(uint8_t **atp, const uint64_t *codes, uint32_t n,
				     unsigned width)
{
	uint8_t *at = *atp;
	uint32_t i = 0;

	for (; width <= 8 && i + 7 < n; i += 8, at += width)
		format_store64(at, bits_join(codes + i, 8, width));
	for (; width > 8 && width <= 16 && i + 7 < n; i += 8, at += width) {
		uint64_t low = bits_join(codes + i, 4, width);
		uint64_t high = bits_join(codes + i + 4, 4, width);

		format_store64(at, low | high << (4 * width - 1) << 1);
		format_store64(at + 8, high >> (64 - 4 * width));
	}
	*atp = at;
	return i;
}

/* Return: where they end. */
BITS_INLINE uint8_t *bits_put_fixed(uint8_t *at, const uint64_t *codes, uint32_t n, unsigned width)
{
	uint32_t i = bits_put_eights(&at, codes, n, width);
	struct bit_writer w = {.at = at};

	for (; width <= BITS_AT_ONCE / 2 && i + 1 < n; i += 2)
		bits_put(&w, codes[i] | codes[i + 1] << width, 2 * width);
	for (; i < n; i++)
		bits_put_wide(&w, codes[i], width);
	return bits_end(&w);
}

/* --- each of its own width --- */

BITS_INLINE void bits_put_two(struct bit_writer *w, const uint64_t *codes, const uint8_t *widths)
{
	bits_put(w, codes[0] | codes[1] << widths[0], (unsigned)widths[0] + widths[1]);
}

BITS_INLINE void bits_put_four(struct bit_writer *w, const uint64_t *codes, const uint8_t *widths)
{
	unsigned two = (unsigned)widths[0] + widths[1], three = two + widths[2];

	bits_put(w, codes[0] | codes[1] << widths[0] | codes[2] << two | codes[3] << three,
		 three + widths[3]);
}

/* widest: of the widths. Return: where they end. */
BITS_INLINE uint8_t *bits_put_each(uint8_t *at, const uint64_t *codes, const uint8_t *widths,
				   uint32_t n, unsigned widest)
{
	struct bit_writer w = {.at = at};
	uint32_t i = 0;

	for (; widest <= BITS_AT_ONCE / 4 && i + 3 < n; i += 4)
		bits_put_four(&w, codes + i, widths + i);
	for (; widest <= BITS_AT_ONCE / 2 && i + 1 < n; i += 2)
		bits_put_two(&w, codes + i, widths + i);
	for (; i < n; i++)
		bits_put_wide(&w, codes[i], widths[i]);
	return bits_end(&w);
}

/* Return: how many bits x needs; 0 for 0. */
static inline unsigned bit_length(uint64_t x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

#endif
