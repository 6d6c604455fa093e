#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/split_part.h"
#include "report/text_sections.h"
#include "results/naming.h"
#include "results/units.h"

enum { VCPU_LIMIT = 8, OCCUPANT_LIMIT = 8, LABEL_WIDTH = 48 };

/* Threads that people take for one: those of a process, idle ones of all CPUs. */
struct group {
	const char *label; /* in the text's arena */
	int64_t taken, preempted, waiting, throttled;
	uint64_t times;
};

typedef VEC(struct group) groups_t;

static struct group *get_group(groups_t *groups, const char *label)
{
	vec_each (g, groups) {
		if (!strcmp(g->label, label))
			return g;
	}
	struct group *g = vec_push(groups);

	g->label = label;
	return g;
}

static int by_time(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->taken != y->taken ? (x->taken > y->taken ? -1 : 1) : strcmp(x->label, y->label);
}

static void group_occupants(struct text *t, const struct res_vcpu *v, groups_t *groups)
{
	vec_each (s, &v->sum.occupants) {
		struct res_occupant o = occupant_of(t->r, s);
		struct group *g = get_group(groups, occupant_label(t->r, &o, v, &t->arena));

		g->taken += summary_taken(s);
		g->preempted += s->preempted;
		g->waiting += s->waiting;
		g->throttled += s->throttled;
		g->times += s->times;
	}
	if (groups->n)
		qsort(groups->at, groups->n, sizeof(*groups->at), by_time);
}

static const struct grid_column columns[] = {
	{.title = "lost"},
	{.title = "share"},
	{.title = "preempted"},
	{.title = "waiting"},
	{.title = "throttled"},
	{.title = "times"},
	{.title = "to", .left = true},
};

static void add_row(struct text *t, struct grid *g, const struct group *group, int64_t whole)
{
	grid_add(g, units_duration(&t->arena, group->taken, 4));
	grid_add(g, units_share(&t->arena, group->taken, whole));
	grid_add(g, units_duration_or_none(&t->arena, group->preempted, 4));
	grid_add(g, units_duration_or_none(&t->arena, group->waiting, 4));
	grid_add(g, units_duration_or_none(&t->arena, group->throttled, 4));
	grid_add(g, group->times ? units_count(&t->arena, (int64_t)group->times) : "");
	grid_add(g, units_safe(&t->arena, group->label, LABEL_WIDTH));
}

static void print_vcpu(struct text *t, const struct res_vcpu *v)
{
	int64_t whole = summary_in(&v->sum, STATE_LOST);
	groups_t groups = {0};
	struct grid g;

	group_occupants(t, v, &groups);
	size_t n = text_limit(t, groups.n, OCCUPANT_LIMIT);

	text_title(t, "Who had the CPU while %s could run: lost %s, %s of the time",
		   text_vcpu(t, v), units_duration(&t->arena, whole, 4),
		   units_share(&t->arena, whole, summary_span(&v->sum)));
	grid_init(&g, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < n; i++)
		add_row(t, &g, &groups.at[i], whole);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, groups.n, n, "rows");
	vec_deinit(&groups);
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
	struct group group;
};

static int by_loss(const void *a, const void *b)
{
	const struct loss *x = a, *y = b;
	int order = by_time(&x->group, &y->group);

	return order ? order : (x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu);
}

static void loss_row(struct text *t, struct grid *g, const struct loss *l)
{
	int64_t lost = l->group.taken;

	text_add_vcpu(t, g, l->vcpu);
	grid_add(g, units_duration(&t->arena, lost, 4));
	grid_add(g, units_share(&t->arena, lost, split_part_whole(t->r, l->vcpu)));
	grid_add(g, units_safe(&t->arena, l->group.label, LABEL_WIDTH));
}

size_t text_steal_top(struct text *t, size_t limit)
{
	VEC(struct loss) losses = {0};
	struct grid g;

	vec_each (v, &t->chosen->vcpus) {
		groups_t groups = {0};

		group_occupants(t, *v, &groups);
		vec_each (group, &groups)
			*vec_push(&losses) = (struct loss){*v, *group};
		vec_deinit(&groups);
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
