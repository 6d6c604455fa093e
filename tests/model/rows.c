/*
 * rows FILE: every row of a results file, for tests in other languages to check.
 *
 * Tab-separated: a line "table NAME COLUMN..." before the rows of each table. States by their
 * names; what is NULL is empty.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/cursor.h"
#include "store/reader.h"

static void print_value(const struct store *s, const struct column *c, int64_t value)
{
	if (value == TABLE_NULL)
		return;
	if (c->unit == UNIT_ENUM)
		fputs(c->labels->at[value].name, stdout);
	else if (c->type == COLUMN_TEXT)
		fputs(store_string(s, value), stdout);
	else if (c->type == COLUMN_REAL)
		printf("%.17g", table_real_value(value));
	else
		printf("%" PRId64, value);
}

static int print_table(const struct store *s, enum table_id id, struct error *err)
{
	struct store_query q = store_query_all(s, id);
	const struct table *t = table_get(id);
	struct store_cursor c;
	int r;

	printf("table\t%s", t->name);
	for (int i = 0; i < t->n_columns; i++)
		printf("\t%s", t->columns[i].name);
	putchar('\n');
	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW) {
		for (int i = 0; i < t->n_columns; i++) {
			print_value(s, &t->columns[i], store_cursor_get(&c, i));
			putchar(i + 1 < t->n_columns ? '\t' : '\n');
		}
	}
	store_cursor_deinit(&c);
	return r;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct store *s = NULL;
	int r = store_open(&s, argc > 1 ? argv[1] : "", &err);

	for (int id = 0; !r && id < TABLE_N; id++)
		r = print_table(s, (enum table_id)id, &err);
	if (r)
		fprintf(stderr, "rows: %s\n", err.text);
	store_free(s);
	error_deinit(&err);
	return r ? 1 : 0;
}
