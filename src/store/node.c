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

static void set(struct entry *entries, uint32_t i, int column, int64_t first, int64_t value)
{
	struct entry *e = &entries[i];

	switch (column) {
	case GAP: /* SPAN completes it */
		e->first = value;
		break;
	case SPAN:
		e->first = format_add(i ? entries[i - 1].end : first, (uint64_t)e->first);
		e->end = format_add(e->first, (uint64_t)value);
		break;
	case ROWS:
		e->rows = (uint64_t)value;
		break;
	case OFFSET:
		e->offset = (uint64_t)value;
		break;
	case SIZE:
		e->size = (uint64_t)value;
		break;
	case HASH:
		e->hash = (uint32_t)value;
		break;
	default:
		e->sums[column - SUMS] = (uint64_t)value;
	}
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

int node_decode(struct slice *s, struct entry *entries, uint32_t n, int64_t first, int n_sums)
{
	const struct column_context none = {0};
	int64_t values[FORMAT_GROUP_LANES];

	for (int column = 0; column < SUMS + n_sums; column++) {
		struct slice body;

		if (column_split(s, &body) || column_decode(body, values, n, &none))
			return -1;
		for (uint32_t i = 0; i < n; i++)
			set(entries, i, column, first, values[i]);
	}
	return 0;
}
