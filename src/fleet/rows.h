/*
 * rows: some rows of a table on their way from a results file into whatever they are written as,
 * column by column.
 */
#ifndef VMSCOPE_FLEET_ROWS_H
#define VMSCOPE_FLEET_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "fleet/table.h"

enum { FLEET_ID_SIZE = 16 };

/* A value of FLEET_INTS; at[] of that column holds pointers to these. */
struct fleet_ints {
	size_t n;
	const int64_t *at;
};

/*
 * A value is an int64_t, TABLE_NULL where there is none; a text is a number that text() knows.
 * Everything is borrowed, until the sink returns.
 */
struct fleet_rows {
	const struct fleet_table *table;
	size_t n;
	const int64_t *at[FLEET_MAX_COLUMNS]; /* by column; NULL: `day`, `recording` */
	uint16_t day;
	const char *recording; /* FLEET_ID_SIZE characters */
	const char *(*text)(const void *ctx, int64_t number);
	const void *text_ctx;
};

/* Takes rows; they come in the table's order. Return: 0, or ERR with err set. */
typedef int fleet_sink_fn(void *ctx, const struct fleet_rows *rows, struct error *err);

#endif
