#include "sql/print_format.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/out.h"
#include "base/utf8.h"

/* Columns are as wide as these first rows need; the rows behind them are not waited for. */
enum { FIRST_ROWS = 1000, MIN_WIDTH = 8, GAP = 2 };

struct table_column {
	size_t width;
	bool left; /* texts; numbers stand to the right */
};

struct grid {
	struct arena texts;
	VEC(const char *) cells; /* of the first rows, row by row */
	struct table_column *columns;
	size_t n_columns;
	bool cut; /* texts to the width of their column */
};

/* In characters of UTF-8; those that take two places are rare here. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xC0) != 0x80;
	return width;
}

/* The value as a text of one line, without what a terminal would obey. */
static const char *cell_of(struct arena *a, sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	char *cell = arena_strdup(a, text ? text : ""), *end = cell;
	size_t n = strlen(cell);

	for (const char *p = cell; n;) {
		size_t unsafe = escape_unsafe((const uint8_t *)p, n);
		size_t length = unsafe ? unsafe : utf8_length((const uint8_t *)p, n);

		if (unsafe)
			*end++ = '?';
		else
			end = mempcpy(end, p, length);
		p += length;
		n -= length;
	}
	*end = '\0';
	return cell;
}

static void widen(struct table_column *c, const char *cell)
{
	size_t width = width_of(cell);

	c->width = width > c->width ? width : c->width;
}

static void add_row(struct grid *g, sqlite3_stmt *s)
{
	for (size_t i = 0; i < g->n_columns; i++) {
		const char *cell = cell_of(&g->texts, s, (int)i);
		int type = sqlite3_column_type(s, (int)i);

		*vec_push(&g->cells) = cell;
		widen(&g->columns[i], cell);
		g->columns[i].left |= type == SQLITE_TEXT || type == SQLITE_BLOB;
	}
}

/* Return: the widest column of texts that can still be narrower, or NULL. */
static struct table_column *widest_text(struct grid *g)
{
	struct table_column *widest = NULL;

	for (size_t i = 0; i < g->n_columns; i++) {
		struct table_column *c = &g->columns[i];

		if (c->left && c->width > MIN_WIDTH && (!widest || c->width > widest->width))
			widest = c;
	}
	return widest;
}

/* Narrows texts until a line fits; numbers are never cut. */
static void fit(struct grid *g, size_t limit)
{
	size_t width = GAP * (g->n_columns - 1);
	struct table_column *c;

	for (size_t i = 0; i < g->n_columns; i++)
		width += g->columns[i].width;
	for (; width > limit && (c = widest_text(g)); width--)
		c->width--;
}

static void print_spaces(struct out *o, size_t n)
{
	while (n--)
		out_char(o, ' ');
}

/* The first characters of a text; the last of them says that there were more. */
static void print_cut(struct out *o, const char *text, size_t width)
{
	for (size_t i = 0; *text && (i + 1 < width || ((unsigned char)*text & 0xC0) == 0x80);
	     text++) {
		out_char(o, *text);
		i += ((unsigned char)text[1] & 0xC0) != 0x80;
	}
	out_str(o, "…");
}

static void print_cell(struct out *o, const struct table_column *c, const char *cell, bool cut,
		       bool last)
{
	size_t width = width_of(cell), pad = width < c->width ? c->width - width : 0;

	if (!c->left)
		print_spaces(o, pad);
	if (cut && c->left && width > c->width)
		print_cut(o, cell, c->width);
	else
		out_str(o, cell);
	if (!last)
		print_spaces(o, GAP + (c->left ? pad : 0));
}

static void print_line(struct out *o, const struct grid *g, const char *const *cells)
{
	for (size_t i = 0; i < g->n_columns; i++)
		print_cell(o, &g->columns[i], cells[i], g->cut, i + 1 == g->n_columns);
	out_char(o, '\n');
}

static void print_rule(struct out *o, const struct grid *g)
{
	for (size_t i = 0; i < g->n_columns; i++) {
		for (size_t k = 0; k < g->columns[i].width; k++)
			out_char(o, '-');
		if (i + 1 < g->n_columns)
			print_spaces(o, GAP);
	}
	out_char(o, '\n');
}

static void print_first(struct out *o, struct grid *g, sqlite3_stmt *s, int width)
{
	const char **titles = arena_array(&g->texts, const char *, g->n_columns);

	for (size_t i = 0; i < g->n_columns; i++) {
		titles[i] = sqlite3_column_name(s, (int)i);
		widen(&g->columns[i], titles[i]);
	}
	if (width > 0)
		fit(g, (size_t)width);
	print_line(o, g, titles);
	print_rule(o, g);
	for (size_t i = 0; i < g->cells.n; i += g->n_columns)
		print_line(o, g, &g->cells.at[i]);
}

/* A row that comes after the columns were laid out. */
static void print_later(struct out *o, const struct grid *g, sqlite3_stmt *s)
{
	struct arena texts = {0};
	const char **cells = arena_array(&texts, const char *, g->n_columns);

	for (size_t i = 0; i < g->n_columns; i++)
		cells[i] = cell_of(&texts, s, (int)i);
	print_line(o, g, cells);
	arena_deinit(&texts);
}

int sql_print_table(sqlite3_stmt *s, const struct sql_output *output)
{
	struct grid g = {
		.n_columns = (size_t)sqlite3_column_count(s),
		.cut = output->width > 0,
	};
	struct out o;
	int r;

	g.columns = arena_array(&g.texts, struct table_column, g.n_columns);
	while ((r = sqlite3_step(s)) == SQLITE_ROW && g.cells.n / g.n_columns < FIRST_ROWS - 1)
		add_row(&g, s);
	if (r == SQLITE_ROW)
		add_row(&g, s);
	out_init(&o, output->file);
	if (r == SQLITE_ROW || r == SQLITE_DONE)
		print_first(&o, &g, s, output->width);
	while (r == SQLITE_ROW && !out_failed(&o) && (r = sqlite3_step(s)) == SQLITE_ROW)
		print_later(&o, &g, s);
	out_deinit(&o);
	vec_deinit(&g.cells);
	arena_deinit(&g.texts);
	return r;
}
