#include "fleet/table.h"

#include <string.h>

#include "base/mem.h"

enum { VALUES = false, NULLS = true };

#define FLEET_TABLE(id, name, part, help) static const struct fleet_column columns_##id[] = {
#define FLEET_COLUMN(table, id, name_, type_, null_, help_) \
	{.name = name_, .type = FLEET_##type_, .null = null_, .help = help_},
#define FLEET_TABLE_END(id) \
	}                   \
	;
#include "fleet/table.def"
#undef FLEET_TABLE
#undef FLEET_COLUMN
#undef FLEET_TABLE_END

struct own_table {
	const char *name, *help;
	enum fleet_part part;
	const struct fleet_column *columns;
	int n_columns;
};

static const struct own_table own_tables[FLEET_N] = {
#define FLEET_TABLE(id, name_, part_, help_)     \
	[FLEET_##id] = {.name = name_,           \
			.help = help_,           \
			.part = FLEET_##part_,   \
			.columns = columns_##id, \
			.n_columns = FC_##id##_N_COLUMNS},
#define FLEET_COLUMN(table, id, name, type, null, help)
#define FLEET_TABLE_END(id)
#include "fleet/table.def"
#undef FLEET_TABLE
#undef FLEET_COLUMN
#undef FLEET_TABLE_END
};

static const struct fleet_column common[FLEET_COL_FIRST] = {
	[FLEET_COL_DAY] = {.name = "day", .type = FLEET_DAY, .help = "when the recording began"},
	[FLEET_COL_RECORDING] = {.name = "recording",
				 .type = FLEET_HEX,
				 .help = "the recording (recording.recording)"},
	[FLEET_COL_NTH] = {.name = "nth", .type = FLEET_NTH, .help = "tells equal rows apart"},
};

/* Of the schema's tables, those without which sums can be understood. */
static enum fleet_part part_of(const struct table *t, enum fleet_id id)
{
	bool names = t->kind == TABLE_ROWS && id != (enum fleet_id)TABLE_THREAD &&
		     id != (enum fleet_id)TABLE_CONTAINER && id != (enum fleet_id)TABLE_IRQ_VECTOR;

	return names ? FLEET_SUMS : FLEET_RAW;
}

static struct fleet_column column_of(const struct table *t, int i)
{
	static const enum fleet_type types[] = {
		[COLUMN_INT] = FLEET_INT, [COLUMN_TEXT] = FLEET_TEXT, [COLUMN_REAL] = FLEET_REAL};
	const struct column *c = &t->columns[i];
	bool timed = t->kind != TABLE_ROWS;
	bool known = (timed && (i <= t->ts || i == t->state)) ||
		     (t->kind == TABLE_STATES && i == t->dur);

	return (struct fleet_column){
		.name = c->name,
		.help = c->help,
		.type = c->labels ? FLEET_STATE : types[c->type],
		.null = !known,
		.labels = c->labels,
	};
}

static void take_schema_table(struct fleet_table *t)
{
	const struct table *from = table_get((enum table_id)t->id);

	t->source = from;
	t->name = from->name;
	t->help = from->help;
	t->part = part_of(from, t->id);
	for (int i = 0; i < from->n_columns; i++)
		t->columns[t->n_columns++] = column_of(from, i);
}

static void take_own_table(struct fleet_table *t)
{
	const struct own_table *from = &own_tables[t->id];

	t->name = from->name;
	t->help = from->help;
	t->part = from->part;
	memcpy(t->columns + t->n_columns, from->columns,
	       (size_t)from->n_columns * sizeof(*from->columns));
	t->n_columns += from->n_columns;
}

void fleet_table_init(struct fleet_table *t, enum fleet_id id)
{
	*t = (struct fleet_table){.id = id, .n_columns = FLEET_COL_FIRST};
	memcpy(t->columns, common, sizeof(common));
	if (id < (enum fleet_id)TABLE_N)
		take_schema_table(t);
	else
		take_own_table(t);
}

struct fleet_table *fleet_tables_new(void)
{
	struct fleet_table *tables = mem_alloc(FLEET_N * sizeof(*tables));

	for (int i = 0; i < FLEET_N; i++)
		fleet_table_init(&tables[i], (enum fleet_id)i);
	return tables;
}

enum fleet_id fleet_table_find(const char *name)
{
	for (int i = 0; i < FLEET_N; i++) {
		struct fleet_table t;

		fleet_table_init(&t, (enum fleet_id)i);
		if (!strcmp(t.name, name))
			return (enum fleet_id)i;
	}
	return FLEET_N;
}

int fleet_table_n_keys(const struct fleet_table *t)
{
	return t->source && t->source->kind != TABLE_ROWS ? t->source->ts + 1 : 0;
}
