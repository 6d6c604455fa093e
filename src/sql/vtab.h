/*
 * vtab: the tables of a results file as SQLite's virtual tables.
 *
 *	CREATE VIRTUAL TABLE temp.exits USING vmscope('run.vms', 'vm_exit')
 *
 * One module for all of them, driven by the schema; rows come straight from the store's cursor.
 * Enumerations are their names. A table whose rows have a length has a hidden column `ts_end`,
 *which is ts + dur: of `ts < B AND ts_end > A`, unlike of `ts + dur > A`, SQLite tells us, so that
 *only blocks in which rows overlap [A, B) are read.
 */
#ifndef VMSCOPE_SQL_VTAB_H
#define VMSCOPE_SQL_VTAB_H

#include "schema/table.h"
#include "sql/files.h"
#include "sql/sqlite.h"

/* Registers the module `vmscope`. Return: SQLITE_*. */
int sql_vtab_register(sqlite3 *db, struct sql_files *files);

/* Gives SQLite a value of this column as the result. */
void sql_result(sqlite3_context *ctx, const struct store *s, const struct column *column,
		int64_t value);

/*
 * What this module and `vmscope_total` do first: opens the file and finds the table that the
 * arguments of CREATE VIRTUAL TABLE name. Return: SQLITE_OK and *filep, for sql_files_release(); or
 * SQLITE_ERROR and *messagep, by sqlite3_malloc().
 */
int sql_vtab_open(struct sql_files *files, int argc, const char *const *argv,
		  struct sql_file **filep, enum table_id *idp, char **messagep);

#endif
