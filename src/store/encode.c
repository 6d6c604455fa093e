#include "store/column.h"

#include <string.h>

#include "schema/table.h"
#include "store/pack.h"

enum {
	MAX_DICTIONARY = 255,
	GOOD_ENOUGH = 16, /* bytes of codes; trying to save some of them costs more than it gives */
};

/* Values of a column without those that a mask leaves out. */
struct values {
	const int64_t *at;
	uint32_t n;
	bool nulls, known; /* some are NULL; some are not */
	int64_t min, max;  /* of those that are not; 0 when there are none */
	uint64_t mask;
	const int64_t *neighbor; /* or NULL */
};

static int64_t least_known(const int64_t *at, uint32_t n)
{
	int64_t min = INT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		int64_t x = at[i] == TABLE_NULL ? INT64_MAX : at[i];

		min = x < min ? x : min;
	}
	return min;
}

static void set_range(struct values *v, const struct column_values *from)
{
	v->at = from->at;
	v->n = from->n;
	v->nulls = from->n && from->least == TABLE_NULL;
	v->known = from->n && from->most != TABLE_NULL;
	v->max = v->known ? from->most : 0;
	v->min = !v->known ? 0 : v->nulls ? least_known(v->at, v->n) : from->least;
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
static void mask_values(struct column_encoder *e, struct values *v, const int64_t *state)
{
	uint32_t n = 0;

	v->mask = null_states(v, state);
	if (!v->mask)
		return;
	for (uint32_t i = 0; i < v->n; i++) {
		e->kept[n] = v->at[i];
		e->neighbor[n] = v->neighbor ? v->neighbor[i] : 0;
		n += !(v->mask >> state[i] & 1);
	}
	v->neighbor = v->neighbor ? e->neighbor : NULL;
	struct column_values kept = column_values(e->kept, n);

	set_range(v, &kept);
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
	struct candidate c = {.nulls = v->nulls, .base = v->min, .codes = codes, .n = v->n};
	uint64_t top = (uint64_t)format_sub(v->max, v->min) + (v->nulls && v->known);
	uint64_t shift = (uint64_t)v->nulls - (uint64_t)v->min;

	for (uint32_t i = 0; top && i < v->n; i++)
		codes[i] = v->nulls && v->at[i] == TABLE_NULL ? 0 : (uint64_t)v->at[i] + shift;
	c.packing = pack_choose(codes, v->n, top);
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
	struct candidate c = {
		.transform = COLUMN_DELTA, .start = v->at[0], .codes = codes, .n = v->n - 1};

	for (uint32_t i = 0; i < c.n; i++)
		codes[i] = (uint64_t)format_sub(v->at[i + 1], v->at[i]);
	uint64_t top = code_differences(codes, c.n, &c.base);

	c.packing = pack_choose(c.codes, c.n, top);
	c.size = c.packing.size + varint_size(format_zigzag(c.base)) +
		 varint_size(format_zigzag(c.start));
	return c;
}

/* Differences of times in order: the least one would hardly make the others shorter. */
static struct candidate make_times(const struct values *v, uint64_t *codes)
{
	struct candidate c = {
		.transform = COLUMN_DELTA, .start = v->at[0], .codes = codes, .n = v->n - 1};
	uint64_t bits = 0;

	for (uint32_t i = 0; i < c.n; i++) {
		codes[i] = (uint64_t)format_sub(v->at[i + 1], v->at[i]);
		bits |= codes[i];
	}
	c.packing = pack_choose(codes, c.n, bits);
	return c;
}

static struct candidate try_minus(const struct values *v, const int64_t *rest, uint64_t *codes)
{
	struct candidate c = {.transform = COLUMN_MINUS, .codes = codes, .n = v->n};

	for (uint32_t i = 0; i < c.n; i++)
		codes[i] = (uint64_t)format_sub(rest[i], v->at[i]);
	uint64_t top = code_differences(codes, c.n, &c.base);

	c.packing = pack_choose(c.codes, c.n, top);
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
 * Gives each distinct value a code, in the order in which they come; e->dictionary are the values.
 * Return: how many there are, or 0 when they are more than `most`.
 */
static uint32_t make_dictionary(struct column_encoder *e, const struct values *v, uint32_t most,
				uint64_t *codes)
{
	uint32_t n = 0, nulls = v->nulls;
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
		.transform = COLUMN_DICTIONARY, .nulls = v->nulls, .codes = codes, .n = v->n};
	uint32_t k =
		make_dictionary(e, v, v->n / 2 < MAX_DICTIONARY ? v->n / 2 : MAX_DICTIONARY, codes);

	if (!k) {
		c.size = SIZE_MAX;
		return c;
	}
	c.base = k;
	c.packing = pack_choose(c.codes, c.n, k - 1 + c.nulls);
	c.size = c.packing.size + varint_size(k) + e->dictionary.n;
	return c;
}

/* The code of a value that was not foreseen: 1 and more. */
static uint64_t unforeseen(const struct values *v, int64_t value)
{
	if (value == TABLE_NULL)
		return 1;
	return (uint64_t)format_sub(value, v->min) + v->nulls + 1;
}

static struct candidate pack_foreseen(const struct values *v, struct candidate c)
{
	uint64_t top = 0;

	for (uint32_t i = 0; i < v->n; i++)
		top = c.codes[i] > top ? c.codes[i] : top;
	c.nulls = v->nulls;
	c.base = v->min;
	c.n = v->n;
	c.packing = pack_choose(c.codes, v->n, top);
	c.size = c.packing.size + varint_size(format_zigzag(c.base));
	return c;
}

static struct candidate try_before(const struct values *v, uint64_t *codes)
{
	uint8_t lately[COLUMN_BEFORE_VALUES] = {0};
	uint8_t before = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		uint8_t value = (uint8_t)v->at[i];

		codes[i] = value == lately[before] ? 0 : unforeseen(v, value);
		lately[before] = value;
		before = value;
	}
	return pack_foreseen(v, (struct candidate){.transform = COLUMN_BEFORE, .codes = codes});
}

static struct candidate try_neighbor(const struct values *v, uint64_t *codes)
{
	struct column_memory memory;

	memset(memory.used, 0, sizeof(memory.used));
	for (uint32_t i = 0; i < v->n; i++) {
		int64_t *lately = column_recall(&memory, v->neighbor[i]);

		codes[i] = v->at[i] == *lately ? 0 : unforeseen(v, v->at[i]);
		*lately = v->at[i];
	}
	return pack_foreseen(v, (struct candidate){.transform = COLUMN_NEIGHBOR, .codes = codes});
}

static struct candidate better(struct candidate a, struct candidate b)
{
	return b.size < a.size ? b : a;
}

/* Return: the room for codes that the candidate does not use. */
static uint64_t *spare(struct column_encoder *e, const struct candidate *c)
{
	return e->codes[c->codes == e->codes[0]];
}

/* Of a column of few small values, as states are: what is foreseen, if that saves anything. */
static struct candidate choose_small(struct column_encoder *e, const struct values *v)
{
	struct candidate c = try_before(v, e->codes[0]);
	size_t plain = (size_t)bit_length((uint64_t)(v->max - v->min)) * v->n / 8;

	return c.size <= plain ? c : better(c, try_plain(v, e->codes[1]));
}

static struct candidate choose(struct column_encoder *e, const struct values *v, unsigned try,
			       const struct column_context *context)
{
	const bool no_nulls = !v->nulls;

	if (try & COLUMN_IS_TIME)
		return make_times(v, e->codes[0]);
	if (try & COLUMN_IS_DELTA)
		return try_delta(v, e->codes[0]);
	if (try & COLUMN_TRY_BEFORE && no_nulls && v->min >= 0 && v->max < COLUMN_BEFORE_VALUES)
		return choose_small(e, v);
	struct candidate c = try_plain(v, e->codes[0]);

	if (c.packing.size <= GOOD_ENOUGH)
		return c;
	if (try & COLUMN_TRY_DELTA && no_nulls)
		c = better(c, try_delta(v, spare(e, &c)));
	if (context->left && no_nulls && !has_null(context->left->at, v->n))
		c = better(c, try_minus(v, context->left->at, spare(e, &c)));
	if (try & COLUMN_TRY_DICTIONARY)
		c = better(c, try_dictionary(e, v, spare(e, &c)));
	if (v->neighbor && (uint64_t)format_sub(v->max, v->min) < INT64_MAX &&
	    c.packing.size > v->n / 16)
		c = better(c, try_neighbor(v, spare(e, &c)));
	return c;
}

/* Takes the values off what is left of `dur`, if they are a part of it. Return: whether they are. */
static bool take_off(const struct column_context *context, const struct candidate *c,
		     const struct values *v)
{
	struct column_left *left = context->left;

	if (!left || v->nulls || (!left->begun && c->transform != COLUMN_MINUS))
		return false;
	left->begun = true;
	for (uint32_t i = 0; i < v->n; i++)
		left->at[i] = format_sub(left->at[i], v->at[i]);
	return true;
}

static void put_body(struct column_encoder *e, const struct candidate *c, uint64_t mask, bool taken)
{
	struct bytes *out = &e->body;

	out->n = 0;
	*bytes_room(out, 1) = (uint8_t)(c->packing.kind | c->transform << TAG_TRANSFORM_SHIFT |
					(c->nulls ? TAG_NULLS : 0) | (mask ? TAG_MASKED : 0) |
					(taken ? TAG_TAKEN : 0));
	out->n++;
	if (mask)
		bytes_varint(out, mask);
	if (c->transform == COLUMN_DELTA)
		bytes_svarint(out, c->start);
	if (c->transform == COLUMN_DICTIONARY) {
		bytes_varint(out, (uint64_t)c->base);
		bytes_put(out, e->dictionary.at, e->dictionary.n);
	} else {
		bytes_svarint(out, c->base);
	}
	pack_put(out, &c->packing, c->codes, c->n);
}

enum column_transform column_encode(struct column_encoder *e, const struct column_values *values,
				    unsigned try, const struct column_context *context,
				    struct bytes *out)
{
	struct values v = {.neighbor = context->neighbor};

	set_range(&v, values);
	if (context->state && v.nulls && v.known)
		mask_values(e, &v, context->state);
	struct candidate c = choose(e, &v, try, context);
	bool taken = take_off(context, &c, &v);

	put_body(e, &c, v.mask, taken);
	bytes_varint(out, e->body.n);
	bytes_put(out, e->body.at, e->body.n);
	return (enum column_transform)c.transform;
}

void column_encode_alone(struct column_encoder *e, const int64_t *at, uint32_t n, unsigned try,
			 struct bytes *out)
{
	const struct column_context none = {0};
	const struct column_values values =
		try & COLUMN_IS_TIME ? (struct column_values){at, n, 0, 0} : column_values(at, n);

	column_encode(e, &values, try, &none, out);
}

void column_encoder_deinit(struct column_encoder *e)
{
	bytes_deinit(&e->body);
	bytes_deinit(&e->dictionary);
}
