#include "server/arrows.h"

#include <stdlib.h>

#include "store/cursor.h"

enum {
	STATE_BLOCKS = 256,
	STATE_ROWS = STATE_BLOCKS * FORMAT_BLOCK_ROWS, /* of which few are preemptions */
	WAKEUP_ROWS = 1 << 15,
	N_CLASSES = 65,
};

struct looking {
	struct arrows *found;
	struct dataset *data;
	int64_t from, to;
	struct map items; /* rows that are asked for */
	bool has_items;	  /* else: all */
	size_t n_items;	  /* they share what is looked at beyond what is for all */
	struct error *err;
};

static bool is_item(const struct looking *l, int32_t row)
{
	return map_get(&l->items, (uint64_t)row);
}

static void push(struct looking *l, const struct arrow *a)
{
	if (a->begin < l->from || a->begin >= l->to)
		return;
	if (!l->has_items || is_item(l, a->from) || is_item(l, a->to))
		*vec_push(&l->found->at) = *a;
}

/* ---- preemptions ---------------------------------------------------------------------------- */

static void take_preemption(struct looking *l, const struct store_cursor *c)
{
	const struct dataset *d = l->data;
	int64_t by_id = store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_THREAD_ID);
	int64_t of_id = store_cursor_get(c, COL_VCPU_STATE_VCPU_ID);
	int64_t ts = store_cursor_get(c, COL_VCPU_STATE_TS);
	const struct ds_thread *by = dataset_thread(d, by_id);

	if (by && by->vcpu >= 0 && dataset_vcpu(d, of_id))
		push(l, &(struct arrow){.begin = ts,
					.end = ts,
					.from = row_id(ROW_VCPU, of_id),
					.to = row_id(ROW_VCPU, by->vcpu)});
}

/* Looks into at most max_blocks blocks of a lane that have something in [from, to). */
static int look_in(struct looking *l, size_t lane, int64_t from, int64_t to, uint64_t max_blocks)
{
	struct store_query query = store_query_all(l->data->store, TABLE_VCPU_STATE);
	struct store_cursor c;
	int r;

	query.lane = lane;
	query.lanes_end = lane + 1;
	query.from = from;
	query.to = to;
	query.states = vcpu_states(STATE_TAKEN);
	query.columns = 1U << COL_VCPU_STATE_VCPU_ID | 1U << COL_VCPU_STATE_TS |
			1U << COL_VCPU_STATE_OCCUPANT_THREAD_ID;
	store_cursor_init(&c, l->data->store, &query);
	while ((r = store_cursor_next(&c, l->err)) == CURSOR_ROW && c.blocks_read <= max_blocks)
		take_preemption(l, &c);
	l->found->more |= r == CURSOR_ROW;
	store_cursor_deinit(&c);
	return r < 0 ? r : 0;
}

/* Return: about how many rows of a lane are in the stretch. */
static double estimate_rows(const struct looking *l, const struct entry *lane)
{
	int64_t from = lane->first > l->from ? lane->first : l->from;
	int64_t to = lane->end < l->to ? lane->end : l->to;
	double length = (double)((uint64_t)lane->end - (uint64_t)lane->first);

	if (from >= to)
		return 0;
	return (double)lane->rows * (double)((uint64_t)to - (uint64_t)from) / length;
}

/* Looks into one block of a lane in each of so many windows of the stretch. */
static int look_here_and_there(struct looking *l, size_t lane, uint64_t n_windows)
{
	uint64_t width = ((uint64_t)l->to - (uint64_t)l->from) / n_windows;

	for (uint64_t w = 0; w < n_windows; w++) {
		int64_t from = l->from + (int64_t)(width * w);
		int64_t to = w + 1 < n_windows ? l->from + (int64_t)(width * (w + 1)) : l->to;

		if (look_in(l, lane, from, to, 1))
			return ERR;
	}
	return 0;
}

static int find_preemptions(struct looking *l)
{
	const struct table_info *info = &l->data->store->tables[TABLE_VCPU_STATE];
	uint64_t n_windows = 1;
	double rows = 0;

	vec_each (lane, &info->lanes)
		rows += estimate_rows(l, &lane->entry);
	bool all = rows <= STATE_ROWS;

	if (!all && info->lanes.n < STATE_BLOCKS)
		n_windows = STATE_BLOCKS / info->lanes.n;
	uint64_t n_own = l->n_items ? STATE_BLOCKS / l->n_items : 0;

	n_own = n_own > n_windows ? n_own : n_windows;
	for (size_t i = 0; i < info->lanes.n; i++) {
		int64_t vcpu = info->lanes.at[i].keys[0];
		bool own = vcpu >= 0 && vcpu < ROW_INDEX_END && is_item(l, row_id(ROW_VCPU, vcpu));

		if (all ? look_in(l, i, l->from, l->to, UINT64_MAX)
			: look_here_and_there(l, i, own ? n_own : n_windows))
			return ERR;
	}
	return 0;
}

/* ---- wake-ups ------------------------------------------------------------------------------- */

static void take_wakeup(struct looking *l, const struct block *b, uint32_t row, int64_t thread)
{
	int64_t waker = b->at[COL_WAKEUP_WAKER_THREAD_ID][row];
	int64_t run = b->at[COL_WAKEUP_RUN_NS][row];
	struct arrow a = {.begin = b->at[COL_WAKEUP_TS][row]};

	if (run < 0 || !dataset_thread(l->data, waker) || !dataset_thread(l->data, thread) ||
	    __builtin_add_overflow(a.begin, run, &a.end))
		return;
	a.from = row_id(ROW_THREAD, waker);
	a.to = row_id(ROW_THREAD, thread);
	push(l, &a);
}

/* Latencies by their magnitude; 0: there is none. */
static int class_of(const struct digest_block *b)
{
	return b->max < 0 ? 0 : 64 - __builtin_clzll((uint64_t)b->max | 1);
}

/* Return: the first block of the lane that the stretch touches; they end at *endp. */
static const struct digest_block *blocks_of(const struct looking *l, const struct digest_lane *lane,
					    const struct digest_block **endp)
{
	const struct digest_block *b = lane->blocks.at + digest_first(lane, l->from);
	const struct digest_block *end = b;

	while (end < lane->blocks.at + lane->blocks.n && end->first < l->to)
		end++;
	*endp = end;
	return b;
}

static void count_classes(const struct looking *l, uint64_t rows[N_CLASSES])
{
	vec_each (lane, &l->data->wakeup_digest.lanes) {
		const struct digest_block *end;

		for (const struct digest_block *b = blocks_of(l, lane, &end); b < end; b++)
			rows[class_of(b)] += b->rows;
	}
}

static int look_at_wakeups(struct looking *l, size_t lane, const struct digest_block *d,
			   struct block *block)
{
	const struct lane_info *info = &l->data->store->tables[TABLE_WAKEUP].lanes.at[lane];
	struct entry e;

	digest_entry(d, &e);
	if (block_read(l->data->store, TABLE_WAKEUP, info->keys, &e,
		       1U << COL_WAKEUP_WAKER_THREAD_ID | 1U << COL_WAKEUP_RUN_NS, block, l->err))
		return ERR;
	for (uint32_t i = 0; i < block->n; i++)
		take_wakeup(l, block, i, info->keys[1]);
	return 0;
}

/* Return: whether a lane is of a row that is asked for, and has so few rows there that all are
 * looked at. */
static bool is_looked_through(const struct looking *l, size_t lane)
{
	const struct digest *digest = &l->data->wakeup_digest;
	int64_t thread = l->data->store->tables[TABLE_WAKEUP].lanes.at[lane].keys[1];
	const struct digest_block *end;
	uint64_t rows = 0;

	if (thread < 0 || thread >= ROW_INDEX_END || !is_item(l, row_id(ROW_THREAD, thread)))
		return false;
	for (const struct digest_block *b = blocks_of(l, &digest->lanes.at[lane], &end); b < end;
	     b++)
		rows += b->rows;
	return rows <= WAKEUP_ROWS / l->n_items;
}

/*
 * Looks into all blocks whose longest is of class `all` or a higher one, and into every n-th of the
 * class below.
 */
static int look_by_class(struct looking *l, int all, uint64_t every, struct block *block)
{
	const struct digest *digest = &l->data->wakeup_digest;
	uint64_t number = 0;

	for (size_t i = 0; i < digest->lanes.n; i++) {
		bool through = is_looked_through(l, i);
		const struct digest_block *end;

		for (const struct digest_block *b = blocks_of(l, &digest->lanes.at[i], &end);
		     b < end; b++) {
			int class = class_of(b);

			if (!through && class < all && (class < all - 1 || number++ % every)) {
				l->found->more |= class > 0;
				continue;
			}
			if (look_at_wakeups(l, i, b, block))
				return ERR;
		}
	}
	return 0;
}

static int find_wakeups(struct looking *l)
{
	uint64_t rows[N_CLASSES] = {0}, left = WAKEUP_ROWS;
	int class = N_CLASSES;

	if (dataset_find_wakeups(l->data, l->err))
		return ERR;
	count_classes(l, rows);
	while (class > 1 && rows[class - 1] <= left)
		left -= rows[--class];
	uint64_t every = left > FORMAT_BLOCK_ROWS ? rows[class - 1] / left + 1 : UINT64_MAX;
	struct block *block = block_new();
	int r = look_by_class(l, class, every, block);

	free(block);
	return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int by_length(const void *a, const void *b)
{
	const struct arrow *x = a, *y = b;
	int64_t m = x->end - x->begin, n = y->end - y->begin;

	if (m != n)
		return m < n ? 1 : -1;
	return (x->begin > y->begin) - (x->begin < y->begin);
}

static int by_begin(const void *a, const void *b)
{
	const struct arrow *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

/* Keeps the longest; of preemptions, which have no length, every n-th. */
static void cut(struct arrows *a, enum output_id output, size_t limit)
{
	size_t n = a->at.n;

	if (n)
		qsort(a->at.at, n, sizeof(*a->at.at),
		      output == OUTPUT_VCPUS ? by_begin : by_length);
	if (n > limit) {
		for (size_t i = 0; i < limit && output == OUTPUT_VCPUS; i++)
			a->at.at[i] = a->at.at[i * n / limit];
		a->at.n = limit;
		a->more = true;
	}
	if (a->at.n)
		qsort(a->at.at, a->at.n, sizeof(*a->at.at), by_begin);
}

int arrows_init(struct arrows *a, struct dataset *d, enum output_id output,
		const struct view_request *q, size_t limit, struct error *err)
{
	struct looking l = {.found = a,
			    .data = d,
			    .from = q->has_range ? q->from : d->begin,
			    .to = q->has_range ? q->to : d->end,
			    .err = err};
	int r = 0;

	*a = (struct arrows){0};
	l.has_items = q->has_items;
	l.n_items = q->items.n;
	vec_each (item, &q->items)
		map_put(&l.items, (uint64_t)*item, 0);
	if (output == OUTPUT_VCPUS)
		r = find_preemptions(&l);
	else if (output == OUTPUT_THREADS)
		r = find_wakeups(&l);
	cut(a, output, limit);
	map_deinit(&l.items);
	return r;
}

void arrows_deinit(struct arrows *a)
{
	vec_deinit(&a->at);
}
