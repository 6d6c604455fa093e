/*
 * print: results of SQL statements as a table for people, CSV or JSON.
 */
#ifndef VMSCOPE_SQL_PRINT_H
#define VMSCOPE_SQL_PRINT_H

#include <stdio.h>

#include "base/error.h"
#include "sql/sqlite.h"

enum sql_format { SQL_TABLE, SQL_CSV, SQL_JSON, SQL_N_FORMATS };

/* Names of the formats, SQL_N_FORMATS and a NULL. */
extern const char *const sql_format_names[];

struct sql_output {
	FILE *file;
	enum sql_format format;
	int width; /* of the terminal, for tables; 0: as wide as they come */
};

/*
 * Runs all statements of a text, one after another, and prints the results of those that have
 * columns. Tables and CSV are set apart by an empty line; in JSON each result is an array of objects.
 * What was printed before an error stays. Return: 0, or ERR with err set.
 */
int sql_run(sqlite3 *db, const char *sql, const struct sql_output *output, struct error *err);

/* Each steps a statement through its rows. Return: what sqlite3_step() did at the end. */
int sql_print_table(sqlite3_stmt *s, const struct sql_output *output);
int sql_print_csv(sqlite3_stmt *s, const struct sql_output *output);
int sql_print_json(sqlite3_stmt *s, const struct sql_output *output);

#endif
