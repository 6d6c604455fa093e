#include "server/exit_sums.h"

#include <stdlib.h>

#include "store/block.h"

/*
 * A table with fewer exits than INDEX_ROWS is read faster than anybody notices. Of all lanes
 * together the stretches at one end of a question have END_ROWS, as far as that leaves each lane's
 * so many that their sums take less room than they do.
 */
enum { INDEX_ROWS = 1 << 21, END_ROWS = 1 << 20, MIN_ROWS = 1 << 14, MAX_ROWS = 1 << 17 };

/* How many exits are in a place of a histogram. */
struct bucket {
	uint32_t place, n;
};

/* Its sums' histograms have no counts: those are in `buckets`, one sum's after the other's. */
struct exit_stretch {
	size_t lane;
	int64_t first, last; /* when its first and its last exit began */
	VEC(struct exit_sum) sums;
	VEC(struct bucket) buckets;
	VEC(uint32_t) n_buckets; /* per sum */
};

/* ---- one sum -------------------------------------------------------------------------------- */

/* Sums of a damaged file may wrap around. */
static void add_to(int64_t *sum, int64_t x)
{
	if (x != TABLE_NULL)
		*sum = format_add(*sum, (uint64_t)x);
}

static void add_exit(struct exit_sum *x, const struct block *b, uint32_t row)
{
	int64_t dur = b->at[COL_VM_EXIT_DUR][row];

	x->count++;
	if (dur == TABLE_NULL)
		return;
	if (x->max_at == TABLE_NULL || dur > x->whole.max)
		x->max_at = b->at[COL_VM_EXIT_TS][row];
	histogram_add(&x->whole, dur);
	x->split += b->at[COL_VM_EXIT_HANDLED_NS][row] != TABLE_NULL;
	add_to(&x->handled, b->at[COL_VM_EXIT_HANDLED_NS][row]);
	add_to(&x->userspace, b->at[COL_VM_EXIT_USERSPACE_NS][row]);
	add_to(&x->preempted, b->at[COL_VM_EXIT_PREEMPTED_NS][row]);
	add_to(&x->blocked, b->at[COL_VM_EXIT_BLOCKED_NS][row]);
	add_to(&x->polled, b->at[COL_VM_EXIT_POLLED_NS][row]);
}

/* Adds all but counts that are kept elsewhere. */
static void merge_sum(struct exit_sum *x, const struct exit_sum *from)
{
	x->count += from->count;
	if (from->whole.n && (x->max_at == TABLE_NULL || from->whole.max > x->whole.max))
		x->max_at = from->max_at;
	histogram_merge(&x->whole, &from->whole);
	x->split += from->split;
	add_to(&x->handled, from->handled);
	add_to(&x->userspace, from->userspace);
	add_to(&x->preempted, from->preempted);
	add_to(&x->blocked, from->blocked);
	add_to(&x->polled, from->polled);
}

static struct exit_sum *find_sum(struct exit_sums *sums, int64_t vcpu, int64_t reason)
{
	uint64_t key = (uint64_t)vcpu << 40 ^ (uint64_t)reason;
	const uint64_t *known = map_get(&sums->places, key);

	if (known)
		return &sums->at.at[*known];
	if (sums->at.n == EXIT_SUMS_MAX)
		return &sums->at.at[sums->at.n - 1];
	map_put(&sums->places, key, sums->at.n);
	struct exit_sum *x = vec_push(&sums->at);

	x->vcpu = vcpu;
	x->reason = reason;
	x->max_at = TABLE_NULL;
	return x;
}

/* ---- exits as they stand in the file -------------------------------------------------------- */

/* Reading the blocks of one lane that have something in [from, to). */
struct walk {
	const struct store *store;
	const struct lane_info *lane;
	int64_t from, to;
	struct block *block;
	void (*take)(void *ctx, const struct walk *w);
	void *ctx;
	struct error *err;
};

static int walk_entry(const struct walk *w, const struct entry *e, uint32_t level);

static int walk_node(const struct walk *w, const struct entry *e, uint32_t level)
{
	struct node *node = mem_alloc(sizeof(*node));
	int r = node_read(w->store, TABLE_VM_EXIT, e, node, w->err);

	for (uint32_t i = 0; !r && i < node->n; i++)
		r = walk_entry(w, &node->entries[i], level - 1);
	free(node);
	return r;
}

static int walk_entry(const struct walk *w, const struct entry *e, uint32_t level)
{
	const uint32_t columns = 1U << COL_VM_EXIT_REASON | 1U << COL_VM_EXIT_NAME |
				 1U << COL_VM_EXIT_HANDLED_NS | 1U << COL_VM_EXIT_USERSPACE_NS |
				 1U << COL_VM_EXIT_PREEMPTED_NS | 1U << COL_VM_EXIT_BLOCKED_NS |
				 1U << COL_VM_EXIT_POLLED_NS;

	if (e->end < w->from || e->first >= w->to)
		return 0;
	if (level)
		return walk_node(w, e, level);
	if (block_read(w->store, TABLE_VM_EXIT, w->lane->keys, e, columns, w->block, w->err))
		return ERR;
	w->take(w->ctx, w);
	return 0;
}

/* Reads what of a lane lies in [from, to). */
static int walk_lane(const struct store *s, size_t lane, int64_t from, int64_t to,
		     void (*take)(void *ctx, const struct walk *w), void *ctx, struct error *err)
{
	const struct lane_info *info = &s->tables[TABLE_VM_EXIT].lanes.at[lane];
	struct walk w = {.store = s,
			 .lane = info,
			 .from = from,
			 .to = to,
			 .block = block_new(),
			 .take = take,
			 .ctx = ctx,
			 .err = err};
	int r = walk_entry(&w, &info->entry, info->level);

	free(w.block);
	return r;
}

static void add_row(struct exit_sums *sums, const struct walk *w, uint32_t row)
{
	struct exit_sum *x =
		find_sum(sums, w->lane->keys[0], w->block->at[COL_VM_EXIT_REASON][row]);

	if (!x->name)
		x->name = store_string(w->store, w->block->at[COL_VM_EXIT_NAME][row]);
	add_exit(x, w->block, row);
}

static void add_block(void *ctx, const struct walk *w)
{
	for (uint32_t i = 0; i < w->block->n; i++) {
		int64_t ts = w->block->at[COL_VM_EXIT_TS][i];

		if (ts >= w->from && ts < w->to)
			add_row(ctx, w, i);
	}
}

/* Adds what of a lane began in [from, to). */
static int add_rows(struct exit_sums *sums, const struct store *s, size_t lane, int64_t from,
		    int64_t to, struct error *err)
{
	return walk_lane(s, lane, from, to, add_block, sums, err);
}

/* ---- the index ------------------------------------------------------------------------------ */

bool exit_index_is_needed(const struct store *s)
{
	uint64_t rows = 0;

	vec_each (lane, &s->tables[TABLE_VM_EXIT].lanes)
		rows += lane->entry.rows;
	return rows > INDEX_ROWS;
}

/* Takes what was added up, and leaves nothing. */
static void end_stretch(struct exit_stretch *stretch, struct exit_sums *sums)
{
	vec_each (x, &sums->at) {
		uint32_t n = 0;
		uint64_t count;

		for (unsigned i = 0; (count = histogram_next(&x->whole, &i)); i++, n++)
			*vec_push(&stretch->buckets) =
				(struct bucket){.place = i, .n = (uint32_t)count};
		histogram_drop_counts(&x->whole);
		*vec_push(&stretch->sums) = *x;
		*vec_push(&stretch->n_buckets) = n;
	}
	exit_sums_deinit(sums);
}

/* Return: how many exits a stretch has; those that begin when its last one does come on top. */
static uint64_t stretch_rows(const struct store *s)
{
	uint64_t rows = END_ROWS / (s->tables[TABLE_VM_EXIT].lanes.n + 1);

	return rows < MIN_ROWS ? MIN_ROWS : rows > MAX_ROWS ? MAX_ROWS : rows;
}

/* Reading one lane into stretches. */
struct indexing {
	struct exit_index *index;
	size_t lane;
	uint64_t rows, most; /* of the stretch at hand; of any */
	struct exit_stretch *now;
	struct exit_sums sums;
};

static void index_block(void *ctx, const struct walk *w)
{
	struct indexing *x = ctx;

	for (uint32_t i = 0; i < w->block->n; i++) {
		int64_t ts = w->block->at[COL_VM_EXIT_TS][i];

		if (!x->now || (x->rows >= x->most && ts != x->now->last)) {
			if (x->now)
				end_stretch(x->now, &x->sums);
			x->now = vec_push(&x->index->stretches);
			x->now->lane = x->lane;
			x->now->first = ts;
			x->rows = 0;
		}
		x->now->last = ts;
		x->rows++;
		add_row(&x->sums, w, i);
	}
}

static int index_lane(struct exit_index *index, const struct store *s, size_t lane,
		      struct error *err)
{
	struct indexing x = {.index = index, .lane = lane, .most = stretch_rows(s)};
	int r = walk_lane(s, lane, INT64_MIN, INT64_MAX, index_block, &x, err);

	if (x.now)
		end_stretch(x.now, &x.sums);
	return r;
}

int exit_index_init(struct exit_index *index, const struct store *s, struct error *err)
{
	int r = 0;

	*index = (struct exit_index){0};
	for (size_t lane = 0; !r && lane < s->tables[TABLE_VM_EXIT].lanes.n; lane++)
		r = index_lane(index, s, lane, err);
	return r;
}

void exit_index_deinit(struct exit_index *index)
{
	vec_each (stretch, &index->stretches) {
		vec_deinit(&stretch->sums);
		vec_deinit(&stretch->buckets);
		vec_deinit(&stretch->n_buckets);
	}
	vec_deinit(&index->stretches);
}

static void add_stretch(struct exit_sums *sums, const struct exit_stretch *stretch)
{
	const struct bucket *b = stretch->buckets.at;

	for (size_t i = 0; i < stretch->sums.n; i++) {
		const struct exit_sum *from = &stretch->sums.at[i];
		struct exit_sum *x = find_sum(sums, from->vcpu, from->reason);

		if (!x->name)
			x->name = from->name;
		merge_sum(x, from);
		for (uint32_t k = 0; k < stretch->n_buckets.at[i]; k++, b++)
			histogram_put(&x->whole, b->place, b->n);
	}
}

/* ---- sums ----------------------------------------------------------------------------------- */

static int add_indexed(struct exit_sums *sums, const struct store *s,
		       const struct exit_index *index, int64_t from, int64_t to, struct error *err)
{
	int r = 0;

	vec_each (stretch, &index->stretches) {
		if (r || stretch->last < from || stretch->first >= to)
			continue;
		if (stretch->first >= from && stretch->last < to)
			add_stretch(sums, stretch);
		else
			r = add_rows(sums, s, stretch->lane,
				     stretch->first > from ? stretch->first : from,
				     stretch->last < to ? stretch->last + 1 : to, err);
	}
	return r;
}

static int add_all(struct exit_sums *sums, const struct store *s, int64_t from, int64_t to,
		   struct error *err)
{
	int r = 0;

	for (size_t lane = 0; !r && lane < s->tables[TABLE_VM_EXIT].lanes.n; lane++)
		r = add_rows(sums, s, lane, from, to, err);
	return r;
}

int exit_sums_init(struct exit_sums *sums, const struct store *s, const struct exit_index *index,
		   int64_t from, int64_t to, struct error *err)
{
	*sums = (struct exit_sums){0};
	return index ? add_indexed(sums, s, index, from, to, err) : add_all(sums, s, from, to, err);
}

int64_t exit_sum_cost(const struct exit_sum *x)
{
	if ((uint64_t)x->split != x->whole.n)
		return TABLE_NULL;
	return (int64_t)((uint64_t)x->handled - (uint64_t)x->polled + (uint64_t)x->userspace);
}

void exit_sums_deinit(struct exit_sums *sums)
{
	vec_each (x, &sums->at)
		histogram_deinit(&x->whole);
	vec_deinit(&sums->at);
	map_deinit(&sums->places);
	*sums = (struct exit_sums){0};
}
