/*
 * total: how long each lane of a table of states was in each state, as a virtual table.
 *
 * The directory of a results file has these sums, so that they cost nothing, however many intervals
 * there are. The columns are the lane's keys, `state`, `dur` and `first_ns`, `last_ns`: the lane's
 * span.
 */
#ifndef VMSCOPE_SQL_TOTAL_H
#define VMSCOPE_SQL_TOTAL_H

#include "sql/files.h"
#include "sql/sqlite.h"

/* Registers the module `vmscope_total`. Return: SQLITE_*. */
int sql_total_register(sqlite3 *db, struct sql_files *files);

#endif
