#include "store/block.h"

#include "store/column.h"
#include "store/hash.h"
#include "store/node.h"

/* The bytes of a piece, if they are in the file and as they were written. */
static int find_piece(const struct store *s, const struct entry *e, struct slice *piecep,
		      struct error *err)
{
	if (e->offset < FORMAT_HEADER_SIZE || e->offset > s->pieces_end ||
	    e->size > s->pieces_end - e->offset)
		return store_damaged(s, e->offset, "a block is not in the file", err);
	*piecep = (struct slice){s->data + e->offset, s->data + e->offset + e->size};
	if ((uint32_t)hash_bytes(piecep->at, e->size) != e->hash)
		return store_damaged(s, e->offset, "a block's checksum is wrong", err);
	return 0;
}

/* --- data blocks --- */

static int decode_next(struct slice *piece, int64_t *values, uint32_t n,
		       const struct column_context *context)
{
	struct slice body;

	return column_split(piece, &body) || column_decode(body, values, n, context) ? -1 : 0;
}

/* Return: whether times never decrease, from first on, without reaching past end. */
static bool times_in_order(const int64_t *ts, uint32_t n, int64_t first, int64_t end)
{
	bool good = ts[0] == first && ts[n - 1] <= end;

	for (uint32_t i = 1; i < n; i++)
		good &= ts[i] >= ts[i - 1];
	return good;
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

static bool states_in_range(const int64_t *state, uint32_t n, int n_states)
{
	bool good = true;

	for (uint32_t i = 0; i < n; i++)
		good &= (uint64_t)state[i] < (uint64_t)n_states;
	return good;
}

/* ts, then dur and state of a table of states. Return: 0, or -1. */
static int decode_times(struct slice *piece, const struct table *t, const struct table_info *info,
			const struct entry *e, struct block *b)
{
	const struct column_context none = {0};
	int64_t *ts = b->at[t->ts];

	if (decode_next(piece, ts, b->n, &none))
		return -1;
	for (uint32_t i = 0; i < b->n; i++)
		ts[i] = format_add(ts[i], (uint64_t)e->first);
	if (!times_in_order(ts, b->n, e->first, e->end))
		return -1;
	if (t->kind != TABLE_STATES)
		return 0;
	if (!find_durs(ts, b->at[t->dur], b->n, e->end) ||
	    decode_next(piece, b->at[t->state], b->n, &none) ||
	    !states_in_range(b->at[t->state], b->n, info->n_sums))
		return -1;
	return 0;
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

/* All columns behind those that decode_times() took. Return: 0, or -1. */
static int decode_others(struct slice *piece, const struct table *t, const struct table_info *info,
			 const struct entry *e, uint32_t columns, struct block *b)
{
	const bool states = t->kind == TABLE_STATES, spans = t->kind == TABLE_SPANS;
	struct column_context context = {.state = states ? b->at[t->state] : NULL};

	for (int i = (t->ts != NO_COLUMN) + states; i < info->n_stored; i++) {
		int c = info->stored[i];
		bool is_dur = spans && c == t->dur;
		struct slice body;

		if (column_split(piece, &body))
			return -1;
		if (c == NO_COLUMN || !(is_dur || columns >> c & 1))
			continue;
		if (column_decode(body, b->at[c], b->n, &context))
			return -1;
		if (is_dur && !ends_in_range(b->at[t->ts], b->at[c], b->n, e->end))
			return -1;
		if (is_dur)
			context.dur = b->at[c];
	}
	return piece->at == piece->end ? 0 : -1;
}

static void fill(int64_t *values, uint32_t n, int64_t value)
{
	for (uint32_t i = 0; i < n; i++)
		values[i] = value;
}

static void fill_missing(const struct table *t, const struct table_info *info, const int64_t *keys,
			 uint32_t columns, struct block *b)
{
	for (int c = 0; c < t->n_columns; c++) {
		if (columns >> c & 1 && c < t->n_keys)
			fill(b->at[c], b->n, keys[c]);
		else if (columns & info->missing & 1U << c)
			fill(b->at[c], b->n, TABLE_NULL);
	}
}

int block_read(const struct store *s, enum table_id table, const int64_t *keys,
	       const struct entry *e, uint32_t columns, struct block *b, struct error *err)
{
	const struct table *t = table_get(table);
	const struct table_info *info = &s->tables[table];
	struct slice piece;

	if (find_piece(s, e, &piece, err))
		return ERR;
	if (e->rows < 1 || e->rows > FORMAT_BLOCK_ROWS)
		return store_damaged(s, e->offset, "a block's number of rows is wrong", err);
	b->n = (uint32_t)e->rows;
	if ((t->ts != NO_COLUMN && decode_times(&piece, t, info, e, b)) ||
	    decode_others(&piece, t, info, e, columns, b))
		return store_damaged(s, e->offset, "a block does not decode", err);
	fill_missing(t, info, keys, columns, b);
	return 0;
}

/* --- index nodes --- */

/* Return: whether the node's entries are in order and add up to what is said of it. */
static bool entries_fit(const struct node *n, const struct entry *e)
{
	uint64_t rows = 0;
	int64_t end = n->entries[0].end;
	bool good = n->entries[0].first == e->first;

	for (uint32_t i = 0; i < n->n; i++) {
		const struct entry *child = &n->entries[i];

		good &= child->first <= child->end && child->end <= e->end && child->rows >= 1;
		good &= !i || child->first >= child[-1].first;
		end = child->end > end ? child->end : end;
		rows += child->rows;
	}
	return good && rows == e->rows && end == e->end;
}

int node_read(const struct store *s, enum table_id table, const struct entry *e, struct node *node,
	      struct error *err)
{
	struct slice piece;
	uint64_t n;

	if (find_piece(s, e, &piece, err))
		return ERR;
	if (slice_varint(&piece, &n) || n < 1 || n > FORMAT_NODE_ENTRIES)
		return store_damaged(s, e->offset, "an index node's size is wrong", err);
	node->n = (uint32_t)n;
	if (node_decode(&piece, node->entries, node->n, e->first, s->tables[table].n_sums) ||
	    piece.at != piece.end || !entries_fit(node, e))
		return store_damaged(s, e->offset, "an index node does not decode", err);
	return 0;
}
