/*
 * function: SQL functions that the views and users of them need.
 */
#ifndef VMSCOPE_SQL_FUNCTION_H
#define VMSCOPE_SQL_FUNCTION_H

#include "sql/sqlite.h"

/*
 * Registers the aggregates percentile(value, share): the smallest of the values that at least
 * `share` (0 to 1) of them do not exceed. NULLs are left out; without values it is NULL. It is
 * exact and keeps all values of a group, 8 bytes each; and quantile(value, share): the same of
 * durations, as reports have it (tally/histogram.h). Return: SQLITE_*.
 */
int sql_function_register(sqlite3 *db);

#endif
