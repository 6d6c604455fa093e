#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "maker.h"
#include "store/check.h"
#include "store/cursor.h"
#include "store/meta.h"
#include "store/zoom.h"

static struct store *open_store(const char *path)
{
	struct error err = {0};
	struct store *s = NULL;

	if (store_open(&s, path, &err))
		fail_msg("%s", err.text);
	return s;
}

static bool next(struct store_cursor *c)
{
	struct error err = {0};
	int r = store_cursor_next(c, &err);

	if (r < 0)
		fail_msg("%s", err.text);
	return r == CURSOR_ROW;
}

static void check_sound(const struct store *s)
{
	struct check_result result;

	check_store(s, &result);
	if (result.n_wrong)
		fail_msg("%s", result.wrong.at[0]);
	check_result_deinit(&result);
}

/* --- round trips --- */

static int64_t row_end(const struct table *t, const int64_t *row)
{
	int64_t dur = t->dur == NO_COLUMN ? 0 : row[t->dur];

	return row[t->ts] + (dur == TABLE_NULL ? 0 : dur);
}

/* Whether a query wants the row, said as plainly as can be. */
static bool wanted(const struct table *t, const struct store_query *q, const int64_t *row)
{
	if (t->ts == NO_COLUMN)
		return true;
	int64_t ts = row[t->ts], end = row_end(t, row);

	if (end == ts ? ts < q->from : end <= q->from)
		return false;
	if (q->to != INT64_MAX && ts >= q->to)
		return false;
	return t->state == NO_COLUMN || (q->states >> row[t->state] & 1);
}

/* All rows of the table that the query wants come, as they were written, and no others. */
static void compare(const struct made_file *f, const struct store *s, const struct store_query *q)
{
	const struct table *t = table_get(q->table);
	struct store_cursor c;

	store_cursor_init(&c, s, q);
	vec_each (lane, &f->lanes) {
		for (size_t i = 0; lane->table == q->table && i < lane->rows.n; i++) {
			const int64_t *row = lane->rows.at[i].values;

			if (!wanted(t, q, row))
				continue;
			assert_true(next(&c));
			for (int k = 0; k < t->n_columns; k++) {
				if (q->columns >> k & 1)
					assert_int_equal(store_cursor_get(&c, k), row[k]);
			}
		}
	}
	assert_false(next(&c));
	assert_false(next(&c));
	store_cursor_deinit(&c);
}

/* A time at, or right beside, the begin or end of some row. */
static int64_t some_time(const struct made_file *f, enum table_id table, uint64_t *random)
{
	const struct table *t = table_get(table);

	for (;;) {
		const struct made_lane *lane = &f->lanes.at[made_random(random) % f->lanes.n];

		if (lane->table != table || !lane->rows.n)
			continue;
		const int64_t *row = lane->rows.at[made_random(random) % lane->rows.n].values;
		int64_t time = made_random(random) & 1 ? row[t->ts] : row_end(t, row);

		return time > INT64_MAX - 2 ? time : time + (int64_t)(made_random(random) % 3) - 1;
	}
}

static void compare_parts(const struct made_file *f, const struct store *s, enum table_id table,
			  uint64_t *random)
{
	for (int i = 0; table_get(table)->ts != NO_COLUMN && i < 50; i++) {
		struct store_query q = store_query_all(s, table);

		q.from = some_time(f, table, random);
		q.to = some_time(f, table, random);
		if (made_random(random) & 1)
			q.states = (uint32_t)made_random(random);
		q.columns = (uint32_t)made_random(random);
		compare(f, s, &q);
	}
}

static void round_trip(uint64_t seed, size_t rows, enum made_style style)
{
	struct made_file f;
	uint64_t random = seed;

	made_file_init(&f, seed, rows, style);
	struct store *s = open_store(f.path);

	for (int id = 0; id < TABLE_N; id++) {
		struct store_query q = store_query_all(s, (enum table_id)id);

		compare(&f, s, &q);
		compare_parts(&f, s, (enum table_id)id, &random);
	}
	if (style == MADE_PLAIN)
		check_sound(s);
	store_free(s);
	made_file_deinit(&f);
}

static void test_small_files(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		round_trip(seed, seed * 20, MADE_PLAIN);
		round_trip(seed, seed * 20, MADE_EXTREME);
	}
}

static void test_blocks_and_nodes(void **state)
{
	(void)state;
	round_trip(101, 20000, MADE_PLAIN);
	round_trip(102, 20000, MADE_EXTREME);
}

/* --- one lane --- */

/* A file whose vCPU 1 has n intervals of `dur` ns, in the states guest and hypervisor by turns. */
static void write_lane(const char *path, int64_t n, int64_t dur)
{
	struct error err = {0};
	struct store_writer *w;
	int64_t row[COL_VCPU_STATE_N_COLUMNS] = {1, 0, dur, VCPU_GUEST};

	for (int c = COL_VCPU_STATE_STATE + 1; c < COL_VCPU_STATE_N_COLUMNS; c++)
		row[c] = TABLE_NULL;
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	struct store_lane *lane = store_writer_lane(w, TABLE_VCPU_STATE, row);

	for (int64_t i = 0; i < n; i++) {
		row[COL_VCPU_STATE_TS] = i * dur;
		row[COL_VCPU_STATE_STATE] = i & 1 ? VCPU_HYPERVISOR : VCPU_GUEST;
		store_lane_add(lane, row);
	}
	assert_int_equal(store_writer_finish(w, &err), 0);
	store_writer_free(w);
}

static struct store *lane_of(int64_t n, int64_t dur)
{
	char path[] = "/tmp/vmscope-test-XXXXXX";

	close(mkstemp(path));
	write_lane(path, n, dur);
	struct store *s = open_store(path);

	unlink(path);
	return s;
}

static uint64_t count_rows(const struct store *s, const struct store_query *q, uint64_t *blocksp)
{
	struct store_cursor c;
	uint64_t n = 0;

	store_cursor_init(&c, s, q);
	while (next(&c))
		n++;
	*blocksp = c.blocks_read;
	store_cursor_deinit(&c);
	return n;
}

static void test_a_query_reads_only_its_blocks(void **state)
{
	struct store *s = lane_of(1000000, 10);
	struct store_query q = store_query_all(s, TABLE_VCPU_STATE);
	uint64_t all, some, none;

	(void)state;
	assert_int_equal(count_rows(s, &q, &all), 1000000);
	q.from = 5000000;
	q.to = 5100000;
	assert_int_equal(count_rows(s, &q, &some), 10000);
	assert_true(some <= all / 100 + 2);
	q.states = 1U << VCPU_HALTED;
	assert_int_equal(count_rows(s, &q, &none), 0);
	assert_int_equal(none, 0);
	store_free(s);
}

static void test_zoom_adds_up(void **state)
{
	struct store *s = lane_of(300000, 7);
	struct error err = {0};

	(void)state;
	for (uint32_t smear = 0; smear < 3; smear++) {
		struct zoom_query q = {.table = TABLE_VCPU_STATE,
				       .from = -1000,
				       .to = 1234567,
				       .n_pixels = 997,
				       .smear = smear};
		struct zoom z;
		uint64_t guest = 0, hypervisor = 0, rows = 0;

		assert_int_equal(zoom_init(&z, s, &q, &err), 0);
		for (uint32_t p = 0; p < z.n_pixels; p++) {
			guest += z.time[p * z.n_sums + VCPU_GUEST];
			hypervisor += z.time[p * z.n_sums + VCPU_HYPERVISOR];
			rows += z.rows[p];
		}
		/* What is cut by the end of the stretch may be spread by one interval. */
		assert_in_range(guest + hypervisor, 1234567 - 2, 1234567 + 2);
		assert_in_range(guest, 617284 - 3700, 617284 + 3700);
		assert_in_range(rows, 176367 - 520, 176367 + 520);
		zoom_deinit(&z);
	}
	store_free(s);
}

/* With every pixel exact, a pixel is what the rows in it say. */
static void test_zoom_exact(void **state)
{
	struct store *s = lane_of(5000, 10);
	struct zoom_query q = {.table = TABLE_VCPU_STATE, .to = 50000, .n_pixels = 5000};
	struct error err = {0};
	struct zoom z;

	(void)state;
	assert_int_equal(zoom_init(&z, s, &q, &err), 0);
	for (uint32_t p = 0; p < z.n_pixels; p++) {
		int expect = p & 1 ? VCPU_HYPERVISOR : VCPU_GUEST;

		assert_int_equal(zoom_dominant(&z, p), expect);
		assert_int_equal(z.time[p * z.n_sums + (uint32_t)expect], 10);
		assert_int_equal(z.rows[p], 1);
	}
	zoom_deinit(&z);
	store_free(s);
}

static void test_zoom_costs_pixels(void **state)
{
	struct store *s = lane_of(1000000, 10);
	struct zoom_query q = {.table = TABLE_VCPU_STATE, .n_pixels = 100, .smear = 2};
	struct error err = {0};

	(void)state;
	for (q.to = 100; q.to <= 10000000; q.to *= 10) {
		struct zoom z;

		assert_int_equal(zoom_init(&z, s, &q, &err), 0);
		assert_true(z.blocks_read + z.nodes_read <= 120);
		zoom_deinit(&z);
	}
	store_free(s);
}

/* --- what the writer refuses --- */

static void expect_refused(const int64_t (*rows)[COL_CPU_STATE_N_COLUMNS], int n, const char *why)
{
	char path[] = "/tmp/vmscope-test-XXXXXX";
	struct error err = {0};
	struct store_writer *w;
	struct stat st;

	close(mkstemp(path));
	unlink(path);
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	for (int i = 0; i < n; i++)
		store_writer_add(w, TABLE_CPU_STATE, rows[i]);
	assert_int_equal(store_writer_finish(w, &err), ERR);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in '%s'", why, err.text);
	error_deinit(&err);
	store_writer_free(w);
	assert_int_equal(stat(path, &st), -1);
}

static void test_writer_refuses(void **state)
{
	static const int64_t gap[2][COL_CPU_STATE_N_COLUMNS] = {{1, 0, 100, 10, CPU_USER},
								{1, 0, 111, 10, CPU_USER}};
	static const int64_t back[2][COL_CPU_STATE_N_COLUMNS] = {{1, 0, 100, 10, CPU_USER},
								 {1, 0, 109, 10, CPU_USER}};
	static const int64_t no_state[1][COL_CPU_STATE_N_COLUMNS] = {{1, 0, 1, 1, CPU_N_STATES}};
	static const int64_t no_ts[1][COL_CPU_STATE_N_COLUMNS] = {{1, 0, TABLE_NULL, 1, CPU_IDLE}};
	static const int64_t too_long[1][COL_CPU_STATE_N_COLUMNS] = {
		{1, 0, INT64_MAX, 1, CPU_IDLE}};
	static const int64_t negative[1][COL_CPU_STATE_N_COLUMNS] = {{1, 0, 5, -1, CPU_IDLE}};

	(void)state;
	expect_refused(gap, 2, "ends at 110");
	expect_refused(back, 2, "ends at 110");
	expect_refused(no_state, 1, "no state 7");
	expect_refused(no_ts, 1, "has no ts");
	expect_refused(too_long, 1, "dur is 1");
	expect_refused(negative, 1, "dur is -1");
}

static void test_nothing_is_left_behind(void **state)
{
	char path[] = "/tmp/vmscope-test-XXXXXX";
	char temporary[64];
	struct error err = {0};
	struct store_writer *w;
	struct stat st;

	(void)state;
	close(mkstemp(path));
	snprintf(temporary, sizeof(temporary), "%s.%ld.vmscope-tmp", path, (long)getpid());
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	store_writer_free(w);
	assert_int_equal(stat(temporary, &st), -1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	unlink(path);
}

static void test_devices_are_not_replaced(void **state)
{
	struct error err = {0};
	struct store_writer *w;

	(void)state;
	assert_int_equal(store_writer_new(&w, "/dev/null", &err), ERR);
	assert_non_null(strstr(err.text, "not a regular file"));
	error_deinit(&err);
}

/* --- others --- */

static void test_texts(void **state)
{
	char path[] = "/tmp/vmscope-test-XXXXXX";
	struct error err = {0};
	struct store_writer *w;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	int64_t empty = store_writer_string(w, ""), a = store_writer_string(w, "a");

	assert_int_equal(store_writer_string(w, "a"), a);
	assert_int_not_equal(empty, a);
	assert_int_equal(store_writer_string(w, NULL), TABLE_NULL);
	assert_int_equal(store_writer_finish(w, &err), 0);
	store_writer_free(w);
	struct store *s = open_store(path);

	assert_string_equal(store_string(s, empty), "");
	assert_string_equal(store_string(s, a), "a");
	assert_int_equal(store_find_string(s, "a"), a);
	assert_int_equal(store_find_string(s, "b"), TABLE_NULL);
	assert_null(store_string(s, TABLE_NULL));
	assert_null(store_string(s, 1000));
	store_free(s);
	unlink(path);
}

/* says: whether there is a row about it at all. */
static enum clock_origin origin_of_file(bool says, const char *value)
{
	struct error err = {0};
	enum clock_origin origin;
	struct store_writer *w;
	struct store *s;

	assert_int_equal(store_writer_new(&w, NULL, &err), 0);
	int64_t other[] = {store_writer_string(w, "program"), store_writer_string(w, "boot")};
	int64_t row[] = {store_writer_string(w, "time_origin"), store_writer_string(w, value)};

	store_writer_add(w, TABLE_META, other);
	if (says)
		store_writer_add(w, TABLE_META, row);
	assert_int_equal(store_writer_finish(w, &err), 0);
	assert_int_equal(store_writer_open(w, &s, &err), 0);
	store_writer_free(w);
	assert_int_equal(store_time_origin(s, &origin, &err), 0);
	store_free(s);
	return origin;
}

static void test_origin_of_times(void **state)
{
	(void)state;
	assert_int_equal(origin_of_file(true, "boot"), CLOCK_ORIGIN_BOOT);
	assert_int_equal(origin_of_file(true, "epoch"), CLOCK_ORIGIN_EPOCH);
	assert_int_equal(origin_of_file(true, NULL), CLOCK_ORIGIN_UNKNOWN);
	assert_int_equal(origin_of_file(true, "yesterday"), CLOCK_ORIGIN_UNKNOWN);
	/* Older files: all that was recorded had a wall clock. */
	assert_int_equal(origin_of_file(false, NULL), CLOCK_ORIGIN_EPOCH);
}

/* Many lanes must not each keep a whole block in memory; what comes out is the same. */
static void test_many_lanes(void **state)
{
	enum { LANES = 4000, ROWS = 300 };
	char path[] = "/tmp/vmscope-test-XXXXXX";
	struct error err = {0};
	struct store_writer *w;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	for (int64_t i = 0; i < ROWS; i++) {
		for (int64_t lane = 0; lane < LANES; lane++) {
			const int64_t row[] = {lane, i * 5, 5, i % THREAD_N_STATES, lane & 3, 0};

			store_writer_add(w, TABLE_THREAD_STATE, row);
		}
	}
	assert_int_equal(store_writer_finish(w, &err), 0);
	store_writer_free(w);
	struct store *s = open_store(path);

	assert_int_equal(s->tables[TABLE_THREAD_STATE].lanes.n, LANES);
	assert_int_equal(s->tables[TABLE_THREAD_STATE].rows, LANES * ROWS);
	const int64_t key = 3999;
	int64_t lane = store_find_lane(s, TABLE_THREAD_STATE, &key);
	struct store_query q = store_query_all(s, TABLE_THREAD_STATE);
	uint64_t blocks;

	assert_int_equal(lane, 3999);
	q.lane = (size_t)lane;
	q.lanes_end = q.lane + 1;
	assert_int_equal(count_rows(s, &q, &blocks), ROWS);
	store_free(s);
	unlink(path);
}

/* Short lanes that come and go, three at a time, in no order of their names. Return: bytes of
 * memory in use. */
static size_t write_short_lanes(const char *path, int64_t n, bool thread)
{
	enum { STEP = 7919, ROWS = 9 }; /* STEP: prime to any n here */
	struct error err = {0};
	struct store_writer *w;
	struct store_lane *open[3] = {0};

	assert_int_equal(store_writer_new(&w, path, &err), 0);
	if (thread)
		store_writer_use_thread(w);
	for (int64_t i = 0; i < n; i++) {
		struct store_lane **lane = &open[i % 3];
		int64_t row[] = {i * STEP % n, 0, 5, 0, 1, TABLE_NULL};

		if (*lane)
			store_lane_end(*lane);
		*lane = store_lane_new(w, TABLE_THREAD_STATE, row);
		for (int64_t k = 0; k < ROWS; k++) {
			row[COL_THREAD_STATE_TS] = i + 5 * k;
			row[COL_THREAD_STATE_STATE] = k % THREAD_N_STATES;
			store_lane_add(*lane, row);
		}
	}
	struct mallinfo2 used = mallinfo2();

	assert_int_equal(store_writer_finish(w, &err), 0);
	store_writer_free(w);
	return used.uordblks + used.hblkhd;
}

static void assert_same_bytes(const char *a, const char *b)
{
	struct error err = {0};
	struct file_map x, y;

	assert_int_equal(file_map_init(&x, a, &err), 0);
	assert_int_equal(file_map_init(&y, b, &err), 0);
	assert_int_equal(x.size, y.size);
	assert_memory_equal(x.data, y.data, x.size);
	file_map_deinit(&x);
	file_map_deinit(&y);
}

/* As many as there may be: each is in its place, none takes memory when it is ended. */
static void test_lanes_that_end(void **state)
{
	enum { FEW = 6000, MANY = 30000, MEMORY = 200000 };
	char path[] = "/tmp/vmscope-test-XXXXXX", other[] = "/tmp/vmscope-test-XXXXXX";

	(void)state;
	close(mkstemp(path));
	close(mkstemp(other));
	size_t few = write_short_lanes(path, FEW, false);
	size_t many = write_short_lanes(path, MANY, false);

	assert_true(many < few + MEMORY);
	write_short_lanes(other, MANY, true);
	assert_same_bytes(path, other);
	struct store *s = open_store(path);
	const struct table_info *info = &s->tables[TABLE_THREAD_STATE];

	assert_int_equal(info->lanes.n, MANY);
	for (int64_t i = 0; i < MANY; i++) {
		const struct lane_info *lane = &info->lanes.at[i * 7919 % MANY];

		assert_int_equal(lane->keys[0], i * 7919 % MANY);
		assert_int_equal(lane->entry.first, i);
		assert_int_equal(lane->entry.rows, 9);
	}
	store_free(s);
	unlink(path);
	unlink(other);
}

static void test_no_two_lanes_of_a_name(void **state)
{
	char path[] = "/tmp/vmscope-test-XXXXXX";
	const int64_t row[] = {7, 0, 5, 0, 1, TABLE_NULL};
	struct error err = {0};
	struct store_writer *w;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	for (int i = 0; i < 2; i++) {
		struct store_lane *lane = store_lane_new(w, TABLE_THREAD_STATE, row);

		store_lane_add(lane, row);
		store_lane_end(lane);
	}
	assert_int_equal(store_writer_finish(w, &err), ERR);
	assert_non_null(strstr(err.text, "thread_state 7"));
	error_deinit(&err);
	store_writer_free(w);
	unlink(path);
}

/* The writer looks for ts, dur and state right behind the keys. */
static void test_tables_begin_alike(void **state)
{
	(void)state;
	for (int id = 0; id < TABLE_N; id++) {
		const struct table *t = table_get((enum table_id)id);

		if (t->ts == NO_COLUMN)
			continue;
		assert_int_equal(t->ts, t->n_keys);
		assert_true(t->dur == NO_COLUMN || t->dur == t->ts + 1);
		assert_true(t->state == NO_COLUMN || t->state == t->ts + 2);
		assert_in_range(table_n_states(t), 0, FORMAT_MAX_SUMS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_files),
		cmocka_unit_test(test_blocks_and_nodes),
		cmocka_unit_test(test_a_query_reads_only_its_blocks),
		cmocka_unit_test(test_zoom_adds_up),
		cmocka_unit_test(test_zoom_exact),
		cmocka_unit_test(test_zoom_costs_pixels),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_nothing_is_left_behind),
		cmocka_unit_test(test_devices_are_not_replaced),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_origin_of_times),
		cmocka_unit_test(test_many_lanes),
		cmocka_unit_test(test_lanes_that_end),
		cmocka_unit_test(test_no_two_lanes_of_a_name),
		cmocka_unit_test(test_tables_begin_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
