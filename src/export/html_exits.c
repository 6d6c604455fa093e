#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "export/html.h"
#include "results/naming.h"
#include "results/summary_scan.h"

/* What cost most: so many of each VM, and in all. */
enum { MAX_OF_VM = 12, MAX_ROWS = 100 };

/* A row of a table of exits, whatever they are told apart by. */
struct exit_row {
	const char *vm, *what;
	uint64_t n, n_whole; /* all of them; those whose end was seen */
	bool split;	     /* it is known what they cost, and the next two */
	int64_t cost, userspace, without_cpu, asleep;
	int64_t total, max, observed;
};

static int64_t exit_row_key(const struct exit_row *x)
{
	return x->split ? x->cost : x->total;
}

typedef VEC(struct exit_row) exit_rows_t;

/* The rows of a VM, and where they come among the others: by what all of its exits cost. */
struct exit_vm {
	exit_rows_t rows;
	int64_t cost;
	int number;
};

typedef VEC(struct exit_vm) exit_vms_t;

static int exit_vm_order(const void *a, const void *b)
{
	const struct exit_vm *x = a, *y = b;

	return x->cost != y->cost ? (x->cost > y->cost ? -1 : 1) : x->number - y->number;
}

static void exit_vm_add(struct exit_vm *to, const struct exit_row *row)
{
	tally_add_ns(&to->cost, exit_row_key(row));
	if (to->rows.n < MAX_OF_VM)
		*vec_push(&to->rows) = *row;
}

static void exit_vms_deinit(exit_vms_t *vms)
{
	vec_each (vm, vms)
		vec_deinit(&vm->rows);
	vec_deinit(vms);
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* A bar in two colours: who worked for the exits. */
static void exit_bar(struct html *h, const struct exit_row *x, int64_t most)
{
	const double parts[] = {x->split ? (double)x->cost - (double)x->userspace : 0,
				x->split ? (double)x->userspace : 0};
	static const char *const classes[] = {"vcpu-hypervisor", "vcpu-userspace"};
	double at = 0;

	html_raw(
		h,
		"<svg class=bar viewBox=\"0 0 1000 10\" preserveAspectRatio=none aria-hidden=true>");
	for (int i = 0; i < 2; i++) {
		double width = 1000 * parts[i] / fmax((double)most, 1);

		if (width >= 0.5)
			html_rawf(h, "<rect class=%s x=%.0f width=%.0f height=10 />", classes[i],
				  at, width);
		at += width;
	}
	html_raw(h, "</svg>");
}

/* A duration that is not known, or none, is left out. */
static void exit_cell(struct html *h, bool known, int64_t ns)
{
	html_raw(h, "<td class=n>");
	if (known)
		html_ns(h, ns);
}

static void exit_write(struct html *h, const struct exit_row *x, int64_t most, bool by_reason)
{
	html_raw(h, "<tr><td>");
	html_text(h, x->vm);
	html_raw(h, "<td>");
	html_text(h, x->what);
	html_raw(h, "<td>");
	exit_bar(h, x, most);
	exit_cell(h, x->split && x->n_whole, x->cost);
	html_rawf(h, "<td class=n>%" PRIu64 "<td class=n>", x->n);
	if (x->observed > 0)
		html_rate(h, (double)x->n / ((double)x->observed / 1e9));
	exit_cell(h, x->n_whole, x->n_whole ? exit_row_key(x) / (int64_t)x->n_whole : 0);
	exit_cell(h, x->n_whole, x->max);
	if (by_reason) {
		exit_cell(h, x->split && x->without_cpu, x->without_cpu);
		exit_cell(h, x->split && x->asleep, x->asleep);
	}
}

static void exit_table(struct html *h, exit_vms_t *vms, bool by_reason)
{
	int64_t most = 0;
	size_t n = 0;

	qsort(vms->at, vms->n, sizeof(*vms->at), exit_vm_order);
	vec_each (vm, vms) {
		vec_each (x, &vm->rows)
			most = exit_row_key(x) > most ? exit_row_key(x) : most;
	}
	html_rawf(h,
		  "<div class=wide><table><thead><tr><th>VM<th>%s<th>what they cost"
		  "<th class=n>in all<th class=n>exits<th class=n>per s<th class=n>on average"
		  "<th class=n>longest%s</thead><tbody>\n",
		  by_reason ? "reason" : "about",
		  by_reason ? "<th class=n>without a CPU<th class=n>halted or asleep" : "");
	vec_each (vm, vms) {
		for (size_t i = 0; i < vm->rows.n && n < MAX_ROWS; i++, n++)
			exit_write(h, &vm->rows.at[i], most, by_reason);
	}
	html_raw(h, "</tbody></table></div>\n");
}

/* ---- by reason ------------------------------------------------------------------------------- */

static void exit_add_reasons(struct html *h, exit_vms_t *vms, int vm)
{
	struct vm_exits exits;

	vm_exits_init(&exits, &h->results, vm, html_one_vcpu(h));
	if (exits.exits.n)
		*vec_push(vms) = (struct exit_vm){.number = vm};
	vec_each (e, &exits.exits) {
		const struct exit_row row = {
			.vm = h->results.machines.at[vm].name,
			.what = exit_label(e, &h->texts),
			.n = e->n,
			.n_whole = e->whole.n,
			.split = summary_is_split(e),
			.cost = summary_cost(e),
			.userspace = e->userspace,
			.without_cpu = e->preempted,
			.asleep = (int64_t)((uint64_t)e->blocked + (uint64_t)e->polled),
			.total = e->whole.sum,
			.max = e->whole.max,
			.observed = exits.observed,
		};

		exit_vm_add(&vms->at[vms->n - 1], &row);
	}
	vm_exits_deinit(&exits);
}

int html_exits(struct html *h)
{
	exit_vms_t vms = {0};

	for (int i = 0; i < (int)h->results.machines.n; i++) {
		if (html_has_machine(h, i))
			exit_add_reasons(h, &vms, i);
	}
	if (vms.n) {
		html_raw(h, "<div class=legend><span><i class=\"key vcpu-hypervisor\"></i>KVM "
			    "worked</span><span><i class=\"key vcpu-userspace\"></i>user space "
			    "worked</span></div>\n");
		exit_table(h, &vms, true);
	} else {
		html_raw(h, "<p>No VM exit was recorded.</p>\n");
	}
	exit_vms_deinit(&vms);
	return 0;
}

/* ---- by what they were about ----------------------------------------------------------------- */

static void exit_add_details(struct html *h, exit_vms_t *vms, int vm)
{
	struct vm_details details;

	vm_details_init(&details, &h->results, vm, html_one_vcpu(h));
	if (details.details.n)
		*vec_push(vms) = (struct exit_vm){.number = vm};
	vec_each (d, &details.details) {
		const struct exit_row row = {
			.vm = h->results.machines.at[vm].name,
			.what = store_string(h->store, d->name),
			.n = d->n,
			.n_whole = d->n_whole,
			.split = summary_detail_is_split(d),
			.cost = d->cost,
			.total = d->total,
			.max = d->max,
			.observed = details.observed,
		};

		exit_vm_add(&vms->at[vms->n - 1], &row);
	}
	vm_details_deinit(&details);
}

int html_exit_details(struct html *h)
{
	exit_vms_t vms = {0};

	for (int i = 0; i < (int)h->results.machines.n; i++) {
		if (html_has_machine(h, i))
			exit_add_details(h, &vms, i);
	}
	if (vms.n)
		exit_table(h, &vms, false);
	else
		html_raw(h, "<p>The recording does not tell what exits were about.</p>\n");
	exit_vms_deinit(&vms);
	return 0;
}
