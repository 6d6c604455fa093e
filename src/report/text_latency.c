#include "report/text_sections.h"
#include "results/units.h"

enum { VCPU_LIMIT = 8 };

static const struct grid_column stage_columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "stage", .left = true},
	{.title = "count"},
	{.title = "p50"},
	{.title = "p99"},
	{.title = "max"},
	{.title = "total"},
	{.title = "share"},
};

static const struct grid_column wait_columns[] = {
	{.title = "VM", .left = true},
	{.title = "vCPU"},
	{.title = "ended by", .left = true},
	{.title = "count"},
	{.title = "p50"},
	{.title = "p99"},
	{.title = "max"},
	{.title = "total"},
	{.title = "share"},
};

static void add_distribution(struct text *t, struct grid *g, const struct histogram *h,
			     int64_t whole)
{
	grid_add(g, units_count(&t->arena, (int64_t)h->n));
	grid_add(g, units_duration(&t->arena, histogram_quantile(h, 0.5), 3));
	grid_add(g, units_duration(&t->arena, histogram_quantile(h, 0.99), 3));
	grid_add(g, units_duration(&t->arena, h->max, 3));
	grid_add(g, units_duration(&t->arena, h->sum, 3));
	grid_add(g, units_share(&t->arena, h->sum, whole));
}

/* The vCPU is named in the first of its rows. */
static void add_name(struct text *t, struct grid *g, const struct res_vcpu *v, bool first)
{
	if (first) {
		text_add_vcpu(t, g, v);
		return;
	}
	grid_add(g, "");
	grid_add(g, "");
}

static void stage_rows(struct text *t, struct grid *g, const struct res_vcpu *v)
{
	const struct histogram *stages = v->sum.stages;
	bool first = true;

	for (int s = 0; s < STAGE_N; s++) {
		if (!stages[s].n)
			continue;
		add_name(t, g, v, first);
		first = false;
		grid_add(g, wakeup_stage_name((enum wakeup_stage)s));
		add_distribution(t, g, &stages[s], stages[STAGE_WHOLE].sum);
	}
}

/* "timer", or with the thread that sends it: "timer, by kvm-pit/500". */
static const char *ended_by(struct text *t, const struct res_vcpu *v, enum wait_source source)
{
	int sender = v->sum.wait_sender[source];
	const char *comm = sender == NOBODY ? NULL : t->r->threads.at[sender].comm;

	if (!comm)
		return wait_source_name(source);
	return arena_printf(&t->arena, "%s, by %s", wait_source_name(source),
			    units_safe(&t->arena, comm, 16));
}

static void wait_rows(struct text *t, struct grid *g, const struct res_vcpu *v)
{
	int64_t whole = 0;
	bool first = true;

	for (int s = 0; s < WAIT_N_SOURCES; s++)
		whole = (int64_t)((uint64_t)whole + (uint64_t)v->sum.waits[s].sum);
	for (int s = 0; s < WAIT_N_SOURCES; s++) {
		if (!v->sum.waits[s].n)
			continue;
		add_name(t, g, v, first);
		first = false;
		grid_add(g, ended_by(t, v, (enum wait_source)s));
		add_distribution(t, g, &v->sum.waits[s], whole);
	}
}

static bool has_wakeups(const struct res_vcpu *v)
{
	return v->sum.stages[STAGE_WHOLE].n;
}

static bool has_waits(const struct res_vcpu *v)
{
	bool any = false;

	for (int s = 0; s < WAIT_N_SOURCES; s++)
		any |= v->sum.waits[s].n > 0;
	return any;
}

/* Those vCPUs that have something; nothing at all if none has. */
static void print_vcpus(struct text *t, const char *title, const struct grid_column *columns,
			bool (*has)(const struct res_vcpu *v),
			void (*rows)(struct text *t, struct grid *g, const struct res_vcpu *v))
{
	size_t all = 0, shown = 0;
	struct grid g;

	vec_each (v, &t->chosen->vcpus)
		all += has(*v);
	size_t n = text_limit(t, all, VCPU_LIMIT);

	if (!all)
		return;
	text_title(t, "%s", title);
	grid_init(&g, columns, sizeof(stage_columns) / sizeof(stage_columns[0]));
	vec_each (v, &t->chosen->vcpus) {
		if (has(*v) && shown++ < n)
			rows(t, &g, *v);
	}
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, all, n, "vCPUs");
}

void text_latency(struct text *t)
{
	print_vcpus(t, "How long threads of guests took from being woken to running, by stage",
		    stage_columns, has_wakeups, stage_rows);
}

void text_waits(struct text *t)
{
	print_vcpus(t, "What sleeping vCPUs waited for", wait_columns, has_waits, wait_rows);
}
