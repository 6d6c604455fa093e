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
	/* Of a disk SQLite knows that it failed; only the system knows why. */
	int why = (r & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;

	if (why)
		error_errno(err, why, "%s", message ? message : sqlite3_errstr(r));
	else
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

/* ---- some VMs and vCPUs ---------------------------------------------------------------------- */

/* An argument that is not given is NULL. */
static char *choice_text(const struct export_choice *c)
{
	return c->vm ? sqlite3_mprintf("name = %Q OR name GLOB %Q", c->vm, c->vm)
		     : sqlite3_mprintf("1");
}

static int choice_make_machines(sqlite3 *db, const struct export_choice *c, struct error *err)
{
	char *names = choice_text(c);
	char *sql = sqlite3_mprintf(
		"CREATE TEMP TABLE chosen_machine(id INTEGER PRIMARY KEY);"
		"INSERT INTO chosen_machine SELECT id FROM main.machine"
		" WHERE parent_id IS NOT NULL AND (%s);"
		"CREATE TEMP TABLE related_machine(id INTEGER PRIMARY KEY);"
		"INSERT INTO related_machine WITH RECURSIVE above(id) AS ("
		"  SELECT id FROM chosen_machine"
		"  UNION SELECT m.parent_id FROM main.machine m JOIN above a ON a.id = m.id"
		"  WHERE m.parent_id IS NOT NULL) SELECT id FROM above",
		names);

	sqlite3_free(names);
	if (source_run(db, sql, err))
		return ERR;
	if (c->vm && !source_number(db, "SELECT count(*) FROM chosen_machine", 0))
		return error_set(err, "there is no VM '%s'", c->vm);
	return 0;
}

static int choice_make_vcpus(sqlite3 *db, const struct export_choice *c, struct error *err)
{
	char *number =
		c->one_vcpu ? sqlite3_mprintf("vcpu_index = %lld", c->vcpu) : sqlite3_mprintf("1");
	char *sql = sqlite3_mprintf("CREATE TEMP TABLE chosen_vcpu(id INTEGER PRIMARY KEY);"
				    "INSERT INTO chosen_vcpu SELECT id FROM main.vcpu"
				    " WHERE machine_id IN (SELECT id FROM chosen_machine) AND %s",
				    number);

	sqlite3_free(number);
	if (source_run(db, sql, err))
		return ERR;
	if (c->one_vcpu && !source_number(db, "SELECT count(*) FROM chosen_vcpu", 0))
		return error_set(err, "there is no vCPU %lld", (long long)c->vcpu);
	return 0;
}

/* Makes tables of their ids. Return: 0, or ERR with err set when there is nothing of the kind. */
static int make_choice(sqlite3 *db, const struct export_choice *choice, struct error *err)
{
	return choice_make_machines(db, choice, err) || choice_make_vcpus(db, choice, err) ? ERR
											   : 0;
}

/* Return: what holds for a table's rows that belong to the choice, in SQL; NULL: nothing. */
static const char *choice_condition(const struct export_choice *choice, enum table_id table)
{
	static const char threads[] = "thread_id IN (SELECT id FROM main.thread WHERE machine_id"
				      " IN (SELECT id FROM temp.chosen_machine))";
	static const char *const conditions[TABLE_N] = {
		[TABLE_VCPU_STATE] = "vcpu_id IN (SELECT id FROM temp.chosen_vcpu)",
		[TABLE_VM_EXIT] = "vcpu_id IN (SELECT id FROM temp.chosen_vcpu)",
		[TABLE_THREAD_STATE] = threads,
		[TABLE_CPU_STATE] = "machine_id IN (SELECT id FROM temp.related_machine)",
		[TABLE_WAKEUP] = "machine_id IN (SELECT id FROM temp.chosen_machine)",
	};

	if (!choice->vm && !choice->one_vcpu)
		return NULL;
	return choice->one_vcpu && table == TABLE_WAKEUP ? conditions[TABLE_VCPU_STATE]
							 : conditions[table];
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

/* What of a table lies in the range and belongs to the choice. */
static char *view_of_part(sqlite3 *db, enum table_id id, const struct export_range *range,
			  const struct export_choice *choice)
{
	const char *condition = choice_condition(choice, id);
	const struct table *t = table_get(id);
	sqlite3_str *sql = sqlite3_str_new(db);

	sqlite3_str_appendf(sql, "CREATE TEMP VIEW \"%w\" AS SELECT ", t->name);
	append_columns(sql, t, range);
	sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE ts < %lld AND ", t->name, range->to);
	sqlite3_str_appendf(sql, t->state != NO_COLUMN ? "ts_end > %lld" : "ts >= %lld",
			    range->from);
	if (condition)
		sqlite3_str_appendf(sql, " AND %s", condition);
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

static int narrow(sqlite3 *db, const struct export_range *range, const struct export_choice *choice,
		  struct error *err)
{
	size_t n;
	const struct sql_view *views = sql_views(&n);

	for (int i = 0; i < TABLE_N; i++) {
		const struct table *t = table_get((enum table_id)i);

		if (t->kind != TABLE_ROWS &&
		    source_run(db, view_of_part(db, (enum table_id)i, range, choice), err))
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

static int open_part(sqlite3 *db, const struct export_range *range,
		     const struct export_choice *choice, struct error *err)
{
	const struct export_range all = {.from = INT64_MIN + 1, .to = INT64_MAX};
	bool some = choice->vm || choice->one_vcpu;

	if (some && make_choice(db, choice, err))
		return ERR;
	return some || range->given ? narrow(db, range->given ? range : &all, choice, err) : 0;
}

int source_open(sqlite3 **dbp, const char *path, const struct export_range *range,
		const struct export_choice *choice, struct error *err)
{
	if (sql_open(dbp, path, err))
		return ERR;
	if (!open_part(*dbp, range, choice, err))
		return 0;
	sqlite3_close(*dbp);
	return ERR;
}
