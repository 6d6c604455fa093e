#include "store/block.h"

#include "store/column.h"

/* What a block is decoded with. */
struct decoding {
	const struct store *store;
	enum table_id id;
	const struct table *table;
	const struct table_info *info;
	const struct entry *entry;
	struct slice piece;
	struct block *block;
	struct error *err;
};

struct block *block_new(void)
{
	return mem_zalloc(1, sizeof(struct block));
}

static int unsound(const struct decoding *d)
{
	return store_damaged(d->store, d->entry->offset, "a block does not decode", d->err);
}

static int decode_next(struct decoding *d, int64_t *values)
{
	const struct column_context none = {0};
	struct slice body;

	return column_split(&d->piece, &body) || column_decode(body, values, d->block->n, &none)
		       ? unsound(d)
		       : 0;
}

/* --- times --- */

/* Numbers of times of the base. Return: the largest, FORMAT_BASE_TIMES if it is too large. */
static uint32_t largest_rank(const int64_t *ranks, uint32_t n)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = (uint64_t)ranks[i] > most ? (uint64_t)ranks[i] : most;
	return most < FORMAT_BASE_TIMES ? (uint32_t)most : FORMAT_BASE_TIMES;
}

/* What ts, and the ends of rows, are as numbers of the base's times; and what they are more. */
static int decode_ranks(struct decoding *d, bool with_dur)
{
	struct block *b = d->block;

	if (decode_next(d, b->ranks) || decode_next(d, b->at[d->table->ts]))
		return ERR;
	if (!with_dur)
		return 0;
	int64_t *more = b->at[d->table->dur];

	if (decode_next(d, b->ends) || decode_next(d, more))
		return ERR;
	for (uint32_t i = 0; i < b->n; i++)
		b->ends[i] =
			more[i] == TABLE_NULL ? 0 : format_add(b->ranks[i], (uint64_t)b->ends[i]);
	return 0;
}

static int decode_by_base(struct decoding *d, bool with_dur)
{
	struct block *b = d->block;
	const struct entry *e = d->entry;
	int64_t keys[TABLE_MAX_KEYS], *ts = b->at[d->table->ts];

	if (slice_svarint(&d->piece, &keys[0]) || slice_svarint(&d->piece, &keys[1]))
		return unsound(d);
	if (decode_ranks(d, with_dur))
		return ERR;
	uint32_t last = largest_rank(b->ranks, b->n);
	uint32_t last_end = with_dur ? largest_rank(b->ends, b->n) : 0;

	last = last > last_end ? last : last_end;
	if (last == FORMAT_BASE_TIMES)
		return unsound(d);
	if (base_read(&b->base, d->store, keys, e->first, last + 1, e->offset, d->err))
		return ERR;
	for (uint32_t i = 0; i < b->n; i++)
		ts[i] = format_add(ts[i], (uint64_t)b->base.times[b->ranks[i]]);
	if (!times_in_order(ts, b->n, e->first, e->end))
		return unsound(d);
	for (uint32_t i = 0; with_dur && i < b->n; i++) {
		int64_t *dur = &b->at[d->table->dur][i];
		int64_t end = format_add(*dur, (uint64_t)b->base.times[b->ends[i]]);

		*dur = *dur == TABLE_NULL ? TABLE_NULL : format_sub(end, ts[i]);
	}
	return 0;
}

/* Lengths from begin to begin, the last one to `end`. Return: whether each fits an int64_t. */
static bool find_durs(const int64_t *ts, int64_t *dur, uint32_t n, int64_t end)
{
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		dur[i] = format_sub(i + 1 < n ? ts[i + 1] : end, ts[i]);
		good &= dur[i] >= 0;
	}
	return good;
}

/* Return: whether each row's end can be computed and is at most `end`. */
static bool ends_in_range(const int64_t *ts, const int64_t *dur, uint32_t n, int64_t end)
{
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t most = (uint64_t)end - (uint64_t)ts[i];

		good &= dur[i] == TABLE_NULL || (dur[i] >= 0 && (uint64_t)dur[i] <= most);
	}
	return good;
}

static bool states_in_range(const int64_t *state, uint32_t n, int n_states)
{
	bool good = true;

	for (uint32_t i = 0; i < n; i++)
		good &= (uint64_t)state[i] < (uint64_t)n_states;
	return good;
}

/* dur that the block does not say by the base's times, and state. */
static int decode_lengths(struct decoding *d, bool has_dur)
{
	const struct table *t = d->table;
	const struct entry *e = d->entry;
	struct block *b = d->block;
	int64_t *ts = b->at[t->ts], *dur = b->at[t->dur];

	if (t->kind == TABLE_SPANS) {
		if (!has_dur && decode_next(d, dur))
			return ERR;
		return ends_in_range(ts, dur, b->n, e->end) ? 0 : unsound(d);
	}
	if (decode_next(d, b->at[t->state]))
		return ERR;
	return find_durs(ts, dur, b->n, e->end) &&
			       states_in_range(b->at[t->state], b->n, d->info->n_sums)
		       ? 0
		       : unsound(d);
}

static int decode_times(struct decoding *d)
{
	const struct entry *e = d->entry;
	struct block *b = d->block;
	uint64_t form;

	if (slice_varint(&d->piece, &form) || form > (FORMAT_TS_BY_BASE | FORMAT_DUR_BY_BASE) ||
	    form == FORMAT_DUR_BY_BASE || (form && d->id == TABLE_CPU_STATE) ||
	    (form & FORMAT_DUR_BY_BASE && d->table->kind != TABLE_SPANS))
		return unsound(d);
	if (form) {
		if (decode_by_base(d, form & FORMAT_DUR_BY_BASE))
			return ERR;
	} else if (piece_plain_ts(&d->piece, e->first, e->end, b->at[d->table->ts], b->n)) {
		return unsound(d);
	}
	return d->table->dur == NO_COLUMN ? 0 : decode_lengths(d, form & FORMAT_DUR_BY_BASE);
}

/* --- other columns --- */

/* Where in the block's order the columns begin that decode_times() leaves. */
static int first_other(const struct table *t)
{
	return (t->ts != NO_COLUMN) + (t->dur != NO_COLUMN);
}

/* The column before the one that is decoded: its values, or what they are to be decoded from. */
struct neighbor {
	struct slice body;
	const int64_t *values; /* NULL: not decoded */
};

/*
 * Decodes a column, and the one before it if it needs that. Columns that the file has and we do not
 * know are decoded to where nobody looks.
 */
static int decode_other(struct decoding *d, int c, struct slice body, struct neighbor *before,
			struct column_context context)
{
	struct block *b = d->block;
	int64_t *values = c == NO_COLUMN ? b->spare[0] : b->at[c];

	if (column_needs_neighbor(body)) {
		if (!before->values && (!before->body.at || column_needs_neighbor(before->body) ||
					column_decode(before->body, b->spare[1], b->n, &context)))
			return unsound(d);
		context.neighbor = before->values ? before->values : b->spare[1];
	}
	if (column_decode(body, values, b->n, &context))
		return unsound(d);
	*before = (struct neighbor){body, values};
	return 0;
}

static int decode_others(struct decoding *d, uint32_t columns)
{
	const struct table *t = d->table;
	struct block *b = d->block;
	struct column_context context = {
		.state = t->kind == TABLE_STATES ? b->at[t->state] : NULL,
		.left = t->kind == TABLE_SPANS ? b->left : NULL,
	};
	struct neighbor before = {0};

	if (context.left)
		memcpy(b->left, b->at[t->dur], sizeof(*b->left) * b->n);
	for (int i = first_other(t); i < d->info->n_stored; i++) {
		int c = d->info->stored[i];
		struct slice body;

		if (column_split(&d->piece, &body))
			return unsound(d);
		bool wanted = c != NO_COLUMN && columns >> c & 1;

		if (!wanted && !column_is_taken(body))
			before = (struct neighbor){.body = body};
		else if (decode_other(d, c, body, &before, context))
			return ERR;
	}
	return d->piece.at == d->piece.end ? 0 : unsound(d);
}

static void fill(int64_t *values, uint32_t n, int64_t value)
{
	for (uint32_t i = 0; i < n; i++)
		values[i] = value;
}

static void fill_missing(const struct decoding *d, const int64_t *keys, uint32_t columns)
{
	for (int c = 0; c < d->table->n_columns; c++) {
		if (columns >> c & 1 && c < d->table->n_keys)
			fill(d->block->at[c], d->block->n, keys[c]);
		else if (columns & d->info->missing & 1U << c)
			fill(d->block->at[c], d->block->n, TABLE_NULL);
	}
}

int block_read(const struct store *s, enum table_id table, const int64_t *keys,
	       const struct entry *e, uint32_t columns, struct block *b, struct error *err)
{
	struct decoding d = {.store = s,
			     .id = table,
			     .table = table_get(table),
			     .info = &s->tables[table],
			     .entry = e,
			     .block = b,
			     .err = err};

	if (piece_find(s, e, &d.piece, err))
		return ERR;
	if (e->rows < 1 || e->rows > FORMAT_BLOCK_ROWS)
		return store_damaged(s, e->offset, "a block's number of rows is wrong", err);
	b->n = (uint32_t)e->rows;
	if ((d.table->ts != NO_COLUMN && decode_times(&d)) || decode_others(&d, columns))
		return ERR;
	fill_missing(&d, keys, columns);
	return 0;
}
