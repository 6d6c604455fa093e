#include "store/encode.h"

#include <string.h>

#include "schema/table.h"

/* Of what is the same for a whole column no copy of a loop asks again. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

enum {
	MAX_DICTIONARY = 255,
	HINT_USES = 7,	  /* before all transforms are tried again */
	WORSE = 8,	  /* a hint is no good when numbers take more than 8/7 of what they took */
	GOOD_ENOUGH = 16, /* bytes of codes; trying to save some of them costs more than it gives */
	FAR_SHORTER = 1,  /* bits of a number, that nothing else makes up for */
};

/* --- what is known of values --- */

static void know_range(const struct column_encoder *e, struct column_values *v)
{
	const struct kernel_range r = e->kernels->range(v->at, v->n);

	v->nulls = r.nulls;
	v->known = r.known;
	v->min = r.min;
	v->max = r.max;
}

/* --- rows that are left out --- */

void column_begin(struct column_encoder *e, const int64_t *state, uint32_t n)
{
	struct column_states *s = &e->states;

	s->mask = 0;
	s->present = state ? e->kernels->state_bits(state, n, s->bits) : 0;
}

/* Finds the rows that the mask leaves, which columns often have in common. */
static void choose_rows(struct column_encoder *e, uint64_t mask, uint32_t n)
{
	struct column_states *s = &e->states;

	if (s->mask == mask)
		return;
	s->n_chosen = e->kernels->choose(s->bits, mask, n, s->chosen);
	s->mask = mask;
}

/*
 * Leaves out the rows in states whose values are all NULL, and finds out about the rest, which have
 * the range of all. Return: these states.
 */
static uint64_t mask_values(struct column_encoder *e, struct column_values *v)
{
	const uint64_t known = e->kernels->known(e->states.bits, v->at, v->n);
	const uint64_t mask = known ? e->states.present & ~known : 0;

	v->nulls = true;
	v->known = false;
	v->min = v->max = 0;
	if (mask) {
		choose_rows(e, mask, v->n);
		e->kernels->keep(v->at, e->states.chosen, v->n, e->kept);
		v->at = e->kept;
		v->n = e->states.n_chosen;
	}
	if (known)
		know_range(e, v);
	return mask;
}

/* --- transforms --- */

/* One way to encode the values. */
struct candidate {
	uint8_t transform;
	bool nulls;
	int64_t base, start;
	struct packing *packing;
	size_t size; /* of packing and transform, about */
};

static size_t varint_size(uint64_t x)
{
	return (bit_length(x | 1) + 6) / 7;
}

/* Chooses the packing; the codes and the largest of them are there. */
static struct candidate pack(const struct column_encoder *e, struct candidate c)
{
	pack_choose(c.packing, e->kernels);
	c.size = c.packing->size + varint_size(bytes_zigzag(c.base));
	return c;
}

static uint64_t plain_top(const struct column_values *v)
{
	return (uint64_t)format_sub(v->max, v->min) + (v->nulls && v->known);
}

static struct candidate try_plain(const struct column_encoder *e, const struct column_values *v,
				  struct packing *p)
{
	struct candidate c = {.nulls = v->nulls, .base = v->min, .packing = p};
	const uint64_t shift = (uint64_t)v->nulls - (uint64_t)v->min;

	p->n = v->n;
	p->top = plain_top(v);
	if (p->top && v->nulls)
		e->kernels->shift_known(v->at, shift, v->n, p->codes);
	else if (p->top)
		e->kernels->shift(v->at, shift, v->n, p->codes);
	return pack(e, c);
}

/* Of codes that are differences, signed: they are counted from the least on. */
static struct candidate pack_differences(const struct column_encoder *e, struct candidate c,
					 struct kernel_span span)
{
	struct packing *p = c.packing;

	c.base = span.min;
	p->top = (uint64_t)span.max - (uint64_t)span.min;
	if (p->top && span.min)
		e->kernels->shift((const int64_t *)p->codes, -(uint64_t)span.min, p->n, p->codes);
	return pack(e, c);
}

static struct candidate try_delta(const struct column_encoder *e, const struct column_values *v,
				  struct packing *p)
{
	struct candidate c = {.transform = COLUMN_DELTA, .start = v->at[0], .packing = p};

	p->n = v->n - 1;
	c = pack_differences(e, c, e->kernels->subtract(v->at + 1, v->at, p->n, p->codes));
	c.size += varint_size(bytes_zigzag(c.start));
	return c;
}

/*
 * Of times in order, counted from the first. The least difference would hardly make the others
 * shorter.
 */
static struct candidate make_times(const struct column_encoder *e, const struct column_values *v,
				   struct packing *p)
{
	p->n = v->n - 1;
	p->top = e->kernels->times(v->at, v->n, p->codes);
	return pack(e, (struct candidate){.transform = COLUMN_DELTA, .packing = p});
}

static struct candidate try_minus(const struct column_encoder *e, const struct column_values *v,
				  const int64_t *rest, struct packing *p)
{
	p->n = v->n;
	return pack_differences(e, (struct candidate){.transform = COLUMN_MINUS, .packing = p},
				e->kernels->subtract(rest, v->at, v->n, p->codes));
}

/* --- slots of values --- */

/* Whether each value from the least to the largest can have a slot of its own. */
static bool are_close(const struct column_values *v)
{
	uint64_t range = (uint64_t)format_sub(v->max, v->min);

	return range < COLUMN_SLOTS - 1 && range < 4 * (uint64_t)v->n;
}

/* Their slots; that of NULL is the first. */
static uint32_t n_close(const struct column_values *v)
{
	return (uint32_t)format_sub(v->max, v->min) + 2;
}

static ALWAYS_INLINE uint32_t close_slot(const struct column_values *all, bool nulls, int64_t key)
{
	uint32_t slot = (uint32_t)format_sub(key, all->min) + 1;

	return nulls && key == TABLE_NULL ? 0 : slot;
}

static void empty_slots(struct column_slots *s)
{
	if (!++s->stamp) {
		memset(s->stamps, 0, sizeof(s->stamps));
		s->stamp = 1;
	}
}

/* Return: the slot of this key, which may be empty. */
static ALWAYS_INLINE uint32_t find_slot(const struct column_slots *s, int64_t key)
{
	uint32_t i = (uint32_t)((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15) >> 40) % COLUMN_SLOTS;

	while (s->stamps[i] == s->stamp && s->keys[i] != key)
		i = (i + 1) % COLUMN_SLOTS;
	return i;
}

static ALWAYS_INLINE void fill_slot(struct column_slots *s, uint32_t i, int64_t key, int64_t value)
{
	s->stamps[i] = s->stamp;
	s->keys[i] = key;
	s->values[i] = value;
}

/* The numbers that distinct values get, in the order in which they come. */
struct numbering {
	uint32_t n, most;
	int64_t before; /* the value that got the last one */
};

/* Takes one more value into the dictionary. Return: whether there is room for it. */
static bool number_value(struct column_encoder *e, struct numbering *numbers, int64_t value)
{
	if (numbers->n++ == numbers->most)
		return false;
	bytes_svarint(&e->dictionary, format_sub(value, numbers->before));
	numbers->before = value;
	return true;
}

static ALWAYS_INLINE uint32_t number_close(struct column_encoder *e, const struct column_values *v,
					   uint32_t most, bool nulls, uint64_t *restrict codes)
{
	struct numbering numbers = {.most = most};
	uint16_t *of_slot = e->slots.numbers;

	memset(of_slot, 0xff, n_close(v) * sizeof(*of_slot));
	of_slot[0] = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t slot = close_slot(v, nulls, v->at[i]);

		if (of_slot[slot] == UINT16_MAX) {
			if (!number_value(e, &numbers, v->at[i]))
				return 0;
			of_slot[slot] = (uint16_t)(numbers.n - 1 + nulls);
		}
		codes[i] = of_slot[slot];
	}
	return numbers.n;
}

static uint32_t number_any(struct column_encoder *e, const struct column_values *v, uint32_t most,
			   uint64_t *restrict codes)
{
	struct numbering numbers = {.most = most};
	struct column_slots *s = &e->slots;

	empty_slots(s);
	if (v->nulls)
		fill_slot(s, find_slot(s, TABLE_NULL), TABLE_NULL, 0);
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t slot = find_slot(s, v->at[i]);

		if (s->stamps[slot] != s->stamp) {
			if (!number_value(e, &numbers, v->at[i]))
				return 0;
			fill_slot(s, slot, v->at[i], numbers.n - 1 + v->nulls);
		}
		codes[i] = (uint64_t)s->values[slot];
	}
	return numbers.n;
}

/*
 * Gives each distinct value a code, in the order in which they come; e->dictionary are the values.
 * Return: how many there are, or 0 when they are more than `most`.
 */
static uint32_t make_dictionary(struct column_encoder *e, const struct column_values *v,
				uint32_t most, uint64_t *codes)
{
	e->dictionary.n = 0;
	if (!are_close(v))
		return number_any(e, v, most, codes);
	return v->nulls ? number_close(e, v, most, true, codes)
			: number_close(e, v, most, false, codes);
}

static struct candidate try_dictionary(struct column_encoder *e, const struct column_values *v,
				       struct packing *p)
{
	struct candidate c = {
		.transform = COLUMN_DICTIONARY, .nulls = v->nulls, .packing = p, .size = SIZE_MAX};
	uint32_t most = v->n / 2 < MAX_DICTIONARY ? v->n / 2 : MAX_DICTIONARY;
	uint32_t k = make_dictionary(e, v, most, p->codes);

	if (!k)
		return c;
	c.base = k;
	p->n = v->n;
	p->top = k - 1 + c.nulls;
	c = pack(e, c);
	c.size += e->dictionary.n;
	return c;
}

/* --- predicted values --- */

/* The code of a value that was not predicted: 1 and more. */
static ALWAYS_INLINE uint64_t unpredicted(const struct column_values *v, bool nulls, int64_t value)
{
	uint64_t code = (uint64_t)format_sub(value, v->min) + nulls + 1;

	return nulls && value == TABLE_NULL ? 1 : code;
}

static struct candidate pack_predicted(const struct column_encoder *e,
				       const struct column_values *v, uint8_t transform,
				       struct packing *p)
{
	p->n = v->n;
	return pack(e, (struct candidate){.transform = transform,
					  .nulls = v->nulls,
					  .base = v->min,
					  .packing = p});
}

static struct candidate try_before(const struct column_encoder *e, const struct column_values *v,
				   struct packing *p)
{
	uint8_t recent[COLUMN_BEFORE_VALUES] = {0}, *place = recent;
	uint64_t shift = 1 - (uint64_t)v->min, all = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		uint64_t value = (uint64_t)v->at[i];
		uint64_t code = value == *place ? 0 : value + shift;

		p->codes[i] = code;
		all |= code;
		*place = (uint8_t)value;
		place = recent + value;
	}
	p->top = all;
	return pack_predicted(e, v, COLUMN_BEFORE, p);
}

/* Return: all bits of the codes. */
static ALWAYS_INLINE uint64_t predict_close(struct column_slots *s, const struct column_values *v,
					    const struct column_values *neighbor, bool nulls,
					    uint64_t *restrict codes)
{
	uint64_t all = 0;

	memset(s->values, 0, n_close(neighbor) * sizeof(*s->values));
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t slot = close_slot(neighbor, true, neighbor->at[i]);
		int64_t value = v->at[i];
		uint64_t code = value == s->values[slot] ? 0 : unpredicted(v, nulls, value);

		codes[i] = code;
		all |= code;
		s->values[slot] = value;
	}
	return all;
}

static uint64_t predict_any(struct column_slots *s, const struct column_values *v,
			    const struct column_values *neighbor, uint64_t *restrict codes)
{
	uint64_t all = 0;

	empty_slots(s);
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t slot = find_slot(s, neighbor->at[i]);
		int64_t recent = s->stamps[slot] == s->stamp ? s->values[slot] : 0;

		codes[i] = v->at[i] == recent ? 0 : unpredicted(v, v->nulls, v->at[i]);
		all |= codes[i];
		fill_slot(s, slot, neighbor->at[i], v->at[i]);
	}
	return all;
}

static struct candidate try_neighbor(struct column_encoder *e, const struct column_values *v,
				     const struct column_values *neighbor, struct packing *p)
{
	struct column_values beside = *neighbor;

	/* Of the same rows. */
	if (v->at == e->kept) {
		e->kernels->keep(neighbor->at, e->states.chosen, neighbor->n, e->neighbor);
		beside.at = e->neighbor;
	}
	if (!are_close(&beside))
		p->top = predict_any(&e->slots, v, &beside, p->codes);
	else if (v->nulls)
		p->top = predict_close(&e->slots, v, &beside, true, p->codes);
	else
		p->top = predict_close(&e->slots, v, &beside, false, p->codes);
	return pack_predicted(e, v, COLUMN_NEIGHBOR, p);
}

/* --- choosing --- */

static struct candidate better(struct candidate a, struct candidate b)
{
	return b.size < a.size ? b : a;
}

/* Return: the packing that the candidate does not use. */
static struct packing *spare(struct column_encoder *e, const struct candidate *c)
{
	return &e->packings[c->packing == &e->packings[0]];
}

/* Of a column of few small values, as states are: what is predicted, if that saves anything. */
static struct candidate choose_small(struct column_encoder *e, const struct column_values *v)
{
	struct candidate c = try_before(e, v, &e->packings[0]);
	size_t plain = (size_t)bit_length(plain_top(v)) * v->n / 8;

	return c.size <= plain ? c : better(c, try_plain(e, v, &e->packings[1]));
}

/* Of names and numbers of things, which are few or follow from the column before. */
static struct candidate choose_name(struct column_encoder *e, const struct column_values *v,
				    const struct column_values *neighbor)
{
	struct candidate c = try_dictionary(e, v, &e->packings[0]);
	const unsigned plain = bit_length(plain_top(v));

	if (c.size == SIZE_MAX || plain < bit_length(c.packing->top) + FAR_SHORTER)
		c = better(c, try_plain(e, v, spare(e, &c)));
	if (neighbor && plain_top(v) < INT64_MAX && c.size > v->n / 16)
		c = better(c, try_neighbor(e, v, neighbor, spare(e, &c)));
	return c;
}

/* Of lengths and all else. */
static struct candidate choose_number(struct column_encoder *e, const struct column_values *v,
				      const struct column_left *left)
{
	struct candidate c = try_plain(e, v, &e->packings[0]);

	if (left && !v->nulls && !e->kernels->has_null(left->at, v->n))
		c = better(c, try_minus(e, v, left->at, spare(e, &c)));
	return c;
}

static struct candidate choose_of_all(struct column_encoder *e, const struct column_values *v,
				      unsigned try, const struct column_beside *beside)
{
	struct candidate c = try & COLUMN_TRY_DICTIONARY ? choose_name(e, v, beside->neighbor)
							 : choose_number(e, v, beside->left);

	if (try & COLUMN_TRY_DELTA && !v->nulls && c.packing->size > GOOD_ENOUGH)
		c = better(c, try_delta(e, v, spare(e, &c)));
	return c;
}

/* Return: the candidate of this transform; size SIZE_MAX: there is none. */
static struct candidate try_hint(struct column_encoder *e, const struct column_values *v,
				 uint8_t transform, const struct column_beside *beside)
{
	const struct column_left *left = beside->left;
	struct packing *p = &e->packings[0];

	if (transform == COLUMN_PLAIN)
		return try_plain(e, v, p);
	if (transform == COLUMN_DICTIONARY)
		return try_dictionary(e, v, p);
	if (transform == COLUMN_NEIGHBOR && beside->neighbor && plain_top(v) < INT64_MAX)
		return try_neighbor(e, v, beside->neighbor, p);
	if (transform == COLUMN_MINUS && left && !v->nulls && !e->kernels->has_null(left->at, v->n))
		return try_minus(e, v, left->at, p);
	return (struct candidate){.size = SIZE_MAX};
}

/* Whether a number takes no more bytes than when the hint was made, or hardly more. */
static bool is_as_good(const struct candidate *c, uint32_t n, const struct column_hint *hint)
{
	if (c->size <= GOOD_ENOUGH)
		return true;
	return c->size <= UINT16_MAX &&
	       c->size * hint->n * (WORSE - 1) <= (size_t)hint->size * n * WORSE;
}

/*
 * What was the best for the block before, if it still is about as good, and not too often in turn.
 */
static struct candidate choose_by_hint(struct column_encoder *e, const struct column_values *v,
				       unsigned try, const struct column_beside *beside)
{
	struct column_hint *hint = beside->hint;
	struct candidate c;

	if (hint->uses) {
		hint->uses--;
		c = try_hint(e, v, hint->transform, beside);
		if (is_as_good(&c, v->n, hint))
			return c;
	}
	c = choose_of_all(e, v, try, beside);
	*hint = (struct column_hint){c.transform, HINT_USES, (uint16_t)v->n, (uint16_t)c.size};
	return c;
}

static struct candidate choose(struct column_encoder *e, const struct column_values *v,
			       unsigned try, const struct column_beside *beside)
{
	if (try & COLUMN_IS_TIME)
		return make_times(e, v, &e->packings[0]);
	if (try & COLUMN_IS_DELTA)
		return try_delta(e, v, &e->packings[0]);
	if (try & COLUMN_TRY_BEFORE && !v->nulls && v->min >= 0 && v->max < COLUMN_BEFORE_VALUES)
		return choose_small(e, v);
	if (bit_length(plain_top(v)) * (size_t)v->n <= 8 * GOOD_ENOUGH)
		return try_plain(e, v, &e->packings[0]);
	if (beside->hint)
		return choose_by_hint(e, v, try, beside);
	return choose_of_all(e, v, try, beside);
}

/*
 * Takes the values off what is left of `dur`, if they are a part of it. Return: whether they are.
 */
static bool take_off(const struct column_encoder *e, struct column_left *left,
		     const struct candidate *c, const struct column_values *v)
{
	if (!left || v->nulls || (!left->begun && c->transform != COLUMN_MINUS))
		return false;
	left->begun = true;
	e->kernels->take_off(left->at, v->at, v->n);
	return true;
}

static void put_body(struct column_encoder *e, const struct candidate *c, uint64_t mask, bool taken)
{
	struct bytes *out = &e->body;

	out->n = 0;
	*bytes_room(out, 1) = (uint8_t)(c->packing->kind | c->transform << TAG_TRANSFORM_SHIFT |
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
	pack_put(out, c->packing, e->kernels);
}

/* Encodes what is left of the values when the states of the mask are left out. */
static enum column_transform encode_known(struct column_encoder *e, const struct column_values *v,
					  uint64_t mask, unsigned try,
					  const struct column_beside *beside, struct bytes *out)
{
	struct candidate c = choose(e, v, try, beside);
	bool taken = take_off(e, beside->left, &c, v);

	put_body(e, &c, mask, taken);
	bytes_varint(out, e->body.n);
	bytes_put(out, e->body.at, e->body.n);
	return (enum column_transform)c.transform;
}

enum column_transform column_encode(struct column_encoder *e, struct column_values *values,
				    unsigned try, const struct column_beside *beside,
				    struct bytes *out)
{
	struct column_values v = *values;
	uint64_t mask = 0;

	if (beside->in_states)
		mask = mask_values(e, &v);
	else
		know_range(e, &v);
	values->min = v.min;
	values->max = v.max;
	return encode_known(e, &v, mask, try, beside, out);
}

void column_encode_values(struct column_encoder *e, const struct column_values *values,
			  unsigned try, struct bytes *out)
{
	const struct column_beside none = {0};

	encode_known(e, values, 0, try, &none, out);
}

void column_encode_alone(struct column_encoder *e, const int64_t *at, uint32_t n, unsigned try,
			 struct bytes *out)
{
	struct column_values values = {.at = at, .n = n};

	know_range(e, &values);
	column_encode_values(e, &values, try, out);
}

void column_encode_states(struct column_encoder *e, const int64_t *state, uint32_t n,
			  struct bytes *out)
{
	const uint64_t present = e->states.present;
	const struct column_values values = {.at = state,
					     .n = n,
					     .known = true,
					     .min = __builtin_ctzll(present),
					     .max = bit_length(present) - 1};

	column_encode_values(e, &values, COLUMN_TRY_BEFORE, out);
}

void column_encoder_deinit(struct column_encoder *e)
{
	bytes_deinit(&e->body);
	bytes_deinit(&e->dictionary);
}
