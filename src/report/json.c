#include "report/rows_print.h"

#include "base/member.h"

static void print_cell(struct jsonw *j, const struct cell *c)
{
	switch (c->kind) {
	case CELL_NULL:
		jsonw_null(j);
		break;
	case CELL_INT:
		jsonw_int(j, c->i);
		break;
	case CELL_UINT:
		jsonw_uint(j, c->u);
		break;
	case CELL_NUMBER:
		jsonw_double(j, c->number);
		break;
	case CELL_TEXT:
		jsonw_string(j, c->text);
		break;
	}
}

static void print_rows(struct jsonw *j, const struct rows *t)
{
	jsonw_array_begin(j);
	for (size_t i = 0; i < t->cells.n; i += t->n_columns) {
		jsonw_object_begin(j);
		for (size_t k = 0; k < t->n_columns; k++) {
			jsonw_key(j, t->columns[k]);
			print_cell(j, &t->cells.at[i + k]);
		}
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void print_span(struct jsonw *j, const struct results *r)
{
	member_object(j, "span");
	member_int(j, "begin_ns", results_from(r));
	member_int(j, "end_ns", results_to(r));
	member_text(j, "time_origin", clock_origin_name(r->origin));
	jsonw_object_end(j);
}

void rows_print_json(FILE *f, const struct results *r, const struct findings *found,
		     const struct chosen *c, unsigned sections)
{
	struct jsonw j;

	jsonw_init(&j, f);
	jsonw_object_begin(&j);
	member_text(&j, "version", VMSCOPE_VERSION);
	print_span(&j, r);
	for (int s = 0; s < REPORT_N_SECTIONS; s++) {
		struct rows t;

		if (!(sections & 1u << s))
			continue;
		rows_init(&t, r, found, (enum report_section)s);
		rows_choose(&t, r, (enum report_section)s, c);
		jsonw_key(&j, report_section_names()[s]);
		print_rows(&j, &t);
		rows_deinit(&t);
	}
	jsonw_object_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
}
