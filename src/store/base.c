#include "store/base.h"

static int take_lane(struct base *b, const struct store *s, const int64_t *keys, uint64_t offset,
		     struct error *err)
{
	int64_t lane = store_find_lane(s, TABLE_CPU_STATE, keys);

	if (lane < 0)
		return store_damaged(s, offset, "a block counts on a CPU that is not there", err);
	b->lane = &s->tables[TABLE_CPU_STATE].lanes.at[lane];
	return 0;
}

static int read_way(struct base *b, const struct store *s, uint32_t level, const struct entry *e,
		    struct error *err)
{
	if (b->way[level].offset == e->offset)
		return 0;
	b->way[level].offset = 0;
	if (node_read(s, TABLE_CPU_STATE, e, &b->way[level].node, err))
		return ERR;
	b->way[level].offset = e->offset;
	b->nodes_read++;
	return 0;
}

static int read_leaf(struct base *b, const struct store *s, const struct entry *e,
		     struct error *err)
{
	struct slice piece;
	uint64_t form;

	if (b->leaf == e->offset)
		return 0;
	b->leaf = 0;
	if (piece_find(s, e, &piece, err))
		return ERR;
	if (e->rows < 1 || e->rows > FORMAT_BLOCK_ROWS || slice_varint(&piece, &form) || form ||
	    piece_plain_ts(&piece, e->first, e->end, b->leaf_ts, (uint32_t)e->rows))
		return store_damaged(s, e->offset, "the times of a CPU do not decode", err);
	b->leaf = e->offset;
	b->leaf_n = (uint32_t)e->rows;
	b->blocks_read++;
	return 0;
}

/* Return: the last entry that does not begin after t, or the first. */
static uint32_t entry_at(const struct node *n, int64_t t)
{
	uint32_t i = 0;

	while (i + 1 < n->n && n->entries[i + 1].first <= t)
		i++;
	return i;
}

/* Goes down from *e, an entry of `level`, to the block that t lies in. Return: 0 or ERR. */
static int go_down(struct base *b, const struct store *s, uint32_t level, struct entry *e,
		   int64_t t, struct error *err)
{
	for (; level; level--) {
		if (read_way(b, s, level, e, err))
			return ERR;
		b->way[level].at = entry_at(&b->way[level].node, t);
		*e = b->way[level].node.entries[b->way[level].at];
	}
	return 0;
}

enum { NO_MORE = 1 };

/* Goes to the lane's next block. Return: 0, NO_MORE at its end, or ERR with err set. */
static int go_on(struct base *b, const struct store *s, struct entry *e, struct error *err)
{
	uint32_t level = 1;

	while (level <= b->lane->level && b->way[level].at + 1 >= b->way[level].node.n)
		level++;
	if (level > b->lane->level)
		return NO_MORE;
	*e = b->way[level].node.entries[++b->way[level].at];
	return go_down(b, s, level - 1, e, INT64_MIN, err);
}

/* Takes times of the block that was read, from the one at or before `first` on. */
static uint32_t take_times(struct base *b, int64_t first, uint32_t have, uint32_t n)
{
	uint32_t i = 0;

	while (!have && i + 1 < b->leaf_n && b->leaf_ts[i + 1] <= first)
		i++;
	for (; i < b->leaf_n && have < n; i++)
		b->times[have++] = b->leaf_ts[i];
	return have;
}

int base_read(struct base *b, const struct store *s, const int64_t *keys, int64_t first, uint32_t n,
	      uint64_t offset, struct error *err)
{
	uint32_t have = 0;
	int r = take_lane(b, s, keys, offset, err);

	if (r)
		return r;
	struct entry e = b->lane->entry;

	r = go_down(b, s, b->lane->level, &e, first, err);
	while (!r && have < n) {
		if (read_leaf(b, s, &e, err))
			return ERR;
		have = take_times(b, first, have, n);
		r = have < n ? go_on(b, s, &e, err) : 0;
	}
	if (r == NO_MORE && have + 1 == n) {
		b->times[have++] = e.end;
		r = 0;
	}
	if (r == NO_MORE || (!r && b->times[0] > first))
		r = store_damaged(s, offset, "a block counts on times that are not there", err);
	return r;
}
