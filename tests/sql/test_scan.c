/* What SQL gives of random files against the rows that were written, and which blocks it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../store/maker.h"
#include "sql/database.h"
#include "store/reader.h"

static sqlite3 *open_sql(const char *path)
{
	struct error err = {0};
	sqlite3 *db;

	if (sql_open(&db, path, &err))
		fail_msg("%s", err.text);
	return db;
}

static struct store *open_store(const char *path)
{
	struct error err = {0};
	struct store *s = NULL;

	if (store_open(&s, path, &err))
		fail_msg("%s", err.text);
	return s;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(db), sql);
	return s;
}

static bool step(sqlite3_stmt *s)
{
	int r = sqlite3_step(s);

	if (r != SQLITE_ROW && r != SQLITE_DONE)
		fail_msg("%s: %s", sqlite3_errmsg(sqlite3_db_handle(s)), sqlite3_sql(s));
	return r == SQLITE_ROW;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = prepare(db, sql);

	assert_true(step(s));
	int64_t x = sqlite3_column_int64(s, 0);

	assert_false(step(s));
	sqlite3_finalize(s);
	return x;
}

/* --- random conditions --- */

/* One condition, as SQL and as what it means. Columns at and past n_columns: ts_end. */
struct condition {
	int column;
	char op; /* = < [ > ] !, and i: state IN two of them */
	int64_t value, other;
};

enum { MAX_CONDITIONS = 4 };

struct question {
	const struct table *t;
	int n;
	struct condition conditions[MAX_CONDITIONS];
};

static int64_t column_value(const struct table *t, const int64_t *row, int column)
{
	if (column < t->n_columns)
		return row[column];
	return row[t->dur] == TABLE_NULL ? TABLE_NULL : row[t->ts] + row[t->dur];
}

static bool holds(const struct question *q, const struct condition *c, const int64_t *row)
{
	int64_t x = column_value(q->t, row, c->column);

	if (x == TABLE_NULL)
		return false;
	switch (c->op) {
	case '=':
		return x == c->value;
	case '<':
		return x < c->value;
	case '[':
		return x <= c->value;
	case '>':
		return x > c->value;
	case ']':
		return x >= c->value;
	case '!':
		return x != c->value;
	default:
		return x == c->value || x == c->other;
	}
}

static bool all_hold(const struct question *q, const int64_t *row)
{
	for (int i = 0; i < q->n; i++) {
		if (!holds(q, &q->conditions[i], row))
			return false;
	}
	return true;
}

static const char *sql_op(char op)
{
	switch (op) {
	case '[':
		return "<=";
	case ']':
		return ">=";
	case '!':
		return "<>";
	case '<':
		return "<";
	case '>':
		return ">";
	default:
		return "=";
	}
}

static char *state_text(const struct table *t, int64_t state)
{
	return sqlite3_mprintf("%Q", t->columns[t->state].labels->at[state].name);
}

/* A number as people and programs write it: as it is, as a text, in an expression. */
static char *number_text(int64_t x, uint64_t *random)
{
	switch (made_random(random) % 3) {
	case 0:
		return sqlite3_mprintf("'%lld'", x);
	case 1:
		return sqlite3_mprintf("(SELECT %lld)", x);
	default:
		return sqlite3_mprintf("%lld", x);
	}
}

static char *condition_text(const struct question *q, const struct condition *c, uint64_t *random)
{
	const struct table *t = q->t;
	const char *name = c->column < t->n_columns ? t->columns[c->column].name : "ts_end";
	bool state = c->column == t->state && t->state != NO_COLUMN;
	char *value = state ? state_text(t, c->value) : number_text(c->value, random), *text;

	if (c->op == 'i') {
		char *other = state_text(t, c->other);

		text = sqlite3_mprintf("%s IN (%s, %s)", name, value, other);
		sqlite3_free(other);
	} else {
		text = sqlite3_mprintf("%s %s %s", name, sql_op(c->op), value);
	}
	sqlite3_free(value);
	return text;
}

static void choose_condition(struct question *q, const struct made_lane *lane, uint64_t *random)
{
	static const char orders[] = "=<[>]";
	struct condition *c = &q->conditions[q->n++];
	const struct table *t = q->t;
	const int64_t *row = lane->rows.at[made_random(random) % lane->rows.n].values;
	int kind = (int)(made_random(random) % 4);

	if (kind == 0 && t->n_keys) {
		c->column = (int)(made_random(random) % (uint64_t)t->n_keys);
		c->op = '=';
	} else if (kind == 1 && t->state != NO_COLUMN) {
		c->column = t->state;
		c->op = "=!i"[made_random(random) % 3];
		c->other = (int64_t)(made_random(random) % (uint64_t)table_n_states(t));
	} else if (t->ts != NO_COLUMN) {
		c->column = kind == 2 && t->dur != NO_COLUMN ? t->n_columns : t->ts;
		c->op = orders[made_random(random) % 5];
	} else {
		c->column = 0;
		c->op = orders[made_random(random) % 5];
	}
	c->value = column_value(t, row, c->column);
	if (c->value == TABLE_NULL || (t->kind == TABLE_ROWS && t->columns[0].type != COLUMN_INT))
		q->n--;
	else if (c->op != '=' && c->op != 'i' && c->column != t->state && made_random(random) % 2)
		c->value += (int64_t)(made_random(random) % 3) - 1;
}

/* Return: by sqlite3_malloc(). */
static char *question_text(const struct question *q, uint64_t *random)
{
	sqlite3_str *s = sqlite3_str_new(NULL);

	sqlite3_str_appendf(s, "SELECT * FROM %s", q->t->name);
	for (int i = 0; i < q->n; i++) {
		char *text = condition_text(q, &q->conditions[i], random);

		sqlite3_str_appendf(s, " %s %s", i ? "AND" : "WHERE", text);
		sqlite3_free(text);
	}
	return sqlite3_str_finish(s);
}

static void check_value(sqlite3_stmt *s, const struct store *store, const struct column *column,
			int i, int64_t wanted)
{
	const char *text;

	if (wanted == TABLE_NULL) {
		assert_int_equal(sqlite3_column_type(s, i), SQLITE_NULL);
		return;
	}
	if (column->type == COLUMN_REAL) {
		double x = table_real_value(wanted);

		if (x == x)
			assert_true(sqlite3_column_double(s, i) == x);
		return;
	}
	if (!column->labels && column->type == COLUMN_INT) {
		assert_int_equal(sqlite3_column_type(s, i), SQLITE_INTEGER);
		assert_true(sqlite3_column_int64(s, i) == wanted);
		return;
	}
	text = column->labels ? column->labels->at[wanted].name : store_string(store, wanted);
	assert_string_equal((const char *)sqlite3_column_text(s, i), text);
}

/* Rows come lane by lane, as the file has them. */
static void check_question(sqlite3 *db, const struct store *store, const struct made_file *f,
			   const struct question *q, enum table_id table, uint64_t *random)
{
	char *sql = question_text(q, random);
	sqlite3_stmt *s = prepare(db, sql);

	vec_each (lane, &f->lanes) {
		if (lane->table != table)
			continue;
		vec_each (row, &lane->rows) {
			if (!all_hold(q, row->values))
				continue;
			if (!step(s))
				fail_msg("a row is missing: %s", sql);
			for (int i = 0; i < q->t->n_columns; i++)
				check_value(s, store, &q->t->columns[i], i, row->values[i]);
		}
	}
	if (step(s))
		fail_msg("a row too many: %s", sql);
	sqlite3_finalize(s);
	sqlite3_free(sql);
}

static void check_random_questions(uint64_t seed, enum made_style style)
{
	struct made_file f;
	uint64_t random = seed;

	made_file_init(&f, seed, 6000, style);
	sqlite3 *db = open_sql(f.path);
	struct store *store = open_store(f.path);

	for (int i = 0; i < 300; i++) {
		const struct made_lane *lane = &f.lanes.at[made_random(&random) % f.lanes.n];
		struct question q = {.t = table_get(lane->table)};

		if (!lane->rows.n)
			continue;
		for (int n = (int)(made_random(&random) % (MAX_CONDITIONS + 1)); n; n--)
			choose_condition(&q, lane, &random);
		check_question(db, store, &f, &q, lane->table, &random);
	}
	sqlite3_close(db);
	store_free(store);
	made_file_deinit(&f);
}

static void test_random_questions(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		check_random_questions(seed, MADE_PLAIN);
}

static void test_extreme_values(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		check_random_questions(seed, MADE_EXTREME);
}

/* --- other ways to get at rows --- */

/* The same count by another way that no constraint is pushed into. */
static void check_same(sqlite3 *db, const char *one, const char *other)
{
	int64_t a = ask(db, one), b = ask(db, other);

	if (a != b)
		fail_msg("%lld, but %lld: %s", (long long)a, (long long)b, one);
	assert_true(a > 0);
}

static void test_joins_and_orders(void **state)
{
	struct made_file f;

	(void)state;
	made_file_init(&f, 7, 20000, MADE_PLAIN);
	sqlite3 *db = open_sql(f.path);

	check_same(db, "SELECT count(*) FROM vcpu_state WHERE vcpu_id = 1 OR state = 'guest'",
		   "SELECT count(*) FROM vcpu_state WHERE +vcpu_id = 1 OR +state = 'guest'");
	check_same(db, "SELECT count(*) FROM vcpu_state WHERE vcpu_id IN (1, 3, 3, 99)",
		   "SELECT count(*) FROM vcpu_state WHERE +vcpu_id IN (1, 3, 99)");
	check_same(
		db, "SELECT count(*) FROM vm_exit e JOIN thread t ON t.id = e.guest_thread_id",
		"SELECT count(*) FROM vm_exit WHERE guest_thread_id IN (SELECT +id FROM thread)");
	check_same(db, "SELECT sum(t.id) FROM thread t WHERE id IN (2, 4)", "SELECT 6");
	sqlite3_close(db);
	made_file_deinit(&f);
}

static int n_out_of_order(sqlite3 *db, const char *sql, int n_columns)
{
	sqlite3_stmt *s = prepare(db, sql);
	int64_t before[2] = {INT64_MIN, INT64_MIN};
	int n = 0;

	while (step(s)) {
		int64_t now[2] = {sqlite3_column_int64(s, 0),
				  n_columns > 1 ? sqlite3_column_int64(s, 1) : 0};

		n += now[0] < before[0] || (now[0] == before[0] && now[1] < before[1]);
		memcpy(before, now, sizeof(now));
	}
	sqlite3_finalize(s);
	return n;
}

static bool sorts(sqlite3 *db, const char *sql)
{
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *s = prepare(db, explain);
	bool found = false;

	while (step(s))
		found |= strstr((const char *)sqlite3_column_text(s, 3), "TEMP B-TREE") != NULL;
	sqlite3_finalize(s);
	sqlite3_free(explain);
	return found;
}

static void test_order_is_known(void **state)
{
	static const struct {
		const char *sql;
		int n_columns;
		bool sorts;
	} cases[] = {
		{"SELECT ts FROM vcpu_state WHERE vcpu_id = 2 ORDER BY ts", 1, false},
		{"SELECT vcpu_id, ts FROM vcpu_state ORDER BY vcpu_id, ts", 2, false},
		{"SELECT cpu, ts FROM cpu_state WHERE machine_id = 1 ORDER BY cpu, ts", 2, false},
		{"SELECT ts FROM vcpu_state ORDER BY ts", 1, true},
		{"SELECT -ts FROM vcpu_state WHERE vcpu_id = 2 ORDER BY ts DESC", 1, true},
		{"SELECT ts FROM vcpu_state WHERE vcpu_id IN (1, 2) ORDER BY ts", 1, true},
		{"SELECT ts FROM cpu_state WHERE cpu = 1 ORDER BY ts", 1, true},
		{"SELECT dur FROM vcpu_state WHERE vcpu_id = 2 ORDER BY dur", 1, true},
	};
	struct made_file f;

	(void)state;
	made_file_init(&f, 8, 20000, MADE_PLAIN);
	sqlite3 *db = open_sql(f.path);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (n_out_of_order(db, cases[i].sql, cases[i].n_columns))
			fail_msg("not in order: %s", cases[i].sql);
		if (sorts(db, cases[i].sql) != cases[i].sorts)
			fail_msg("sorted or not: %s", cases[i].sql);
	}
	sqlite3_close(db);
	made_file_deinit(&f);
}

static void test_totals_are_the_sums(void **state)
{
	struct made_file f;

	(void)state;
	made_file_init(&f, 9, 20000, MADE_PLAIN);
	sqlite3 *db = open_sql(f.path);

	assert_int_equal(ask(db, "SELECT count(*) FROM (SELECT vcpu_id, state, sum(dur) AS dur, "
				 "min(min(ts)) OVER w AS first, max(max(ts_end)) OVER w AS last "
				 "FROM vcpu_state GROUP BY 1, 2 WINDOW w AS (PARTITION BY vcpu_id) "
				 "EXCEPT SELECT vcpu_id, state, dur, first_ns, last_ns "
				 "FROM vcpu_state_total)"),
			 0);
	check_same(db, "SELECT count(*) FROM cpu_state_total",
		   "SELECT count(*) FROM (SELECT DISTINCT machine_id, cpu, state FROM cpu_state)");
	sqlite3_close(db);
	made_file_deinit(&f);
}

static void test_nothing_can_be_changed(void **state)
{
	static const char *const statements[] = {
		"DELETE FROM vcpu_state", "UPDATE thread SET tid = 1",
		"INSERT INTO meta VALUES (1, 2)", "UPDATE vcpu_summary SET total_ns = 0"};
	struct made_file f;

	(void)state;
	made_file_init(&f, 10, 100, MADE_PLAIN);
	sqlite3 *db = open_sql(f.path);

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (sqlite3_exec(db, statements[i], NULL, NULL, NULL) == SQLITE_OK)
			fail_msg("%s", statements[i]);
	}
	sqlite3_close(db);
	made_file_deinit(&f);
}

/* --- which blocks are read --- */

enum { LANES = 20, LANE_ROWS = 100000, ROW_NS = 1000, BLOCK_ROWS = 512 };

/* vcpu_state: rows of one length, guest and hypervisor in turns; preempted only in one stretch. */
static void write_regular(const char *path)
{
	struct error err = {0};
	struct store_writer *w;
	int64_t row[COL_VCPU_STATE_N_COLUMNS];

	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	for (int lane = 0; lane < LANES; lane++) {
		for (int i = 0; i < LANE_ROWS; i++) {
			bool rare = i >= 50000 && i < 50010;

			row[COL_VCPU_STATE_VCPU_ID] = lane;
			row[COL_VCPU_STATE_TS] = (int64_t)i * ROW_NS;
			row[COL_VCPU_STATE_DUR] = ROW_NS;
			row[COL_VCPU_STATE_STATE] = i & 1  ? VCPU_GUEST
						    : rare ? VCPU_PREEMPTED
							   : VCPU_HYPERVISOR;
			store_writer_add(w, TABLE_VCPU_STATE, row);
		}
	}
	if (store_writer_finish(w, &err))
		fail_msg("%s", err.text);
	store_writer_free(w);
}

/* Return: how many blocks the statement reads; *resultp: its number. */
static int64_t blocks_of(sqlite3 *db, const char *sql, int64_t *resultp)
{
	int64_t before = ask(db, "SELECT vmscope_blocks_read()");

	*resultp = ask(db, sql);
	return ask(db, "SELECT vmscope_blocks_read()") - before;
}

static void test_only_needed_blocks_are_read(void **state)
{
	static const struct {
		const char *sql;
		int64_t result, most;
	} cases[] = {
		{"SELECT count(*) FROM vcpu_state", (int64_t)LANES * LANE_ROWS,
		 LANES * (LANE_ROWS / BLOCK_ROWS + 1)},
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id = 7", LANE_ROWS,
		 LANE_ROWS / BLOCK_ROWS + 1},
		/* one vCPU and 1% of the time: 1,000 rows */
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id = 7 AND ts >= 30000000 "
		 "AND ts < 31000000",
		 1000, 1000 / BLOCK_ROWS + 2},
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id = 7 "
		 "AND ts BETWEEN 30000000 AND 30999999",
		 1000, 1000 / BLOCK_ROWS + 2},
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id = 7 AND ts_end > 30000500 "
		 "AND ts < 30999500",
		 1000, 1000 / BLOCK_ROWS + 2},
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id = 7 AND ts = 30000000", 1, 2},
		{"SELECT count(*) FROM vcpu_state WHERE state = 'preempted'", LANES * 5, LANES * 2},
		{"SELECT count(*) FROM vcpu_state WHERE state IN ('preempted', 'waiting')",
		 LANES * 5, LANES * 2},
		{"SELECT count(*) FROM vcpu_state WHERE state = 'blocked'", 0, 0},
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id = 99", 0, 0},
		{"SELECT count(*) FROM vcpu_state WHERE vcpu_id IN (3, 4) AND ts < 1000000", 2000,
		 6},
		{"SELECT sum(dur) FROM vcpu_state_total", (int64_t)LANES * LANE_ROWS * ROW_NS, 0},
		{"SELECT sum(steal_ns) FROM vcpu_summary", (int64_t)LANES * 5 * ROW_NS, 0},
		{"SELECT ts FROM vcpu_state WHERE vcpu_id = 5 ORDER BY ts LIMIT 1 OFFSET 600",
		 600000, 2},
		/* a look-up per row of another table */
		{"SELECT count(*) FROM (SELECT 3 AS v, 5000 AS t UNION SELECT 4, 99000000) p "
		 "JOIN vcpu_state s ON s.vcpu_id = p.v AND s.ts <= p.t AND s.ts_end > p.t",
		 2, 4},
	};
	char path[] = "/tmp/vmscope-test-XXXXXX";

	(void)state;
	close(mkstemp(path));
	write_regular(path);
	sqlite3 *db = open_sql(path);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t result, blocks = blocks_of(db, cases[i].sql, &result);

		if (result != cases[i].result || blocks > cases[i].most)
			fail_msg("%lld, %lld blocks (wanted %lld, at most %lld): %s",
				 (long long)result, (long long)blocks, (long long)cases[i].result,
				 (long long)cases[i].most, cases[i].sql);
	}
	sqlite3_close(db);
	unlink(path);
}

/* NULL is a number to the file, but equal to nothing in SQL. */
static void test_a_lane_without_a_name(void **state)
{
	char path[] = "/tmp/vmscope-test-XXXXXX";
	int64_t row[COL_VCPU_STATE_N_COLUMNS];
	struct error err = {0};
	struct store_writer *w;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(store_writer_new(&w, path, &err), 0);
	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_VCPU_STATE_TS] = 5;
	row[COL_VCPU_STATE_DUR] = 1;
	row[COL_VCPU_STATE_STATE] = VCPU_GUEST;
	store_writer_add(w, TABLE_VCPU_STATE, row);
	if (store_writer_finish(w, &err))
		fail_msg("%s", err.text);
	store_writer_free(w);
	sqlite3 *db = open_sql(path);

	assert_int_equal(ask(db, "SELECT ts FROM vcpu_state WHERE vcpu_id IS NULL"), 5);
	assert_int_equal(
		ask(db, "SELECT count(*) FROM vcpu_state WHERE vcpu_id = -9223372036854775808"), 0);
	assert_int_equal(ask(db, "SELECT count(*) FROM vcpu_state WHERE vcpu_id = NULL"), 0);
	assert_int_equal(ask(db, "SELECT vcpu_id IS NULL FROM vcpu_state_total"), 1);
	sqlite3_close(db);
	unlink(path);
}

/* --- percentile() --- */

static void test_percentile(void **state)
{
	struct made_file f;

	(void)state;
	made_file_init(&f, 11, 100, MADE_PLAIN);
	sqlite3 *db = open_sql(f.path);

	/* 1..1000 in an order that is neither sorted nor not */
	assert_int_equal(
		sqlite3_exec(
			db,
			"CREATE TEMP TABLE n AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
			"SELECT x + 1 FROM c WHERE x < 1000) SELECT x * 379 % 1009 AS k, x FROM c "
			"ORDER BY k",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(ask(db, "SELECT percentile(x, 0.5) FROM n"), 500);
	assert_int_equal(ask(db, "SELECT percentile(x, 0.99) FROM n"), 990);
	assert_int_equal(ask(db, "SELECT percentile(x, 0.9901) FROM n"), 991);
	assert_int_equal(ask(db, "SELECT percentile(x, 1) FROM n"), 1000);
	assert_int_equal(ask(db, "SELECT percentile(x, 0) FROM n"), 1);
	assert_int_equal(ask(db, "SELECT percentile(x, 0.5) IS NULL FROM n WHERE x > 1000"), 1);
	assert_int_equal(ask(db, "SELECT percentile(nullif(x, 1), 0) FROM n"), 2);
	assert_int_equal(ask(db, "SELECT percentile(1, 0.3) FROM n"), 1);
	assert_int_equal(ask(db, "SELECT percentile(x + 1700000000000000000, 0.5) FROM n"),
			 1700000000000000500);
	assert_int_equal(ask(db, "SELECT 10 * percentile(iif(x % 2, x, x + 0.5), 0.5) FROM n"),
			 5005);
	assert_int_equal(ask(db, "SELECT sum(p) FROM (SELECT percentile(x, 0.5) AS p FROM n "
				 "GROUP BY x % 10)"),
			 4955);
	assert_int_not_equal(sqlite3_exec(db, "SELECT percentile(x, 99) FROM n", NULL, NULL, NULL),
			     SQLITE_OK);
	/* Values below 256 have a class each. */
	assert_int_equal(ask(db, "SELECT quantile(x, 0.2) FROM n"), 200);
	assert_int_equal(ask(db, "SELECT quantile(x, 0.5) FROM n"), 501);
	assert_int_equal(ask(db, "SELECT quantile(x, 1) FROM n"), 1000);
	assert_int_equal(ask(db, "SELECT quantile(nullif(x, 1), 0) FROM n"), 2);
	assert_int_equal(ask(db, "SELECT quantile(x, 0.5) IS NULL FROM n WHERE x > 1000"), 1);
	assert_int_equal(ask(db, "SELECT sum(q) FROM (SELECT quantile(x, 1) AS q FROM n "
				 "GROUP BY x % 10)"),
			 9955);
	assert_int_not_equal(sqlite3_exec(db, "SELECT quantile(x, 99) FROM n", NULL, NULL, NULL),
			     SQLITE_OK);
	sqlite3_close(db);
	made_file_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_questions),
		cmocka_unit_test(test_extreme_values),
		cmocka_unit_test(test_joins_and_orders),
		cmocka_unit_test(test_order_is_known),
		cmocka_unit_test(test_totals_are_the_sums),
		cmocka_unit_test(test_nothing_can_be_changed),
		cmocka_unit_test(test_only_needed_blocks_are_read),
		cmocka_unit_test(test_a_lane_without_a_name),
		cmocka_unit_test(test_percentile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
