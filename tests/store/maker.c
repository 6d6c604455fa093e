#include "maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { N_IDS = 5, N_TEXTS = 12 };

uint64_t made_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct maker {
	struct made_file *file;
	struct store_writer *writer;
	uint64_t random, seed;
	enum made_style style;
	int64_t texts[N_TEXTS];
	VEC(int64_t) times; /* ascending; lanes share most of theirs */
};

static uint64_t below(struct maker *m, uint64_t n)
{
	return made_random(&m->random) % n;
}

/* A number of any length in bits. */
static int64_t any_length(struct maker *m)
{
	return (int64_t)(made_random(&m->random) >> below(m, 64));
}

static int64_t extreme(struct maker *m)
{
	static const int64_t ends[] = {INT64_MAX, INT64_MIN + 1, -1, 0, 1, TABLE_NULL};

	return below(m, 2) ? ends[below(m, 6)] : (int64_t)made_random(&m->random);
}

static int64_t other_value(struct maker *m, const struct column *c)
{
	if (c->type == COLUMN_TEXT)
		return below(m, 4) ? m->texts[below(m, N_TEXTS)] : TABLE_NULL;
	if (m->style == MADE_EXTREME)
		return extreme(m);
	if (!below(m, 3))
		return TABLE_NULL;
	if (c->type == COLUMN_REAL)
		return table_real((double)below(m, 1000) / 7 - 50);
	if (c->unit == UNIT_ID)
		return (int64_t)(1 + below(m, N_IDS));
	return below(m, 2) ? (int64_t)below(m, 8) : any_length(m);
}

/* A length: short ones, long ones, none where that is allowed. */
static int64_t some_dur(struct maker *m, const struct table *t, int64_t ts)
{
	int64_t most = INT64_MAX - (ts > 0 ? ts : 0);
	int64_t dur = (int64_t)(made_random(&m->random) >> (3 + below(m, 60)));

	dur = dur > most ? most : dur;
	if (t->kind == TABLE_STATES)
		return dur ? dur : 1;
	return below(m, 20) ? dur : TABLE_NULL;
}

/* Where the row after this one begins. */
static int64_t next_ts(struct maker *m, const struct table *t, const int64_t *row)
{
	int64_t ts = row[t->ts], dur = t->dur == NO_COLUMN ? 0 : row[t->dur];

	dur = dur == TABLE_NULL ? 0 : dur;
	if (t->kind == TABLE_STATES)
		return ts + dur;
	int64_t gap = (int64_t)below(m, 3) * (int64_t)(made_random(&m->random) >> 40);

	return ts > INT64_MAX - dur - gap ? ts : ts + dur + gap;
}

static void make_row(struct maker *m, const struct table *t, const int64_t *keys, int64_t ts,
		     int64_t *row)
{
	for (int c = 0; c < t->n_columns; c++) {
		if (c < t->n_keys)
			row[c] = keys[c];
		else if (c == t->ts)
			row[c] = ts;
		else if (c == t->dur)
			row[c] = some_dur(m, t, ts);
		else if (c == t->state)
			row[c] = (int64_t)below(m, (uint64_t)table_n_states(t));
		else
			row[c] = other_value(m, &t->columns[c]);
	}
}

/* The parts of an exit add up. */
static void fit_exit(enum table_id table, int64_t *row)
{
	if (table != TABLE_VM_EXIT)
		return;
	for (int c = COL_VM_EXIT_HANDLED_NS; c <= COL_VM_EXIT_BLOCKED_NS; c++)
		row[c] = row[COL_VM_EXIT_DUR] == TABLE_NULL ? TABLE_NULL : 0;
	row[COL_VM_EXIT_HANDLED_NS] = row[COL_VM_EXIT_DUR];
}

/* Rows anywhere in time, with no regard to other lanes. */
static void make_wild_rows(struct maker *m, struct made_lane *lane, const int64_t *keys,
			   size_t rows)
{
	const struct table *t = table_get(lane->table);
	int64_t ts = INT64_MIN + 1 + (any_length(m) & INT64_MAX);

	for (size_t i = 0; i < rows && ts < INT64_MAX; i++) {
		int64_t *row = vec_push(&lane->rows)->values;

		make_row(m, t, keys, ts, row);
		if (t->ts != NO_COLUMN)
			ts = next_ts(m, t, row);
	}
}

static int64_t time_at(const struct maker *m, size_t i)
{
	return m->times.at[i < m->times.n ? i : m->times.n - 1];
}

/* Rows at the times that lanes share: this one has about one of `sparse`, and some of its own. */
static void make_rows(struct maker *m, struct made_lane *lane, const int64_t *keys, size_t rows)
{
	const struct table *t = table_get(lane->table);
	const uint64_t sparse = 1 + below(m, 4);
	size_t at = below(m, m->times.n / 4);
	int64_t ts = time_at(m, at);

	for (size_t i = 0; i < rows && at < m->times.n; i++) {
		int64_t *row = vec_push(&lane->rows)->values;

		at += 1 + below(m, sparse);
		int64_t next = time_at(m, at) + (below(m, 20) ? 0 : 1);

		make_row(m, t, keys, ts, row);
		if (t->kind == TABLE_STATES)
			row[t->dur] = next - ts;
		if (t->kind == TABLE_SPANS && row[t->dur] != TABLE_NULL)
			row[t->dur] = below(m, 3) ? next - ts : (int64_t)below(m, 2);
		fit_exit(lane->table, row);
		ts = next;
	}
}

static void make_lane(struct maker *m, enum table_id table, const int64_t *keys, size_t rows)
{
	struct made_lane *lane = vec_push(&m->file->lanes);

	lane->table = table;
	if (m->style == MADE_EXTREME || table_get(table)->kind == TABLE_ROWS)
		make_wild_rows(m, lane, keys, rows);
	else
		make_rows(m, lane, keys, rows);
}

static void make_times(struct maker *m, size_t n)
{
	int64_t t = INT64_C(1700000000000000000);

	for (size_t i = 0; i < n; i++) {
		t += 2 + (int64_t)(made_random(&m->random) >> (36 + below(m, 27)));
		*vec_push(&m->times) = t;
	}
}

/* The tables whose ids others name. */
static void make_ids(struct maker *m, enum table_id table)
{
	const int64_t none[TABLE_MAX_KEYS] = {0};

	make_lane(m, table, none, N_IDS);
	struct made_lane *lane = &m->file->lanes.at[m->file->lanes.n - 1];

	for (size_t i = 0; i < lane->rows.n; i++)
		lane->rows.at[i].values[0] = (int64_t)i + 1;
}

static void make_lanes(struct maker *m, size_t rows)
{
	for (int id = 0; id < TABLE_N; id++) {
		const struct table *t = table_get((enum table_id)id);

		if (t->kind == TABLE_ROWS) {
			make_ids(m, (enum table_id)id);
			continue;
		}
		for (int64_t k = 0; k < 4; k++) {
			int64_t keys[TABLE_MAX_KEYS] = {t->n_keys == 2 ? 1 + k / 2 : 1 + k, k % 2};

			if (id == TABLE_WAKEUP)
				keys[1] = 1 + k;
			make_lane(m, (enum table_id)id, keys, k == 3 ? 1 : below(m, rows / 6 + 2));
		}
	}
}

/* Return: the lane of a CPU, another one from time to time. */
static struct store_lane *some_cpu(struct maker *m)
{
	const int64_t keys[] = {1 + (int64_t)below(m, 2), (int64_t)below(m, 2)};

	return store_writer_lane(m->writer, TABLE_CPU_STATE, keys);
}

static int64_t ts_of(const struct made_lane *lane, size_t i)
{
	const struct table *t = table_get(lane->table);

	return t->ts == NO_COLUMN ? INT64_MIN : lane->rows.at[i].values[t->ts];
}

/* A lane that is asked for each time; or, with every other seed, one that is made and ended. */
static void add_row(struct maker *m, struct store_lane **keptp, const struct made_lane *from,
		    size_t i)
{
	const int64_t *row = from->rows.at[i].values;
	bool ends = m->seed % 2 && from->table != TABLE_CPU_STATE;
	struct store_lane *lane = *keptp;

	if (!lane)
		lane = *keptp = ends ? store_lane_new(m->writer, from->table, row)
				     : store_writer_lane(m->writer, from->table, row);
	if (!ends)
		assert_ptr_equal(lane, store_writer_lane(m->writer, from->table, row));
	if (!below(m, 100))
		store_lane_near(lane, some_cpu(m));
	store_lane_add(lane, row);
	if (ends && i + 1 == from->rows.n)
		store_lane_end(lane);
}

/* Adds the rows to the file in the order of time, the lanes by turns. */
static void write_rows(struct maker *m)
{
	size_t *next = mem_zalloc(m->file->lanes.n, sizeof(*next));
	struct store_lane **kept = mem_zalloc(m->file->lanes.n, sizeof(struct store_lane *));
	size_t left = m->file->lanes.n;

	while (left) {
		int64_t first = INT64_MAX;
		struct made_lane *lane = NULL;

		left = 0;
		vec_each (l, &m->file->lanes) {
			size_t i = next[l - m->file->lanes.at];

			if (i >= l->rows.n)
				continue;
			left++;
			if (lane && ts_of(l, i) >= first)
				continue;
			lane = l;
			first = ts_of(l, i);
		}
		if (!lane)
			break;
		ptrdiff_t at = lane - m->file->lanes.at;

		add_row(m, &kept[at], lane, next[at]++);
	}
	free(next);
	free(kept);
}

static void make_texts(struct maker *m)
{
	for (int i = 0; i < N_TEXTS; i++) {
		char *text = mem_printf("%.*s%d", i, "\n\t'\"\\\xff,;--------", i);

		m->texts[i] = store_writer_string(m->writer, i ? text : "");
		free(text);
	}
}

void made_file_init(struct made_file *f, uint64_t seed, size_t rows, enum made_style style)
{
	struct maker m = {.file = f, .random = seed, .seed = seed, .style = style};
	struct error err = {0};

	*f = (struct made_file){.path = "/tmp/vmscope-test-XXXXXX"};
	int fd = mkstemp(f->path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(store_writer_new(&m.writer, f->path, &err), 0);
	if (seed % 3 == 0)
		store_writer_use_thread(m.writer);
	make_texts(&m);
	make_times(&m, rows);
	make_lanes(&m, rows);
	write_rows(&m);
	if (store_writer_finish(m.writer, &err))
		fail_msg("%s", err.text);
	store_writer_free(m.writer);
	vec_deinit(&m.times);
}

void made_file_deinit(struct made_file *f)
{
	unlink(f->path);
	vec_each (lane, &f->lanes)
		vec_deinit(&lane->rows);
	vec_deinit(&f->lanes);
}
