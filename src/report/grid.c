#include "report/grid.h"

#include <stdlib.h>

#include "results/units.h"

void grid_init(struct grid *g, const struct grid_column *columns, size_t n_columns)
{
	*g = (struct grid){.columns = columns, .n_columns = n_columns};
}

void grid_deinit(struct grid *g)
{
	vec_deinit(&g->cells);
}

void grid_add(struct grid *g, const char *cell)
{
	*vec_push(&g->cells) = cell;
}

/* Return: 0 for a column without any text. */
static size_t column_width(const struct grid *g, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < g->cells.n; i += g->n_columns) {
		size_t n = units_width(g->cells.at[i]);

		width = n > width ? n : width;
	}
	size_t title = units_width(g->columns[column].title);

	return width && title > width ? title : width;
}

static void print_spaces(struct out *o, size_t n)
{
	while (n--)
		out_char(o, ' ');
}

/* Spaces at the end of the line are not printed: `owed` is what stands before the next text. */
static void print_cell(struct out *o, const char *text, size_t width, bool left, size_t *owed)
{
	size_t rest = width - units_width(text);

	if (!left)
		*owed += rest;
	if (*text) {
		print_spaces(o, *owed);
		*owed = 0;
		out_str(o, text);
	}
	*owed += (left ? rest : 0) + 2;
}

static void print_row(const struct grid *g, struct out *o, const size_t *widths,
		      const char *const *cells)
{
	size_t owed = 2;

	for (size_t k = 0; k < g->n_columns; k++) {
		if (widths[k])
			print_cell(o, cells ? cells[k] : g->columns[k].title, widths[k],
				   g->columns[k].left, &owed);
	}
	out_char(o, '\n');
}

void grid_print(const struct grid *g, struct out *o, bool color)
{
	size_t *widths = mem_zalloc(g->n_columns, sizeof(*widths));

	for (size_t k = 0; k < g->n_columns; k++)
		widths[k] = column_width(g, k);
	if (color)
		out_str(o, "\033[2m");
	print_row(g, o, widths, NULL);
	if (color)
		out_str(o, "\033[0m");
	for (size_t i = 0; i < g->cells.n; i += g->n_columns)
		print_row(g, o, widths, &g->cells.at[i]);
	free(widths);
}
