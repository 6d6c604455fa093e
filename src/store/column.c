#include "store/column.h"

#include <stdlib.h>

#include "base/mem.h"
#include "schema/table.h"

enum { PACK_CONSTANT, PACK_FIXED, PACK_CLASSES };
enum { PLAIN, DELTA, MINUS, DICTIONARY };
enum { TRANSFORM_SHIFT = 2, NULLS = 16, MASKED = 32, TAG_BITS = 63 };
enum { N_CLASSES = 4, MAX_WIDTH = 64, MAX_DICTIONARY = 255 };

/* --- bytes --- */

uint8_t *bytes_room(struct bytes *b, size_t more)
{
	if (b->cap - b->n < more) {
		b->cap = b->cap * 2 > b->n + more ? b->cap * 2 : b->n + more;
		b->at = mem_realloc(b->at, b->cap);
	}
	return b->at + b->n;
}

void bytes_put(struct bytes *b, const void *at, size_t n)
{
	memcpy(bytes_room(b, n + 1), at, n);
	b->n += n;
}

void bytes_varint(struct bytes *b, uint64_t x)
{
	uint8_t *at = bytes_room(b, FORMAT_MAX_VARINT);

	for (; x >= 0x80; x >>= 7)
		*at++ = (uint8_t)(x | 0x80);
	*at++ = (uint8_t)x;
	b->n = (size_t)(at - b->at);
}

void bytes_svarint(struct bytes *b, int64_t x)
{
	bytes_varint(b, format_zigzag(x));
}

void bytes_deinit(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){0};
}

int slice_varint(struct slice *s, uint64_t *xp)
{
	uint64_t x = 0;

	for (unsigned shift = 0; s->at < s->end && shift < 64; shift += 7) {
		uint8_t byte = *s->at++;

		x |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*xp = x;
			return shift == 63 && byte > 1 ? -1 : 0;
		}
	}
	return -1;
}

int slice_svarint(struct slice *s, int64_t *xp)
{
	uint64_t x = 0;
	int r = slice_varint(s, &x);

	*xp = format_unzigzag(x);
	return r;
}

/* --- encoding: how to pack codes --- */

/* How codes are packed, and how many bytes that takes. */
struct packing {
	uint8_t kind;
	uint8_t widths[N_CLASSES]; /* ascending; PACK_FIXED: the first */
	size_t size;
};

static inline unsigned bit_length(uint64_t x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* Lengths of codes that occur, and how many codes are as long or shorter. */
struct lengths {
	uint8_t at[MAX_WIDTH + 1];
	uint32_t upto[MAX_WIDTH + 1];
	unsigned n;
};

static void count_lengths(const uint64_t *codes, uint32_t n, struct lengths *l)
{
	uint32_t counts[MAX_WIDTH + 1] = {0}, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		counts[bit_length(codes[i])]++;
	l->n = 0;
	for (unsigned i = 0; i <= MAX_WIDTH; i++) {
		sum += counts[i];
		if (counts[i]) {
			l->at[l->n] = (uint8_t)i;
			l->upto[l->n++] = sum;
		}
	}
}

/*
 * Finds the widths of the classes for which all codes together take the fewest bits. bits[k][j]:
 * the least for all codes of at most the j-th length, with k + 1 classes; last[k][j]: which length
 * the class before the last one has then. Return: bits.
 */
static uint32_t choose_classes(const struct lengths *l, uint8_t *widths)
{
	uint32_t bits[N_CLASSES][MAX_WIDTH + 1];
	uint8_t last[N_CLASSES][MAX_WIDTH + 1];

	for (unsigned j = 0; j < l->n; j++)
		bits[0][j] = l->at[j] * l->upto[j];
	for (unsigned k = 1; k < N_CLASSES; k++) {
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

	for (unsigned k = N_CLASSES; k-- > 0;) {
		widths[k] = l->at[j];
		j = k ? last[k][j] : 0;
	}
	return bits[N_CLASSES - 1][l->n - 1];
}

static size_t bytes_of_bits(uint64_t bits)
{
	return (size_t)((bits + 7) / 8);
}

/* top: the largest of the codes. */
static struct packing choose_packing(const uint64_t *codes, uint32_t n, uint64_t top)
{
	unsigned width = bit_length(top);
	struct packing p = {.kind = PACK_FIXED, .widths = {(uint8_t)width}};

	if (!width)
		return (struct packing){.kind = PACK_CONSTANT};
	p.size = 1 + bytes_of_bits((uint64_t)width * n);
	if (width <= 3)
		return p;
	struct lengths lengths;
	struct packing classes = {.kind = PACK_CLASSES};

	count_lengths(codes, n, &lengths);
	uint32_t bits = choose_classes(&lengths, classes.widths);

	classes.size = N_CLASSES + bytes_of_bits(2 * (uint64_t)n) + bytes_of_bits(bits);
	return classes.size < p.size ? classes : p;
}

/* --- encoding: bits --- */

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
	struct bit_writer w = {.at = at};

	for (uint32_t i = 0; i < n; i++)
		put_bits(&w, codes[i], width);
	return finish_bits(&w);
}

static uint8_t *put_classes(uint8_t *at, const uint64_t *codes, uint32_t n, const uint8_t *widths)
{
	const size_t selectors_size = bytes_of_bits(2 * (uint64_t)n);
	uint8_t scratch[FORMAT_BLOCK_ROWS / 4 + 8], class_of[MAX_WIDTH + 1];
	struct bit_writer selectors = {.at = scratch}, w = {.at = at + selectors_size};

	for (unsigned length = 0, c = 0; length <= widths[N_CLASSES - 1]; length++) {
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
	memcpy(at, scratch, selectors_size);
	return finish_bits(&w);
}

static void put_codes(struct bytes *out, const struct packing *p, const uint64_t *codes, uint32_t n)
{
	uint8_t *at = bytes_room(out, p->size + 16);

	if (p->kind == PACK_FIXED) {
		*at++ = p->widths[0];
		at = put_fixed(at, codes, n, p->widths[0]);
	} else if (p->kind == PACK_CLASSES) {
		memcpy(at, p->widths, N_CLASSES);
		at = put_classes(at + N_CLASSES, codes, n, p->widths);
	}
	out->n = (size_t)(at - out->at);
}

/* --- encoding: transforms --- */

/* Values of a column without those that a mask leaves out. */
struct values {
	const int64_t *at;
	uint32_t n, n_nulls;
	int64_t min, max; /* of those that are not NULL; 0 when there are none */
	uint64_t mask;
};

static void find_range(struct values *v)
{
	int64_t min = INT64_MAX, max = INT64_MIN;
	uint32_t nulls = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		int64_t x = v->at[i];

		nulls += x == TABLE_NULL;
		max = x > max ? x : max;
		x = x == TABLE_NULL ? INT64_MAX : x;
		min = x < min ? x : min;
	}
	v->n_nulls = nulls;
	v->min = nulls == v->n ? 0 : min;
	v->max = nulls == v->n ? 0 : max;
}

/* Return: a bit for each state in which all values are NULL. */
static uint64_t null_states(const struct values *v, const int64_t *state)
{
	uint64_t present = 0, known = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		present |= UINT64_C(1) << state[i];
		known |= (uint64_t)(v->at[i] != TABLE_NULL) << state[i];
	}
	return present & ~known;
}

/* Leaves out the rows in states whose values are all NULL. */
static void mask_values(struct values *v, const int64_t *state, int64_t *kept)
{
	uint32_t n = 0;

	v->mask = null_states(v, state);
	if (!v->mask)
		return;
	for (uint32_t i = 0; i < v->n; i++) {
		kept[n] = v->at[i];
		n += !(v->mask >> state[i] & 1);
	}
	v->n = n;
	v->at = kept;
	find_range(v);
}

/* One way to encode the values. */
struct candidate {
	uint8_t transform;
	bool nulls;
	int64_t base, start;
	const uint64_t *codes;
	uint32_t n;
	struct packing packing;
	size_t size; /* of packing and transform, about */
};

static size_t varint_size(uint64_t x)
{
	return (bit_length(x | 1) + 6) / 7;
}

static struct candidate try_plain(const struct values *v, uint64_t *codes)
{
	bool nulls = v->n_nulls != 0;
	struct candidate c = {.nulls = nulls, .base = v->min, .codes = codes, .n = v->n};
	uint64_t top = (uint64_t)format_sub(v->max, v->min) + (nulls && v->n_nulls < v->n);

	if (top) {
		uint64_t shift = (uint64_t)nulls - (uint64_t)v->min;

		for (uint32_t i = 0; i < v->n; i++)
			codes[i] = v->at[i] == TABLE_NULL ? 0 : (uint64_t)v->at[i] + shift;
	}
	c.packing = choose_packing(codes, v->n, top);
	c.size = c.packing.size + varint_size(format_zigzag(c.base));
	return c;
}

/* Codes of the differences w, signed, from the least of them on. Return: the largest code. */
static uint64_t code_differences(uint64_t *w, uint32_t n, int64_t *basep)
{
	int64_t min = INT64_MAX, max = INT64_MIN;

	for (uint32_t i = 0; i < n; i++) {
		int64_t x = (int64_t)w[i];

		min = x < min ? x : min;
		max = x > max ? x : max;
	}
	if (!n)
		min = max = 0;
	for (uint32_t i = 0; i < n; i++)
		w[i] -= (uint64_t)min;
	*basep = min;
	return (uint64_t)max - (uint64_t)min;
}

static struct candidate try_delta(const struct values *v, uint64_t *codes)
{
	struct candidate c = {.transform = DELTA, .start = v->at[0], .codes = codes, .n = v->n - 1};

	for (uint32_t i = 0; i < c.n; i++)
		codes[i] = (uint64_t)format_sub(v->at[i + 1], v->at[i]);
	uint64_t top = code_differences(codes, c.n, &c.base);

	c.packing = choose_packing(c.codes, c.n, top);
	c.size = c.packing.size + varint_size(format_zigzag(c.base)) +
		 varint_size(format_zigzag(c.start));
	return c;
}

static struct candidate try_minus(const struct values *v, const int64_t *rest, uint64_t *codes)
{
	struct candidate c = {.transform = MINUS, .codes = codes, .n = v->n};

	for (uint32_t i = 0; i < c.n; i++)
		codes[i] = (uint64_t)format_sub(rest[i], v->at[i]);
	uint64_t top = code_differences(codes, c.n, &c.base);

	c.packing = choose_packing(c.codes, c.n, top);
	c.size = c.packing.size + varint_size(format_zigzag(c.base));
	return c;
}

static bool has_null(const int64_t *values, uint32_t n)
{
	uint32_t nulls = 0;

	for (uint32_t i = 0; i < n; i++)
		nulls += values[i] == TABLE_NULL;
	return nulls != 0;
}

/* Return: the slot of the value, which is new when its stamp is not e->stamp. */
static uint32_t find_slot(const struct column_encoder *e, int64_t value)
{
	const uint32_t mask = sizeof(e->slots) / sizeof(e->slots[0]) - 1;
	uint32_t i = (uint32_t)((uint64_t)value * UINT64_C(0x9E3779B97F4A7C15) >> 40) & mask;

	while (e->slots[i].stamp == e->stamp && e->slots[i].value != value)
		i = (i + 1) & mask;
	return i;
}

/*
 * Gives each distinct value a code, in the order in which they come; e->dictionary are the values. Return: how many there are, or 0 when they are more than `most`.
 */
static uint32_t make_dictionary(struct column_encoder *e, const struct values *v, uint32_t most,
				uint64_t *codes)
{
	uint32_t n = 0, nulls = v->n_nulls != 0;
	int64_t before = 0;

	if (!++e->stamp) {
		memset(e->slots, 0, sizeof(e->slots));
		e->stamp = 1;
	}
	e->dictionary.n = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		if (v->at[i] == TABLE_NULL) {
			codes[i] = 0;
			continue;
		}
		uint32_t slot = find_slot(e, v->at[i]);

		if (e->slots[slot].stamp != e->stamp) {
			if (n == most)
				return 0;
			e->slots[slot].stamp = e->stamp;
			e->slots[slot].value = v->at[i];
			e->slots[slot].code = (uint16_t)(n++ + nulls);
			bytes_svarint(&e->dictionary, format_sub(v->at[i], before));
			before = v->at[i];
		}
		codes[i] = e->slots[slot].code;
	}
	return n;
}

static struct candidate try_dictionary(struct column_encoder *e, const struct values *v,
				       uint64_t *codes)
{
	struct candidate c = {
		.transform = DICTIONARY, .nulls = v->n_nulls != 0, .codes = codes, .n = v->n};
	uint32_t k =
		make_dictionary(e, v, v->n / 2 < MAX_DICTIONARY ? v->n / 2 : MAX_DICTIONARY, codes);

	if (!k) {
		c.size = SIZE_MAX;
		return c;
	}
	c.base = k;
	c.packing = choose_packing(c.codes, c.n, k - 1 + c.nulls);
	c.size = c.packing.size + varint_size(k) + e->dictionary.n;
	return c;
}

static struct candidate better(struct candidate a, struct candidate b)
{
	return b.size < a.size ? b : a;
}

static struct candidate choose(struct column_encoder *e, const struct values *v, unsigned try,
			       const int64_t *rest)
{
	struct candidate c =
		try & COLUMN_IS_DELTA ? try_delta(v, e->codes[0]) : try_plain(v, e->codes[0]);

	if (c.packing.size <= v->n / 4 || try & COLUMN_IS_DELTA)
		return c;
	if (try & COLUMN_TRY_DELTA && !v->n_nulls)
		c = better(c, try_delta(v, e->codes[1]));
	if (rest && !v->n_nulls && !has_null(rest, v->n))
		c = better(c, try_minus(v, rest, e->codes[c.codes == e->codes[1] ? 0 : 1]));
	if (try & COLUMN_TRY_DICTIONARY)
		c = better(c, try_dictionary(e, v, e->codes[c.codes == e->codes[1] ? 0 : 1]));
	return c;
}

static void put_body(struct column_encoder *e, const struct candidate *c, uint64_t mask)
{
	struct bytes *out = &e->body;

	out->n = 0;
	*bytes_room(out, 1) = (uint8_t)(c->packing.kind | c->transform << TRANSFORM_SHIFT |
					(c->nulls ? NULLS : 0) | (mask ? MASKED : 0));
	out->n++;
	if (mask)
		bytes_varint(out, mask);
	if (c->transform == DELTA)
		bytes_svarint(out, c->start);
	if (c->transform == DICTIONARY) {
		bytes_varint(out, (uint64_t)c->base);
		bytes_put(out, e->dictionary.at, e->dictionary.n);
	} else {
		bytes_svarint(out, c->base);
	}
	put_codes(out, &c->packing, c->codes, c->n);
}

void column_encode(struct column_encoder *e, const int64_t *values, uint32_t n, unsigned try,
		   const struct column_context *context, struct bytes *out)
{
	struct values v = {.at = values, .n = n};

	find_range(&v);
	if (context->state && v.n_nulls)
		mask_values(&v, context->state, e->kept);
	struct candidate c = choose(e, &v, try, context->rest);

	for (uint32_t i = 0; c.transform == MINUS && i < n; i++)
		context->rest[i] = format_sub(context->rest[i], values[i]);
	put_body(e, &c, v.mask);
	bytes_varint(out, e->body.n);
	bytes_put(out, e->body.at, e->body.n);
}

void column_encoder_deinit(struct column_encoder *e)
{
	bytes_deinit(&e->body);
	bytes_deinit(&e->dictionary);
}

/* --- decoding --- */

int column_split(struct slice *s, struct slice *bodyp)
{
	uint64_t size;

	if (slice_varint(s, &size) || size > (uint64_t)(s->end - s->at))
		return -1;
	*bodyp = (struct slice){s->at, s->at + size};
	s->at += size;
	return 0;
}

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

static int unpack_fixed(struct slice *s, int64_t *codes, uint32_t n)
{
	if (s->at == s->end || *s->at > MAX_WIDTH)
		return -1;
	unsigned width = *s->at++;
	size_t size = bytes_of_bits((uint64_t)width * n);
	uint64_t bit = 0;

	if (size > (size_t)(s->end - s->at))
		return -1;
	for (uint32_t i = 0; i < n; i++, bit += width)
		codes[i] = (int64_t)get_bits(s->at, bit, width);
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

static int unpack_classes(struct slice *s, int64_t *codes, uint32_t n)
{
	const size_t selectors_size = bytes_of_bits(2 * (uint64_t)n);
	const uint8_t *widths = s->at, *selectors = s->at + N_CLASSES;

	if ((size_t)(s->end - s->at) < N_CLASSES + selectors_size)
		return -1;
	for (int i = 0; i < N_CLASSES; i++) {
		if (widths[i] > MAX_WIDTH)
			return -1;
	}
	s->at += N_CLASSES + selectors_size;
	size_t size = bytes_of_bits(count_class_bits(selectors, n, widths));
	uint64_t bit = 0;

	if (size > (size_t)(s->end - s->at))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		unsigned width = widths[selectors[i >> 2] >> (2 * (i & 3)) & 3];

		codes[i] = (int64_t)get_bits(s->at, bit, width);
		bit += width;
	}
	s->at += size;
	return 0;
}

static int unpack(unsigned packing, struct slice *s, int64_t *codes, uint32_t n)
{
	int r = -1;

	if (packing == PACK_CONSTANT) {
		memset(codes, 0, n * sizeof(*codes));
		r = 0;
	} else if (packing == PACK_FIXED) {
		r = unpack_fixed(s, codes, n);
	} else if (packing == PACK_CLASSES) {
		r = unpack_classes(s, codes, n);
	}
	return r || s->at != s->end ? -1 : 0;
}

static int decode_plain(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	int64_t base;

	if (slice_svarint(s, &base) || unpack(tag & 3, s, values, n))
		return -1;
	if (!(tag & NULLS)) {
		for (uint32_t i = 0; i < n; i++)
			values[i] = format_add(base, (uint64_t)values[i]);
		return 0;
	}
	base = format_sub(base, 1);
	for (uint32_t i = 0; i < n; i++)
		values[i] = values[i] ? format_add(base, (uint64_t)values[i]) : TABLE_NULL;
	return 0;
}

static int decode_delta(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	int64_t base;

	if (!n || slice_svarint(s, values) || slice_svarint(s, &base) ||
	    unpack(tag & 3, s, values + 1, n - 1))
		return -1;
	for (uint32_t i = 1; i < n; i++)
		values[i] =
			format_add(format_add(values[i - 1], (uint64_t)base), (uint64_t)values[i]);
	return 0;
}

static int decode_minus(unsigned tag, struct slice *s, int64_t *values, uint32_t n, int64_t *rest)
{
	int64_t base;

	if (!rest || has_null(rest, n) || slice_svarint(s, &base) || unpack(tag & 3, s, values, n))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		int64_t left = format_add(base, (uint64_t)values[i]);

		values[i] = format_sub(rest[i], left);
		rest[i] = left;
	}
	return 0;
}

/* Reads k entries behind one for NULL. */
static int read_dictionary(struct slice *s, int64_t *entries, uint64_t k)
{
	int64_t difference, value = 0;

	entries[0] = TABLE_NULL;
	for (uint64_t i = 1; i <= k; i++) {
		if (slice_svarint(s, &difference))
			return -1;
		value = format_add(value, (uint64_t)difference);
		entries[i] = value;
	}
	return 0;
}

static int decode_dictionary(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	int64_t entries[FORMAT_BLOCK_ROWS + 1], *first = entries;
	uint64_t k;

	if (slice_varint(s, &k) || k < 1 || k > FORMAT_BLOCK_ROWS ||
	    read_dictionary(s, entries, k) || unpack(tag & 3, s, values, n))
		return -1;
	if (tag & NULLS)
		k++;
	else
		first++;
	for (uint32_t i = 0; i < n; i++) {
		if ((uint64_t)values[i] >= k)
			return -1;
		values[i] = first[values[i]];
	}
	return 0;
}

static int decode_values(unsigned tag, struct slice *s, int64_t *values, uint32_t n, int64_t *rest)
{
	switch (tag >> TRANSFORM_SHIFT & 3) {
	case PLAIN:
		return decode_plain(tag, s, values, n);
	case DELTA:
		return tag & NULLS ? -1 : decode_delta(tag, s, values, n);
	case MINUS:
		return tag & (NULLS | MASKED) ? -1 : decode_minus(tag, s, values, n, rest);
	default:
		return decode_dictionary(tag, s, values, n);
	}
}

static uint32_t count_kept(uint64_t mask, const int64_t *state, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		kept += !(mask >> state[i] & 1);
	return kept;
}

/* Puts NULLs between the `kept` first values. */
static void unmask(uint64_t mask, const int64_t *state, int64_t *values, uint32_t n, uint32_t kept)
{
	for (uint32_t i = n; i-- > 0;)
		values[i] = mask >> state[i] & 1 ? TABLE_NULL : values[--kept];
}

bool column_takes_rest(struct slice body)
{
	return body.at < body.end && (*body.at >> TRANSFORM_SHIFT & 3) == MINUS;
}

int column_decode(struct slice body, int64_t *values, uint32_t n,
		  const struct column_context *context)
{
	uint64_t mask;

	if (body.at == body.end || *body.at & ~TAG_BITS)
		return -1;
	unsigned tag = *body.at++;

	if (!(tag & MASKED))
		return decode_values(tag, &body, values, n, context->rest);
	if (!context->state || slice_varint(&body, &mask))
		return -1;
	uint32_t kept = count_kept(mask, context->state, n);

	if (decode_values(tag, &body, values, kept, NULL))
		return -1;
	unmask(mask, context->state, values, n, kept);
	return 0;
}
