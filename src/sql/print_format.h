/*
 * print_format: the forms in which results of SQL statements are printed, a file each.
 */
#ifndef VMSCOPE_SQL_PRINT_FORMAT_H
#define VMSCOPE_SQL_PRINT_FORMAT_H

#include <stdio.h>

#include "sql/sqlite.h"

enum sql_format { SQL_TABLE, SQL_CSV, SQL_JSON, SQL_N_FORMATS };

struct sql_output {
	FILE *file;
	enum sql_format format;
	int width; /* of the terminal, for tables; 0: as wide as they come */
};

/* Each steps a statement through its rows. Return: what sqlite3_step() did at the end. */
int sql_print_table(sqlite3_stmt *s, const struct sql_output *output);
int sql_print_csv(sqlite3_stmt *s, const struct sql_output *output);
int sql_print_json(sqlite3_stmt *s, const struct sql_output *output);

#endif
