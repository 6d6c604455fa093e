/*
 * stats_table: a table of statistics, as it is made and as it is written.
 */
#ifndef VMSCOPE_SERVER_STATS_TABLE_H
#define VMSCOPE_SERVER_STATS_TABLE_H

#include <stdint.h>

#include "base/json.h"
#include "base/mem.h"

enum stats_type { STATS_TEXT, STATS_NUMBER, STATS_NS, STATS_ROW, STATS_TIME };

struct stats_column {
	const char *name, *title, *help; /* borrowed, live as long as the program */
	enum stats_type type;
};

struct stats_cell {
	int64_t value; /* TABLE_NULL: none */
	char *text;    /* owned; STATS_TEXT only */
};

enum { STATS_MAX_COLUMNS = 20 };

struct stats_row {
	int32_t row; /* what it is about */
	struct stats_cell cells[STATS_MAX_COLUMNS];
};

struct stats {
	int n_columns;
	struct stats_column columns[STATS_MAX_COLUMNS];
	VEC(struct stats_row) rows;
};

/* Texts are borrowed and live as long as the program. */
void stats_add_column(struct stats *s, const char *name, const char *title, enum stats_type type,
		      const char *help);

/*
 * Begins a row. about: what it is about, a row of views, or -1. Return: its number, since rows
 * move.
 */
size_t stats_add_row(struct stats *s, int32_t about);

/* text: taken over. value: TABLE_NULL, which all are at first, is none. */
void stats_set_text(struct stats *s, size_t row, int column, char *text);
void stats_set_value(struct stats *s, size_t row, int column, int64_t value);

void stats_deinit(struct stats *s);

/* Writes the page's form; times count from `origin`. */
void stats_write(struct jsonw *j, const struct stats *s, int64_t origin);

/* Writes the protocol's data tree. */
void stats_write_tree(struct jsonw *j, const struct stats *s);

#endif
