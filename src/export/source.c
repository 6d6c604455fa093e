#include "export/source.h"

#include "schema/table.h"
#include "sql/database.h"
#include "sql/view.h"

int source_prepare(sqlite3_stmt **sp, sqlite3 *db, const char *sql, struct error *err)
{
	if (sqlite3_prepare_v2(db, sql, -1, sp, NULL) == SQLITE_OK)
		return 0;
	return error_set(err, "%s", sqlite3_errmsg(db));
}

int source_run(sqlite3 *db, char *sql, struct error *err)
{
	char *message = NULL;
	int r = sqlite3_exec(db, sql, NULL, NULL, &message);

	sqlite3_free(sql);
	if (r == SQLITE_OK)
		return 0;
	error_set(err, "%s", message ? message : sqlite3_errstr(r));
	sqlite3_free(message);
	return ERR;
}

int source_step(sqlite3_stmt *s, struct error *err)
{
	int r = sqlite3_step(s);

	if (r == SQLITE_ROW || r == SQLITE_DONE)
		return r;
	return error_set(err, "%s", sqlite3_errmsg(sqlite3_db_handle(s)));
}

int64_t source_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return otherwise;
	if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		otherwise = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return otherwise;
}

/* ---- a part of the time -----------------------------------------------------------------------
 */

static void append_columns(sqlite3_str *sql, const struct table *t,
			   const struct export_range *range)
{
	for (int i = 0; i < t->n_columns; i++) {
		const char *name = t->columns[i].name;

		sqlite3_str_appendall(sql, i ? ", " : "");
		if (t->state != NO_COLUMN && i == t->ts)
			sqlite3_str_appendf(sql, "max(ts, %lld) AS ts", range->from);
		else if (t->state != NO_COLUMN && i == t->dur)
			sqlite3_str_appendf(sql, "min(ts_end, %lld) - max(ts, %lld) AS dur",
					    range->to, range->from);
		else
			sqlite3_str_appendf(sql, "\"%w\"", name);
	}
}

/* What of a table lies in the range. */
static char *view_of_part(sqlite3 *db, const struct table *t, const struct export_range *range)
{
	sqlite3_str *sql = sqlite3_str_new(db);

	sqlite3_str_appendf(sql, "CREATE TEMP VIEW \"%w\" AS SELECT ", t->name);
	append_columns(sql, t, range);
	sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE ts < %lld AND ", t->name, range->to);
	sqlite3_str_appendf(sql, t->state != NO_COLUMN ? "ts_end > %lld" : "ts >= %lld",
			    range->from);
	return sqlite3_str_finish(sql);
}

/* The sums of a table of states, of those rows. */
static char *view_of_sums(sqlite3 *db, const struct table *t)
{
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str *keys = sqlite3_str_new(db);

	for (int i = 0; i < t->n_keys; i++)
		sqlite3_str_appendf(keys, "\"%w\", ", t->columns[i].name);
	char *names = sqlite3_str_finish(keys);

	sqlite3_str_appendf(sql,
			    "CREATE TEMP VIEW \"%w_total\" AS SELECT %sstate, sum(dur) AS dur, "
			    "min(min(ts)) OVER w AS first_ns, max(max(ts + dur)) OVER w AS last_ns "
			    "FROM \"%w\" GROUP BY %sstate WINDOW w AS (PARTITION BY %.*s)",
			    t->name, names, t->name, names, (int)strlen(names) - 2, names);
	sqlite3_free(names);
	return sqlite3_str_finish(sql);
}

static int narrow(sqlite3 *db, const struct export_range *range, struct error *err)
{
	size_t n;
	const struct sql_view *views = sql_views(&n);

	for (int i = 0; i < TABLE_N; i++) {
		const struct table *t = table_get((enum table_id)i);

		if (t->kind != TABLE_ROWS && source_run(db, view_of_part(db, t, range), err))
			return ERR;
		if (t->kind == TABLE_STATES && source_run(db, view_of_sums(db, t), err))
			return ERR;
	}
	for (size_t i = 0; i < n; i++) {
		if (source_run(db,
			       sqlite3_mprintf("CREATE TEMP VIEW \"%w\" AS %s", views[i].name,
					       views[i].select),
			       err))
			return ERR;
	}
	return 0;
}

int source_open(sqlite3 **dbp, const char *path, const struct export_range *range,
		struct error *err)
{
	if (sql_open(dbp, path, err))
		return ERR;
	if (!range->given || !narrow(*dbp, range, err))
		return 0;
	sqlite3_close(*dbp);
	return ERR;
}
