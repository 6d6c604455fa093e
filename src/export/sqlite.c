#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/newfile.h"
#include "export/export.h"
#include "export/source.h"
#include "schema/table.h"
#include "sql/rows.h"
#include "sql/view.h"
#include "store/reader.h"

struct making {
	const struct export_job *job;
	sqlite3 *db; /* the results; the new database is attached as `out` */
	struct error *err;
};

/* ---- tables --------------------------------------------------------------------------------- */

static const char *type_of(const struct column *c)
{
	static const char *const types[] = {
		[COLUMN_INT] = "INTEGER", [COLUMN_TEXT] = "TEXT", [COLUMN_REAL] = "REAL"};

	return c->labels ? "TEXT" : types[c->type];
}

/* Rows with a length have their end as `ts_end`, as the tables of `vmscope query` have; it takes no
 * room. */
static char *table_definition(sqlite3 *db, const struct table *t)
{
	sqlite3_str *sql = sqlite3_str_new(db);

	sqlite3_str_appendf(sql, "CREATE TABLE out.\"%w\"(", t->name);
	for (int i = 0; i < t->n_columns; i++)
		sqlite3_str_appendf(sql, "%s\n\t\"%w\" %s%s", i ? "," : "", t->columns[i].name,
				    type_of(&t->columns[i]),
				    i == sql_rows_id_column(t) ? " PRIMARY KEY" : "");
	if (t->dur != NO_COLUMN)
		sqlite3_str_appendall(sql,
				      ",\n\tts_end INTEGER GENERATED ALWAYS AS (ts + dur) VIRTUAL");
	sqlite3_str_appendall(sql, "\n)");
	return sqlite3_str_finish(sql);
}

/* Rows of a lane are found by its keys and time. */
static char *index_definition(sqlite3 *db, const struct table *t)
{
	sqlite3_str *sql = sqlite3_str_new(db);

	sqlite3_str_appendf(sql, "CREATE INDEX out.\"%w_lane\" ON \"%w\"(", t->name, t->name);
	for (int i = 0; i <= t->ts; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", t->columns[i].name);
	sqlite3_str_appendall(sql, ")");
	return sqlite3_str_finish(sql);
}

static char *column_list(sqlite3 *db, const struct table *t)
{
	sqlite3_str *names = sqlite3_str_new(db);

	for (int i = 0; i < t->n_columns; i++)
		sqlite3_str_appendf(names, "%s\"%w\"", i ? ", " : "", t->columns[i].name);
	return sqlite3_str_finish(names);
}

static int copy_rows(const struct making *m, const struct table *t)
{
	char *names = column_list(m->db, t);
	const char *from = m->job->range.given && t->kind != TABLE_ROWS ? "temp" : "main";
	int r = source_run(m->db,
			   sqlite3_mprintf("INSERT INTO out.\"%w\"(%s) SELECT * FROM %s.\"%w\"",
					   t->name, names, from, t->name),
			   m->err);

	sqlite3_free(names);
	return r;
}

static int make_table(const struct making *m, const struct table *t)
{
	if (source_run(m->db, table_definition(m->db, t), m->err) || copy_rows(m, t))
		return error_wrap(m->err, "cannot export '%s'", t->name);
	return t->kind == TABLE_ROWS ? 0 : source_run(m->db, index_definition(m->db, t), m->err);
}

/*
 * Tables of sums, and views that need a function that plain SQLite lacks, are copied as they stand.
 */
static int copy_as_table(const struct making *m, const char *name)
{
	return source_run(m->db,
			  sqlite3_mprintf("CREATE TABLE out.\"%w\" AS SELECT * FROM %s.\"%w\"",
					  name, m->job->range.given ? "temp" : "main", name),
			  m->err);
}

static int make_sums(const struct making *m, const struct table *t)
{
	char *name = mem_printf("%s_total", t->name);
	int r = copy_as_table(m, name);

	free(name);
	return r;
}

static int make_view(const struct making *m, const struct sql_view *view)
{
	if (strstr(view->select, "quantile("))
		return copy_as_table(m, view->name);
	return source_run(
		m->db, sqlite3_mprintf("CREATE VIEW out.\"%w\" AS\n%s", view->name, view->select),
		m->err);
}

/* ---- the file ------------------------------------------------------------------------------- */

static int make_tables(const struct making *m, const struct store *store)
{
	uint64_t done = 0, total = 0;

	for (int i = 0; i < TABLE_N; i++)
		total += store->tables[i].rows;
	for (int i = 0; i < TABLE_N; i++) {
		const struct table *t = table_get((enum table_id)i);

		export_progress(m->job, t->name, done, total);
		if (make_table(m, t) || (t->kind == TABLE_STATES && make_sums(m, t)))
			return ERR;
		done += store->tables[i].rows;
	}
	return 0;
}

static int make_views(const struct making *m)
{
	size_t n;
	const struct sql_view *views = sql_views(&n);

	for (size_t i = 0; i < n; i++) {
		if (make_view(m, &views[i]))
			return error_wrap(m->err, "cannot export '%s'", views[i].name);
	}
	return 0;
}

/* The file is nobody else's until it is complete, so it needs no journal. */
static int begin_database(const struct making *m, const char *path)
{
	return source_run(m->db, sqlite3_mprintf("ATTACH %Q AS out", path), m->err) ||
	       source_run(m->db,
			  sqlite3_mprintf("PRAGMA out.journal_mode = OFF; "
					  "PRAGMA out.synchronous = OFF; "
					  "BEGIN"),
			  m->err);
}

static int end_database(const struct making *m)
{
	return source_run(m->db, sqlite3_mprintf("COMMIT; DETACH out"), m->err);
}

static int make(const struct making *m, const struct store *store, struct newfile *f)
{
	if (begin_database(m, f->temporary) || make_tables(m, store) || make_views(m) ||
	    end_database(m))
		return error_wrap(m->err, "cannot make '%s'", f->path);
	return newfile_commit(f, m->err);
}

static int make_into(const struct making *m, const struct store *store)
{
	struct newfile f;

	if (newfile_init_by_name(&f, m->job->output, m->err))
		return ERR;
	int r = make(m, store, &f);

	newfile_deinit(&f);
	return r;
}

int export_sqlite(const struct export_job *job, struct error *err)
{
	struct making m = {.job = job, .err = err};
	struct store *store;

	if (store_open(&store, job->path, err))
		return ERR;
	int r = source_open(&m.db, job->path, &job->range, &(struct export_choice){0}, err);

	if (!r) {
		r = make_into(&m, store);
		sqlite3_close(m.db);
	}
	store_free(store);
	return r;
}
