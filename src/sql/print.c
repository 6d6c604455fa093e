#include "sql/print.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const sql_format_names[] = {
	[SQL_TABLE] = "table", [SQL_CSV] = "csv", [SQL_JSON] = "json", [SQL_N_FORMATS] = NULL};

static int print_rows(sqlite3_stmt *s, const struct sql_output *output)
{
	switch (output->format) {
	case SQL_CSV:
		return sql_print_csv(s, output);
	case SQL_JSON:
		return sql_print_json(s, output);
	default:
		return sql_print_table(s, output);
	}
}

/* Sets err to SQLite's message, with the place in a text of more than one line. Return: ERR. */
static int failed(sqlite3 *db, const char *sql, struct error *err)
{
	int offset = sqlite3_error_offset(db), line = 1;

	if (offset < 0 || !strchr(sql, '\n'))
		return error_set(err, "%s", sqlite3_errmsg(db));
	for (int i = 0; i < offset && sql[i]; i++)
		line += sql[i] == '\n';
	return error_set(err, "line %d: %s", line, sqlite3_errmsg(db));
}

/* Runs the first statement. Return: 0 and where the next begins in *restp, or ERR with err set. */
static int run_one(sqlite3 *db, const char *sql, const struct sql_output *output, bool *printedp,
		   const char **restp, struct error *err)
{
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, sql, -1, &s, restp) != SQLITE_OK)
		return failed(db, sql, err);
	if (!s)
		return 0;
	bool has_rows = sqlite3_column_count(s) > 0;

	if (has_rows && *printedp && output->format != SQL_JSON)
		fputc('\n', output->file);
	*printedp |= has_rows;
	int r = has_rows ? print_rows(s, output) : sqlite3_step(s);

	if (r != SQLITE_DONE && r != SQLITE_ROW)
		failed(db, sql, err);
	sqlite3_finalize(s);
	return err->text ? ERR : 0;
}

int sql_run(sqlite3 *db, const char *sql, const struct sql_output *output, struct error *err)
{
	bool printed = false;

	while (*sql && !ferror(output->file)) {
		if (run_one(db, sql, output, &printed, &sql, err))
			return ERR;
	}
	return 0;
}
