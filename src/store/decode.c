#include "store/column.h"

#include <string.h>

#include "schema/table.h"
#include "store/pack.h"

int column_split(struct slice *s, struct slice *bodyp)
{
	uint64_t size;

	if (slice_varint(s, &size) || size > (uint64_t)(s->end - s->at))
		return -1;
	*bodyp = (struct slice){s->at, s->at + size};
	s->at += size;
	return 0;
}

/* Codes up to the end of the body, in the place of values. */
static int get_codes(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	return pack_get(tag & 3, s, (uint64_t *)values, n) || s->at != s->end ? -1 : 0;
}

static int64_t plain_value(unsigned tag, int64_t base, uint64_t code)
{
	if (!(tag & TAG_NULLS))
		return format_add(base, code);
	return code ? format_add(base, code - 1) : TABLE_NULL;
}

static int decode_plain(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	int64_t base;

	if (slice_svarint(s, &base) || get_codes(tag, s, values, n))
		return -1;
	if (tag & TAG_NULLS) {
		for (uint32_t i = 0; i < n; i++)
			values[i] = plain_value(tag, base, (uint64_t)values[i]);
	} else if (base) {
		for (uint32_t i = 0; i < n; i++)
			values[i] = format_add(base, (uint64_t)values[i]);
	}
	return 0;
}

static int decode_delta(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	int64_t base;

	if (!n || slice_svarint(s, values) || slice_svarint(s, &base) ||
	    get_codes(tag, s, values + 1, n - 1))
		return -1;
	for (uint32_t i = 1; i < n; i++)
		values[i] =
			format_add(format_add(values[i - 1], (uint64_t)base), (uint64_t)values[i]);
	return 0;
}

static bool has_null(const int64_t *values, uint32_t n)
{
	bool found = false;

	for (uint32_t i = 0; i < n; i++)
		found |= values[i] == TABLE_NULL;
	return found;
}

static int decode_minus(unsigned tag, struct slice *s, int64_t *values, uint32_t n,
			const int64_t *left)
{
	int64_t base;

	if (!left || has_null(left, n) || slice_svarint(s, &base) || get_codes(tag, s, values, n))
		return -1;
	for (uint32_t i = 0; i < n; i++)
		values[i] = format_sub(left[i], format_add(base, (uint64_t)values[i]));
	return 0;
}

static int decode_before(unsigned tag, struct slice *s, int64_t *values, uint32_t n)
{
	int64_t lately[COLUMN_BEFORE_VALUES] = {0}, base;
	uint64_t before = 0;

	if (slice_svarint(s, &base) || get_codes(tag, s, values, n))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t code = (uint64_t)values[i];

		if (code)
			lately[before] = format_add(base, code - 1);
		values[i] = lately[before];
		before = (uint64_t)values[i];
		if (before >= COLUMN_BEFORE_VALUES)
			return -1;
	}
	return 0;
}

/* Which value was lately seen beside a key; 0 when none was. */
struct memory {
	int64_t keys[2 * FORMAT_BLOCK_ROWS], values[2 * FORMAT_BLOCK_ROWS];
	uint8_t used[2 * FORMAT_BLOCK_ROWS]; /* zeros at first */
};

static int64_t *recall(struct memory *m, int64_t key)
{
	const uint32_t mask = sizeof(m->used) - 1;
	uint32_t i = (uint32_t)((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15) >> 40) & mask;

	while (m->used[i] && m->keys[i] != key)
		i = (i + 1) & mask;
	if (!m->used[i]) {
		m->used[i] = 1;
		m->keys[i] = key;
		m->values[i] = 0;
	}
	return &m->values[i];
}

static int decode_neighbor(unsigned tag, struct slice *s, int64_t *values, uint32_t n,
			   const int64_t *neighbor)
{
	struct memory memory;
	int64_t base;

	if (!neighbor || slice_svarint(s, &base) || get_codes(tag, s, values, n))
		return -1;
	memset(memory.used, 0, sizeof(memory.used));
	for (uint32_t i = 0; i < n; i++) {
		int64_t *lately = recall(&memory, neighbor[i]);

		if (values[i])
			*lately = plain_value(tag, base, (uint64_t)values[i] - 1);
		values[i] = *lately;
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
	    read_dictionary(s, entries, k) || get_codes(tag, s, values, n))
		return -1;
	if (tag & TAG_NULLS)
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

static int decode_values(unsigned tag, struct slice *s, int64_t *values, uint32_t n,
			 const struct column_context *context)
{
	bool nulls = tag & TAG_NULLS, masked = tag & TAG_MASKED;

	switch (tag >> TAG_TRANSFORM_SHIFT & 7) {
	case COLUMN_PLAIN:
		return decode_plain(tag, s, values, n);
	case COLUMN_DELTA:
		return nulls ? -1 : decode_delta(tag, s, values, n);
	case COLUMN_MINUS:
		return nulls || masked ? -1 : decode_minus(tag, s, values, n, context->left);
	case COLUMN_DICTIONARY:
		return decode_dictionary(tag, s, values, n);
	case COLUMN_BEFORE:
		return nulls ? -1 : decode_before(tag, s, values, n);
	case COLUMN_NEIGHBOR:
		return decode_neighbor(tag, s, values, n, context->neighbor);
	}
	return -1;
}

/* Takes the values of rows that are not masked together. Return: how many there are. */
static uint32_t keep(uint64_t mask, const int64_t *state, const int64_t *values, uint32_t n,
		     int64_t *kept)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++) {
		kept[k] = values[i];
		k += !(mask >> state[i] & 1);
	}
	return k;
}

static uint32_t count_kept(uint64_t mask, const int64_t *state, uint32_t n)
{
	uint32_t masked = 0;

	for (uint32_t i = 0; i < n; i++)
		masked += mask >> state[i] & 1;
	return n - masked;
}

/* Puts NULLs between the `kept` first values. */
static void unmask(uint64_t mask, const int64_t *state, int64_t *values, uint32_t n, uint32_t kept)
{
	for (uint32_t i = n; i-- > 0;)
		values[i] = mask >> state[i] & 1 ? TABLE_NULL : values[--kept];
}

static int decode_masked(unsigned tag, struct slice *s, int64_t *values, uint32_t n,
			 const struct column_context *context)
{
	const int64_t *state = context->state;
	int64_t kept_neighbor[FORMAT_BLOCK_ROWS + 1];
	struct column_context kept_context = {.neighbor = context->neighbor ? kept_neighbor : NULL};
	uint64_t mask;

	if (!state || slice_varint(s, &mask))
		return -1;
	uint32_t kept = context->neighbor ? keep(mask, state, context->neighbor, n, kept_neighbor)
					  : count_kept(mask, state, n);

	if (decode_values(tag, s, values, kept, &kept_context))
		return -1;
	unmask(mask, state, values, n, kept);
	return 0;
}

static int take_off(int64_t *left, const int64_t *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		left[i] = format_sub(left[i], values[i]);
	return 0;
}

bool column_needs_neighbor(struct slice body)
{
	return body.at < body.end && (*body.at >> TAG_TRANSFORM_SHIFT & 7) == COLUMN_NEIGHBOR;
}

bool column_is_taken(struct slice body)
{
	return body.at < body.end && *body.at & TAG_TAKEN;
}

int column_decode(struct slice body, int64_t *values, uint32_t n,
		  const struct column_context *context)
{
	if (body.at == body.end)
		return -1;
	unsigned tag = *body.at++;

	if (tag & TAG_TAKEN && (!context->left || tag & TAG_MASKED))
		return -1;
	if (tag & TAG_MASKED ? decode_masked(tag, &body, values, n, context)
			     : decode_values(tag, &body, values, n, context))
		return -1;
	return tag & TAG_TAKEN ? take_off(context->left, values, n) : 0;
}
