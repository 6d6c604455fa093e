#include "store/pack.h"

#include <stdbool.h>
#include <string.h>

#include "store/format.h"

enum {
	GROUP = 64,   /* numbers that share a bit of a sparse packing's first bitmap */
	FEW_BITS = 3, /* so narrow that the selectors of classes would not pay */
};

static size_t bytes_of_bits(uint64_t bits)
{
	return (size_t)((bits + 7) / 8);
}

/* --- choosing --- */

/* Lengths of numbers that occur, and how many numbers are as long or shorter. */
struct lengths {
	uint8_t at[PACK_MAX_WIDTH + 1];
	uint32_t upto[PACK_MAX_WIDTH + 1];
	unsigned n;
};

static void count_lengths(const uint64_t *codes, uint32_t n, struct lengths *l)
{
	uint32_t counts[PACK_MAX_WIDTH + 1] = {0}, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		counts[bit_length(codes[i])]++;
	l->n = 0;
	for (unsigned i = 0; i <= PACK_MAX_WIDTH; i++) {
		sum += counts[i];
		if (counts[i]) {
			l->at[l->n] = (uint8_t)i;
			l->upto[l->n++] = sum;
		}
	}
}

/*
 * Finds the widths of the classes for which all numbers together take the fewest bits. bits[k][j]:
 * the least for all of at most the j-th length, with k + 1 classes; last[k][j]: which length the
 * class before the last one has then. Return: bits.
 */
static uint32_t choose_widths(const struct lengths *l, uint8_t *widths)
{
	uint32_t bits[PACK_CLASSES_N][PACK_MAX_WIDTH + 1];
	uint8_t last[PACK_CLASSES_N][PACK_MAX_WIDTH + 1];

	for (unsigned j = 0; j < l->n; j++)
		bits[0][j] = l->at[j] * l->upto[j];
	for (unsigned k = 1; k < PACK_CLASSES_N; k++) {
		for (unsigned j = 0; j < l->n; j++) {
			bits[k][j] = bits[k - 1][j];
			last[k][j] = (uint8_t)j;
			for (unsigned i = 0; i < j; i++) {
				uint32_t sum =
					bits[k - 1][i] + l->at[j] * (l->upto[j] - l->upto[i]);

				if (sum < bits[k][j]) {
					bits[k][j] = sum;
					last[k][j] = (uint8_t)i;
				}
			}
		}
	}
	unsigned j = l->n - 1;

	for (unsigned k = PACK_CLASSES_N; k-- > 0;) {
		widths[k] = l->at[j];
		j = k ? last[k][j] : 0;
	}
	return bits[PACK_CLASSES_N - 1][l->n - 1];
}

static struct packing fixed(unsigned width, uint32_t n)
{
	return (struct packing){.kind = PACK_FIXED,
				.widths = {(uint8_t)width},
				.size = 1 + bytes_of_bits((uint64_t)width * n)};
}

/* Fixed, or classes where they are smaller. */
static struct packing choose_dense(const uint64_t *codes, uint32_t n, uint64_t top)
{
	struct packing p = fixed(bit_length(top), n), classes = {.kind = PACK_CLASSES};
	struct lengths l;

	if (p.widths[0] <= FEW_BITS)
		return p;
	count_lengths(codes, n, &l);
	uint32_t bits = choose_widths(&l, classes.widths);

	classes.size = PACK_CLASSES_N + bytes_of_bits(2 * (uint64_t)n) + bytes_of_bits(bits);
	return classes.size < p.size ? classes : p;
}

/* Takes out those that are not zero, less 1. Return: how many. */
static uint32_t take_nonzero(const uint64_t *codes, uint32_t n, uint64_t *inner)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		inner[k] = codes[i] - 1;
		k += codes[i] != 0;
	}
	return k;
}

static uint32_t count_groups(const uint64_t *codes, uint32_t n)
{
	uint32_t groups = 0;

	for (uint32_t i = 0; i < n; i += GROUP) {
		uint64_t any = 0;

		for (uint32_t k = i; k < n && k < i + GROUP; k++)
			any |= codes[k];
		groups += any != 0;
	}
	return groups;
}

static size_t groups_size(uint32_t n)
{
	return bytes_of_bits((n + GROUP - 1) / GROUP);
}

static struct packing choose_sparse(const uint64_t *codes, uint32_t n, uint64_t top)
{
	uint64_t inner[FORMAT_BLOCK_ROWS + 1];
	uint32_t k = take_nonzero(codes, n, inner);
	struct packing p = {.kind = PACK_CONSTANT};

	if (top > 1)
		p = choose_dense(inner, k, top - 1);
	p.inner = p.kind;
	p.kind = PACK_SPARSE;
	p.size += groups_size(n) + 8 * (size_t)count_groups(codes, n) + 1;
	return p;
}

static uint32_t count_zeros(const uint64_t *codes, uint32_t n)
{
	uint32_t zeros = 0;

	for (uint32_t i = 0; i < n; i++)
		zeros += codes[i] == 0;
	return zeros;
}

struct packing pack_choose(const uint64_t *codes, uint32_t n, uint64_t top)
{
	if (!top)
		return (struct packing){.kind = PACK_CONSTANT};
	struct packing p = choose_dense(codes, n, top);

	/* A bitmap takes a bit, and a zero saves at most the width of all. */
	if (bit_length(top) > 1 ? count_zeros(codes, n) >= n / 3 : n > GROUP) {
		struct packing sparse = choose_sparse(codes, n, top);

		p = sparse.size < p.size ? sparse : p;
	}
	return p;
}

/* --- writing --- */

struct bit_writer {
	uint8_t *at;
	uint64_t word;
	unsigned fill; /* bits of it, < 64 */
};

static inline void put_bits(struct bit_writer *w, uint64_t x, unsigned width)
{
	w->word |= x << w->fill;
	w->fill += width;
	if (w->fill < 64)
		return;
	format_store64(w->at, w->word);
	w->at += 8;
	w->fill -= 64;
	w->word = w->fill && w->fill < width ? x >> (width - w->fill) : 0;
}

/* Return: where the bytes end. */
static uint8_t *finish_bits(const struct bit_writer *w)
{
	format_store64(w->at, w->word);
	return w->at + bytes_of_bits(w->fill);
}

static uint8_t *put_fixed(uint8_t *at, const uint64_t *codes, uint32_t n, unsigned width)
{
	struct bit_writer w = {.at = at + 1};

	*at = (uint8_t)width;
	for (uint32_t i = 0; i < n; i++)
		put_bits(&w, codes[i], width);
	return finish_bits(&w);
}

static uint8_t *put_classes(uint8_t *at, const uint64_t *codes, uint32_t n, const uint8_t *widths)
{
	const size_t selectors_size = bytes_of_bits(2 * (uint64_t)n);
	uint8_t scratch[FORMAT_BLOCK_ROWS / 4 + 8], class_of[PACK_MAX_WIDTH + 1];
	struct bit_writer selectors = {.at = scratch};
	struct bit_writer w = {.at = at + PACK_CLASSES_N + selectors_size};

	for (unsigned length = 0, c = 0; length <= widths[PACK_CLASSES_N - 1]; length++) {
		while (widths[c] < length)
			c++;
		class_of[length] = (uint8_t)c;
	}
	for (uint32_t i = 0; i < n; i++) {
		unsigned c = class_of[bit_length(codes[i])];

		put_bits(&selectors, c, 2);
		put_bits(&w, codes[i], widths[c]);
	}
	finish_bits(&selectors);
	memcpy(at, widths, PACK_CLASSES_N);
	memcpy(at + PACK_CLASSES_N, scratch, selectors_size);
	return finish_bits(&w);
}

static uint8_t *put_dense(uint8_t *at, unsigned kind, const uint8_t *widths, const uint64_t *codes,
			  uint32_t n)
{
	if (kind == PACK_FIXED)
		return put_fixed(at, codes, n, widths[0]);
	if (kind == PACK_CLASSES)
		return put_classes(at, codes, n, widths);
	return at;
}

/* The bitmap of groups, and that of each group that has a bit in it. */
static uint8_t *put_bitmaps(uint8_t *at, const uint64_t *codes, uint32_t n)
{
	uint8_t *groups = at;

	memset(groups, 0, groups_size(n));
	at += groups_size(n);
	for (uint32_t i = 0; i < n; i += GROUP) {
		uint64_t bits = 0;

		for (uint32_t k = i; k < n && k < i + GROUP; k++)
			bits |= (uint64_t)(codes[k] != 0) << (k - i);
		if (!bits)
			continue;
		groups[i / GROUP / 8] |= (uint8_t)(1 << (i / GROUP % 8));
		format_store64(at, bits);
		at += 8;
	}
	return at;
}

static uint8_t *put_sparse(uint8_t *at, const struct packing *p, const uint64_t *codes, uint32_t n)
{
	uint64_t inner[FORMAT_BLOCK_ROWS + 1];
	uint32_t k = take_nonzero(codes, n, inner);

	at = put_bitmaps(at, codes, n);
	*at++ = p->inner;
	return put_dense(at, p->inner, p->widths, inner, k);
}

void pack_put(struct bytes *out, const struct packing *p, const uint64_t *codes, uint32_t n)
{
	uint8_t *at = bytes_room(out, p->size + 16);

	if (p->kind == PACK_SPARSE)
		at = put_sparse(at, p, codes, n);
	else
		at = put_dense(at, p->kind, p->widths, codes, n);
	out->n = (size_t)(at - out->at);
}

/* --- reading --- */

/* The `width` bits from bit `bit` on; loads up to 9 bytes from where they begin. */
static inline uint64_t get_bits(const uint8_t *at, uint64_t bit, unsigned width)
{
	const uint8_t *p = at + (bit >> 3);
	unsigned shift = bit & 7;
	uint64_t x = format_load64(p) >> shift;

	if (width + shift > 64)
		x |= (uint64_t)p[8] << (64 - shift);
	return width == 64 ? x : x & ((UINT64_C(1) << width) - 1);
}

static size_t left(const struct slice *s)
{
	return (size_t)(s->end - s->at);
}

static int get_fixed(struct slice *s, uint64_t *codes, uint32_t n)
{
	if (s->at == s->end || *s->at > PACK_MAX_WIDTH)
		return -1;
	unsigned width = *s->at++;
	size_t size = bytes_of_bits((uint64_t)width * n);
	uint64_t bit = 0;

	if (size > left(s))
		return -1;
	for (uint32_t i = 0; i < n; i++, bit += width)
		codes[i] = get_bits(s->at, bit, width);
	s->at += size;
	return 0;
}

static uint64_t count_class_bits(const uint8_t *selectors, uint32_t n, const uint8_t *widths)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < n; i++)
		bits += widths[selectors[i >> 2] >> (2 * (i & 3)) & 3];
	return bits;
}

static int get_classes(struct slice *s, uint64_t *codes, uint32_t n)
{
	const size_t selectors_size = bytes_of_bits(2 * (uint64_t)n);
	const uint8_t *widths = s->at, *selectors = s->at + PACK_CLASSES_N;

	if (left(s) < PACK_CLASSES_N + selectors_size)
		return -1;
	for (int i = 0; i < PACK_CLASSES_N; i++) {
		if (widths[i] > PACK_MAX_WIDTH)
			return -1;
	}
	s->at += PACK_CLASSES_N + selectors_size;
	size_t size = bytes_of_bits(count_class_bits(selectors, n, widths));
	uint64_t bit = 0;

	if (size > left(s))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		unsigned width = widths[selectors[i >> 2] >> (2 * (i & 3)) & 3];

		codes[i] = get_bits(s->at, bit, width);
		bit += width;
	}
	s->at += size;
	return 0;
}

static int get_dense(unsigned kind, struct slice *s, uint64_t *codes, uint32_t n)
{
	switch (kind) {
	case PACK_CONSTANT:
		memset(codes, 0, n * sizeof(*codes));
		return 0;
	case PACK_FIXED:
		return get_fixed(s, codes, n);
	case PACK_CLASSES:
		return get_classes(s, codes, n);
	}
	return -1;
}

/* Numbers of those that are not zero. Return: how many, or -1 when the bitmaps are not sound. */
static int get_bitmaps(struct slice *s, uint32_t n, uint16_t *where)
{
	const uint8_t *groups = s->at;
	int k = 0;

	if (left(s) < groups_size(n))
		return -1;
	s->at += groups_size(n);
	for (uint32_t i = 0; i < n; i += GROUP) {
		if (!(groups[i / GROUP / 8] >> (i / GROUP % 8) & 1))
			continue;
		if (left(s) < 8)
			return -1;
		uint64_t bits = format_load64(s->at);

		s->at += 8;
		if (n - i < GROUP && bits >> (n - i))
			return -1;
		for (; bits; bits &= bits - 1)
			where[k++] = (uint16_t)(i + (uint32_t)__builtin_ctzll(bits));
	}
	return k;
}

static int get_sparse(struct slice *s, uint64_t *codes, uint32_t n)
{
	uint16_t where[FORMAT_BLOCK_ROWS];
	uint64_t inner[FORMAT_BLOCK_ROWS];
	int k = get_bitmaps(s, n, where);

	if (k < 0 || s->at == s->end)
		return -1;
	unsigned kind = *s->at++;

	if (get_dense(kind, s, inner, (uint32_t)k))
		return -1;
	memset(codes, 0, n * sizeof(*codes));
	for (int i = 0; i < k; i++)
		codes[where[i]] = inner[i] + 1;
	return 0;
}

int pack_get(unsigned kind, struct slice *s, uint64_t *codes, uint32_t n)
{
	return kind == PACK_SPARSE ? get_sparse(s, codes, n) : get_dense(kind, s, codes, n);
}
