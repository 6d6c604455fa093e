#include <inttypes.h>

#include "results/naming.h"
#include "results/summary_scan.h"
#include "report/text_sections.h"
#include "results/units.h"

enum {
	REASON_LIMIT = 12,
	VM_LIMIT = 8,
	VCPU_LIMIT = 8,
	VCPU_REASON_LIMIT = 6,
	DETAIL_LIMIT = 8,
	DIGITS = 3
};

/* The longest names are a few letters shorter, with what a flag says. */
enum { REASON_WIDTH = 32, DETAIL_WIDTH = 40 };

static const struct grid_column columns[] = {
	{.title = "reason", .left = true},
	{.title = "count"},
	{.title = "/s"},
	{.title = "cost"},
	{.title = "total"},
	{.title = "mean"},
	{.title = "p50"},
	{.title = "p99"},
	{.title = "max"},
	{.title = "preempted"},
	{.title = "blocked"},
};

static void add_row(struct text *t, struct grid *g, const struct summary_exits *e, int64_t observed)
{
	const struct histogram *h = &e->whole;
	int64_t n = (int64_t)h->n;
	bool split = n && summary_is_split(e);

	grid_add(g, units_safe(&t->arena, exit_label(e, &t->arena), REASON_WIDTH));
	grid_add(g, units_count(&t->arena, (int64_t)e->n));
	grid_add(g, observed > 0 ? units_rate(&t->arena, (double)e->n / ((double)observed / 1e9))
				 : "");
	grid_add(g, split ? units_duration(&t->arena, summary_cost(e), DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, h->sum, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, h->sum / n, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, histogram_quantile(h, 0.5), DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, histogram_quantile(h, 0.99), DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, h->max, DIGITS) : "");
	grid_add(g, split ? units_duration_or_none(&t->arena, e->preempted, DIGITS) : "");
	grid_add(g, split ? units_duration_or_none(&t->arena, e->blocked, DIGITS) : "");
}

static void print_exits(struct text *t, const struct summary_exits *exits, size_t all, size_t limit,
			int64_t observed)
{
	size_t n = text_limit(t, all, limit);
	struct grid g;

	grid_init(&g, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < n; i++)
		add_row(t, &g, &exits[i], observed);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, all, n, "reasons");
}

static void print_vm(struct text *t, int vm)
{
	const char *name = text_machine(t, vm, 40);
	size_t n_vcpus = t->r->machines.at[vm].n_vcpus;
	struct vm_exits x;

	vm_exits_init(&x, t->r, vm, TABLE_NULL);
	chosen_sort_exits(t->chosen, x.exits.at, x.exits.n);
	if (n_vcpus == 1)
		text_title(t, "Exits of %s", name);
	else
		text_title(t, "Exits of %s, all %zu vCPUs", name, n_vcpus);
	print_exits(t, x.exits.at, x.exits.n, REASON_LIMIT, x.observed);
	vm_exits_deinit(&x);
}

void text_vm_exits(struct text *t)
{
	size_t all = 0, shown = 0;

	vec_each (vm, &t->r->vms)
		all += t->chosen->machines[*vm];
	size_t n = text_limit(t, all, VM_LIMIT);

	vec_each (vm, &t->r->vms) {
		if (t->chosen->machines[*vm] && shown++ < n)
			print_vm(t, *vm);
	}
	text_more(t, all, n, "VMs");
}

/* A VM's only vCPU need not be shown after its VM. */
static bool is_shown(const struct text *t, const struct res_vcpu *v)
{
	return !(t->sections & 1u << REPORT_VM_EXITS) || t->r->machines.at[v->machine].n_vcpus > 1;
}

void text_exits(struct text *t)
{
	size_t all = 0, shown = 0;

	vec_each (v, &t->chosen->vcpus)
		all += is_shown(t, *v);
	size_t n = text_limit(t, all, VCPU_LIMIT);

	vec_each (v, &t->chosen->vcpus) {
		if (!is_shown(t, *v) || shown == n)
			continue;
		text_title(t, "Exits of %s", text_vcpu(t, *v));
		print_exits(t, (*v)->sum.exits.at, (*v)->sum.exits.n, VCPU_REASON_LIMIT,
			    summary_observed(&(*v)->sum));
		shown++;
	}
	text_more(t, all, n, "vCPUs");
}

/* ---- what they were about ------------------------------------------------------------------- */

static const struct grid_column detail_columns[] = {
	{.title = "about", .left = true},
	{.title = "count"},
	{.title = "/s"},
	{.title = "cost"},
	{.title = "total"},
	{.title = "mean"},
	{.title = "max"},
};

static void add_detail(struct text *t, struct grid *g, const struct tally_detail *d,
		       int64_t observed)
{
	const char *name = store_string(t->r->store, d->name);
	int64_t n = (int64_t)d->n_whole;

	grid_add(g, units_safe(&t->arena, name ? name : "?", DETAIL_WIDTH));
	grid_add(g, units_count(&t->arena, (int64_t)d->n));
	grid_add(g, observed > 0 ? units_rate(&t->arena, (double)d->n / ((double)observed / 1e9))
				 : "");
	grid_add(g,
		 n && summary_detail_is_split(d) ? units_duration(&t->arena, d->cost, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, d->total, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, d->total / n, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, d->max, DIGITS) : "");
}

static void print_details(struct text *t, int vm, const struct vm_details *details)
{
	size_t n = text_limit(t, details->details.n, DETAIL_LIMIT);
	struct grid g;

	text_title(t, "What the exits of %s were about", text_machine(t, vm, 40));
	grid_init(&g, detail_columns, sizeof(detail_columns) / sizeof(detail_columns[0]));
	for (size_t i = 0; i < n; i++)
		add_detail(t, &g, &details->details.at[i], details->observed);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, details->details.n, n, "things");
}

void text_exit_details(struct text *t)
{
	size_t all = t->r->vms.n, n = text_limit(t, all, VM_LIMIT);

	for (size_t i = 0; i < n; i++) {
		struct vm_details details;

		vm_details_init(&details, t->r, t->r->vms.at[i], TABLE_NULL);
		if (details.details.n)
			print_details(t, t->r->vms.at[i], &details);
		vm_details_deinit(&details);
	}
}
