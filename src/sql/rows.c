#include "sql/rows.h"

#include <stdlib.h>

#include "store/cursor.h"

/* 128 MB: more than a million threads. A small file can claim a great many equal rows. */
enum { MAX_CELLS = 16 << 20 };

int sql_rows_id_column(const struct table *t)
{
	const struct column *c = &t->columns[0];

	return t->kind == TABLE_ROWS && c->unit == UNIT_ID && c->ref == TABLE_NONE ? 0 : NO_COLUMN;
}

static void add_row(struct sql_rows *rows, const struct store_cursor *c)
{
	for (int i = 0; i < c->table->n_columns; i++)
		*vec_push(&rows->cells) = store_cursor_get(c, i);
	rows->n++;
}

/* An id that two rows have, as only a damaged file can, names neither. */
static void index_rows(struct sql_rows *rows, const struct table *t)
{
	int id = sql_rows_id_column(t);

	rows->by_id = id != NO_COLUMN;
	for (size_t i = 0; rows->by_id && i < rows->n; i++) {
		uint64_t key = (uint64_t)rows->cells.at[i * (size_t)t->n_columns + (size_t)id];

		rows->by_id = *map_put(&rows->ids, key, i) == i;
	}
}

int sql_rows_load(struct sql_rows *rows, const struct store *s, enum table_id table,
		  struct error *err)
{
	struct store_query query = store_query_all(s, table);
	const struct table *t = table_get(table);
	struct store_cursor c;
	int r = CURSOR_END;

	if (rows->loaded)
		return 0;
	rows->too_many = s->tables[table].rows > (uint64_t)(MAX_CELLS / t->n_columns);
	store_cursor_init(&c, s, &query);
	while (!rows->too_many && (r = store_cursor_next(&c, err)) == CURSOR_ROW)
		add_row(rows, &c);
	store_cursor_deinit(&c);
	if (r != CURSOR_END) {
		sql_rows_deinit(rows);
		return r;
	}
	index_rows(rows, t);
	rows->loaded = true;
	return 0;
}

void sql_rows_deinit(struct sql_rows *rows)
{
	vec_deinit(&rows->cells);
	map_deinit(&rows->ids);
	*rows = (struct sql_rows){0};
}
