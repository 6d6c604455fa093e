/*
 * table: the tables of a results file, each described once.
 *
 * The writer, the reader, SQL, reports and exports are all driven by these descriptions; none of
 * them names a column's type or meaning again. table.def holds them.
 *
 * A value is an int64_t everywhere: an integer as it is, a text as the number of a string of the
 * file, a real as its bits (table_real()). NULL is the value TABLE_NULL, which nothing else can be.
 */
#ifndef VMSCOPE_SCHEMA_TABLE_H
#define VMSCOPE_SCHEMA_TABLE_H

#include <stdint.h>
#include <string.h>

#include "schema/state.h"

#define TABLE_NULL INT64_MIN

enum table_id {
#define TABLE(id, name, kind, help) TABLE_##id,
#define COLUMN(table, id, name, type, unit, about, help)
#define TABLE_END(id)
#include "schema/table.def"
#undef TABLE
#undef COLUMN
#undef TABLE_END
	TABLE_N,
	TABLE_NONE = TABLE_N,
};

/* Index of each column: COL_VCPU_STATE_TS ...; and how many: COL_VCPU_STATE_N_COLUMNS. */
#define TABLE(id, name, kind, help)			 enum {
#define COLUMN(table, id, name, type, unit, about, help) COL_##table##_##id,
#define TABLE_END(id)         \
	COL_##id##_N_COLUMNS, \
	}                     \
	;
#include "schema/table.def"
#undef TABLE
#undef COLUMN
#undef TABLE_END

enum { TABLE_MAX_COLUMNS = 24, TABLE_MAX_KEYS = 2, NO_COLUMN = -1 };

enum table_kind {
	TABLE_ROWS,   /* a plain list; no lanes */
	TABLE_STATES, /* lanes: ts, dur, state; each row begins where the one before ends */
	TABLE_SPANS,  /* lanes: ts, dur; ordered by ts */
	TABLE_POINTS, /* lanes: ts; ordered by it */
};

enum column_type { COLUMN_INT, COLUMN_TEXT, COLUMN_REAL };

enum column_unit {
	UNIT_NONE,  /* a name, or a number that is not counted or measured */
	UNIT_TIME,  /* ns since what meta's time_origin says */
	UNIT_NS,    /* a duration or difference */
	UNIT_ID,    /* a row of column.ref, or of this table */
	UNIT_COUNT, /* how many */
	UNIT_ENUM,  /* one of column.labels; shown as its name */
};

struct column {
	const char *name;
	enum column_type type;
	enum column_unit unit;
	enum table_id ref;		   /* the table whose id it is, or TABLE_NONE */
	const struct state_labels *labels; /* UNIT_ENUM: what the numbers mean; else NULL */
	const char *help;
};

struct table {
	const char *name;
	enum table_kind kind;
	const char *help;
	const struct column *columns;
	int n_columns;

	/* What makes lanes of it; TABLE_ROWS has none of these. */
	int n_keys;	    /* so many first columns name a lane */
	int ts, dur, state; /* columns, or NO_COLUMN */
};

const struct table *table_get(enum table_id id);

/* Return: the table of this name, or TABLE_NONE. */
enum table_id table_find(const char *name);

/* Return: the column of this name, or NO_COLUMN. */
int table_find_column(const struct table *t, const char *name);

/* Return: how many states its rows can be in; 0 when it has no state. */
int table_n_states(const struct table *t);

static inline int64_t table_real(double x)
{
	int64_t bits;

	if (x == 0)
		x = 0; /* -0.0 has the bits of NULL */
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline double table_real_value(int64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

#endif
