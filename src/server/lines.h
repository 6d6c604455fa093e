/*
 * lines: what the protocol's tables have in common: columns, lines of cells, and the searches that
 * mark them.
 */
#ifndef VMSCOPE_SERVER_LINES_H
#define VMSCOPE_SERVER_LINES_H

#include "base/json.h"
#include "server/request.h"

struct lines_column {
	const char *name, *help, *type; /* a type of the protocol */
};

/* Columns have their index as id. The first n of a request that names none are all. */
struct lines_columns {
	int n;
	const struct lines_column *at;
};

/* Writes the columns: an array. */
void lines_columns(struct jsonw *j, const struct lines_columns *columns);

/* Writes the member that names the columns of lines that are asked for. */
void lines_column_ids(struct jsonw *j, const struct lines_columns *columns,
		      const struct view_request *q);

/* Return: whether the cells, a text per column, are what is searched for. */
bool lines_match(const struct lines_columns *columns, const struct view_request *q,
		 char *const *cells);

/* Writes a line with its number. */
void lines_write(struct jsonw *j, const struct lines_columns *columns, const struct view_request *q,
		 uint64_t number, char *const *cells);

void lines_free_cells(const struct lines_columns *columns, char **cells);

#endif
