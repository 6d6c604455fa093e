/*
 * rows: a table of plain rows in memory, by id.
 *
 * These tables name what the ids of all others mean, and nearly every question joins them: a row is
 * looked up once per interval. They are small next to the intervals; one that is not stays in the
 * file and is scanned.
 */
#ifndef VMSCOPE_SQL_ROWS_H
#define VMSCOPE_SQL_ROWS_H

#include "base/map.h"
#include "base/mem.h"
#include "store/reader.h"

struct sql_rows {
	bool loaded;
	bool too_many; /* it was not taken into memory */
	bool by_id;    /* `ids` can be relied on */
	size_t n;
	VEC(int64_t) cells; /* row by row, all columns of the table */
	struct map ids;	    /* id -> row */
};

/* Return: the column that tells rows apart, or NO_COLUMN. */
int sql_rows_id_column(const struct table *t);

/* Reads the table on the first call. Return: 0, or ERR with err set. */
int sql_rows_load(struct sql_rows *rows, const struct store *s, enum table_id table,
		  struct error *err);
void sql_rows_deinit(struct sql_rows *rows);

#endif
