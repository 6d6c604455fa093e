#include "sql/describe.h"

#include <string.h>

#include "schema/table.h"
#include "sql/view.h"

static void print_help(FILE *f, const char *name, const char *help)
{
	fprintf(f, "%-18s %s\n", name, help);
}

static void total_name(const struct table *t, char *name, size_t size)
{
	snprintf(name, size, "%s_total", t->name);
}

void sql_describe_tables(FILE *f)
{
	size_t n;
	const struct sql_view *views = sql_views(&n);

	for (int i = 0; i < TABLE_N; i++) {
		const struct table *t = table_get((enum table_id)i);
		char total[64];

		print_help(f, t->name, t->help);
		if (t->kind != TABLE_STATES)
			continue;
		total_name(t, total, sizeof(total));
		print_help(f, total, "sums of it: the time of each lane in each state");
	}
	for (size_t i = 0; i < n; i++)
		print_help(f, views[i].name, views[i].help);
}

static const char *type_of(const struct column *c)
{
	if (c->labels || c->type == COLUMN_TEXT)
		return "TEXT";
	return c->type == COLUMN_REAL ? "REAL" : "INTEGER";
}

static void print_column(FILE *f, const struct column *c)
{
	fprintf(f, "  %-18s %-8s %s", c->name, type_of(c), c->help);
	if (c->ref != TABLE_NONE)
		fprintf(f, " (%s.id)", table_get(c->ref)->name);
	for (int i = 0; c->labels && i < c->labels->n; i++)
		fprintf(f, "%s%s", i ? ", " : ": ", c->labels->at[i].name);
	fputc('\n', f);
}

static void describe_table(FILE *f, const struct table *t)
{
	fprintf(f, "%s: %s\n", t->name, t->help);
	for (int i = 0; i < t->n_columns; i++)
		print_column(f, &t->columns[i]);
	if (t->dur != NO_COLUMN)
		fprintf(f, "  %-18s %-8s %s\n", "ts_end", "INTEGER", "ts + dur; not in *");
}

static void describe_total(FILE *f, const struct table *t)
{
	fprintf(f, "%s_total: sums of %s: the time of each lane in each state\n", t->name, t->name);
	for (int i = 0; i < t->n_keys; i++)
		print_column(f, &t->columns[i]);
	print_column(f, &t->columns[t->state]);
	fprintf(f, "  %-18s %-8s %s\n", "dur", "INTEGER", "all time in that state");
	fprintf(f, "  %-18s %-8s %s\n", "first_ns", "INTEGER", "begin of the lane");
	fprintf(f, "  %-18s %-8s %s\n", "last_ns", "INTEGER", "its end");
}

bool sql_describe(FILE *f, const char *name)
{
	bool found = false;
	size_t n;
	const struct sql_view *views = sql_views(&n);

	for (int i = 0; i < TABLE_N; i++) {
		const struct table *t = table_get((enum table_id)i);
		char total[64];

		total_name(t, total, sizeof(total));
		if (!name || !strcmp(name, t->name)) {
			describe_table(f, t);
			found = true;
		}
		if (t->kind == TABLE_STATES && (!name || !strcmp(name, total))) {
			describe_total(f, t);
			found = true;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!name || !strcmp(name, views[i].name)) {
			fprintf(f, "%s: %s\n%s\n", views[i].name, views[i].help, views[i].select);
			found = true;
		}
	}
	return found;
}
