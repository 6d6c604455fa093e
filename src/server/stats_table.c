#include "server/stats_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/table.h"
#include "base/member.h"
#include "store/format.h"

void stats_add_column(struct stats *s, const char *name, const char *title, enum stats_type type,
		      const char *help)
{
	s->columns[s->n_columns++] = (struct stats_column){name, title, help, type};
}

size_t stats_add_row(struct stats *s, int32_t about)
{
	struct stats_row *row = vec_push(&s->rows);

	row->row = about;
	for (int i = 0; i < STATS_MAX_COLUMNS; i++)
		row->cells[i].value = TABLE_NULL;
	return s->rows.n - 1;
}

void stats_set_text(struct stats *s, size_t row, int column, char *text)
{
	s->rows.at[row].cells[column].text = text;
}

void stats_set_value(struct stats *s, size_t row, int column, int64_t value)
{
	s->rows.at[row].cells[column].value = value;
}

void stats_deinit(struct stats *s)
{
	vec_each (row, &s->rows) {
		for (int i = 0; i < s->n_columns; i++)
			free(row->cells[i].text);
	}
	vec_deinit(&s->rows);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_columns(struct jsonw *j, const struct stats *s)
{
	static const char *const types[] = {[STATS_TEXT] = "text",
					    [STATS_NUMBER] = "number",
					    [STATS_NS] = "ns",
					    [STATS_ROW] = "row",
					    [STATS_TIME] = "time"};

	jsonw_array_begin(j);
	for (int i = 0; i < s->n_columns; i++) {
		jsonw_object_begin(j);
		member_text(j, "name", s->columns[i].name);
		member_text(j, "title", s->columns[i].title);
		member_text(j, "type", types[s->columns[i].type]);
		member_text(j, "help", s->columns[i].help);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

void stats_write(struct jsonw *j, const struct stats *s, int64_t origin)
{
	jsonw_object_begin(j);
	jsonw_key(j, "columns");
	write_columns(j, s);
	member_array(j, "rows");
	vec_each (row, &s->rows) {
		jsonw_array_begin(j);
		for (int i = 0; i < s->n_columns; i++) {
			const struct stats_cell *cell = &row->cells[i];

			if (s->columns[i].type == STATS_TEXT)
				jsonw_string(j, cell->text);
			else if (cell->value == TABLE_NULL)
				jsonw_null(j);
			else
				jsonw_int(j, s->columns[i].type == STATS_TIME
						     ? format_sub(cell->value, origin)
						     : cell->value);
		}
		jsonw_array_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

/* Row ids are for programs, and stand in the entry itself. */
static bool is_in_tree(const struct stats_column *c)
{
	return c->type != STATS_ROW;
}

static void write_header(struct jsonw *j, const struct stats_column *c)
{
	static const char *const types[] = {[STATS_TEXT] = "STRING",
					    [STATS_NUMBER] = "NUMBER",
					    [STATS_NS] = "DURATION",
					    [STATS_ROW] = "NUMBER",
					    [STATS_TIME] = "TIMESTAMP"};

	jsonw_object_begin(j);
	member_text(j, "name", c->title);
	member_text(j, "tooltip", c->help);
	member_text(j, "dataType", types[c->type]);
	jsonw_object_end(j);
}

static void write_labels(struct jsonw *j, const struct stats *s, const struct stats_row *row)
{
	char number[24];

	member_array(j, "labels");
	for (int i = 0; i < s->n_columns; i++) {
		const struct stats_cell *cell = &row->cells[i];

		if (!is_in_tree(&s->columns[i]))
			continue;
		snprintf(number, sizeof(number), "%" PRId64, cell->value);
		jsonw_string(j, s->columns[i].type == STATS_TEXT ? cell->text
				: cell->value == TABLE_NULL	 ? ""
								 : number);
	}
	jsonw_array_end(j);
}

void stats_write_tree(struct jsonw *j, const struct stats *s)
{
	int32_t id = 0;

	jsonw_object_begin(j);
	member_array(j, "headers");
	for (int i = 0; i < s->n_columns; i++) {
		if (is_in_tree(&s->columns[i]))
			write_header(j, &s->columns[i]);
	}
	jsonw_array_end(j);
	member_array(j, "entries");
	vec_each (row, &s->rows) {
		jsonw_object_begin(j);
		member_int(j, "id", row->row >= 0 ? row->row : id);
		member_int(j, "parentId", -1);
		write_labels(j, s, row);
		member_bool(j, "hasData", true);
		jsonw_object_end(j);
		id++;
	}
	jsonw_array_end(j);
	member_int(j, "autoExpandLevel", 1);
	jsonw_object_end(j);
}
