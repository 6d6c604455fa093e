#include <inttypes.h>
#include <string.h>

#include "report/text_sections.h"
#include "results/units.h"

enum { PIECE_LIMIT = 16 };

static const struct grid_column estimate_columns[] = {
	{.title = "machine", .left = true},
	{.title = "estimate", .left = true},
	{.title = "after"},
	{.title = "for"},
	{.title = "begin"},
	{.title = "middle"},
	{.title = "end"},
	{.title = "pairs"},
	{.title = "violated"},
	{.title = "outside"},
};

static void add_width(struct text *t, struct grid *g, const int64_t *range)
{
	grid_add(g, range[0] == TABLE_NULL
			    ? "unknown"
			    : units_duration(&t->arena, ns_between(range[0], range[1]), 3));
}

/* first: machine ns of the machine's first event. */
static void estimate_row(struct text *t, struct grid *g, const char *name,
			 const struct res_clock *k, int64_t first)
{
	bool bounded = k->to != TABLE_NULL;

	grid_add(g, "");
	grid_add(g, name);
	grid_add(g, bounded ? units_duration(&t->arena, ns_between(first, k->from), 4) : "");
	grid_add(g, bounded ? units_duration(&t->arena, ns_between(k->from, k->to), 4) : "");
	add_width(t, g, k->begin);
	add_width(t, g, k->middle);
	add_width(t, g, k->end);
	grid_add(g, k->constraints ? units_count(&t->arena, k->constraints) : "");
	grid_add(g, k->constraints ? units_count(&t->arena, k->violations) : "");
	grid_add(g, k->events ? units_count(&t->arena, k->outside) : "");
}

static void more_pieces(struct text *t, struct grid *g, size_t n)
{
	grid_add(g, "");
	grid_add(g, arena_printf(&t->arena, "... %zu more (--all)", n));
	for (size_t i = 2; i < g->n_columns; i++)
		grid_add(g, "");
}

/* Return: whether the row is an estimator's own, against the machine's host. */
static bool is_estimate(const struct results *r, const struct res_clock *k)
{
	return k->reference == r->machines.at[k->machine].parent;
}

/* Return: whether it is of the estimate that was taken, of the same CPU or of all. */
static bool is_taken(const struct results *r, const struct res_clock *of)
{
	vec_each (k, &r->clocks) {
		if (k->machine == of->machine && k->chosen && k->cpu == of->cpu)
			return !strcmp(k->method, of->method);
	}
	return false;
}

static const char *estimate_name(struct text *t, const struct res_clock *k)
{
	const char *method = units_safe(&t->arena, k->method, 20);
	const char *taken = is_taken(t->r, k) ? " *" : "";

	return k->cpu == TABLE_NULL
		       ? arena_printf(&t->arena, "%s%s", method, taken)
		       : arena_printf(&t->arena, "%s, CPU %" PRId64 "%s", method, k->cpu, taken);
}

/* All pieces of one estimate; returns how many rows of the table that are. */
static size_t count_pieces(const struct results *r, const struct res_clock *first)
{
	size_t n = 0;

	for (const struct res_clock *k = first; k < r->clocks.at + r->clocks.n; k++) {
		if (k->machine != first->machine || k->cpu != first->cpu ||
		    strcmp(k->method, first->method) || !is_estimate(r, k))
			break;
		n++;
	}
	return n;
}

static void print_estimate(struct text *t, struct grid *g, const struct res_clock *first,
			   size_t all)
{
	const struct res_machine *m = &t->r->machines.at[first->machine];
	const char *name = estimate_name(t, first);
	size_t n = text_limit(t, all, PIECE_LIMIT);

	for (size_t k = 0; k < n; k++)
		estimate_row(t, g, k ? "" : name, &first[k], m->first_own);
	if (n < all)
		more_pieces(t, g, all - n);
}

static void add_estimates(struct text *t, struct grid *g)
{
	int machine = NOBODY;

	for (size_t i = 0, n; i < t->r->clocks.n; i += n) {
		const struct res_clock *k = &t->r->clocks.at[i];
		size_t before = g->cells.n;

		n = count_pieces(t->r, k);
		if (!n) {
			n = 1;
			continue;
		}
		if (!t->chosen->related[k->machine])
			continue;
		print_estimate(t, g, k, n);
		if (k->machine != machine)
			g->cells.at[before] = text_machine(t, k->machine, 20);
		machine = k->machine;
	}
}

void text_estimates(struct text *t)
{
	struct grid g;

	grid_init(&g, estimate_columns, sizeof(estimate_columns) / sizeof(estimate_columns[0]));
	add_estimates(t, &g);
	if (g.cells.n) {
		out_char(&t->out, '\n');
		text_wrapped(
			t, 2,
			"All estimates against the machine's own host (* was taken), and how wide the range is "
			"that the facts leave at begin, middle and end. Outside: guest events that the host "
			"excludes.");
		out_char(&t->out, '\n');
		text_grid(t, &g);
	}
	grid_deinit(&g);
}
