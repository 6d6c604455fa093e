#include "schema/table.h"

#define NOTHING		.ref = TABLE_NONE
#define REF(table)	.ref = TABLE_##table
#define LABELS(labels_) .ref = TABLE_NONE, .labels = &(labels_)

#define TABLE(id, name, kind, help) static const struct column columns_##id[] = {
#define COLUMN(table, id, name_, type_, unit_, about, help_) \
	{.name = name_, .type = COLUMN_##type_, .unit = UNIT_##unit_, about, .help = help_},
#define TABLE_END(id) \
	}             \
	;
#include "schema/table.def"
#undef TABLE
#undef COLUMN
#undef TABLE_END

/* Which columns make lanes of a table of each kind. */
#define LANES_ROWS(id) .ts = NO_COLUMN, .dur = NO_COLUMN, .state = NO_COLUMN
#define LANES_POINTS(id) \
	.n_keys = COL_##id##_TS, .ts = COL_##id##_TS, .dur = NO_COLUMN, .state = NO_COLUMN
#define LANES_SPANS(id) \
	.n_keys = COL_##id##_TS, .ts = COL_##id##_TS, .dur = COL_##id##_DUR, .state = NO_COLUMN
#define LANES_STATES(id)                                                     \
	.n_keys = COL_##id##_TS, .ts = COL_##id##_TS, .dur = COL_##id##_DUR, \
	.state = COL_##id##_STATE

static const struct table tables[TABLE_N] = {
#define TABLE(id, name_, kind_, help_)                     \
	[TABLE_##id] = {.name = name_,                     \
			.kind = TABLE_##kind_,             \
			.help = help_,                     \
			.columns = columns_##id,           \
			.n_columns = COL_##id##_N_COLUMNS, \
			LANES_##kind_(id)},
#define COLUMN(table, id, name, type, unit, about, help)
#define TABLE_END(id)
#include "schema/table.def"
#undef TABLE
#undef COLUMN
#undef TABLE_END
};

const struct table *table_get(enum table_id id)
{
	return &tables[id];
}

enum table_id table_find(const char *name)
{
	for (int i = 0; i < TABLE_N; i++) {
		if (!strcmp(tables[i].name, name))
			return (enum table_id)i;
	}
	return TABLE_NONE;
}

int table_find_column(const struct table *t, const char *name)
{
	for (int i = 0; i < t->n_columns; i++) {
		if (!strcmp(t->columns[i].name, name))
			return i;
	}
	return NO_COLUMN;
}

int table_n_states(const struct table *t)
{
	return t->state == NO_COLUMN ? 0 : t->columns[t->state].labels->n;
}
