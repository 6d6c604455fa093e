#include "report/rows_print.h"

#include <string.h>

#include "base/csv.h"
#include "base/out.h"

static void print_cell(struct out *o, const struct cell *c)
{
	switch (c->kind) {
	case CELL_NULL:
		break;
	case CELL_INT:
		out_int(o, c->i);
		break;
	case CELL_UINT:
		out_uint(o, c->u);
		break;
	case CELL_NUMBER:
		out_double(o, c->number);
		break;
	case CELL_TEXT:
		csv_text(o, c->text, strlen(c->text));
		break;
	}
}

static void print_rows(struct out *o, const struct rows *t)
{
	for (size_t k = 0; k < t->n_columns; k++) {
		out_str(o, t->columns[k]);
		out_char(o, k + 1 < t->n_columns ? ',' : '\n');
	}
	for (size_t i = 0; i < t->cells.n; i++) {
		print_cell(o, &t->cells.at[i]);
		out_char(o, (i + 1) % t->n_columns ? ',' : '\n');
	}
}

void rows_print_csv(FILE *f, const struct results *r, const struct findings *found,
		    const struct chosen *c, unsigned sections)
{
	bool several = sections & (sections - 1), first = true;
	struct out o;

	out_init(&o, f);
	for (int s = 0; s < REPORT_N_SECTIONS; s++) {
		struct rows t;

		if (!(sections & 1u << s))
			continue;
		if (several) {
			out_str(&o, first ? "# " : "\n# ");
			out_str(&o, report_section_names()[s]);
			out_char(&o, '\n');
		}
		first = false;
		rows_init(&t, r, found, (enum report_section)s);
		rows_choose(&t, r, (enum report_section)s, c);
		print_rows(&o, &t);
		rows_deinit(&t);
	}
	out_deinit(&o);
}
