/*
 * print: results of SQL statements as a table for people, CSV or JSON.
 */
#ifndef VMSCOPE_SQL_PRINT_H
#define VMSCOPE_SQL_PRINT_H

#include "base/error.h"
#include "sql/print_format.h"

/* Names of the formats, SQL_N_FORMATS and a NULL. */
extern const char *const sql_format_names[];

/*
 * Runs all statements of a text, one after another, and prints the results of those that have
 * columns. Tables and CSV are set apart by an empty line; in JSON each result is an array of
 * objects. What was printed before an error stays. Return: 0, or ERR with err set.
 */
int sql_run(sqlite3 *db, const char *sql, const struct sql_output *output, struct error *err);

#endif
