/*
 * quantile: percentile(value, share) in memory that does not grow with the values.
 *
 * SQL's own function (sql/function.h) keeps all values; this one counts them in classes less than 2
 * % wide, so what it gives is off by at most that. Values are not negative.
 */
#ifndef VMSCOPE_EXPORT_QUANTILE_H
#define VMSCOPE_EXPORT_QUANTILE_H

#include "base/error.h"
#include "sql/sqlite.h"

/* Takes the place of percentile() in a connection. Return: 0, or ERR with err set. */
int quantile_register(sqlite3 *db, struct error *err);

#endif
