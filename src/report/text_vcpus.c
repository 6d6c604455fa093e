#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "results/naming.h"
#include "report/text_sections.h"
#include "results/split.h"
#include "results/units.h"

enum { VCPU_LIMIT = 16, PCPU_LIMIT = 32 };

/* ---- what became of the time that it wanted to run ------------------------------------------- */

static const struct grid_column verdict_columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "wanted to run"},
	{.title = "in guest"},
	{.title = "on exits"},
	{.title = "without CPU"},
	{.title = "exits"},
	{.title = "exits/s"},
	{.title = "pCPUs", .left = true},
};

/* The CPUs it ran on, "0-3 8". */
static const char *cpu_ranges(struct text *t, const struct summary_vcpu *v)
{
	const char *text = "";

	for (size_t i = 0, k; i < v->cpus.n; i = k + 1) {
		for (k = i; k + 1 < v->cpus.n && v->cpus.at[k + 1].cpu == v->cpus.at[k].cpu + 1;)
			k++;
		text = arena_printf(&t->arena, "%s%s%" PRId64, text, i ? " " : "",
				    v->cpus.at[i].cpu);
		if (k > i)
			text = arena_printf(&t->arena, "%s-%" PRId64, text, v->cpus.at[k].cpu);
	}
	return units_safe(&t->arena, text, 12);
}

/* Of the time that it wanted to run. */
enum { N_SHARES = 3 };

static void verdict_row(struct text *t, struct grid *g, const struct res_vcpu *vcpu)
{
	const struct summary_vcpu *v = &vcpu->sum;
	int64_t observed = summary_observed(v);
	uint64_t exits = v->n_exits;
	struct split s;

	split_of(&s, t->r, vcpu);
	int64_t all = split_wanted(&s);

	text_add_vcpu(t, g, vcpu);
	if (summary_is_scheduled(v)) {
		grid_add(g, units_duration(&t->arena, all, 4));
		grid_add(g, units_share(&t->arena, s.run, all));
		grid_add(g, units_share(&t->arena, s.exit, all));
		grid_add(g, units_share(&t->arena, s.ready, all));
	} else {
		grid_add(g, "not known");
		for (int i = 0; i < N_SHARES; i++)
			grid_add(g, "");
	}
	grid_add(g, exits ? units_count(&t->arena, (int64_t)exits) : "");
	grid_add(g, exits && observed > 0
			    ? units_rate(&t->arena, (double)exits / ((double)observed / 1e9))
			    : "");
	grid_add(g, cpu_ranges(t, v));
}

void text_say_unscheduled(struct text *t)
{
	bool any = false;

	vec_each (v, &t->chosen->vcpus)
		any |= !summary_is_scheduled(&(*v)->sum);
	if (any)
		text_wrapped(
			t, 2,
			"Not known: from an exit to the next entry a vCPU may have worked, slept or "
			"waited for a CPU; only the host's scheduler could tell, which was not "
			"recorded (add sched_switch and sched_wakeup).");
}

static void print_verdict(struct text *t, size_t n)
{
	struct grid g;

	text_title(t, "What each vCPU got of the time that it wanted to run");
	grid_init(&g, verdict_columns, sizeof(verdict_columns) / sizeof(verdict_columns[0]));
	for (size_t i = 0; i < n; i++)
		verdict_row(t, &g, t->chosen->vcpus.at[i]);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, t->chosen->vcpus.n, n, "vCPUs");
	text_say_unscheduled(t);
}

/* ---- all the time ---------------------------------------------------------------------------- */

static const struct grid_column time_columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "RUN"},
	{.title = "READY"},
	{.title = "EXIT"},
	{.title = "POLL"},
	{.title = "IDLE"},
	{.title = "BLOCKED"},
	{.title = "UNKNOWN"},
};

/* Two rows: shares, and below them times. */
static void time_rows(struct text *t, struct grid *g, const struct res_vcpu *vcpu)
{
	struct split s;

	split_of(&s, t->r, vcpu);
	text_add_vcpu(t, g, vcpu);
	text_add_shares(t, g, &s);
	grid_add(g, "");
	grid_add(g, "");
	for (int i = 0; i < SPLIT_N; i++)
		grid_add(g, units_duration_or_none(&t->arena, s.parts[i], 4));
}

static void print_times(struct text *t, size_t n)
{
	struct grid g;

	text_title(t, "Where all the time went");
	grid_init(&g, time_columns, sizeof(time_columns) / sizeof(*time_columns));
	for (size_t i = 0; i < n; i++)
		time_rows(t, &g, t->chosen->vcpus.at[i]);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, t->chosen->vcpus.n, n, "vCPUs");
}

void text_vcpus(struct text *t)
{
	size_t n = text_limit(t, t->chosen->vcpus.n, VCPU_LIMIT);

	if (!n)
		return;
	print_verdict(t, n);
	print_times(t, n);
}

/* ---- physical CPUs --------------------------------------------------------------------------- */

static const struct grid_column pcpu_columns[] = {
	{.title = "VM", .left = true}, {.title = "vCPU"},  {.title = "pCPU"},
	{.title = "in guest"},	       {.title = "share"}, {.title = "otherwise on it"},
};

static void pcpu_row(struct text *t, struct grid *g, const struct res_vcpu *v,
		     const struct tally_cpu *c)
{
	text_add_vcpu(t, g, v);
	grid_add(g, arena_printf(&t->arena, "%" PRId64, c->cpu));
	grid_add(g, units_duration_or_none(&t->arena, c->guest, 4));
	grid_add(g, units_share(&t->arena, c->guest, v->sum.time[VCPU_GUEST]));
	grid_add(g, units_duration_or_none(&t->arena, c->other, 4));
}

void text_pcpus(struct text *t)
{
	size_t all = 0, shown = 0;
	struct grid g;

	vec_each (v, &t->chosen->vcpus)
		all += (*v)->sum.cpus.n;
	size_t n = text_limit(t, all, PCPU_LIMIT);

	text_title(t, "On which physical CPUs");
	grid_init(&g, pcpu_columns, sizeof(pcpu_columns) / sizeof(pcpu_columns[0]));
	vec_each (v, &t->chosen->vcpus) {
		vec_each (c, &(*v)->sum.cpus) {
			if (shown++ < n)
				pcpu_row(t, &g, *v, c);
		}
	}
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, all, n, "rows");
}
