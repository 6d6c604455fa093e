#include "report/diff.h"

#include <inttypes.h>
#include <math.h>

#include "base/member.h"
#include "report/diff_changes.h"
#include "report/grid.h"
#include "results/naming.h"
#include "results/summary_scan.h"
#include "results/units.h"

const char *diff_kind_name(enum diff_kind kind)
{
	static const char *const names[DIFF_N_KINDS] = {"share", "rate", "latency"};

	return names[kind];
}

static const struct res_vcpu *vcpu_of(const struct change *c)
{
	return c->in_a ? c->in_a : c->in_b;
}

/* ---- text ------------------------------------------------------------------------------------ */

static const struct grid_column columns[] = {
	{.title = "VM", .left = true}, {.title = "vCPU"},  {.title = "what", .left = true},
	{.title = "before"},	       {.title = "after"}, {.title = "change"},
	{.title = "", .left = true},
};

static const char *value_text(struct arena *arena, enum diff_kind kind, double value)
{
	switch (kind) {
	case DIFF_SHARE:
		return arena_printf(arena, "%.2f %%", value);
	case DIFF_RATE:
		return arena_printf(arena, "%s/s", units_rate(arena, value));
	default:
		return units_duration(arena, (int64_t)value, 3);
	}
}

static const char *change_text(struct arena *arena, const struct change *c)
{
	if (isinf(c->change))
		return "new";
	return arena_printf(arena, c->kind == DIFF_SHARE ? "%+.2f pp" : "%+.1f %%", c->change);
}

static void add_row(struct grid *g, struct arena *arena, const struct change *c, bool marked)
{
	const struct res_vcpu *v = vcpu_of(c);

	grid_add(g, units_safe(arena, c->machine, 16));
	grid_add(g, vcpu_number(v, arena));
	if (!c->what) {
		grid_add(g, c->in_a ? "is not there any more" : "was not there");
		for (int i = 0; i < 3; i++)
			grid_add(g, "");
	} else {
		grid_add(g, units_safe(arena, c->what, 32));
		grid_add(g, value_text(arena, c->kind, c->a));
		grid_add(g, value_text(arena, c->kind, c->b));
		grid_add(g, change_text(arena, c));
	}
	grid_add(g, marked && c->past ? "!" : "");
}

static const char *range_text(struct arena *arena, const struct results_range *range)
{
	return units_duration(arena, ns_between(range->from, range->to), 4);
}

static void print_ranges(struct out *o, struct arena *arena, const struct diff_options *options)
{
	out_str(o, arena_printf(arena, "%s before, %s after: %s\n\n",
				range_text(arena, &options->before),
				range_text(arena, &options->after),
				units_safe(arena, options->asked, 60)));
}

static void print_text(FILE *f, const struct changes *changes, const struct diff_options *options,
		       size_t n_past)
{
	struct arena arena = {0};
	struct grid g;
	struct out o;

	out_init(&o, f);
	grid_init(&g, columns, sizeof(columns) / sizeof(columns[0]));
	size_t n = 0, top = options->choice.top ? options->choice.top : SIZE_MAX;

	vec_each (c, &changes->at) {
		if ((c->past || options->all) && n++ < top)
			add_row(&g, &arena, c, options->all);
	}
	if (options->asked)
		print_ranges(&o, &arena, options);
	if (g.cells.n)
		grid_print(&g, &o, false);
	if (n > top)
		out_str(&o,
			arena_printf(&arena, "  ... and %zu more (--top shows more)\n", n - top));
	out_str(&o, arena_printf(&arena,
				 "%s%zu of %zu numbers differ by more than %g pp (shares), %g %% "
				 "(rates), %g %% (latencies)\n",
				 g.cells.n ? "\n" : "", n_past, changes->at.n,
				 options->threshold[DIFF_SHARE], options->threshold[DIFF_RATE],
				 options->threshold[DIFF_LATENCY]));
	grid_deinit(&g);
	out_deinit(&o);
	arena_deinit(&arena);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_change(struct jsonw *j, const struct change *c)
{
	const struct res_vcpu *v = vcpu_of(c);

	jsonw_object_begin(j);
	member_text(j, "machine", c->machine);
	jsonw_key(j, "vcpu_index");
	if (v->index == TABLE_NULL)
		jsonw_null(j);
	else
		jsonw_int(j, v->index);
	member_text(j, "kind", c->what ? diff_kind_name(c->kind) : "presence");
	member_text(j, "what", c->what ? c->what : c->in_a ? "gone" : "new");
	member_known_double(j, "before", c->a, c->what);
	member_known_double(j, "after", c->b, c->what);
	member_known_double(j, "change", c->change, c->what);
	member_bool(j, "past", c->past);
	jsonw_object_end(j);
}

static void put_span(struct jsonw *j, const char *key, const struct results *r)
{
	member_object(j, key);
	member_int(j, "begin_ns", results_from(r));
	member_int(j, "end_ns", results_to(r));
	jsonw_object_end(j);
}

static void print_json(FILE *f, const struct changes *changes, const struct results *a,
		       const struct results *b, const struct diff_options *options)
{
	struct jsonw j;

	jsonw_init(&j, f);
	jsonw_object_begin(&j);
	member_text(&j, "version", VMSCOPE_VERSION);
	put_span(&j, "before", a);
	put_span(&j, "after", b);
	member_object(&j, "thresholds");
	for (int k = 0; k < DIFF_N_KINDS; k++)
		member_double(&j, diff_kind_name((enum diff_kind)k), options->threshold[k]);
	jsonw_object_end(&j);
	member_array(&j, "changes");
	vec_each (c, &changes->at)
		put_change(&j, c);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	jsonw_newline(&j);
	jsonw_deinit(&j);
}

/* ---- all ------------------------------------------------------------------------------------- */

static int compare(FILE *f, const struct results *a, const struct results *b,
		   const struct diff_options *options, struct error *err)
{
	struct changes changes;
	size_t n_past = 0;

	changes_init(&changes, a, b, options->threshold, &options->choice);
	if (!changes.at.n && choice_is_some(&options->choice)) {
		changes_deinit(&changes);
		return error_set(err, "no vCPU of either file is of those that were asked for");
	}
	if (!options->by_vcpu)
		changes_sort(&changes);
	vec_each (c, &changes.at)
		n_past += c->past;
	if (options->json)
		print_json(f, &changes, a, b, options);
	else
		print_text(f, &changes, options, n_past);
	changes_deinit(&changes);
	return n_past > 0;
}

static int read_all(struct results *r, const struct store *s, const struct results_range *range,
		    struct error *err)
{
	if (results_init(r, s, range, err))
		return ERR;
	return summary_scan(r, SUMMARY_LANES | SUMMARY_EXITS | SUMMARY_WAKEUPS, 1, NULL, err);
}

int diff_print(FILE *f, const struct store *a, const struct store *b,
	       const struct diff_options *options, struct error *err)
{
	struct results ra, rb;
	int ea = read_all(&ra, a, &options->before, err);
	int eb = ea ? ea : read_all(&rb, b, &options->after, err);
	int r = eb ? eb : compare(f, &ra, &rb, options, err);

	if (!ea)
		results_deinit(&rb);
	results_deinit(&ra);
	return r;
}
