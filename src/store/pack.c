#include "store/pack.h"

#include <stdbool.h>
#include <string.h>

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
	uint32_t bits; /* of all numbers together */
};

/* Twice a number and one more is never 0, which has no highest bit. */
static void measure(const uint64_t *codes, uint32_t n, uint64_t top, uint8_t *lengths)
{
	if (top >> 63) {
		for (uint32_t i = 0; i < n; i++)
			lengths[i] = (uint8_t)bit_length(codes[i]);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		lengths[i] = (uint8_t)(63 ^ __builtin_clzll(codes[i] << 1 | 1));
}

/* Four counters of each length, none longer than `width`, so that one need not wait for the others. */
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
	l->n = l->bits = 0;
	for (unsigned length = 0; length <= width; length++) {
		const uint16_t *c = counts[length];
		uint32_t count = (uint32_t)c[0] + c[1] + c[2] + c[3];

		sum += count;
		l->bits += count * length;
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

/* The cheapest way to end a class at length j, the one before it somewhere below, or to have none. */
static struct step best_step(const struct lengths *l, const struct step *before, unsigned j)
{
	const uint32_t all = l->at[j] * l->upto[j];
	struct step best = {before[j].bits, (uint8_t)j};

	for (unsigned i = 0; i < j; i++) {
		uint32_t bits = before[i].bits + all - l->at[j] * l->upto[i];

		best.before = bits < best.bits ? (uint8_t)i : best.before;
		best.bits = bits < best.bits ? bits : best.bits;
	}
	return best;
}

/* Finds the widths of the classes for which all numbers together take the fewest bits. Return: bits. */
static uint32_t choose_widths(const struct lengths *l, uint8_t *widths)
{
	struct step steps[PACK_CLASSES_N][PACK_MAX_WIDTH + 1];
	unsigned j = l->n - 1;

	for (unsigned i = 0; i < l->n; i++)
		steps[0][i] = (struct step){l->at[i] * l->upto[i], 0};
	for (unsigned k = 1; k + 1 < PACK_CLASSES_N; k++) {
		for (unsigned i = 0; i < l->n; i++)
			steps[k][i] = best_step(l, steps[k - 1], i);
	}
	steps[PACK_CLASSES_N - 1][j] = best_step(l, steps[PACK_CLASSES_N - 2], j);
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

/* Return: a bit for each of eight bytes below 128 that is not zero. */
static inline uint64_t nonzero_bytes(const uint8_t *at)
{
	const uint64_t most = UINT64_C(0x7f7f7f7f7f7f7f7f), move = UINT64_C(0x0102040810204080);
	uint64_t tops = (format_load64(at) + most) & ~most;

	return (tops >> 7) * move >> 56;
}

/* What a sparse packing would hold. */
struct sparse {
	uint32_t n;  /* numbers that are not zero */
	size_t size; /* of the bitmaps, with the byte for the packing of these numbers */
};

/* By p->lengths, or other bytes that are zero where a number is. */
static struct sparse find_nonzero(struct packing *p)
{
	const uint32_t groups = (p->n + GROUP - 1) / GROUP;
	struct sparse s = {.size = groups_size(p->n) + 1};

	memset(p->lengths + p->n, 0, groups * GROUP - p->n);
	for (uint32_t i = 0; i < groups; i++) {
		uint64_t bits = 0;

		for (uint32_t k = 0; k < GROUP; k += 8)
			bits |= nonzero_bytes(p->lengths + i * GROUP + k) << k;
		p->nonzero[i] = bits;
		s.n += (uint32_t)__builtin_popcountll(bits);
		s.size += bits ? 8 : 0;
	}
	return s;
}

/* Leaves the codes that are not zero, less 1. Return: all bits of these. */
static uint64_t drop_zeros(struct packing *p)
{
	uint64_t *to = p->codes, all = 0;

	for (uint32_t i = 0; i < p->n; i += GROUP) {
		for (uint64_t bits = p->nonzero[i / GROUP]; bits; bits &= bits - 1) {
			uint64_t x = p->codes[i + (uint32_t)__builtin_ctzll(bits)] - 1;

			*to++ = x;
			all |= x;
		}
	}
	return all;
}

/* --- choosing the packing --- */

static void choose_fixed(struct packing *p, unsigned width)
{
	p->kind = PACK_FIXED;
	p->widths[0] = (uint8_t)width;
	p->size = 1 + bytes_of_bits((uint64_t)width * p->n_dense);
}

/* For the n_dense first codes, whose lengths are known: one width for all, or classes if these are smaller. */
static void choose_dense(struct packing *p, const struct lengths *l)
{
	const size_t selectors = PACK_CLASSES_N + bytes_of_bits(2 * (uint64_t)p->n_dense);
	uint8_t widths[PACK_CLASSES_N];

	choose_fixed(p, l->at[l->n - 1]);
	if (selectors + bytes_of_bits(l->bits) >= p->size)
		return;
	size_t size = selectors + bytes_of_bits(choose_widths(l, widths));

	if (size >= p->size)
		return;
	p->kind = PACK_CLASSES;
	p->size = size;
	memcpy(p->widths, widths, sizeof(widths));
}

static void choose_sparse(struct packing *p, const struct sparse *s)
{
	const uint64_t all = drop_zeros(p);
	struct lengths l;

	p->n_dense = s->n;
	p->size = 0;
	if (bit_length(all) > FEW_BITS) {
		measure(p->codes, s->n, all, p->lengths);
		count_lengths(p->lengths, s->n, bit_length(all), &l);
		choose_dense(p, &l);
	} else if (all) {
		choose_fixed(p, bit_length(all));
	}
	p->inner = p->kind;
	p->kind = PACK_SPARSE;
	p->size += s->size;
}

/* Of numbers so short that classes do not pay. */
static void choose_short(struct packing *p)
{
	const unsigned width = bit_length(p->top);

	for (uint32_t i = 0; i < p->n; i++)
		p->lengths[i] = (uint8_t)p->codes[i];
	struct sparse s = find_nonzero(p);
	size_t rest = bytes_of_bits((uint64_t)bit_length(p->top - 1) * s.n);

	if (s.size + rest < bytes_of_bits((uint64_t)width * p->n))
		choose_sparse(p, &s);
	else
		choose_fixed(p, width);
}

/*
 * With classes a zero takes the two bits of its selector, if there is one for it. Without zeros it takes
 * the bit of the bitmap, and so does each of the others: this pays if there are many.
 */
static void choose_long(struct packing *p)
{
	struct lengths l;

	measure(p->codes, p->n, p->top, p->lengths);
	count_lengths(p->lengths, p->n, bit_length(p->top), &l);
	if (l.at[0] || l.upto[0] < p->n / 8 * 3) {
		choose_dense(p, &l);
		return;
	}
	struct sparse s = find_nonzero(p);

	choose_sparse(p, &s);
}

void pack_choose(struct packing *p)
{
	p->kind = PACK_CONSTANT;
	p->size = 0;
	p->n_dense = p->n;
	if (!p->top)
		return;
	if (bit_length(p->top) <= FEW_BITS)
		choose_short(p);
	else
		choose_long(p);
}

/* --- writing --- */

struct bit_writer {
	uint8_t *at;
	uint64_t word;
	unsigned fill; /* bits of it, < 8 */
};

enum { PUT_BITS = 56 }; /* at most, at once */

/* There have to be 8 bytes of room. */
static inline void put_bits(struct bit_writer *w, uint64_t x, unsigned width)
{
	w->word |= x << w->fill;
	format_store64(w->at, w->word);
	w->fill += width;
	w->at += w->fill / 8;
	w->word >>= w->fill & ~7U;
	w->fill &= 7;
}

static inline void put_wide(struct bit_writer *w, uint64_t x, unsigned width)
{
	unsigned low = width < 32 ? width : 32;

	put_bits(w, x & UINT32_MAX, low);
	put_bits(w, x >> 32, width - low);
}

/* Return: where the bytes end. */
static uint8_t *finish_bits(const struct bit_writer *w)
{
	return w->at + (w->fill != 0);
}

/* Return: how many were put. */
static uint32_t put_pairs(struct bit_writer *w, const uint64_t *codes, uint32_t n, unsigned width)
{
	uint32_t i = 0;

	for (; i + 1 < n; i += 2)
		put_bits(w, codes[i] | codes[i + 1] << width, 2 * width);
	return i;
}

static uint8_t *put_fixed(uint8_t *at, const uint64_t *codes, uint32_t n, unsigned width)
{
	struct bit_writer w = {.at = at + 1};
	uint32_t i = 0;

	*at = (uint8_t)width;
	if (width <= PUT_BITS / 2)
		i = put_pairs(&w, codes, n, width);
	for (; i < n; i++)
		put_wide(&w, codes[i], width);
	return finish_bits(&w);
}

/* By length of a number. */
struct classes {
	uint8_t selector[PACK_MAX_WIDTH + 1], width[PACK_MAX_WIDTH + 1];
};

static void find_classes(struct classes *classes, const uint8_t *widths)
{
	for (unsigned length = 0, c = 0; length <= widths[PACK_CLASSES_N - 1]; length++) {
		while (widths[c] < length)
			c++;
		classes->selector[length] = (uint8_t)c;
		classes->width[length] = widths[c];
	}
}

/* Four numbers make a byte of selectors. */
static inline uint8_t select_four(const struct classes *c, const uint8_t *lengths)
{
	return (uint8_t)(c->selector[lengths[0]] | c->selector[lengths[1]] << 2 |
			 c->selector[lengths[2]] << 4 | c->selector[lengths[3]] << 6);
}

static inline void put_two(struct bit_writer *w, const struct classes *c, const uint64_t *codes,
			   const uint8_t *lengths)
{
	unsigned first = c->width[lengths[0]];

	put_bits(w, codes[0] | codes[1] << first, first + c->width[lengths[1]]);
}

/* Puts as many fours as there are. Return: how many numbers that is. */
static uint32_t put_fours(struct bit_writer *w, uint8_t *selectors, const struct packing *p,
			  const struct classes *c)
{
	uint32_t i = 0;

	for (; i + 3 < p->n_dense; i += 4) {
		selectors[i / 4] = select_four(c, p->lengths + i);
		put_two(w, c, p->codes + i, p->lengths + i);
		put_two(w, c, p->codes + i + 2, p->lengths + i + 2);
	}
	return i;
}

static uint8_t *put_classes(uint8_t *at, const struct packing *p)
{
	const size_t selectors_size = bytes_of_bits(2 * (uint64_t)p->n_dense);
	uint8_t *selectors = at + PACK_CLASSES_N;
	struct bit_writer w = {.at = selectors + selectors_size};
	struct classes c;
	uint32_t i = 0;

	find_classes(&c, p->widths);
	memcpy(at, p->widths, PACK_CLASSES_N);
	if (p->widths[PACK_CLASSES_N - 1] <= PUT_BITS / 2)
		i = put_fours(&w, selectors, p, &c);
	memset(selectors + i / 4, 0, selectors_size - i / 4);
	for (; i < p->n_dense; i++) {
		selectors[i / 4] |= (uint8_t)(c.selector[p->lengths[i]] << i % 4 * 2);
		put_wide(&w, p->codes[i], c.width[p->lengths[i]]);
	}
	return finish_bits(&w);
}

static uint8_t *put_dense(uint8_t *at, unsigned kind, const struct packing *p)
{
	if (kind == PACK_FIXED)
		return put_fixed(at, p->codes, p->n_dense, p->widths[0]);
	if (kind == PACK_CLASSES)
		return put_classes(at, p);
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

void pack_put(struct bytes *out, const struct packing *p)
{
	uint8_t *at = bytes_room(out, p->size + 16);

	if (p->kind == PACK_SPARSE) {
		at = put_bitmaps(at, p);
		*at++ = p->inner;
		at = put_dense(at, p->inner, p);
	} else {
		at = put_dense(at, p->kind, p);
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

/* Takes the numbers from `at` on, as long as they lie in so many bits. Return: bits taken, or -1. */
static int64_t get_narrow_classes(const uint8_t *selectors, const uint8_t *widths,
				  const uint8_t *at, uint64_t bits, uint64_t *codes, uint32_t n)
{
	uint64_t masks[PACK_CLASSES_N], bit = 0;

	for (int i = 0; i < PACK_CLASSES_N; i++)
		masks[i] = (UINT64_C(1) << widths[i]) - 1;
	for (uint32_t i = 0; i < n; i++) {
		unsigned class = selector_of(selectors, i);

		codes[i] = get_narrow(at, bit, masks[class]);
		bit += widths[class];
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
