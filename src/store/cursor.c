#include "store/cursor.h"

#include <stdlib.h>

/*
 * A lane's blocks lie all over the file, and the kernel maps 64 KiB around each: so many blocks are
 * read before the pages from the first to the last of them are dropped again; and those of all that
 * is around them, index nodes and other lanes, which takes longer.
 */
enum {
	DROP_AFTER = 16,
	DROP_ALL_AFTER = 256,
	DROP_AROUND = 1 << 18,
	REST_LANES = 512, /* the same of the list of lanes, which can be long */
};

struct store_query store_query_all(const struct store *s, enum table_id table)
{
	return (struct store_query){
		.table = table,
		.lanes_end = s->tables[table].lanes.n,
		.from = INT64_MIN,
		.to = INT64_MAX,
		.states = QUERY_ALL_STATES,
		.columns = QUERY_ALL_COLUMNS,
	};
}

void store_cursor_init(struct store_cursor *c, const struct store *s,
		       const struct store_query *query)
{
	*c = (struct store_cursor){
		.store = s,
		.table = table_get(query->table),
		.query = *query,
		.lane = query->lane,
		.block = block_new(),
	};
	size_t n = s->tables[query->table].lanes.n;

	if (c->query.lanes_end > n)
		c->query.lanes_end = n;
}

void store_cursor_deinit(struct store_cursor *c)
{
	free(c->block);
	free(c->levels);
	*c = (struct store_cursor){0};
}

/* Whether a row of this time is wanted. */
static bool time_wanted(const struct store_query *q, int64_t ts, int64_t end)
{
	return (end > q->from || ts >= q->from) && (ts < q->to || q->to == INT64_MAX);
}

/* Whether an entry of this time can have wanted rows; the last of them may have no length. */
static bool times_wanted(const struct store_query *q, const struct table *t, const struct entry *e)
{
	bool late_enough = t->kind == TABLE_STATES ? e->end > q->from : e->end >= q->from;

	return late_enough && (e->first < q->to || q->to == INT64_MAX);
}

/* Whether any of the wanted states is in what the entry describes. */
static bool states_wanted(const struct store_cursor *c, const struct entry *e)
{
	if (c->table->state == NO_COLUMN || c->query.states == QUERY_ALL_STATES)
		return true;
	uint64_t time = 0;

	for (int i = 0; i < c->store->tables[c->query.table].n_sums; i++)
		time |= c->query.states >> i & 1 ? e->sums[i] : 0;
	return time != 0;
}

static bool entry_wanted(const struct store_cursor *c, const struct entry *e)
{
	return c->table->ts == NO_COLUMN ||
	       (times_wanted(&c->query, c->table, e) && states_wanted(c, e));
}

bool store_cursor_wants(const struct store_cursor *c)
{
	const struct table *t = c->table;
	int64_t ts = store_cursor_get(c, t->ts), end = ts;

	if (t->dur != NO_COLUMN && store_cursor_get(c, t->dur) != TABLE_NULL)
		end = ts + store_cursor_get(c, t->dur);
	if (!time_wanted(&c->query, ts, end))
		return false;
	return t->state == NO_COLUMN || (c->query.states >> store_cursor_get(c, t->state) & 1);
}

/* By value: the entry may be in a node that moves. */
static int enter_node(struct store_cursor *c, struct entry e, struct error *err)
{
	if (c->n_levels == c->cap_levels) {
		c->cap_levels += 4;
		c->levels = mem_realloc(c->levels, sizeof(*c->levels) * c->cap_levels);
	}
	struct cursor_level *l = &c->levels[c->n_levels];

	if (node_read(c->store, c->query.table, &e, &l->node, err))
		return ERR;
	l->next = 0;
	c->n_levels++;
	c->nodes_read++;
	return 0;
}

/* The block was read. */
static void drop_pages(struct store_cursor *c, const struct entry *e)
{
	const struct file_map *map = &c->store->map;
	bool first = c->blocks_read++ % DROP_AFTER == 0;
	uint64_t from = e->offset < DROP_AROUND ? 0 : e->offset - DROP_AROUND;
	uint64_t to = e->offset + e->size + DROP_AROUND;

	c->touched_from = first || from < c->touched_from ? from : c->touched_from;
	c->touched_to = first || to > c->touched_to ? to : c->touched_to;
	if (c->blocks_read % DROP_ALL_AFTER == 0)
		file_map_drop_pages(map);
	else if (c->blocks_read % DROP_AFTER == 0)
		file_map_drop_range(map, c->touched_from, c->touched_to);
}

static int enter_block(struct store_cursor *c, const struct entry *e, struct error *err)
{
	const struct store_query *q = &c->query;
	const int64_t *keys = c->store->tables[q->table].lanes.at[c->lane].keys;

	if (block_read(c->store, q->table, keys, e, q->columns, c->block, err))
		return ERR;
	drop_pages(c, e);
	c->row = 0;
	c->rows_end = c->block->n;
	c->sift = c->table->ts != NO_COLUMN &&
		  (e->first < q->from || (e->end >= q->to && q->to != INT64_MAX) ||
		   (c->table->state != NO_COLUMN && q->states != QUERY_ALL_STATES));
	return CURSOR_ROW;
}

/* Return: the next wanted entry of the path's lowest node, or NULL. */
static const struct entry *next_child(struct store_cursor *c)
{
	struct cursor_level *l = &c->levels[c->n_levels - 1];

	while (l->next < l->node.n) {
		const struct entry *e = &l->node.entries[l->next++];

		if (entry_wanted(c, e))
			return e;
	}
	return NULL;
}

/* Goes on in the current lane. Return: CURSOR_ROW, CURSOR_END or ERR. */
static int next_block_of_lane(struct store_cursor *c, const struct lane_info *lane,
			      struct error *err)
{
	const struct entry *e = c->lane_begun ? NULL : &lane->entry;

	if (e && !entry_wanted(c, e))
		return CURSOR_END;
	c->lane_begun = true;
	for (;;) {
		while (!e && c->n_levels) {
			e = next_child(c);
			if (!e)
				c->n_levels--;
		}
		if (!e)
			return CURSOR_END;
		if (c->n_levels == lane->level)
			return enter_block(c, e, err);
		if (enter_node(c, *e, err))
			return ERR;
		e = NULL;
	}
}

int store_cursor_next_block(struct store_cursor *c, struct error *err)
{
	const struct table_info *info = &c->store->tables[c->query.table];

	c->row = c->rows_end = 0; /* so that at the end the next call comes here again */
	for (; c->lane < c->query.lanes_end; c->lane++) {
		int r = next_block_of_lane(c, &info->lanes.at[c->lane], err);

		if (r != CURSOR_END)
			return r;
		c->lane_begun = false;
		c->n_levels = 0;
		if (c->lane % REST_LANES == 0)
			big_drop_pages(&info->lanes_memory);
	}
	return CURSOR_END;
}
