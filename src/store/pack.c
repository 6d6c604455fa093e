#include "store/pack.h"

#include <stdbool.h>
#include <string.h>

#include "store/bits.h"

enum {
	GROUP = 64,   /* numbers that share a bit of a sparse packing's first bitmap */
	FEW_BITS = 3, /* so narrow that the selectors of classes would not pay */
};

static size_t bytes_of_bits(uint64_t bits)
{
	return (size_t)((bits + 7) / 8);
}

/* --- choosing widths --- */

/* Lengths of numbers that occur, and how many numbers are as long or shorter. */
struct lengths {
	uint8_t at[PACK_MAX_WIDTH + 1];
	uint32_t upto[PACK_MAX_WIDTH + 1];
	unsigned n;
};

/*
 * Four counters of each length, none longer than `width`, so that one need not wait for the others.
 */
static void count_lengths(const uint8_t *lengths, uint32_t n, unsigned width, struct lengths *l)
{
	uint16_t counts[PACK_MAX_WIDTH + 1][4];
	uint32_t sum = 0, i = 0;

	memset(counts, 0, (width + 1) * sizeof(counts[0]));
	for (; i + 3 < n; i += 4) {
		counts[lengths[i]][0]++;
		counts[lengths[i + 1]][1]++;
		counts[lengths[i + 2]][2]++;
		counts[lengths[i + 3]][3]++;
	}
	for (; i < n; i++)
		counts[lengths[i]][0]++;
	l->n = 0;
	for (unsigned length = 0; length <= width; length++) {
		const uint16_t *c = counts[length];
		uint32_t count = (uint32_t)c[0] + c[1] + c[2] + c[3];

		sum += count;
		l->at[l->n] = (uint8_t)length;
		l->upto[l->n] = sum;
		l->n += count != 0;
	}
}

/* A class that ends at a length, and what all classes up to it take. */
struct step {
	uint32_t bits;
	uint8_t before; /* the length at which the class before it ends */
};

/*
 * The cheapest way to end a class at length j, the one before it somewhere below, or to have none.
 * *fromp: where that one ends at best, from where on it is looked for. It is never lower for a
 * higher j: what moving it up saves grows with the length at j.
 */
static struct step best_step(const struct lengths *l, const struct step *before, unsigned j,
			     unsigned *fromp)
{
	const uint32_t all = l->at[j] * l->upto[j];
	uint32_t least = UINT32_MAX;

	for (unsigned i = *fromp; i < j; i++) {
		uint32_t bits = before[i].bits + all - l->at[j] * l->upto[i];

		*fromp = bits < least ? i : *fromp;
		least = bits < least ? bits : least;
	}
	if (least < before[j].bits)
		return (struct step){least, (uint8_t)*fromp};
	return (struct step){before[j].bits, (uint8_t)j};
}

/*
 * Finds the widths of the classes for which all numbers together take the fewest bits. Return:
 * bits.
 */
static uint32_t choose_widths(const struct lengths *l, uint8_t *widths)
{
	struct step steps[PACK_CLASSES_N][PACK_MAX_WIDTH + 1];
	unsigned j = l->n - 1, from;

	for (unsigned i = 0; i < l->n; i++)
		steps[0][i] = (struct step){l->at[i] * l->upto[i], 0};
	for (unsigned k = 1; k + 1 < PACK_CLASSES_N; k++) {
		from = 0;
		for (unsigned i = 0; i < l->n; i++)
			steps[k][i] = best_step(l, steps[k - 1], i, &from);
	}
	from = 0;
	steps[PACK_CLASSES_N - 1][j] = best_step(l, steps[PACK_CLASSES_N - 2], j, &from);
	uint32_t bits = steps[PACK_CLASSES_N - 1][j].bits;

	for (unsigned k = PACK_CLASSES_N; k-- > 0;) {
		widths[k] = l->at[j];
		j = steps[k][j].before;
	}
	return bits;
}

/* --- zeros --- */

static size_t groups_size(uint32_t n)
{
	return bytes_of_bits((n + GROUP - 1) / GROUP);
}

/* What a sparse packing would hold. */
struct sparse {
	uint32_t n;  /* numbers that are not zero */
	size_t size; /* of the bitmaps, with the byte for the packing of these numbers */
};

static struct sparse find_nonzero(struct packing *p, const struct kernels *k)
{
	struct sparse s = {.size = groups_size(p->n) + 1};

	s.n = k->nonzero(p->codes, p->n, p->nonzero);
	for (uint32_t i = 0; i * GROUP < p->n; i++)
		s.size += p->nonzero[i] ? 8 : 0;
	return s;
}

/* --- choosing the packing --- */

static void choose_fixed(struct packing *p, unsigned width)
{
	p->kind = PACK_FIXED;
	p->widths[0] = (uint8_t)width;
	p->size = 1 + bytes_of_bits((uint64_t)width * p->n_dense);
}

/*
 * For the n_dense first codes, whose lengths are known: one width for all, or classes if these are
 * smaller.
 */
static void choose_dense(struct packing *p, unsigned width, uint32_t bits)
{
	const size_t selectors = PACK_CLASSES_N + bytes_of_bits(2 * (uint64_t)p->n_dense);
	uint8_t widths[PACK_CLASSES_N];
	struct lengths l;

	choose_fixed(p, width);
	if (selectors + bytes_of_bits(bits) >= p->size)
		return;
	count_lengths(p->lengths, p->n_dense, width, &l);
	size_t size = selectors + bytes_of_bits(choose_widths(&l, widths));

	if (size >= p->size)
		return;
	p->kind = PACK_CLASSES;
	p->size = size;
	memcpy(p->widths, widths, sizeof(widths));
}

static void choose_sparse(struct packing *p, const struct sparse *s, const struct kernels *k)
{
	const uint64_t all = k->drop_zeros(p->codes, p->nonzero, p->n);

	p->n_dense = s->n;
	p->size = 0;
	if (bit_length(all) > FEW_BITS)
		choose_dense(p, bit_length(all), k->lengths(p->codes, all, s->n, p->lengths).bits);
	else if (all)
		choose_fixed(p, bit_length(all));
	p->inner = p->kind;
	p->kind = PACK_SPARSE;
	p->size += s->size;
}

/* Of numbers so short that classes do not pay. */
static void choose_short(struct packing *p, const struct kernels *k)
{
	const unsigned width = bit_length(p->top);
	struct sparse s = find_nonzero(p, k);
	size_t rest = bytes_of_bits((uint64_t)bit_length(p->top - 1) * s.n);

	if (s.size + rest < bytes_of_bits((uint64_t)width * p->n))
		choose_sparse(p, &s, k);
	else
		choose_fixed(p, width);
}

/*
 * With classes a zero takes the two bits of its selector, if there is one for it. Without zeros it
 * takes the bit of the bitmap, and so does each of the others: this pays if there are many.
 */
static void choose_long(struct packing *p, const struct kernels *k)
{
	const struct kernel_lengths l = k->lengths(p->codes, p->top, p->n, p->lengths);

	if (!l.zeros || l.zeros < p->n / 8 * 3) {
		choose_dense(p, bit_length(p->top), l.bits);
		return;
	}
	struct sparse s = find_nonzero(p, k);

	choose_sparse(p, &s, k);
}

void pack_choose(struct packing *p, const struct kernels *k)
{
	p->kind = PACK_CONSTANT;
	p->size = 0;
	p->n_dense = p->n;
	if (!p->top)
		return;
	if (bit_length(p->top) <= FEW_BITS)
		choose_short(p, k);
	else
		choose_long(p, k);
}

/* --- writing --- */

static uint8_t *put_fixed(uint8_t *at, const struct packing *p, const struct kernels *k)
{
	*at = p->widths[0];
	return k->put_fixed(at + 1, p->codes, p->n_dense, p->widths[0]);
}

static uint8_t *put_classes(uint8_t *at, struct packing *p, const struct kernels *k)
{
	uint8_t *selectors = at + PACK_CLASSES_N;
	uint8_t *numbers = selectors + bytes_of_bits(2 * (uint64_t)p->n_dense);

	memcpy(at, p->widths, PACK_CLASSES_N);
	k->classify(p->widths, p->lengths, p->n_dense, selectors);
	return k->put_each(numbers, p->codes, p->lengths, p->n_dense,
			   p->widths[PACK_CLASSES_N - 1]);
}

static uint8_t *put_dense(uint8_t *at, unsigned kind, struct packing *p, const struct kernels *k)
{
	if (kind == PACK_FIXED)
		return put_fixed(at, p, k);
	if (kind == PACK_CLASSES)
		return put_classes(at, p, k);
	return at;
}

/* The bitmap of groups, and that of each group that has a bit in it. */
static uint8_t *put_bitmaps(uint8_t *at, const struct packing *p)
{
	uint8_t *groups = at;

	memset(groups, 0, groups_size(p->n));
	at += groups_size(p->n);
	for (uint32_t i = 0; i * GROUP < p->n; i++) {
		groups[i / 8] |= (uint8_t)((p->nonzero[i] != 0) << i % 8);
		format_store64(at, p->nonzero[i]);
		at += p->nonzero[i] ? 8 : 0;
	}
	return at;
}

void pack_put(struct bytes *out, struct packing *p, const struct kernels *k)
{
	uint8_t *at = bytes_room(out, p->size + BITS_ROOM);

	if (p->kind == PACK_SPARSE) {
		at = put_bitmaps(at, p);
		*at++ = p->inner;
		at = put_dense(at, p->inner, p, k);
	} else {
		at = put_dense(at, p->kind, p, k);
	}
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

/* Numbers of at most so many bits come whole with the 8 bytes that they begin in. */
enum { NARROW_BITS = 57 };

static inline uint64_t get_narrow(const uint8_t *at, uint64_t bit, uint64_t mask)
{
	return format_load64(at + (bit >> 3)) >> (bit & 7) & mask;
}

static int get_fixed(struct slice *s, uint64_t *codes, uint32_t n)
{
	if (s->at == s->end || *s->at > PACK_MAX_WIDTH)
		return -1;
	const unsigned width = *s->at++;
	const uint8_t *at = s->at;
	size_t size = bytes_of_bits((uint64_t)width * n);
	uint64_t bit = 0;

	if (size > left(s))
		return -1;
	s->at += size;
	if (width > NARROW_BITS) {
		for (uint32_t i = 0; i < n; i++, bit += width)
			codes[i] = get_bits(at, bit, width);
		return 0;
	}
	const uint64_t mask = (UINT64_C(1) << width) - 1;

	for (uint32_t i = 0; i < n; i++, bit += width)
		codes[i] = get_narrow(at, bit, mask);
	return 0;
}

static inline unsigned selector_of(const uint8_t *selectors, uint32_t i)
{
	return selectors[i >> 2] >> (2 * (i & 3)) & 3;
}

/* The widths of classes, and the bits that numbers of each have. */
struct narrow {
	uint64_t width[PACK_CLASSES_N], mask[PACK_CLASSES_N];
};

static struct narrow narrow_classes(const uint8_t *widths)
{
	struct narrow c;

	for (int i = 0; i < PACK_CLASSES_N; i++) {
		c.width[i] = widths[i];
		c.mask[i] = (UINT64_C(1) << widths[i]) - 1;
	}
	return c;
}

/* Takes the four numbers of a byte of selectors. Return: the bit behind them. */
static inline uint64_t get_four(const struct narrow *c, unsigned selectors, const uint8_t *at,
				uint64_t bit, uint64_t *codes)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++, selectors >>= 2) {
		codes[i] = get_narrow(at, bit, c->mask[selectors & 3]);
		bit += c->width[selectors & 3];
	}
	return bit;
}

/*
 * Takes the numbers from `at` on, as long as they lie in so many bits. Return: bits taken, or -1.
 */
static int64_t get_narrow_classes(const uint8_t *selectors, const uint8_t *widths,
				  const uint8_t *at, uint64_t bits, uint64_t *codes, uint32_t n)
{
	const struct narrow c = narrow_classes(widths);
	uint64_t bit = 0;
	uint32_t i = 0;

	for (; i + 4 <= n && bit + 4 * NARROW_BITS <= bits; i += 4)
		bit = get_four(&c, selectors[i / 4], at, bit, codes + i);
	for (; i < n; i++) {
		unsigned class = selector_of(selectors, i);

		codes[i] = get_narrow(at, bit, c.mask[class]);
		bit += c.width[class];
		if (bit > bits)
			return -1;
	}
	return (int64_t)bit;
}

/* The same for numbers of any width. */
static int64_t get_wide_classes(const uint8_t *selectors, const uint8_t *widths, const uint8_t *at,
				uint64_t bits, uint64_t *codes, uint32_t n)
{
	uint64_t bit = 0;

	for (uint32_t i = 0; i < n; i++) {
		unsigned width = widths[selector_of(selectors, i)];

		if (width > bits - bit)
			return -1;
		codes[i] = get_bits(at, bit, width);
		bit += width;
	}
	return (int64_t)bit;
}

static int get_classes(struct slice *s, uint64_t *codes, uint32_t n)
{
	const size_t selectors_size = bytes_of_bits(2 * (uint64_t)n);
	const uint8_t *widths = s->at, *selectors = s->at + PACK_CLASSES_N;
	unsigned widest = 0;

	if (left(s) < PACK_CLASSES_N + selectors_size)
		return -1;
	for (int i = 0; i < PACK_CLASSES_N; i++)
		widest = widths[i] > widest ? widths[i] : widest;
	if (widest > PACK_MAX_WIDTH)
		return -1;
	s->at += PACK_CLASSES_N + selectors_size;
	const uint64_t bits = (uint64_t)left(s) * 8;
	int64_t taken = widest <= NARROW_BITS
				? get_narrow_classes(selectors, widths, s->at, bits, codes, n)
				: get_wide_classes(selectors, widths, s->at, bits, codes, n);

	if (taken < 0)
		return -1;
	s->at += bytes_of_bits((uint64_t)taken);
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
