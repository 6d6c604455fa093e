#include "report/text.h"
#include "report/units.h"

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

static void add_width(struct text *t, struct grid *g, const struct sync_range *r)
{
	grid_add(g, r->low > r->high ? "unknown" : units_duration(&t->arena, r->high - r->low, 3));
}

/* first: machine ns of the machine's first event. */
static void estimate_row(struct text *t, struct grid *g, const char *name,
			 const struct sync_estimate *e, size_t k, int64_t first)
{
	const struct clock_piece *p = &e->map.pieces[k];
	const struct sync_piece *known = &e->pieces[k];
	bool bounded = p->to != INT64_MAX;

	grid_add(g, "");
	grid_add(g, name);
	grid_add(g, bounded ? units_duration(&t->arena, p->from - first, 4) : "");
	grid_add(g, bounded ? units_duration(&t->arena, p->to - p->from, 4) : "");
	add_width(t, g, &known->begin);
	add_width(t, g, &known->middle);
	add_width(t, g, &known->end);
	grid_add(g, p->constraints ? units_count(&t->arena, p->constraints) : "");
	grid_add(g, p->constraints ? units_count(&t->arena, p->violations) : "");
	grid_add(g, e->n_events ? units_count(&t->arena, known->outside) : "");
}

static int64_t first_event(const struct analysis *a, size_t machine)
{
	int64_t first = INT64_MAX;

	vec_each (c, &a->evidence[machine].cpus)
		first = c->first_ns < first ? c->first_ns : first;
	return first;
}

static void more_pieces(struct text *t, struct grid *g, size_t n)
{
	grid_add(g, "");
	grid_add(g, arena_printf(&t->arena, "... %zu more (--all)", n));
	for (size_t i = 2; i < g->n_columns; i++)
		grid_add(g, "");
}

static void machine_estimates(struct text *t, struct grid *g, size_t i)
{
	const struct machine_sync *s = &t->a->sync[i];
	size_t before = g->cells.n;

	for (int m = 0; m < SYNC_N_METHODS && s->against != IDENT_NONE; m++) {
		const struct sync_estimate *e = &s->estimates[m];
		size_t n = text_limit(t, e->map.n_pieces, PIECE_LIMIT);
		const char *name = sync_method_name((enum sync_method)m);

		if (m == (int)s->method)
			name = arena_printf(&t->arena, "%s *", name);
		for (size_t k = 0; k < n; k++)
			estimate_row(t, g, k ? "" : name, e, k, first_event(t->a, i));
		if (n < e->map.n_pieces)
			more_pieces(t, g, e->map.n_pieces - n);
	}
	if (g->cells.n > before)
		g->cells.at[before] = units_safe(&t->arena, t->a->identity.machines.at[i].name, 20);
}

void text_estimates(struct text *t)
{
	struct grid g;

	grid_init(&g, estimate_columns, sizeof(estimate_columns) / sizeof(estimate_columns[0]));
	for (size_t i = 0; i < t->a->n_machines; i++)
		machine_estimates(t, &g, i);
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
