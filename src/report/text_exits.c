#include <inttypes.h>

#include "report/digest.h"
#include "report/naming.h"
#include "report/text.h"
#include "report/units.h"

enum { REASON_LIMIT = 12, VM_LIMIT = 8, VCPU_LIMIT = 8, VCPU_REASON_LIMIT = 6, DIGITS = 3 };

static const struct grid_column columns[] = {
	{.title = "reason", .left = true},
	{.title = "count"},
	{.title = "/s"},
	{.title = "total"},
	{.title = "min"},
	{.title = "mean"},
	{.title = "p50"},
	{.title = "p99"},
	{.title = "max"},
	{.title = "preempted"},
	{.title = "blocked"},
};

static void add_row(struct text *t, struct grid *g, const struct summary_exits *e, int64_t known)
{
	const struct histogram *h = &e->whole;
	int64_t n = (int64_t)h->n;

	grid_add(g, units_safe(&t->arena, exit_label(&e->cause, &t->arena), 18));
	grid_add(g, units_count(&t->arena, e->n));
	grid_add(g, known > 0 ? units_rate(&t->arena, (double)e->n / ((double)known / 1e9)) : "");
	grid_add(g, n ? units_duration(&t->arena, h->sum, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, h->min, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, h->sum / n, DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, histogram_quantile(h, 0.5), DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, histogram_quantile(h, 0.99), DIGITS) : "");
	grid_add(g, n ? units_duration(&t->arena, h->max, DIGITS) : "");
	grid_add(g, units_duration_or_none(&t->arena, e->preempted, DIGITS));
	grid_add(g, units_duration_or_none(&t->arena, e->blocked, DIGITS));
}

static void print_exits(struct text *t, const struct summary_exits *exits, size_t all, size_t limit,
			int64_t known)
{
	size_t n = text_limit(t, all, limit);
	struct grid g;

	grid_init(&g, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < n; i++)
		add_row(t, &g, &exits[i], known);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, all, n, "reasons");
}

static void print_vm(struct text *t, int vm)
{
	const char *name = units_safe(&t->arena, t->a->identity.vms.at[vm].name, 40);
	size_t n_vcpus = vm_n_vcpus(t->a, vm);
	struct vm_exits x;

	vm_exits_init(&x, t->a, vm);
	if (n_vcpus == 1)
		text_title(t, "Exits of %s", name);
	else
		text_title(t, "Exits of %s, all %zu vCPUs", name, n_vcpus);
	print_exits(t, x.exits.at, x.exits.n, REASON_LIMIT, x.known);
	vm_exits_deinit(&x);
}

void text_vm_exits(struct text *t)
{
	size_t all = t->a->identity.vms.n, n = text_limit(t, all, VM_LIMIT);

	for (size_t i = 0; i < n; i++)
		print_vm(t, (int)i);
	text_more(t, all, n, "VMs");
}

/* A VM's only vCPU need not be shown after its VM. */
static bool is_shown(const struct text *t, size_t vcpu)
{
	return !(t->sections & 1u << REPORT_VM_EXITS) ||
	       vm_n_vcpus(t->a, t->a->identity.vcpus.at[vcpu].vm) > 1;
}

void text_exits(struct text *t)
{
	size_t all = 0, shown = 0, n;

	for (size_t i = 0; i < t->a->identity.vcpus.n; i++)
		all += is_shown(t, i);
	n = text_limit(t, all, VCPU_LIMIT);
	for (size_t i = 0; i < t->a->identity.vcpus.n && shown < n; i++) {
		const struct summary_vcpu *v = &t->a->summary.vcpus[i];

		if (!is_shown(t, i))
			continue;
		text_title(t, "Exits of %s", text_vcpu(t, i));
		print_exits(t, v->exits.at, v->exits.n, VCPU_REASON_LIMIT, known_time(v));
		shown++;
	}
	text_more(t, all, n, "vCPUs");
}
