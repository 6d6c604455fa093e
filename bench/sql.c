/*
 * sql [MILLION-ROWS [MAX-RATIO]]: full scans of a table of intervals through SQL, each against the
 * same statement on an empty virtual table: one that says it has as many rows and columns and gives
 * the same few constants for all of them. So the ratio is what the file costs. Fails above
 * MAX-RATIO.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "schema/table.h"
#include "sql/database.h"
#include "store/writer.h"

enum { N_VCPUS = 8, ROUNDS = 5 };

/* --- a file --- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static void write_lane(struct store_writer *w, int vcpu, uint64_t rows)
{
	int64_t row[COL_VCPU_STATE_N_COLUMNS];
	const int64_t name = store_writer_string(w, "HLT");
	uint64_t random = 88172645463325252u + (uint64_t)vcpu;

	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_VCPU_STATE_VCPU_ID] = vcpu;
	row[COL_VCPU_STATE_TS] = 1700000000000000000;
	struct store_lane *lane = store_writer_lane(w, TABLE_VCPU_STATE, row);

	for (uint64_t i = 0; i < rows; i++) {
		bool out = i & 1;

		row[COL_VCPU_STATE_DUR] = (int64_t)(next_random(&random) >> (34 + random % 24)) + 1;
		row[COL_VCPU_STATE_STATE] =
			out ? VCPU_HYPERVISOR + (int64_t)(random >> 8) % 6 : VCPU_GUEST;
		row[COL_VCPU_STATE_EXIT_REASON] = out ? (int64_t)(random >> 16) % 30 : TABLE_NULL;
		row[COL_VCPU_STATE_EXIT_NAME] = out ? name : TABLE_NULL;
		row[COL_VCPU_STATE_PCPU] = vcpu % 4;
		store_lane_add(lane, row);
		row[COL_VCPU_STATE_TS] += row[COL_VCPU_STATE_DUR];
	}
}

static void give_up(struct error *err)
{
	fprintf(stderr, "sql: %s\n", err->text);
	exit(1);
}

static void write_file(const char *path, uint64_t rows)
{
	struct store_writer *w;
	struct error err = {0};

	if (store_writer_new(&w, path, &err))
		give_up(&err);
	for (int i = 0; i < N_VCPUS; i++)
		write_lane(w, i, rows / N_VCPUS);
	if (store_writer_finish(w, &err))
		give_up(&err);
	store_writer_free(w);
}

/* --- the empty table --- */

struct empty_cursor {
	sqlite3_vtab_cursor base;
	uint64_t row;
};

struct empty_vtab {
	sqlite3_vtab base;
	uint64_t rows;
};

static int empty_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
			 sqlite3_vtab **vtabp, char **messagep)
{
	struct empty_vtab *v = mem_zalloc(1, sizeof(*v));

	(void)argc, (void)argv, (void)messagep;
	v->rows = *(const uint64_t *)aux;
	*vtabp = &v->base;
	return sqlite3_declare_vtab(
		db, "CREATE TABLE x(vcpu_id INTEGER, ts INTEGER, dur INTEGER, "
		    "state TEXT, exit_reason INTEGER, exit_name TEXT, pcpu INTEGER, "
		    "occupant_thread_id INTEGER, userspace_reason INTEGER)");
}

static int empty_disconnect(sqlite3_vtab *v)
{
	free(v);
	return SQLITE_OK;
}

static int empty_best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
	info->estimatedCost = (double)((struct empty_vtab *)v)->rows;
	return SQLITE_OK;
}

static int empty_open(sqlite3_vtab *v, sqlite3_vtab_cursor **cursorp)
{
	struct empty_cursor *c = mem_zalloc(1, sizeof(*c));

	(void)v;
	*cursorp = &c->base;
	return SQLITE_OK;
}

static int empty_close(sqlite3_vtab_cursor *c)
{
	free(c);
	return SQLITE_OK;
}

static int empty_filter(sqlite3_vtab_cursor *c, int number, const char *plan, int n,
			sqlite3_value **values)
{
	(void)number, (void)plan, (void)n, (void)values;
	((struct empty_cursor *)c)->row = 0;
	return SQLITE_OK;
}

static int empty_next(sqlite3_vtab_cursor *c)
{
	((struct empty_cursor *)c)->row++;
	return SQLITE_OK;
}

static int empty_eof(sqlite3_vtab_cursor *c)
{
	return ((struct empty_cursor *)c)->row >= ((struct empty_vtab *)c->pVtab)->rows;
}

static int empty_column(sqlite3_vtab_cursor *c, sqlite3_context *ctx, int column)
{
	(void)c;
	if (column == COL_VCPU_STATE_STATE)
		sqlite3_result_text(ctx, "guest", -1, SQLITE_STATIC);
	else if (column == COL_VCPU_STATE_EXIT_NAME || column > COL_VCPU_STATE_PCPU)
		sqlite3_result_null(ctx);
	else
		sqlite3_result_int64(ctx, 1);
	return SQLITE_OK;
}

static int empty_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *rowidp)
{
	*rowidp = (sqlite3_int64)((struct empty_cursor *)c)->row;
	return SQLITE_OK;
}

static const sqlite3_module empty_module = {
	.xConnect = empty_connect,
	.xBestIndex = empty_best_index,
	.xDisconnect = empty_disconnect,
	.xOpen = empty_open,
	.xClose = empty_close,
	.xFilter = empty_filter,
	.xNext = empty_next,
	.xEof = empty_eof,
	.xColumn = empty_column,
	.xRowid = empty_rowid,
};

/* --- measuring --- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* Runs a statement to its end, and takes each column of its rows. Return: seconds. */
static double run(sqlite3 *db, const char *select, const char *table)
{
	char *sql = sqlite3_mprintf("%s %s", select, table);
	sqlite3_stmt *s;
	double begin = now();
	uint64_t bytes = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
		fprintf(stderr, "sql: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++)
			bytes += sqlite3_column_type(s, i) == SQLITE_TEXT
					 ? (uint64_t)sqlite3_column_bytes(s, i)
					 : (uint64_t)sqlite3_column_int64(s, i);
	}
	if (sqlite3_finalize(s) != SQLITE_OK || !bytes) {
		fprintf(stderr, "sql: %s: %s\n", sql, sqlite3_errmsg(db));
		exit(1);
	}
	sqlite3_free(sql);
	return now() - begin;
}

/* Return: the ratio of the fastest rounds; both run in turns. */
static double compare(sqlite3 *db, const char *select, double rows)
{
	double ours = 1e9, empty = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double seconds = run(db, select, "empty");

		empty = seconds < empty ? seconds : empty;
		seconds = run(db, select, "vcpu_state");
		ours = seconds < ours ? seconds : ours;
	}
	printf("%-42s empty %6.1f ns/row, vmscope %6.1f ns/row, ratio %.2f\n", select,
	       1e9 * empty / rows, 1e9 * ours / rows, ours / empty);
	return ours / empty;
}

static double measure(const char *path, uint64_t rows)
{
	static const char *const selects[] = {
		"SELECT count(*) FROM",
		"SELECT sum(dur) FROM",
		"SELECT count(*), sum(dur), max(state) FROM",
		"SELECT * FROM",
	};
	struct error err = {0};
	double worst = 0;
	sqlite3 *db;

	if (sql_open(&db, path, &err))
		give_up(&err);
	sqlite3_create_module(db, "empty", &empty_module, &rows);
	for (size_t i = 0; i < sizeof(selects) / sizeof(selects[0]); i++) {
		double ratio = compare(db, selects[i], (double)rows);

		worst = ratio > worst ? ratio : worst;
	}
	sqlite3_close(db);
	return worst;
}

int main(int argc, char **argv)
{
	uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) * 1000000 : 10000000;
	double limit = argc > 2 ? strtod(argv[2], NULL) : 0;
	char path[] = "/tmp/vmscope-bench-XXXXXX";
	struct stat st;
	struct rusage usage;

	close(mkstemp(path));
	write_file(path, rows);
	stat(path, &st);
	double worst = measure(path, rows);

	unlink(path);
	getrusage(RUSAGE_SELF, &usage);
	printf("rows %" PRIu64 ", file %.1f MB, peak memory %.1f MB\n", rows,
	       1e-6 * (double)st.st_size, (double)usage.ru_maxrss / 1000);
	return limit > 0 && worst > limit;
}
