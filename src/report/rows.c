#include "report/rows.h"

#include <assert.h>
#include <stdlib.h>

#include "results/naming.h"
#include "results/summary_scan.h"
#include "results/threads.h"

/* ---- cells ---------------------------------------------------------------------------------- */

static void put_null(struct rows *t)
{
	vec_push(&t->cells)->kind = CELL_NULL;
}

/* TABLE_NULL is null. */
static void put_int(struct rows *t, int64_t value)
{
	struct cell *c = vec_push(&t->cells);

	if (value == TABLE_NULL)
		return;
	c->kind = CELL_INT;
	c->i = value;
}

static void put_uint(struct rows *t, uint64_t value)
{
	struct cell *c = vec_push(&t->cells);

	c->kind = CELL_UINT;
	c->u = value;
}

static void put_number(struct rows *t, double value)
{
	struct cell *c = vec_push(&t->cells);

	c->kind = CELL_NUMBER;
	c->number = value;
}

/* NULL is null. The text is borrowed. */
static void put_text(struct rows *t, const char *text)
{
	struct cell *c = vec_push(&t->cells);

	c->kind = text ? CELL_TEXT : CELL_NULL;
	c->text = text;
}

/* A machine's number, and its name. */
static void put_machine(struct rows *t, const struct results *r, int machine)
{
	const struct res_machine *m = machine == NOBODY ? NULL : &r->machines.at[machine];

	put_int(t, m ? m->id : TABLE_NULL);
	put_text(t, m ? m->name : NULL);
}

/* Its number, machine and number in the machine. */
static void put_vcpu(struct rows *t, const struct results *r, const struct res_vcpu *v)
{
	put_int(t, v->id);
	put_machine(t, r, v->machine);
	put_int(t, v->index);
}

/* ---- findings ------------------------------------------------------------------------------- */

static const char *const finding_columns[] = {
	"cause",
	"kind",
	"machine_id",
	"machine",
	"vcpu_index",
	"vcpus",
	"cost_ns",
	"of_ns",
	"times",
	"culprit",
	"culprit_machine_id",
	"culprit_machine",
	"culprit_pid",
	"culprit_ns",
	"worst_vcpu_id",
	"worst_vcpu_index",
	"worst_at_ns",
	"worst_ns",
	"what",
	"where",
	"evidence",
	"against",
	"remedy",
	"look",
	"thread",
	NULL,
};

static void put_worst(struct rows *t, const struct results *r, const struct finding *f)
{
	const struct res_vcpu *v = f->worst.ns > 0 ? &r->vcpus.at[f->worst.vcpu] : NULL;

	put_int(t, v ? v->id : TABLE_NULL);
	put_int(t, v ? v->index : TABLE_NULL);
	put_int(t, v ? f->worst.at : TABLE_NULL);
	put_int(t, v ? f->worst.ns : TABLE_NULL);
}

static void fill_finding(struct rows *t, const struct results *r, const struct finding *f)
{
	put_text(t, cause_info(f->cause)->name);
	put_text(t, cause_kind_name(cause_info(f->cause)->kind));
	put_machine(t, r, f->vm);
	put_int(t, f->vcpu == NOBODY ? TABLE_NULL : r->vcpus.at[f->vcpu].index);
	put_int(t, f->n_vcpus);
	put_int(t, f->cost);
	put_int(t, f->whole);
	put_uint(t, f->times);
	put_text(t, f->culprit);
	put_machine(t, r, f->culprit_vm);
	put_int(t, f->culprit_pid);
	put_int(t, f->culprit_ns);
	put_worst(t, r, f);
	put_text(t, f->what);
	put_text(t, f->where);
	put_text(t, f->evidence);
	put_text(t, f->against);
	put_text(t, cause_info(f->cause)->remedy);
	put_text(t, f->look);
	put_text(t, f->thread);
}

static const char *const missing_columns[] = {"machine_id", "machine", "event", "without", NULL};

static void fill_found(struct rows *t, const struct results *r, const struct findings *found,
		       enum report_section section)
{
	if (section == REPORT_FINDINGS) {
		vec_each (f, &found->at)
			fill_finding(t, r, f);
		return;
	}
	vec_each (m, &found->missing) {
		put_machine(t, r, m->machine);
		put_text(t, m->event);
		put_text(t, m->without);
	}
}

static const char *const split_columns[] = {
	"vcpu_id",	"machine_id", "machine",    "vcpu_index", "total_ns",	"run_ns",
	"ready_ns",	"exit_ns",    "poll_ns",    "idle_ns",	  "blocked_ns", "unknown_ns",
	"neighbour_ns", "sibling_ns", "own_ns",	    "process_ns", "kernel_ns",	"interrupt_ns",
	"quota_ns",	"latency_ns", "unclear_ns", NULL,
};

/* The last ones are what it was ready for, by number; one NULL. */
_Static_assert(sizeof(split_columns) / sizeof(*split_columns) == 12 + READY_N + 1,
	       "each part has a column");

static void fill_split(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		struct split s;

		split_of(&s, r, v);
		put_vcpu(t, r, v);
		put_int(t, s.whole);
		put_int(t, s.run);
		put_int(t, s.ready);
		put_int(t, s.exit);
		put_int(t, s.poll);
		put_int(t, s.idle);
		put_int(t, s.blocked);
		put_int(t, s.unknown);
		for (int i = 0; i < READY_N; i++)
			put_int(t, s.of_ready[i]);
	}
}

/* ---- machines ------------------------------------------------------------------------------- */

static const char *const machine_columns[] = {
	"id",	    "name",	"role",	       "trace_path", "parent_id",   "vm_uid",
	"pid",	    "first_ns", "last_ns",     "events",     "lost_events", "evidence",
	"hostname", "clock",	"time_origin", "tracer",     NULL,
};

static void fill_machines(struct rows *t, const struct results *r)
{
	vec_each (m, &r->machines) {
		put_int(t, m->id);
		put_text(t, m->name);
		put_text(t, m->role);
		put_text(t, m->trace_path);
		put_int(t, m->parent == NOBODY ? TABLE_NULL : r->machines.at[m->parent].id);
		put_int(t, m->vm_uid);
		put_int(t, m->pid);
		put_int(t, m->first);
		put_int(t, m->last);
		put_int(t, m->events);
		put_int(t, m->lost);
		put_text(t, m->evidence);
		put_text(t, m->hostname);
		put_text(t, m->clock);
		put_text(t, m->time_origin);
		put_text(t, m->tracer);
	}
}

/* ---- vCPUs ---------------------------------------------------------------------------------- */

static const char *const vcpu_columns[] = {
	"id",	      "machine_id", "machine",	     "vcpu_index",   "host_id",
	"host_tid",   "comm",	    "entries",	     "exits",	     "span_ns",
	"unknown_ns", "guest_ns",   "hypervisor_ns", "userspace_ns", "preempted_ns",
	"waiting_ns", "halted_ns",  "blocked_ns",    "polling_ns",   "throttled_ns",
	"absent_ns",  NULL,
};

/* The last ones are the states', by number; one NULL. */
_Static_assert(sizeof(vcpu_columns) / sizeof(*vcpu_columns) == 10 + VCPU_N_STATES + 1,
	       "each state has a column");

static void fill_vcpus(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		put_vcpu(t, r, v);
		put_int(t, r->machines.at[v->host].id);
		put_int(t, v->tid);
		put_text(t, v->comm);
		put_int(t, r->range.given ? TABLE_NULL : v->entries);
		put_int(t, r->range.given ? (int64_t)v->sum.n_exits : v->exits);
		put_int(t, summary_span(&v->sum));
		for (int state = 0; state < VCPU_N_STATES; state++)
			put_int(t, v->sum.time[state]);
	}
}

static const char *const pcpu_columns[] = {
	"vcpu_id", "machine_id", "machine", "vcpu_index", "pcpu", "guest_ns", "other_ns", NULL,
};

static void fill_pcpus(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		vec_each (c, &v->sum.cpus) {
			put_vcpu(t, r, v);
			put_int(t, c->cpu);
			put_int(t, c->guest);
			put_int(t, c->other);
		}
	}
}

/* ---- who took the CPU ----------------------------------------------------------------------- */

static const char *const steal_columns[] = {
	"vcpu_id",
	"machine_id",
	"machine",
	"vcpu_index",
	"occupant_kind",
	"occupant",
	"occupant_machine_id",
	"occupant_machine",
	"occupant_vcpu_id",
	"pid",
	"tid",
	"comm",
	"preempted_ns",
	"waiting_ns",
	"times",
	"throttled_ns",
	"irq",
	"handler",
	"certainty",
	NULL,
};

static void put_thread(struct rows *t, const struct res_thread *thread)
{
	put_int(t, thread ? thread->pid : TABLE_NULL);
	put_int(t, thread ? thread->tid : TABLE_NULL);
	put_text(t, thread ? thread->comm : NULL);
}

static void steal_row(struct rows *t, const struct results *r, const struct res_vcpu *v,
		      const struct summary_occupant *s)
{
	struct res_occupant o = occupant_of(r, s);

	put_vcpu(t, r, v);
	put_text(t, occupant_kind_name(o.kind));
	put_text(t, occupant_label(r, &o, v, &t->texts));
	put_machine(t, r, o.vm);
	put_int(t, o.kind == OCCUPANT_VCPU ? r->vcpus.at[o.thread->vcpu].id : TABLE_NULL);
	put_thread(t, o.thread);
	put_int(t, s->preempted);
	put_int(t, s->waiting);
	put_uint(t, s->times);
	put_int(t, s->throttled);
	put_int(t, s->irq);
	put_text(t, s->handler);
	put_text(t, certainty_name(s->certainty));
}

static void fill_steal(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		vec_each (o, &v->sum.occupants)
			steal_row(t, r, v, o);
	}
}

/* ---- exits ---------------------------------------------------------------------------------- */

#define EXIT_COLUMNS                                                                            \
	"reason", "isa", "name", "count", "rate_hz", "total_ns", "min_ns", "mean_ns", "p50_ns", \
		"p99_ns", "max_ns", "handled_ns", "userspace_ns", "preempted_ns", "blocked_ns", \
		"early_ns", "unfinished", "polled_ns", "cost_ns", NULL

static const char *const exit_columns[] = {
	"vcpu_id", "machine_id", "machine", "vcpu_index", EXIT_COLUMNS,
};

static const char *const vm_exit_columns[] = {"machine_id", "machine", EXIT_COLUMNS};

static void put_durations(struct rows *t, const struct histogram *h)
{
	put_int(t, h->sum);
	put_int(t, h->n ? h->min : TABLE_NULL);
	if (h->n)
		put_number(t, (double)h->sum / (double)h->n);
	else
		put_null(t);
	put_int(t, h->n ? histogram_quantile(h, 0.5) : TABLE_NULL);
	put_int(t, h->n ? histogram_quantile(h, 0.99) : TABLE_NULL);
	put_int(t, h->n ? h->max : TABLE_NULL);
}

/* observed: ns in which exits were seen; rates are per second of it. */
static void put_exits(struct rows *t, const struct summary_exits *e, int64_t observed)
{
	bool is_split = summary_is_split(e);

	put_int(t, e->reason);
	put_text(t, isa_label(e->isa));
	put_text(t, exit_label(e, &t->texts));
	put_uint(t, e->n);
	if (observed > 0)
		put_number(t, (double)e->n / ((double)observed / 1e9));
	else
		put_null(t);
	put_durations(t, &e->whole);
	put_int(t, is_split ? e->handled : TABLE_NULL);
	put_int(t, is_split ? e->userspace : TABLE_NULL);
	put_int(t, is_split ? e->preempted : TABLE_NULL);
	put_int(t, is_split ? e->blocked : TABLE_NULL);
	put_int(t, e->early);
	put_uint(t, e->n - e->whole.n);
	put_int(t, is_split ? e->polled : TABLE_NULL);
	put_int(t, is_split ? summary_cost(e) : TABLE_NULL);
}

static void fill_exits(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		vec_each (e, &v->sum.exits) {
			put_vcpu(t, r, v);
			put_exits(t, e, summary_observed(&v->sum));
		}
	}
}

static void fill_vm_exits(struct rows *t, const struct results *r)
{
	vec_each (vm, &r->vms) {
		struct vm_exits x;

		vm_exits_init(&x, r, *vm, TABLE_NULL);
		vec_each (e, &x.exits) {
			put_machine(t, r, *vm);
			put_exits(t, e, x.observed);
		}
		vm_exits_deinit(&x);
	}
}

static const char *const exit_detail_columns[] = {
	"machine_id", "machine", "detail",  "count",	  "rate_hz", "total_ns",
	"mean_ns",    "max_ns",	 "cost_ns", "unfinished", NULL,
};

static void put_detail(struct rows *t, const struct tally_detail *d, int64_t observed)
{
	bool any = d->n_whole, split = summary_detail_is_split(d);

	put_uint(t, d->n);
	if (observed > 0)
		put_number(t, (double)d->n / ((double)observed / 1e9));
	else
		put_null(t);
	put_int(t, d->total);
	if (any)
		put_number(t, (double)d->total / (double)d->n_whole);
	else
		put_null(t);
	put_int(t, any ? d->max : TABLE_NULL);
	put_int(t, split ? d->cost : TABLE_NULL);
	put_uint(t, d->n - d->n_whole);
}

static void fill_exit_details(struct rows *t, const struct results *r)
{
	vec_each (vm, &r->vms) {
		struct vm_details details;

		vm_details_init(&details, r, *vm, TABLE_NULL);
		vec_each (d, &details.details) {
			put_machine(t, r, *vm);
			put_text(t, store_string(r->store, d->name));
			put_detail(t, d, details.observed);
		}
		vm_details_deinit(&details);
	}
}

/* ---- threads, containers -------------------------------------------------------------------- */

#define THREAD_TIME_COLUMNS                                                                     \
	"unknown_ns", "user_ns", "syscall_ns", "irq_ns", "softirq_ns", "wait_cpu_ns",           \
		"blocked_ns", "dead_ns", "stolen_ns", "hypervisor_ns", "ran_ns", "believed_ns", \
		NULL

static const char *const thread_columns[] = {
	"thread_id", "machine_id", "machine", "container_id", "container",
	"vcpu_id",   "pid",	   "tid",     "comm",	      THREAD_TIME_COLUMNS,
};

static const char *const container_columns[] = {
	"container_id",	     "machine_id", "machine", "parent_id",	     "ns_inum",
	"container",	     "threads",	   "depth",   "threads_with_nested", "ran_with_nested_ns",
	THREAD_TIME_COLUMNS,
};

/* Of the states, by number, and two sums, and a NULL. */
_Static_assert(sizeof((const char *[]){THREAD_TIME_COLUMNS}) / sizeof(char *) ==
		       THREAD_N_STATES + 2 + 1,
	       "each state has a column");

static void put_thread_times(struct rows *t, const int64_t *time)
{
	for (int s = 0; s < THREAD_N_STATES; s++)
		put_int(t, time[s]);
	put_int(t, thread_ran(time));
	put_int(t, thread_charged(time));
}

static void fill_threads(struct rows *t, const struct results *r)
{
	vec_each (h, &r->threads) {
		const struct res_container *k =
			h->container == NOBODY ? NULL : &r->containers.at[h->container];

		put_int(t, h->id);
		put_machine(t, r, h->machine);
		put_int(t, k ? k->id : TABLE_NULL);
		put_text(t, k ? k->name : NULL);
		put_int(t, h->vcpu == NOBODY ? TABLE_NULL : r->vcpus.at[h->vcpu].id);
		put_thread(t, h);
		put_thread_times(t, h->time);
	}
}

static void put_container_times(struct rows *t, int depth, const struct container_time *own,
				const struct container_time *nested)
{
	put_uint(t, own->n_threads);
	put_int(t, depth);
	put_uint(t, nested->n_threads);
	put_int(t, thread_ran(nested->time));
	put_thread_times(t, own->time);
}

static void fill_containers(struct rows *t, const struct results *r)
{
	struct container_time *own = container_times(r);
	struct container_time *nested = container_times_nested(r, own);

	for (size_t i = 0; i < r->machines.n; i++) {
		size_t at = r->containers.n + i;

		if (!nested[at].n_threads)
			continue;
		put_null(t);
		put_machine(t, r, (int)i);
		for (int k = 0; k < 3; k++)
			put_null(t);
		put_container_times(t, 0, &own[at], &nested[at]);
	}
	for (size_t i = 0; i < r->containers.n; i++) {
		const struct res_container *k = &r->containers.at[i];

		put_int(t, k->id);
		put_machine(t, r, k->machine);
		put_int(t, k->parent == NOBODY ? TABLE_NULL : r->containers.at[k->parent].id);
		put_int(t, k->ns_inum);
		put_text(t, k->name);
		put_container_times(t, container_depth(r, (int)i), &own[i], &nested[i]);
	}
	free(own);
	free(nested);
}

/* ---- wake-ups, waits ------------------------------------------------------------------------ */

#define DURATION_COLUMNS \
	"count", "total_ns", "min_ns", "mean_ns", "p50_ns", "p99_ns", "max_ns", NULL

static const char *const latency_columns[] = {
	"vcpu_id", "machine_id", "machine", "vcpu_index", "stage", DURATION_COLUMNS,
};

static const char *const wait_columns[] = {
	"vcpu_id", "machine_id", "machine", "vcpu_index", "source", "count",   "total_ns", "min_ns",
	"mean_ns", "p50_ns",	 "p99_ns",  "max_ns",	  "by_tid", "by_comm", NULL,
};

static void put_distribution(struct rows *t, const struct results *r, const struct res_vcpu *v,
			     const char *name, const struct histogram *h)
{
	if (!h->n)
		return;
	put_vcpu(t, r, v);
	put_text(t, name);
	put_uint(t, h->n);
	put_durations(t, h);
}

static void fill_latency(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		for (int s = 0; s < STAGE_N; s++)
			put_distribution(t, r, v, wakeup_stage_name((enum wakeup_stage)s),
					 &v->sum.stages[s]);
	}
}

static void fill_waits(struct rows *t, const struct results *r)
{
	vec_each (v, &r->vcpus) {
		for (int s = 0; s < WAIT_N_SOURCES; s++) {
			int sender = v->sum.wait_sender[s];
			const struct res_thread *by =
				sender == NOBODY ? NULL : &r->threads.at[sender];

			if (!v->sum.waits[s].n)
				continue;
			put_distribution(t, r, v, wait_source_name((enum wait_source)s),
					 &v->sum.waits[s]);
			put_int(t, by ? by->tid : TABLE_NULL);
			put_text(t, by ? by->comm : NULL);
		}
	}
}

/* ---- clocks, warnings ----------------------------------------------------------------------- */

static const char *const sync_columns[] = {
	"machine_id",	"machine",	 "reference_id",  "reference",
	"from_ns",	"to_ns",	 "offset_ns",	  "drift_ppb",
	"error_ns",	"method",	 "chosen",	  "constraints",
	"violations",	"decoys",	 "lost",	  "events",
	"outside",

	"begin_low_ns", "begin_high_ns", "middle_low_ns", "middle_high_ns",
	"end_low_ns",	"end_high_ns",	 "cpu",		  NULL,
};

static void put_range(struct rows *t, const int64_t *range)
{
	put_int(t, range[0]);
	put_int(t, range[1]);
}

static void fill_sync(struct rows *t, const struct results *r)
{
	vec_each (k, &r->clocks) {
		put_machine(t, r, k->machine);
		put_machine(t, r, k->reference);
		put_int(t, k->from);
		put_int(t, k->to);
		put_int(t, k->offset);
		put_number(t, k->drift);
		put_int(t, k->error);
		put_text(t, k->method);
		put_int(t, k->chosen);
		put_int(t, k->constraints);
		put_int(t, k->violations);
		put_int(t, k->decoys);
		put_int(t, k->lost);
		put_int(t, k->events);
		put_int(t, k->outside);
		put_range(t, k->begin);
		put_range(t, k->middle);
		put_range(t, k->end);
		put_int(t, k->cpu);
	}
}

static const char *const diag_columns[] = {
	"name", "severity", "machine_id", "machine", "count",  "first_ns",
	"file", "packet",   "bit",	  "help",    "detail", NULL,
};

static void fill_diag(struct rows *t, const struct results *r)
{
	vec_each (d, &r->diags) {
		put_text(t, d->name);
		put_text(t, d->severity);
		put_machine(t, r, d->machine);
		put_int(t, d->count);
		put_int(t, d->first);
		put_text(t, d->file);
		put_int(t, d->packet);
		put_int(t, d->bit);
		put_text(t, d->help);
		put_text(t, d->detail);
	}
}

/* ---- all ------------------------------------------------------------------------------------ */

static const char *const *columns_of(enum report_section section)
{
	static const char *const *const columns[REPORT_N_SECTIONS] = {
		[REPORT_FINDINGS] = finding_columns, [REPORT_MISSING] = missing_columns,
		[REPORT_SPLIT] = split_columns,	     [REPORT_MACHINES] = machine_columns,
		[REPORT_VCPUS] = vcpu_columns,	     [REPORT_PCPUS] = pcpu_columns,
		[REPORT_STEAL] = steal_columns,	     [REPORT_VM_EXITS] = vm_exit_columns,
		[REPORT_EXITS] = exit_columns,	     [REPORT_EXIT_DETAILS] = exit_detail_columns,
		[REPORT_THREADS] = thread_columns,   [REPORT_CONTAINERS] = container_columns,
		[REPORT_LATENCY] = latency_columns,  [REPORT_WAITS] = wait_columns,
		[REPORT_SYNC] = sync_columns,	     [REPORT_DIAG] = diag_columns,
	};

	return columns[section];
}

static void fill(struct rows *t, const struct results *r, const struct findings *found,
		 enum report_section section)
{
	static void (*const fills[REPORT_N_SECTIONS])(struct rows *, const struct results *) = {
		[REPORT_SPLIT] = fill_split,	 [REPORT_MACHINES] = fill_machines,
		[REPORT_VCPUS] = fill_vcpus,	 [REPORT_PCPUS] = fill_pcpus,
		[REPORT_STEAL] = fill_steal,	 [REPORT_VM_EXITS] = fill_vm_exits,
		[REPORT_EXITS] = fill_exits,	 [REPORT_EXIT_DETAILS] = fill_exit_details,
		[REPORT_THREADS] = fill_threads, [REPORT_CONTAINERS] = fill_containers,
		[REPORT_LATENCY] = fill_latency, [REPORT_WAITS] = fill_waits,
		[REPORT_SYNC] = fill_sync,	 [REPORT_DIAG] = fill_diag,
	};

	if (fills[section])
		fills[section](t, r);
	else
		fill_found(t, r, found, section);
}

void rows_init(struct rows *t, const struct results *r, const struct findings *found,
	       enum report_section section)
{
	*t = (struct rows){.columns = columns_of(section)};
	while (t->columns[t->n_columns])
		t->n_columns++;
	fill(t, r, found, section);
	assert(t->cells.n % t->n_columns == 0);
}

void rows_deinit(struct rows *t)
{
	vec_deinit(&t->cells);
	arena_deinit(&t->texts);
}
