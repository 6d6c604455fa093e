#include "server/lines.h"

#include <stdlib.h>

#include "base/member.h"

enum { LINES_TAG_MATCH = 8 }; /* of the protocol */

void lines_columns(struct jsonw *j, const struct lines_columns *columns)
{
	jsonw_array_begin(j);
	for (int i = 0; i < columns->n; i++) {
		jsonw_object_begin(j);
		member_int(j, "id", i);
		member_text(j, "name", columns->at[i].name);
		member_text(j, "description", columns->at[i].help);
		member_text(j, "type", columns->at[i].type);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static bool lines_has_column(const struct lines_columns *columns, int64_t column)
{
	return column >= 0 && column < columns->n;
}

/* How many columns are asked for, and which is the i-th of them, if there is such. */
static size_t lines_n_asked(const struct lines_columns *columns, const struct view_request *q)
{
	return q->columns.n ? q->columns.n : (size_t)columns->n;
}

static int64_t lines_asked(const struct view_request *q, size_t i)
{
	return q->columns.n ? q->columns.at[i] : (int64_t)i;
}

void lines_column_ids(struct jsonw *j, const struct lines_columns *columns,
		      const struct view_request *q)
{
	member_array(j, "columnIds");
	for (size_t i = 0; i < lines_n_asked(columns, q); i++) {
		if (lines_has_column(columns, lines_asked(q, i)))
			jsonw_int(j, lines_asked(q, i));
	}
	jsonw_array_end(j);
}

bool lines_match(const struct lines_columns *columns, const struct view_request *q,
		 char *const *cells)
{
	for (size_t i = 0; i < q->searches.n; i++) {
		const struct request_search *s = &q->searches.at[i];

		if (!lines_has_column(columns, s->column) ||
		    !pattern_matches(s->pattern, cells[s->column]))
			return false;
	}
	return q->searches.n > 0;
}

void lines_write(struct jsonw *j, const struct lines_columns *columns, const struct view_request *q,
		 uint64_t number, char *const *cells)
{
	jsonw_object_begin(j);
	member_uint(j, "index", number);
	member_int(j, "tags", lines_match(columns, q, cells) ? LINES_TAG_MATCH : 0);
	member_array(j, "cells");
	for (size_t i = 0; i < lines_n_asked(columns, q); i++) {
		if (!lines_has_column(columns, lines_asked(q, i)))
			continue;
		jsonw_object_begin(j);
		member_text(j, "content", cells[lines_asked(q, i)]);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

void lines_free_cells(const struct lines_columns *columns, char **cells)
{
	for (int i = 0; i < columns->n; i++)
		free(cells[i]);
}
