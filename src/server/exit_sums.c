#include "server/exit_sums.h"

#include <stdlib.h>

#include "server/dataset.h"
#include "store/cursor.h"

/*
 * A stretch has so many exits, and those that begin when its last one does; a table with fewer than
 * INDEX_ROWS is read faster than anybody notices.
 */
enum { STRETCH_ROWS = 1 << 17, INDEX_ROWS = 1 << 21 };

enum { BUCKET_BITS = 7, N_BUCKETS = (64 - BUCKET_BITS + 1) << BUCKET_BITS };

struct bucket {
	uint32_t number, n;
};

/* Its sums have no buckets of their own: theirs are in `buckets`, one sum's after the other's. */
struct exit_stretch {
	size_t lane;
	int64_t first, last; /* when its first and its last exit began */
	VEC(struct exit_sum) sums;
	VEC(struct bucket) buckets;
	VEC(uint32_t) n_buckets; /* per sum */
};

/* ---- one sum ------------------------------------------------------------------------------------ */

/* Lengths that differ by less than 1/128 share a bucket. */
static unsigned bucket_of(uint64_t length)
{
	unsigned shift;

	if (length >> BUCKET_BITS == 0)
		return (unsigned)length;
	shift = 63 - (unsigned)__builtin_clzll(length) - BUCKET_BITS;
	return (shift + 1) << BUCKET_BITS | (unsigned)(length >> shift & ((1U << BUCKET_BITS) - 1));
}

/* Return: the longest length in a bucket. */
static int64_t bucket_end(unsigned bucket)
{
	unsigned shift = bucket >> BUCKET_BITS;
	uint64_t low = bucket & ((1U << BUCKET_BITS) - 1);

	if (!shift)
		return (int64_t)low;
	return (int64_t)(((low + 1 + (1U << BUCKET_BITS)) << (shift - 1)) - 1);
}

int64_t exit_sum_percentile(const struct exit_sum *x, int per_mille)
{
	uint64_t n = (uint64_t)x->finished, seen = 0;

	if (!n)
		return TABLE_NULL;
	for (unsigned i = 0; i < N_BUCKETS; i++) {
		seen += x->buckets[i];
		if (seen * 1000 >= n * (uint64_t)per_mille)
			return bucket_end(i) < x->max ? bucket_end(i) : x->max;
	}
	return x->max;
}

/* Sums of a damaged file may wrap around. */
static void add_to(int64_t *sum, int64_t x)
{
	if (x != TABLE_NULL)
		*sum = format_add(*sum, (uint64_t)x);
}

static void add_exit(struct exit_sum *x, const struct store_cursor *c)
{
	int64_t dur = store_cursor_get(c, COL_VM_EXIT_DUR);

	x->count++;
	if (dur == TABLE_NULL)
		return;
	x->finished++;
	add_to(&x->total, dur);
	add_to(&x->handled, store_cursor_get(c, COL_VM_EXIT_HANDLED_NS));
	add_to(&x->userspace, store_cursor_get(c, COL_VM_EXIT_USERSPACE_NS));
	add_to(&x->preempted, store_cursor_get(c, COL_VM_EXIT_PREEMPTED_NS));
	add_to(&x->blocked, store_cursor_get(c, COL_VM_EXIT_BLOCKED_NS));
	x->buckets[bucket_of((uint64_t)dur)]++;
	if (dur > x->max) {
		x->max = dur;
		x->max_at = store_cursor_get(c, COL_VM_EXIT_TS);
	}
}

/* Adds all but the buckets. */
static void merge_sum(struct exit_sum *x, const struct exit_sum *from)
{
	x->count += from->count;
	x->finished += from->finished;
	add_to(&x->total, from->total);
	add_to(&x->handled, from->handled);
	add_to(&x->userspace, from->userspace);
	add_to(&x->preempted, from->preempted);
	add_to(&x->blocked, from->blocked);
	if (from->max > x->max) {
		x->max = from->max;
		x->max_at = from->max_at;
	}
}

static struct exit_sum *find_sum(struct exit_sums *sums, int64_t vcpu, int64_t reason)
{
	uint64_t key = (uint64_t)vcpu << 40 ^ (uint64_t)reason;
	const uint64_t *known = map_get(&sums->places, key);

	if (known)
		return &sums->at.at[*known];
	if (sums->at.n == DS_MAX_EXITS)
		return &sums->at.at[sums->at.n - 1];
	map_put(&sums->places, key, sums->at.n);
	struct exit_sum *x = vec_push(&sums->at);

	x->vcpu = vcpu;
	x->reason = reason;
	x->max = x->max_at = TABLE_NULL;
	x->buckets = mem_zalloc(N_BUCKETS, sizeof(*x->buckets));
	return x;
}

/* ---- exits as they stand in the file ------------------------------------------------------------ */

static struct store_query query_for(const struct store *s)
{
	struct store_query q = store_query_all(s, TABLE_VM_EXIT);

	q.columns &=
		~(1U << COL_VM_EXIT_RIP | 1U << COL_VM_EXIT_GUEST_THREAD_ID |
		  1U << COL_VM_EXIT_ISA | 1U << COL_VM_EXIT_VECTOR | 1U << COL_VM_EXIT_EARLY_NS);
	return q;
}

static void add_row(struct exit_sums *sums, const struct store *s, const struct store_cursor *c)
{
	struct exit_sum *x = find_sum(sums, store_cursor_get(c, COL_VM_EXIT_VCPU_ID),
				      store_cursor_get(c, COL_VM_EXIT_REASON));

	if (!x->name)
		x->name = store_string(s, store_cursor_get(c, COL_VM_EXIT_NAME));
	add_exit(x, c);
}

/* Adds what began in [from, to) in lanes [lane, lanes_end). */
static int add_rows(struct exit_sums *sums, const struct store *s, size_t lane, size_t lanes_end,
		    int64_t from, int64_t to, struct error *err)
{
	struct store_query q = query_for(s);
	struct store_cursor c;
	int r;

	q.lane = lane;
	q.lanes_end = lanes_end;
	q.from = from;
	q.to = to;
	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW) {
		if (store_cursor_get(&c, COL_VM_EXIT_TS) >= from)
			add_row(sums, s, &c);
	}
	store_cursor_deinit(&c);
	return r;
}

/* ---- the index ---------------------------------------------------------------------------------- */

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

		for (uint32_t i = 0; i < N_BUCKETS; i++) {
			if (!x->buckets[i])
				continue;
			*vec_push(&stretch->buckets) =
				(struct bucket){.number = i, .n = x->buckets[i]};
			n++;
		}
		struct exit_sum *kept = vec_push(&stretch->sums);

		*kept = *x;
		kept->buckets = NULL;
		*vec_push(&stretch->n_buckets) = n;
	}
	exit_sums_deinit(sums);
}

/* Reads one lane into stretches. */
static int index_lane(struct exit_index *index, const struct store *s, size_t lane,
		      struct error *err)
{
	struct store_query q = query_for(s);
	struct exit_sums sums = {0};
	struct exit_stretch *now = NULL;
	struct store_cursor c;
	uint64_t rows = 0;
	int r;

	q.lane = lane;
	q.lanes_end = lane + 1;
	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW) {
		int64_t ts = store_cursor_get(&c, COL_VM_EXIT_TS);

		if (!now || (rows >= STRETCH_ROWS && ts != now->last)) {
			if (now)
				end_stretch(now, &sums);
			now = vec_push(&index->stretches);
			now->lane = lane;
			now->first = ts;
			rows = 0;
		}
		now->last = ts;
		rows++;
		add_row(&sums, s, &c);
	}
	if (now)
		end_stretch(now, &sums);
	store_cursor_deinit(&c);
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
			x->buckets[b->number] += b->n;
	}
}

/* ---- sums --------------------------------------------------------------------------------------- */

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
			r = add_rows(sums, s, stretch->lane, stretch->lane + 1,
				     stretch->first > from ? stretch->first : from,
				     stretch->last < to ? stretch->last + 1 : to, err);
	}
	return r;
}

int exit_sums_init(struct exit_sums *sums, const struct store *s, const struct exit_index *index,
		   int64_t from, int64_t to, struct error *err)
{
	*sums = (struct exit_sums){0};
	return index ? add_indexed(sums, s, index, from, to, err)
		     : add_rows(sums, s, 0, s->tables[TABLE_VM_EXIT].lanes.n, from, to, err);
}

void exit_sums_deinit(struct exit_sums *sums)
{
	vec_each (x, &sums->at)
		free(x->buckets);
	vec_deinit(&sums->at);
	map_deinit(&sums->places);
	*sums = (struct exit_sums){0};
}
