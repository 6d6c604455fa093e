#include "store/zoom.h"

#include <stdlib.h>

#include "store/block.h"

/* What the walk over the index carries along. */
struct walk {
	const struct store *store;
	const struct zoom_query *query;
	const struct table *table;
	const struct lane_info *lane;
	struct zoom *zoom;
	struct block *block;
	uint64_t smear; /* ns: what is no longer is not looked into */
	struct error *err;
};

int64_t zoom_begin(const struct zoom_query *q, uint32_t p)
{
	uint64_t width = (uint64_t)q->to - (uint64_t)q->from;

	return (int64_t)((uint64_t)q->from +
			 (uint64_t)((unsigned __int128)width * p / q->n_pixels));
}

/* Return: the pixel that t, which is in the query, lies in. */
static uint32_t pixel_of(const struct zoom_query *q, int64_t t)
{
	uint64_t width = (uint64_t)q->to - (uint64_t)q->from;
	uint64_t offset = (uint64_t)t - (uint64_t)q->from;
	uint32_t p = (uint32_t)((unsigned __int128)offset * q->n_pixels / width);

	/* Pixel p begins at the rounded down p * width / n, so t may be in the next one already. */
	return p + 1 < q->n_pixels && t >= zoom_begin(q, p + 1) ? p + 1 : p;
}

static bool in_query(const struct zoom_query *q, int64_t t)
{
	return t >= q->from && t < q->to;
}

/* Adds [begin, end) of one state. */
static void add_interval(const struct walk *w, int64_t begin, int64_t end, uint32_t state)
{
	const struct zoom_query *q = w->query;

	begin = begin > q->from ? begin : q->from;
	end = end < q->to ? end : q->to;
	if (begin >= end)
		return;
	for (uint32_t p = pixel_of(q, begin); begin < end; p++) {
		int64_t next = zoom_begin(q, p + 1);
		int64_t stop = end < next ? end : next;

		w->zoom->time[(size_t)p * w->zoom->n_sums + state] +=
			(uint64_t)stop - (uint64_t)begin;
		begin = stop;
	}
}

/* The part of `whole` that lies before t, when it is spread evenly over [first, end). */
static uint64_t part_before(uint64_t whole, int64_t t, int64_t first, int64_t end)
{
	if (t <= first)
		return 0;
	if (t >= end)
		return whole;
	return (uint64_t)((unsigned __int128)whole * ((uint64_t)t - (uint64_t)first) /
			  ((uint64_t)end - (uint64_t)first));
}

/* Spreads what the entry says over the pixels that it touches. */
static void spread(const struct walk *w, const struct entry *e)
{
	const struct zoom_query *q = w->query;
	struct zoom *z = w->zoom;
	int64_t begin = e->first > q->from ? e->first : q->from;
	int64_t end = e->end < q->to ? e->end : q->to;

	if (in_query(q, begin) && begin == end) {
		z->rows[pixel_of(q, begin)] += e->rows;
		return;
	}
	if (begin >= end)
		return;
	for (uint32_t p = pixel_of(q, begin); begin < end; p++) {
		int64_t next = zoom_begin(q, p + 1);
		int64_t stop = end < next ? end : next;

		for (uint32_t k = 0; k < z->n_sums; k++)
			z->time[(size_t)p * z->n_sums + k] +=
				part_before(e->sums[k], stop, e->first, e->end) -
				part_before(e->sums[k], begin, e->first, e->end);
		z->rows[p] += part_before(e->rows, stop, e->first, e->end) -
			      part_before(e->rows, begin, e->first, e->end);
		begin = stop;
	}
}

static int add_block(const struct walk *w, const struct entry *e)
{
	const struct table *t = w->table;
	struct block *b = w->block;

	if (block_read(w->store, w->query->table, w->lane->keys, e, 0, b, w->err))
		return ERR;
	w->zoom->blocks_read++;
	for (uint32_t i = 0; i < b->n; i++) {
		int64_t ts = b->at[t->ts][i];

		if (in_query(w->query, ts))
			w->zoom->rows[pixel_of(w->query, ts)]++;
		if (t->dur != NO_COLUMN && b->at[t->dur][i] != TABLE_NULL)
			add_interval(w, ts, ts + b->at[t->dur][i],
				     t->state == NO_COLUMN ? 0 : (uint32_t)b->at[t->state][i]);
	}
	return 0;
}

static int add_entry(const struct walk *w, const struct entry *e, uint32_t level);

static int add_node(const struct walk *w, const struct entry *e, uint32_t level)
{
	struct node *node = mem_alloc(sizeof(*node));
	int r = node_read(w->store, w->query->table, e, node, w->err);

	w->zoom->nodes_read++;
	for (uint32_t i = 0; !r && i < node->n; i++)
		r = add_entry(w, &node->entries[i], level - 1);
	free(node);
	return r;
}

static int add_entry(const struct walk *w, const struct entry *e, uint32_t level)
{
	const struct zoom_query *q = w->query;

	if (e->end < q->from || e->first >= q->to)
		return 0;
	if ((uint64_t)e->end - (uint64_t)e->first <= w->smear) {
		spread(w, e);
		return 0;
	}
	return level ? add_node(w, e, level) : add_block(w, e);
}

int zoom_init(struct zoom *z, const struct store *s, const struct zoom_query *q, struct error *err)
{
	const struct table_info *info = &s->tables[q->table];
	const uint64_t width = (uint64_t)q->to - (uint64_t)q->from;
	struct walk w = {
		.store = s,
		.query = q,
		.table = table_get(q->table),
		.lane = &info->lanes.at[q->lane],
		.zoom = z,
		.smear = (uint64_t)((unsigned __int128)width * q->smear / q->n_pixels),
		.err = err,
	};

	*z = (struct zoom){.n_pixels = q->n_pixels, .n_sums = (uint32_t)info->n_sums};
	z->time = mem_zalloc((size_t)q->n_pixels * z->n_sums, sizeof(*z->time));
	z->rows = mem_zalloc(q->n_pixels, sizeof(*z->rows));
	w.block = block_new();
	int r = add_entry(&w, &w.lane->entry, w.lane->level);

	free(w.block);
	if (r)
		zoom_deinit(z);
	return r;
}

void zoom_deinit(struct zoom *z)
{
	free(z->time);
	free(z->rows);
	*z = (struct zoom){0};
}

int zoom_dominant(const struct zoom *z, uint32_t pixel)
{
	const uint64_t *time = z->time + (size_t)pixel * z->n_sums;
	uint64_t most = 0;
	int best = -1;

	for (uint32_t i = 0; i < z->n_sums; i++) {
		if (time[i] > most) {
			most = time[i];
			best = (int)i;
		}
	}
	return best;
}
