#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/text_sections.h"
#include "results/split.h"
#include "results/takers.h"
#include "results/units.h"

enum { VCPU_LIMIT = 8, OCCUPANT_LIMIT = 8, LABEL_WIDTH = 48 };

static const struct grid_column columns[] = {
	{.title = "lost"},
	{.title = "share"},
	{.title = "preempted"},
	{.title = "waiting"},
	{.title = "throttled"},
	{.title = "times"},
	{.title = "to", .left = true},
};

static void add_row(struct text *t, struct grid *g, const struct taker *taker, int64_t whole)
{
	grid_add(g, units_duration(&t->arena, taker->taken, 4));
	grid_add(g, units_share(&t->arena, taker->taken, whole));
	grid_add(g, units_duration_or_none(&t->arena, taker->preempted, 4));
	grid_add(g, units_duration_or_none(&t->arena, taker->waiting, 4));
	grid_add(g, units_duration_or_none(&t->arena, taker->throttled, 4));
	grid_add(g, taker->times ? units_count(&t->arena, (int64_t)taker->times) : "");
	grid_add(g, units_safe(&t->arena, taker->label, LABEL_WIDTH));
}

static void print_vcpu(struct text *t, const struct res_vcpu *v)
{
	takers_t takers = {0};
	struct split s;
	struct grid g;

	split_of(&s, t->r, v);
	takers_add(&takers, t->r, v, &t->arena);
	size_t n = text_limit(t, takers.n, OCCUPANT_LIMIT);

	text_title(t, "Who had the CPU while %s could run: lost %s, %s of the time",
		   text_vcpu(t, v), units_duration(&t->arena, s.ready, 4),
		   units_share(&t->arena, s.ready, s.whole));
	grid_init(&g, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < n; i++)
		add_row(t, &g, &takers.at[i], s.ready);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, takers.n, n, "rows");
	vec_deinit(&takers);
}

/* ---- the most important lines of all vCPUs --------------------------------------------------- */

static const struct grid_column top_columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "lost"},
	{.title = "of its time"},
	{.title = "to", .left = true},
};

struct loss {
	const struct res_vcpu *vcpu;
	struct taker taker;
};

static int by_loss(const void *a, const void *b)
{
	const struct loss *x = a, *y = b;
	int order = taker_order(&x->taker, &y->taker);

	return order ? order : (x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu);
}

static void loss_row(struct text *t, struct grid *g, const struct loss *l)
{
	int64_t lost = l->taker.taken;
	struct split s;

	split_of(&s, t->r, l->vcpu);
	text_add_vcpu(t, g, l->vcpu);
	grid_add(g, units_duration(&t->arena, lost, 4));
	grid_add(g, units_share(&t->arena, lost, s.whole));
	grid_add(g, units_safe(&t->arena, l->taker.label, LABEL_WIDTH));
}

size_t text_steal_top(struct text *t, size_t limit)
{
	VEC(struct loss) losses = {0};
	struct grid g;

	vec_each (v, &t->chosen->vcpus) {
		takers_t takers = {0};

		takers_add(&takers, t->r, *v, &t->arena);
		vec_each (taker, &takers)
			*vec_push(&losses) = (struct loss){*v, *taker};
		vec_deinit(&takers);
	}
	if (losses.n)
		qsort(losses.at, losses.n, sizeof(*losses.at), by_loss);
	size_t n = losses.n < limit ? losses.n : limit;

	if (n)
		text_title(t, "Who had the CPU while they could run");
	grid_init(&g, top_columns, sizeof(top_columns) / sizeof(top_columns[0]));
	for (size_t i = 0; i < n; i++)
		loss_row(t, &g, &losses.at[i]);
	if (n)
		text_grid(t, &g);
	grid_deinit(&g);
	vec_deinit(&losses);
	return n;
}

/* ---- vCPU by vCPU ---------------------------------------------------------------------------- */

void text_steal(struct text *t)
{
	size_t all = 0, shown = 0;

	vec_each (v, &t->chosen->vcpus)
		all += (*v)->sum.occupants.n > 0;
	size_t n = text_limit(t, all, VCPU_LIMIT);

	vec_each (v, &t->chosen->vcpus) {
		if ((*v)->sum.occupants.n && shown++ < n)
			print_vcpu(t, *v);
	}
	text_more(t, all, n, "vCPUs");
}
