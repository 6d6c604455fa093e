#include <inttypes.h>

#include "base/member.h"
#include "report/grid.h"
#include "results/naming.h"
#include "results/units.h"
#include "report/verdicts.h"

/* ---- text ------------------------------------------------------------------------------------ */

static const char *verdict_number(struct arena *arena, enum limit_unit unit, double value)
{
	switch (unit) {
	case LIMIT_PERCENT:
		return arena_printf(arena, "%.2f %%", value);
	case LIMIT_NS:
		return units_duration(arena, (int64_t)value, 4);
	case LIMIT_PER_SECOND:
		return arena_printf(arena, "%s/s", units_rate(arena, value));
	default:
		return arena_printf(arena, "%.0f", value);
	}
}

/* "7.31 %", or "7.31 % to 9.80 %". */
static const char *verdict_value(struct arena *arena, const struct verdict *j)
{
	if (!j->measured)
		return j->kind == VERDICT_KEPT ? "none" : "?";
	const char *low = verdict_number(arena, j->limit->unit, j->low);

	if (j->kind != VERDICT_UNKNOWN)
		return low;
	return arena_printf(arena, "%s to %s", low, verdict_number(arena, j->limit->unit, j->high));
}

static const char *verdict_machine(const struct verdicts *v, const struct verdict *j)
{
	return j->vcpu ? v->r->machines.at[j->vcpu->machine].name : j->limit->vm;
}

static const struct grid_column verdict_columns[] = {
	{.title = "", .left = true}, {.title = "VM", .left = true},    {.title = "vCPU"},
	{.title = "measured"},	     {.title = "limit", .left = true}, {.title = "", .left = true},
};

static void verdict_row(struct grid *g, struct arena *arena, const struct verdicts *v,
			const struct verdict *j)
{
	grid_add(g, j->kind == VERDICT_UNKNOWN ? "not found out" : verdict_kind_name(j->kind));
	grid_add(g, units_safe(arena, verdict_machine(v, j), 20));
	grid_add(g, j->vcpu ? vcpu_number(j->vcpu, arena) : "");
	grid_add(g, verdict_value(arena, j));
	grid_add(g, units_safe(arena, j->limit->text, 60));
	grid_add(g, j->why ? units_safe(arena, j->why, 80) : "");
}

void verdicts_print_text(FILE *f, const struct verdicts *v)
{
	struct arena arena = {0};
	struct grid g;
	struct out o;

	out_init(&o, f);
	if (v->asked)
		out_str(&o, arena_printf(
				    &arena, "%s of the recording (%s)\n\n",
				    units_duration(&arena,
						   ns_between(v->r->range.from, v->r->range.to), 4),
				    units_safe(&arena, v->asked, 60)));
	grid_init(&g, verdict_columns, sizeof(verdict_columns) / sizeof(verdict_columns[0]));
	for (int kind = 0; kind < VERDICT_N_KINDS; kind++) {
		vec_each (j, &v->at) {
			if ((int)j->kind == kind)
				verdict_row(&g, &arena, v, j);
		}
	}
	grid_print(&g, &o, false);
	out_str(&o, arena_printf(&arena, "\n%zu broken, %zu not found out, %zu kept\n",
				 v->n[VERDICT_BROKEN], v->n[VERDICT_UNKNOWN], v->n[VERDICT_KEPT]));
	grid_deinit(&g);
	out_deinit(&o);
	arena_deinit(&arena);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void verdict_object(struct jsonw *w, const struct verdicts *v, const struct verdict *j)
{
	const struct limit *l = j->limit;

	jsonw_object_begin(w);
	member_text(w, "limit", l->text);
	member_text(w, "machine", verdict_machine(v, j));
	jsonw_key(w, "vcpu_index");
	if (!j->vcpu || j->vcpu->index == TABLE_NULL)
		jsonw_null(w);
	else
		jsonw_int(w, j->vcpu->index);
	member_text(w, "verdict", verdict_kind_name(j->kind));
	member_known_double(w, "value", j->low, j->measured);
	member_known_double(w, "value_at_most", j->high, j->measured);
	member_text(w, "comparator", limit_order_name(l->order));
	member_double(w, "bound", l->bound);
	member_text(w, "unit", limit_unit_name(l->unit));
	member_text(w, "why", j->why);
	jsonw_object_end(w);
}

static void verdict_span(struct jsonw *j, const struct results *r)
{
	member_object(j, "span");
	member_int(j, "begin_ns", results_from(r));
	member_int(j, "end_ns", results_to(r));
	jsonw_object_end(j);
}

void verdicts_print_json(FILE *f, const struct verdicts *v)
{
	struct jsonw j;

	jsonw_init(&j, f);
	jsonw_object_begin(&j);
	member_text(&j, "version", VMSCOPE_VERSION);
	verdict_span(&j, v->r);
	for (int kind = 0; kind < VERDICT_N_KINDS; kind++) {
		member_uint(&j, verdict_kind_name((enum verdict_kind)kind), v->n[kind]);
	}
	member_array(&j, "limits");
	vec_each (verdict, &v->at)
		verdict_object(&j, v, verdict);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
}

/* ---- JUnit ----------------------------------------------------------------------------------- */

/* In quotes. What no XML can hold is replaced before. */
static void verdict_attribute(struct out *o, struct arena *arena, const char *name,
			      const char *value)
{
	enum { WIDTH = 1000 };

	out_char(o, ' ');
	out_str(o, name);
	out_str(o, "=\"");
	for (const char *p = units_safe(arena, value, WIDTH); *p; p++) {
		const char *as = *p == '&'   ? "&amp;"
				 : *p == '<' ? "&lt;"
				 : *p == '>' ? "&gt;"
				 : *p == '"' ? "&quot;"
					     : NULL;

		if (as)
			out_str(o, as);
		else
			out_char(o, *p);
	}
	out_char(o, '"');
}

static void verdict_case(struct out *o, struct arena *arena, const struct verdicts *v,
			 const struct verdict *j)
{
	static const char *const elements[VERDICT_N_KINDS] = {"failure", "error", NULL};
	const char *element = elements[j->kind];

	out_str(o, "  <testcase");
	verdict_attribute(o, arena, "classname", verdict_machine(v, j));
	verdict_attribute(o, arena, "name",
			  j->vcpu ? arena_printf(arena, "%s (vCPU %s)", j->limit->text,
						 vcpu_number(j->vcpu, arena))
				  : j->limit->text);
	if (!element) {
		out_str(o, "/>\n");
		return;
	}
	out_str(o, ">\n    <");
	out_str(o, element);
	verdict_attribute(o, arena, "message",
			  arena_printf(arena, "%s%s%s", verdict_value(arena, j), j->why ? ": " : "",
				       j->why ? j->why : ""));
	out_str(o, "/>\n  </testcase>\n");
}

void verdicts_print_junit(FILE *f, const struct verdicts *v)
{
	struct arena arena = {0};
	struct out o;

	out_init(&o, f);
	out_str(&o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	out_str(&o, arena_printf(&arena,
				 "<testsuite name=\"vmscope check\" tests=\"%zu\" failures=\"%zu\" "
				 "errors=\"%zu\">\n",
				 v->at.n, v->n[VERDICT_BROKEN], v->n[VERDICT_UNKNOWN]));
	vec_each (j, &v->at)
		verdict_case(&o, &arena, v, j);
	out_str(&o, "</testsuite>\n");
	out_deinit(&o);
	arena_deinit(&arena);
}
