/*
 * cursor: rows of a table, one after another, by lane and time.
 *
 *	struct store_cursor c;
 *	store_cursor_init(&c, s, &(struct store_query){.table = TABLE_VCPU_STATE, ...});
 *	while ((r = store_cursor_next(&c, &err)) == CURSOR_ROW)
 *		... store_cursor_get(&c, COL_VCPU_STATE_STATE) ...
 *	store_cursor_deinit(&c);
 *
 * Only the blocks that can hold wanted rows are read, and of them only the wanted columns.
 */
#ifndef VMSCOPE_STORE_CURSOR_H
#define VMSCOPE_STORE_CURSOR_H

#include "store/block.h"

#define QUERY_ALL_COLUMNS UINT32_MAX
#define QUERY_ALL_STATES  UINT32_MAX

/* store_query_all() is where to begin. */
struct store_query {
	enum table_id table;
	size_t lane, lanes_end; /* [lane, lanes_end) of store.tables[].lanes */
	/*
	 * Rows that overlap [from, to), and those without length that lie in it; to == INT64_MAX
	 * has no end. Plain rows are not asked for a time.
	 */
	int64_t from, to;
	uint32_t states;  /* bit per state; where there are states */
	uint32_t columns; /* bit per column that store_cursor_get() is asked for */
};

/* Return: a query for all rows and columns of the table. */
struct store_query store_query_all(const struct store *s, enum table_id table);

struct cursor_level {
	struct node node;
	uint32_t next;
};

struct store_cursor {
	const struct store *store;
	const struct table *table;
	struct store_query query;
	size_t lane; /* the one that its row is of */

	struct block *block; /* owned */
	uint32_t row, rows_end;
	bool sift; /* rows of this block must be looked at one by one */

	struct cursor_level *levels; /* owned; the path to the block, from the lane's root */
	uint32_t n_levels, cap_levels;
	bool lane_begun;

	uint64_t touched_from, touched_to; /* of the file, since its pages were dropped */
	uint64_t blocks_read, nodes_read;  /* for tests and statistics */
};

/* s must outlive it. */
void store_cursor_init(struct store_cursor *c, const struct store *s,
		       const struct store_query *query);
void store_cursor_deinit(struct store_cursor *c);

enum { CURSOR_END = 0, CURSOR_ROW = 1 };

/* Goes to the next block with wanted rows. Return: CURSOR_ROW, CURSOR_END, or ERR with err set. */
int store_cursor_next_block(struct store_cursor *c, struct error *err);

/* Return: whether the row that the cursor is at is wanted. */
bool store_cursor_wants(const struct store_cursor *c);

/* Goes to the next row, at first to the first. Return: CURSOR_ROW, CURSOR_END, or ERR. */
static inline int store_cursor_next(struct store_cursor *c, struct error *err)
{
	for (;;) {
		c->row++;
		if (__builtin_expect(c->row >= c->rows_end, 0)) {
			int r = store_cursor_next_block(c, err);

			if (r != CURSOR_ROW)
				return r;
		}
		if (!c->sift || store_cursor_wants(c))
			return CURSOR_ROW;
	}
}

/* Return: the current row's value in a column that was asked for. */
static inline int64_t store_cursor_get(const struct store_cursor *c, int column)
{
	return c->block->at[column][c->row];
}

#endif
