/*
 * table: the tables of a fleet: those of a results file, each with columns that say of which
 * recording a row is; and those that only a fleet has (table.def).
 *
 * All begin with
 *
 *	day	   the day on which the recording began, by which old ones are dropped
 *	recording  16 hexadecimal digits (recording.h)
 *	nth	   tables of lanes: rows of the lane with the same ts before this one, nearly always
 *		   0; others: rows of the recording before it
 *
 * so that a row has a name of its own that loading it once more does not change.
 */
#ifndef VMSCOPE_FLEET_TABLE_H
#define VMSCOPE_FLEET_TABLE_H

#include <stdbool.h>

#include "schema/table.h"

enum fleet_type {
	FLEET_INT,  /* int64_t */
	FLEET_NTH,  /* uint32_t */
	FLEET_DAY,  /* uint16_t: days since 1970-01-01 */
	FLEET_REAL, /* as table_real() */
	FLEET_TEXT,
	FLEET_HEX,   /* 16 digits */
	FLEET_STATE, /* one of column.labels */
	FLEET_INTS,  /* several int64_t */
};

/* What of a recording a table holds, and so whether it is wanted. */
enum fleet_part {
	FLEET_LEDGER, /* what was loaded */
	FLEET_SUMS,   /* machines and vCPUs; minutes; findings */
	FLEET_RAW,    /* intervals, exits, wake-ups, and what only these refer to */
};

enum fleet_id {
	/* first those of schema/table.h, under their own numbers */
	FLEET_BEFORE = TABLE_N - 1,
#define FLEET_TABLE(id, name, part, help) FLEET_##id,
#define FLEET_COLUMN(table, id, name, type, null, help)
#define FLEET_TABLE_END(id)
#include "fleet/table.def"
#undef FLEET_TABLE
#undef FLEET_COLUMN
#undef FLEET_TABLE_END
	FLEET_N,
};

enum { FLEET_COL_DAY, FLEET_COL_RECORDING, FLEET_COL_NTH, FLEET_COL_FIRST, FLEET_MAX_COLUMNS = 32 };

/* Index of each column among those of its own table, without the first three: FC_LOAD_DIGEST. */
#define FLEET_TABLE(id, name, part, help)		enum {
#define FLEET_COLUMN(table, id, name, type, null, help) FC_##table##_##id,
#define FLEET_TABLE_END(id)  \
	FC_##id##_N_COLUMNS, \
	}                    \
	;
#include "fleet/table.def"
#undef FLEET_TABLE
#undef FLEET_COLUMN
#undef FLEET_TABLE_END

struct fleet_column {
	const char *name, *help;
	enum fleet_type type;
	bool null;			   /* a value can be missing */
	const struct state_labels *labels; /* FLEET_STATE */
};

struct fleet_table {
	enum fleet_id id;
	enum fleet_part part;
	const char *name, *help;
	const struct table *source; /* of a results file; or NULL */
	int n_columns;
	struct fleet_column columns[FLEET_MAX_COLUMNS];
};

void fleet_table_init(struct fleet_table *t, enum fleet_id id);

/* Return: all of them, by id, for free(). */
struct fleet_table *fleet_tables_new(void);

/* Return: the table of this name, or FLEET_N. */
enum fleet_id fleet_table_find(const char *name);

/* Return: how many of the first columns after `recording` its rows are sorted by, by ts last. */
int fleet_table_n_keys(const struct fleet_table *t);

#endif
