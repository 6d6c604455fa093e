#include "export/takeovers.h"

#include <stdlib.h>

#include "base/map.h"

bool takeover_between(int64_t state, int64_t next, int64_t occupant)
{
	return vcpu_state_is(state, STATE_RAN) && vcpu_state_is(next, STATE_TAKEN) &&
	       occupant != TABLE_NULL;
}

/* ---- finding them --------------------------------------------------------------------------- */

struct finding {
	struct takeovers *found;
	const struct store *store;
	struct map vcpus; /* thread -> the vCPU that it runs */
};

static int read_vcpus(struct finding *f, sqlite3 *db, struct error *err)
{
	sqlite3_stmt *s;
	int r;

	if (source_prepare(&s, db, "SELECT id, vcpu_id FROM main.thread WHERE vcpu_id IS NOT NULL",
			   err))
		return ERR;
	while ((r = source_step(s, err)) == SQLITE_ROW)
		map_put(&f->vcpus, (uint64_t)sqlite3_column_int64(s, 0),
			(uint64_t)sqlite3_column_int64(s, 1));
	sqlite3_finalize(s);
	return r == SQLITE_DONE ? 0 : ERR;
}

/* Sets who gets the CPU. Return: whether it has a lane. */
static bool find_taker(const struct finding *f, int64_t thread, struct takeover *t)
{
	const uint64_t *vcpu = map_get(&f->vcpus, (uint64_t)thread);
	int64_t key[TABLE_MAX_KEYS] = {vcpu ? (int64_t)*vcpu : thread};
	int64_t lane = store_find_lane(f->store, vcpu ? TABLE_VCPU_STATE : TABLE_THREAD_STATE, key);

	t->by_vcpu = vcpu != NULL;
	t->lane = (uint32_t)lane;
	return lane >= 0;
}

/* Numbers count every takeover, so that who loses the CPU counts alike without looking for the
 * taker. */
static int find_all(struct finding *f, const struct export_range *range, struct error *err)
{
	struct store_query q = store_query_all(f->store, TABLE_VCPU_STATE);
	struct takeover t = {0};
	int64_t before = VCPU_UNKNOWN;
	size_t lane = SIZE_MAX;
	struct store_cursor c;
	int r;

	q.from = range->given ? range->from : q.from;
	q.to = range->given ? range->to : q.to;
	q.columns = 1U << COL_VCPU_STATE_TS | 1U << COL_VCPU_STATE_STATE |
		    1U << COL_VCPU_STATE_OCCUPANT_THREAD_ID;
	store_cursor_init(&c, f->store, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW && t.number < TAKEOVERS_MAX) {
		int64_t state = store_cursor_get(&c, COL_VCPU_STATE_STATE);
		int64_t by = store_cursor_get(&c, COL_VCPU_STATE_OCCUPANT_THREAD_ID);

		if (c.lane == lane && takeover_between(before, state, by)) {
			t.number++;
			t.ts = store_cursor_get(&c, COL_VCPU_STATE_TS);
			if (find_taker(f, by, &t))
				*vec_push(&f->found->at) = t;
		}
		before = state;
		lane = c.lane;
	}
	f->found->more = r == CURSOR_ROW;
	store_cursor_deinit(&c);
	return r < 0 ? r : 0;
}

static int compare(const void *a, const void *b)
{
	const struct takeover *x = a, *y = b;

	if (x->by_vcpu != y->by_vcpu)
		return x->by_vcpu - y->by_vcpu;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

int takeovers_init(struct takeovers *t, const struct store *s, sqlite3 *db,
		   const struct export_range *range, struct error *err)
{
	struct finding f = {.found = t, .store = s};

	*t = (struct takeovers){0};
	int r = read_vcpus(&f, db, err) || find_all(&f, range, err);

	map_deinit(&f.vcpus);
	if (t->at.n)
		qsort(t->at.at, t->at.n, sizeof(*t->at.at), compare);
	return r ? ERR : 0;
}

void takeovers_deinit(struct takeovers *t)
{
	vec_deinit(&t->at);
}

/* ---- looking them up ------------------------------------------------------------------------ */

size_t takeovers_find(const struct takeovers *t, bool by_vcpu, size_t lane)
{
	const struct takeover wanted = {
		.ts = INT64_MIN, .lane = (uint32_t)lane, .by_vcpu = by_vcpu};
	size_t low = 0, high = t->at.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&t->at.at[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t takeovers_take(const struct takeovers *t, size_t *atp, bool by_vcpu, size_t lane,
			int64_t ts)
{
	for (; *atp < t->at.n; ++*atp) {
		const struct takeover *o = &t->at.at[*atp];

		if (o->by_vcpu != by_vcpu || o->lane != lane || o->ts > ts)
			return 0;
		if (o->ts == ts)
			return o->number;
	}
	return 0;
}
