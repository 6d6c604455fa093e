#include "store/zoom.h"

#include <stdlib.h>

#include "store/block.h"

/* A pixel and its time. */
struct pixel {
	uint32_t p;
	int64_t from, to; /* [from, to) */
};

/* What the walk over the index, from left to right, carries along. */
struct walk {
	const struct store *store;
	const struct zoom_query *query;
	const struct table *table;
	const struct lane_info *lane;
	struct zoom *zoom;
	struct block *block;
	uint64_t smear; /* ns: what is no longer is not looked into */
	struct pixel pixel;
	struct error *err;
};

int64_t zoom_begin(const struct zoom_query *q, uint32_t p)
{
	uint64_t width = (uint64_t)q->to - (uint64_t)q->from, product;

	if (__builtin_mul_overflow(width, (uint64_t)p, &product))
		return (int64_t)((uint64_t)q->from +
				 (uint64_t)((unsigned __int128)width * p / q->n_pixels));
	return (int64_t)((uint64_t)q->from + product / q->n_pixels);
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

static void set_pixel(struct walk *w, uint32_t p)
{
	w->pixel = (struct pixel){p, zoom_begin(w->query, p), zoom_begin(w->query, p + 1)};
}

/* Makes the walk's pixel the one that t, which is in the query, lies in. */
static inline void go_to(struct walk *w, int64_t t)
{
	enum { STEPS = 4 };

	for (int i = 0; i < STEPS && t >= w->pixel.to; i++) {
		w->pixel.p++;
		w->pixel.from = w->pixel.to;
		w->pixel.to = zoom_begin(w->query, w->pixel.p + 1);
	}
	if (t < w->pixel.from || t >= w->pixel.to)
		set_pixel(w, pixel_of(w->query, t));
}

static bool in_query(const struct zoom_query *q, int64_t t)
{
	return t >= q->from && t < q->to;
}

static uint64_t *time_of(const struct walk *w, uint32_t p)
{
	return w->zoom->time + (size_t)p * w->zoom->n_sums;
}

/* Adds [begin, end) of one state. The walk's pixel stays where the interval begins. */
static void add_interval(struct walk *w, int64_t begin, int64_t end, uint32_t state)
{
	const struct zoom_query *q = w->query;

	begin = begin > q->from ? begin : q->from;
	end = end < q->to ? end : q->to;
	if (begin >= end)
		return;
	go_to(w, begin);
	int64_t next = w->pixel.to;

	for (uint32_t p = w->pixel.p; begin < end; next = zoom_begin(q, ++p + 1)) {
		int64_t stop = end < next ? end : next;

		time_of(w, p)[state] += (uint64_t)stop - (uint64_t)begin;
		begin = stop;
	}
}

/* The part of `whole` that comes first, 0 to 1 of it. */
static uint64_t part_of(uint64_t whole, double share)
{
	if (share >= 1)
		return whole;
	uint64_t part = (uint64_t)((double)whole * share);

	return part < whole ? part : whole;
}

/*
 * Adds to pixel p what of the entry lies between the shares `from` and `to` of its time. Parts are
 * differences of what comes before, so that together they are the whole.
 */
static void add_part(const struct walk *w, const struct entry *e, uint32_t p, double from,
		     double to)
{
	uint64_t *time = time_of(w, p);

	for (uint32_t k = 0; k < w->zoom->n_sums; k++) {
		if (e->sums[k])
			time[k] += part_of(e->sums[k], to) - part_of(e->sums[k], from);
	}
	w->zoom->rows[p] += part_of(e->rows, to) - part_of(e->rows, from);
}

static double share_at(const struct entry *e, int64_t t)
{
	return t >= e->end ? 1
			   : (double)((uint64_t)t - (uint64_t)e->first) /
				     (double)((uint64_t)e->end - (uint64_t)e->first);
}

/* Spreads what the entry says over the pixels that it touches. */
static void spread(struct walk *w, const struct entry *e)
{
	const struct zoom_query *q = w->query;
	int64_t begin = e->first > q->from ? e->first : q->from;
	int64_t end = e->end < q->to ? e->end : q->to;

	if (!in_query(q, begin) || begin > end)
		return;
	go_to(w, begin);
	if (e->first == e->end) {
		add_part(w, e, w->pixel.p, 0, 1);
		return;
	}
	double share = share_at(e, begin);

	for (uint32_t p = w->pixel.p; begin < end; p++) {
		int64_t next = zoom_begin(q, p + 1);
		int64_t stop = end < next ? end : next;
		double next_share = share_at(e, stop);

		add_part(w, e, p, share, next_share);
		share = next_share;
		begin = stop;
	}
}

static int add_block(struct walk *w, const struct entry *e)
{
	const struct table *t = w->table;
	struct block *b = w->block;

	if (block_read(w->store, w->query->table, w->lane->keys, e, 0, b, w->err))
		return ERR;
	w->zoom->blocks_read++;
	for (uint32_t i = 0; i < b->n; i++) {
		int64_t ts = b->at[t->ts][i];

		if (in_query(w->query, ts)) {
			go_to(w, ts);
			w->zoom->rows[w->pixel.p]++;
		}
		if (t->dur != NO_COLUMN && b->at[t->dur][i] != TABLE_NULL)
			add_interval(w, ts, ts + b->at[t->dur][i],
				     t->state == NO_COLUMN ? 0 : (uint32_t)b->at[t->state][i]);
	}
	return 0;
}

static int add_entry(struct walk *w, const struct entry *e, uint32_t level);

static int add_node(struct walk *w, const struct entry *e, uint32_t level)
{
	struct node *node = mem_alloc(sizeof(*node));
	int r = node_read(w->store, w->query->table, e, node, w->err);

	w->zoom->nodes_read++;
	for (uint32_t i = 0; !r && i < node->n; i++)
		r = add_entry(w, &node->entries[i], level - 1);
	free(node);
	return r;
}

static int add_entry(struct walk *w, const struct entry *e, uint32_t level)
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
	set_pixel(&w, 0);
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
