#include "store/node.h"

/* The columns before the sums. */
enum { GAP, SPAN, ROWS, OFFSET, SIZE, HASH, SUMS };

static int64_t get(const struct entry *entries, uint32_t i, int column, int64_t first)
{
	const struct entry *e = &entries[i];

	switch (column) {
	case GAP:
		return format_sub(e->first, i ? entries[i - 1].end : first);
	case SPAN:
		return format_sub(e->end, e->first);
	case ROWS:
		return (int64_t)e->rows;
	case OFFSET:
		return (int64_t)e->offset;
	case SIZE:
		return (int64_t)e->size;
	case HASH:
		return e->hash;
	}
	return (int64_t)e->sums[column - SUMS];
}

void node_encode(struct column_encoder *e, const struct entry *entries, uint32_t n, int64_t first,
		 int n_sums, struct bytes *out)
{
	int64_t values[FORMAT_GROUP_LANES];

	for (int column = 0; column < SUMS + n_sums; column++) {
		for (uint32_t i = 0; i < n; i++)
			values[i] = get(entries, i, column, first);
		column_encode_alone(e, values, n, COLUMN_TRY_DELTA, out);
	}
}

static int decode(struct slice *s, int64_t *values, uint32_t n)
{
	const struct column_context none = {0};
	struct slice body;

	return column_split(s, &body) || column_decode(body, values, n, &none) ? -1 : 0;
}

static void set_times(struct entry *entries, uint32_t n, int64_t first, const int64_t *gaps,
		      const int64_t *spans)
{
	int64_t end = first;

	for (uint32_t i = 0; i < n; i++) {
		entries[i].first = format_add(end, (uint64_t)gaps[i]);
		end = entries[i].end = format_add(entries[i].first, (uint64_t)spans[i]);
	}
}

static int decode_places(struct slice *s, struct entry *entries, uint32_t n)
{
	int64_t values[4][FORMAT_GROUP_LANES];

	for (int column = ROWS; column < SUMS; column++) {
		if (decode(s, values[column - ROWS], n))
			return -1;
	}
	for (uint32_t i = 0; i < n; i++) {
		entries[i].rows = (uint64_t)values[0][i];
		entries[i].offset = (uint64_t)values[OFFSET - ROWS][i];
		entries[i].size = (uint64_t)values[SIZE - ROWS][i];
		entries[i].hash = (uint32_t)values[HASH - ROWS][i];
	}
	return 0;
}

int node_decode(struct slice *s, struct entry *entries, uint32_t n, int64_t first, int n_sums)
{
	int64_t gaps[FORMAT_GROUP_LANES], values[FORMAT_GROUP_LANES];

	if (decode(s, gaps, n) || decode(s, values, n))
		return -1;
	set_times(entries, n, first, gaps, values);
	if (decode_places(s, entries, n))
		return -1;
	for (int k = 0; k < n_sums; k++) {
		if (decode(s, values, n))
			return -1;
		for (uint32_t i = 0; i < n; i++)
			entries[i].sums[k] = (uint64_t)values[i];
	}
	return 0;
}
