/*
 * grid: rows of short texts in aligned columns, each as wide as its widest text. Columns in which
 * no row has anything are left out.
 */
#ifndef VMSCOPE_REPORT_GRID_H
#define VMSCOPE_REPORT_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/out.h"

struct grid_column {
	const char *title;
	bool left; /* aligned to the left */
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	VEC(const char *) cells; /* row by row; borrowed */
};

void grid_init(struct grid *g, const struct grid_column *columns, size_t n_columns);
void grid_deinit(struct grid *g);

void grid_add(struct grid *g, const char *cell);

/* Two columns in from the left; with color, titles stand out. */
void grid_print(const struct grid *g, struct out *o, bool color);

#endif
