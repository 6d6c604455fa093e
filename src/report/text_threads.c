#include <inttypes.h>
#include <stdlib.h>

#include "report/text_sections.h"
#include "results/threads.h"
#include "results/units.h"

enum { MACHINE_LIMIT = 4, THREAD_LIMIT = 12, CONTAINER_LIMIT = 16, NAME_WIDTH = 15 };

static const struct grid_column thread_columns[] = {
	{.title = "thread", .left = true},
	{.title = "tid"},
	{.title = "charged"},
	{.title = "user"},
	{.title = "syscall"},
	{.title = "irqs"},
	{.title = "stolen"},
	{.title = "exits"},
	{.title = "wait-cpu"},
	{.title = "blocked"},
};

/* What orders them: threads can be too many to keep more of each. */
struct place {
	int64_t charged, id;
	size_t thread; /* index */
};

static int by_belief(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->charged != y->charged)
		return x->charged > y->charged ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* What is not dead and not unknown has a column; interrupts and softirqs share one. */
_Static_assert(THREAD_N_STATES == 10, "each state has a column, or is left out on purpose");

static void add_time(struct text *t, struct grid *g, int64_t ns)
{
	grid_add(g, units_duration_or_none(&t->arena, ns, 3));
}

static void thread_row(struct text *t, struct grid *g, const struct res_thread *h)
{
	grid_add(g, units_safe(&t->arena, h->comm ? h->comm : "?", NAME_WIDTH));
	grid_add(g, h->tid == TABLE_NULL ? "" : units_number(&t->arena, h->tid));
	add_time(t, g, thread_charged(h->time));
	add_time(t, g, h->time[THREAD_USER]);
	add_time(t, g, h->time[THREAD_SYSCALL]);
	add_time(t, g, h->time[THREAD_IRQ] + h->time[THREAD_SOFTIRQ]);
	add_time(t, g, h->time[THREAD_STOLEN]);
	add_time(t, g, h->time[THREAD_HYPERVISOR]);
	add_time(t, g, h->time[THREAD_WAIT_CPU]);
	add_time(t, g, h->time[THREAD_BLOCKED]);
}

typedef VEC(struct place) threads_t;

/* Those of the machine that ran, the idle ones left out. */
static void find_threads(const struct results *r, int machine, threads_t *threads)
{
	for (size_t i = 0; i < r->threads.n; i++) {
		const struct res_thread *h = &r->threads.at[i];
		int64_t charged = thread_charged(h->time);

		results_drop_pages(r, i);
		if (h->machine == machine && h->tid != 0 && charged > 0)
			*vec_push(threads) = (struct place){charged, h->id, i};
	}
	if (threads->n)
		qsort(threads->at, threads->n, sizeof(*threads->at), by_belief);
}

static void print_threads(struct text *t, int machine)
{
	threads_t threads = {0};
	struct grid g;

	find_threads(t->r, machine, &threads);
	size_t n = text_limit(t, threads.n, THREAD_LIMIT);

	text_title(t, "Threads of %s: what it took for running, and what that truly was",
		   text_machine(t, machine, 40));
	grid_init(&g, thread_columns, sizeof(thread_columns) / sizeof(thread_columns[0]));
	for (size_t i = 0; i < n; i++)
		thread_row(t, &g, &t->r->threads.at[threads.at[i].thread]);
	text_grid(t, &g);
	grid_deinit(&g);
	text_more(t, threads.n, n, "threads");
	vec_deinit(&threads);
}

/* Guests that were traced. */
static bool is_shown(const struct text *t, size_t machine)
{
	const struct res_machine *m = &t->r->machines.at[machine];

	return m->trace_path && m->parent != NOBODY && t->chosen->machines[machine];
}

void text_threads(struct text *t)
{
	size_t all = 0, shown = 0;

	for (size_t i = 0; i < t->r->machines.n; i++)
		all += is_shown(t, i);
	size_t n = text_limit(t, all, MACHINE_LIMIT);

	for (size_t i = 0; i < t->r->machines.n; i++) {
		if (is_shown(t, i) && shown++ < n)
			print_threads(t, (int)i);
	}
	text_more(t, all, n, "machines");
}

/* ---- containers ------------------------------------------------------------------------------ */

static const struct grid_column container_columns[] = {
	{.title = "container", .left = true},
	{.title = "threads"},
	{.title = "ran"},
	{.title = "nested"},
	{.title = "user"},
	{.title = "syscall"},
	{.title = "irqs"},
	{.title = "stolen"},
	{.title = "exits"},
	{.title = "wait-cpu"},
};

struct tree {
	struct text *t;
	struct grid grid;
	const struct container_time *own, *nested;
	size_t shown, limit; /* rows */
};

static void container_row(struct tree *tree, size_t at, int depth, const char *name)
{
	struct text *t = tree->t;
	struct grid *g = &tree->grid;
	const int64_t *time = tree->nested[at].time;

	tree->shown++;
	/* Deeper ones are not moved in any further: the line has an end. */
	grid_add(g, arena_printf(&t->arena, "%*s%s", 2 * (depth < 6 ? depth : 6), "",
				 units_safe(&t->arena, name, 20)));
	grid_add(g, units_count(&t->arena, (int64_t)tree->nested[at].n_threads));
	add_time(t, g, thread_ran(time));
	add_time(t, g, thread_ran(time) - thread_ran(tree->own[at].time));
	add_time(t, g, time[THREAD_USER]);
	add_time(t, g, time[THREAD_SYSCALL]);
	add_time(t, g, time[THREAD_IRQ] + time[THREAD_SOFTIRQ]);
	add_time(t, g, time[THREAD_STOLEN]);
	add_time(t, g, time[THREAD_HYPERVISOR]);
	add_time(t, g, time[THREAD_WAIT_CPU]);
}

/* The containers of the machine that are in `parent`, and what is in them. */
static void add_inside(struct tree *tree, int machine, int parent, int depth)
{
	const struct results *r = tree->t->r;

	for (int i = 0; i < (int)r->containers.n && depth < CONTAINER_DEPTH; i++) {
		const struct res_container *k = &r->containers.at[i];

		if (tree->shown == tree->limit)
			return;
		if (k->machine != machine || k->parent != parent)
			continue;
		container_row(tree, (size_t)i, depth, k->name);
		add_inside(tree, machine, i, depth + 1);
	}
}

static size_t count_containers(const struct text *t)
{
	size_t n = 0;

	vec_each (k, &t->r->containers)
		n += t->chosen->machines[k->machine];
	return n;
}

static bool has_containers(const struct results *r, int machine)
{
	vec_each (k, &r->containers) {
		if (k->machine == machine)
			return true;
	}
	return false;
}

void text_containers(struct text *t)
{
	const struct results *r = t->r;
	size_t all = count_containers(t), machines = 0;

	if (!all && !(t->asked & 1u << REPORT_CONTAINERS))
		return;
	struct container_time *own = container_times(r);
	struct container_time *nested = container_times_nested(r, own);
	struct tree tree = {.t = t,
			    .own = own,
			    .nested = nested,
			    .limit = text_limit(t, all, CONTAINER_LIMIT) + r->machines.n};

	text_title(t, "Containers (PID namespaces), each with what is inside it");
	if (!all)
		text_line(t, "  none");
	grid_init(&tree.grid, container_columns,
		  sizeof(container_columns) / sizeof(container_columns[0]));
	for (int i = 0; i < (int)r->machines.n; i++) {
		if (!t->chosen->machines[i] || !has_containers(r, i))
			continue;
		machines++;
		container_row(&tree, r->containers.n + (size_t)i, 0, r->machines.at[i].name);
		add_inside(&tree, i, NOBODY, 1);
	}
	if (tree.grid.cells.n)
		text_grid(t, &tree.grid);
	grid_deinit(&tree.grid);
	text_more(t, all + machines, tree.shown, "containers");
	free(own);
	free(nested);
}
