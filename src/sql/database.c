#include "sql/database.h"

#include <stdlib.h>

#include "schema/table.h"
#include "sql/files.h"
#include "sql/function.h"
#include "sql/view.h"
#include "sql/total.h"
#include "sql/vtab.h"

/* Runs a statement made by sqlite3_mprintf(), and frees it. Return: 0, or ERR with err set. */
static int run(sqlite3 *db, char *sql, struct error *err)
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

/* --- the tables of a file --- */

static int make_tables(sqlite3 *db, const char *path, const char *schema, struct error *err)
{
	for (int i = 0; i < TABLE_N; i++) {
		const struct table *t = table_get((enum table_id)i);

		if (run(db,
			sqlite3_mprintf("CREATE VIRTUAL TABLE \"%w\".\"%w\" USING vmscope(%Q, %Q)",
					schema, t->name, path, t->name),
			err))
			return ERR;
		if (t->kind == TABLE_STATES &&
		    run(db,
			sqlite3_mprintf("CREATE VIRTUAL TABLE \"%w\".\"%w_total\" "
					"USING vmscope_total(%Q, %Q)",
					schema, t->name, path, t->name),
			err))
			return ERR;
	}
	return 0;
}

static int make_views(sqlite3 *db, const char *schema, struct error *err)
{
	size_t n;
	const struct sql_view *views = sql_views(&n);

	for (size_t i = 0; i < n; i++) {
		if (run(db,
			sqlite3_mprintf("CREATE VIEW \"%w\".\"%w\" AS\n%s", schema, views[i].name,
					views[i].select),
			err))
			return ERR;
	}
	return 0;
}

/* `temp` is there as soon as something is made in it. */
static int have_schema(sqlite3 *db, const char *schema, struct error *err)
{
	if (!sqlite3_stricmp(schema, "temp") || sqlite3_db_filename(db, schema))
		return 0;
	return run(db, sqlite3_mprintf("ATTACH ':memory:' AS \"%w\"", schema), err);
}

static int attach(sqlite3 *db, struct sql_files *files, const char *path, const char *schema,
		  struct error *err)
{
	struct sql_file *file;

	if (sql_files_open(files, path, &file, err))
		return ERR;
	int r = have_schema(db, schema, err) || make_tables(db, path, schema, err) ||
				make_views(db, schema, err)
			? error_wrap(err, "cannot make the tables of '%s' in '%s'", path, schema)
			: 0;

	sql_files_release(files, file);
	return r;
}

/* --- functions --- */

/* vmscope_open(FILE [, SCHEMA]) */
static void open_function(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *path = (const char *)sqlite3_value_text(argv[0]);
	const char *schema = argc > 1 ? (const char *)sqlite3_value_text(argv[1]) : "temp";
	struct error err = {0};

	if (argc > 2 || !path || !schema) {
		sqlite3_result_error(ctx, "vmscope_open() takes a file and perhaps a schema", -1);
		return;
	}
	if (attach(sqlite3_context_db_handle(ctx), sqlite3_user_data(ctx), path, schema, &err))
		sqlite3_result_error(ctx, err.text, -1);
	error_deinit(&err);
}

static void blocks_read_function(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const struct sql_files *files = sqlite3_user_data(ctx);

	(void)argc, (void)argv;
	sqlite3_result_int64(ctx, (sqlite3_int64)files->blocks_read);
}

static int make_function(sqlite3 *db, const char *name, int n_args, struct sql_files *files,
			 void (*function)(sqlite3_context *, int, sqlite3_value **))
{
	return sqlite3_create_function_v2(db, name, n_args, SQLITE_UTF8 | SQLITE_DIRECTONLY,
					  sql_files_use(files), function, NULL, NULL,
					  sql_files_unuse);
}

static int register_with(sqlite3 *db, struct sql_files *files)
{
	int r = make_function(db, "vmscope_open", -1, files, open_function);

	if (r == SQLITE_OK)
		r = make_function(db, "vmscope_blocks_read", 0, files, blocks_read_function);
	if (r == SQLITE_OK)
		r = sql_function_register(db);
	if (r == SQLITE_OK)
		r = sql_vtab_register(db, files);
	if (r == SQLITE_OK)
		r = sql_total_register(db, files);
	return r;
}

int sql_register(sqlite3 *db, struct error *err)
{
	struct sql_files *files = sql_files_use(mem_zalloc(1, sizeof(*files)));
	int r = register_with(db, files);

	sql_files_unuse(files);
	return r == SQLITE_OK ? 0 : error_set(err, "%s", sqlite3_errstr(r));
}

/* SELECT vmscope_open(path, 'main') */
static int open_main(sqlite3 *db, const char *path, struct error *err)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, "SELECT vmscope_open(?, 'main')", -1, &statement, NULL) !=
	    SQLITE_OK)
		return error_set(err, "%s", sqlite3_errmsg(db));
	sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
	sqlite3_step(statement);
	if (sqlite3_finalize(statement) != SQLITE_OK)
		return error_set(err, "%s", sqlite3_errmsg(db));
	return 0;
}

int sql_open(sqlite3 **dbp, const char *path, struct error *err)
{
	sqlite3 *db;
	int r = sqlite3_open(":memory:", &db);

	if (r != SQLITE_OK)
		error_set(err, "%s", sqlite3_errstr(r));
	else if (!sql_register(db, err) && !open_main(db, path, err)) {
		*dbp = db;
		return 0;
	}
	sqlite3_close(db);
	return ERR;
}

/* Makes the tables of an open file the schema `main`. Return: 0 or ERR. */
static int attach_lent(sqlite3 *db, const struct store *s, struct error *err)
{
	struct sql_files *files = sql_files_use(mem_zalloc(1, sizeof(*files)));
	int r = register_with(db, files);

	if (r != SQLITE_OK) {
		sql_files_unuse(files);
		return error_set(err, "%s", sqlite3_errstr(r));
	}
	struct sql_file *file = sql_files_lend(files, s);

	r = attach(db, files, s->name, "main", err);
	sql_files_release(files, file);
	sql_files_unuse(files);
	return r;
}

int sql_open_store(sqlite3 **dbp, const struct store *s, struct error *err)
{
	sqlite3 *db;
	int r = sqlite3_open(":memory:", &db);

	if (r != SQLITE_OK)
		error_set(err, "%s", sqlite3_errstr(r));
	else if (!attach_lent(db, s, err)) {
		*dbp = db;
		return 0;
	}
	sqlite3_close(db);
	return ERR;
}
