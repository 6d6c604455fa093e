/*
 * rows: a section of the report as complete rows of typed values; what JSON and CSV print.
 */
#ifndef VMSCOPE_REPORT_ROWS_H
#define VMSCOPE_REPORT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "results/findings.h"
#include "results/results.h"
#include "report/section.h"

enum cell_kind { CELL_NULL, CELL_INT, CELL_UINT, CELL_NUMBER, CELL_TEXT };

struct cell {
	enum cell_kind kind;
	union {
		int64_t i;
		uint64_t u;
		double number;
		const char *text;
	};
};

struct rows {
	const char *const *columns; /* names, then NULL */
	size_t n_columns;
	VEC(struct cell) cells; /* row by row */
	struct arena texts;
};

/* The section; the results and what was found in them must outlive it. */
void rows_init(struct rows *t, const struct results *r, const struct findings *found,
	       enum report_section section);
void rows_deinit(struct rows *t);

#endif
