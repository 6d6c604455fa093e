#include "report/rows.h"

#include <assert.h>
#include <stdlib.h>

#include "report/digest.h"
#include "report/naming.h"

/* ---- cells ----------------------------------------------------------------------------------- */

static void put_null(struct rows *t)
{
	vec_push(&t->cells)->kind = CELL_NULL;
}

/* NO_VALUE is null. */
static void put_int(struct rows *t, int64_t value)
{
	struct cell *c = vec_push(&t->cells);

	if (value == NO_VALUE)
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
static void put_machine(struct rows *t, const struct analysis *a, int machine)
{
	if (machine == IDENT_NONE) {
		put_null(t);
		put_null(t);
		return;
	}
	put_int(t, machine);
	put_text(t, a->identity.machines.at[machine].name);
}

static void put_vm(struct rows *t, const struct analysis *a, int vm)
{
	if (vm == IDENT_NONE) {
		put_null(t);
		put_null(t);
		return;
	}
	put_uint(t, vm_machine_id(a, (size_t)vm));
	put_text(t, a->identity.vms.at[vm].name);
}

/* Its number, machine and number in the machine. */
static void put_vcpu(struct rows *t, const struct analysis *a, size_t vcpu)
{
	put_uint(t, vcpu);
	put_vm(t, a, a->identity.vcpus.at[vcpu].vm);
	put_int(t, a->identity.vcpus.at[vcpu].index);
}

/* ---- machines -------------------------------------------------------------------------------- */

static const char *const machine_columns[] = {
	"id",	    "name",    "role",	 "trace_path",	"parent_id", "vm_uid", "pid",
	"first_ns", "last_ns", "events", "lost_events", "evidence",  NULL,
};

static void put_machine_vm(struct rows *t, const struct ident_vm *vm)
{
	put_int(t, vm ? vm->host : NO_VALUE);
	put_int(t, vm ? vm->vm_uid : NO_VALUE);
	put_int(t, vm ? vm->pid : NO_VALUE);
}

static const char *machine_evidence(struct rows *t, const struct ident_machine *m,
				    const struct ident_vm *vm)
{
	return vm ? arena_printf(&t->texts, "%s; %s", m->why, vm->why) : m->why;
}

static void machine_row(struct rows *t, const struct analysis *a, size_t i)
{
	const struct ident_machine *m = &a->identity.machines.at[i];
	const struct ident_vm *vm = m->vm == IDENT_NONE ? NULL : &a->identity.vms.at[m->vm];
	struct model_span span = machine_span(a, i);

	put_uint(t, i);
	put_text(t, m->name);
	put_text(t, identity_role(m));
	put_text(t, a->session.traces.at[i]->path);
	put_machine_vm(t, vm);
	put_int(t, span.begin < span.end ? span.begin : NO_VALUE);
	put_int(t, span.begin < span.end ? span.end - 1 : NO_VALUE);
	put_uint(t, m->evidence->n_events);
	put_uint(t, m->evidence->n_lost);
	put_text(t, machine_evidence(t, m, vm));
}

static void untraced_row(struct rows *t, const struct analysis *a, size_t vm)
{
	put_vm(t, a, (int)vm);
	put_text(t, "guest");
	put_null(t);
	put_machine_vm(t, &a->identity.vms.at[vm]);
	for (int i = 0; i < 4; i++)
		put_null(t);
	put_text(t, a->identity.vms.at[vm].why);
}

static void fill_machines(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->n_machines; i++)
		machine_row(t, a, i);
	for (size_t i = 0; i < a->identity.vms.n; i++) {
		if (a->identity.vms.at[i].guest == IDENT_NONE)
			untraced_row(t, a, i);
	}
}

/* ---- vCPUs ----------------------------------------------------------------------------------- */

static const char *const vcpu_columns[] = {
	"id",	      "machine_id", "machine",	     "vcpu_index",   "host_id",
	"host_tid",   "comm",	    "entries",	     "exits",	     "span_ns",
	"unknown_ns", "guest_ns",   "hypervisor_ns", "userspace_ns", "preempted_ns",
	"waiting_ns", "halted_ns",  "blocked_ns",    NULL,
};

static void fill_vcpus(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		const struct ident_vcpu *v = &a->identity.vcpus.at[i];
		const struct summary_vcpu *s = &a->summary.vcpus[i];

		put_vcpu(t, a, i);
		put_int(t, a->identity.vms.at[v->vm].host);
		put_int(t, v->tid);
		put_text(t, v->comm[0] ? v->comm : NULL);
		put_uint(t, v->entries);
		put_uint(t, v->exits);
		put_int(t, summary_span(s));
		for (int state = 0; state < VCPU_N_STATES; state++)
			put_int(t, s->time[state]);
	}
}

static const char *const pcpu_columns[] = {
	"vcpu_id", "machine_id", "machine", "vcpu_index", "pcpu", "guest_ns", "other_ns", NULL,
};

static void fill_pcpus(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		vec_each (c, &a->summary.vcpus[i].cpus) {
			put_vcpu(t, a, i);
			put_uint(t, c->cpu);
			put_int(t, c->guest);
			put_int(t, c->other);
		}
	}
}

/* ---- who took the CPU ------------------------------------------------------------------------ */

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
	NULL,
};

static void put_thread(struct rows *t, const struct model_thread *thread)
{
	put_int(t, thread ? thread->pid : NO_VALUE);
	put_int(t, thread ? thread->tid : NO_VALUE);
	put_text(t, thread && thread->comm[0] ? thread->comm : NULL);
}

static void steal_row(struct rows *t, const struct analysis *a, size_t vcpu,
		      const struct summary_occupant *s)
{
	struct occupant o = occupant_of(a, s->thread);

	put_vcpu(t, a, vcpu);
	put_text(t, occupant_kind_name(o.kind));
	put_text(t, occupant_label(a, &o, a->identity.vcpus.at[vcpu].vm, &t->texts));
	put_vm(t, a, o.vm);
	put_int(t, o.kind == OCCUPANT_VCPU ? o.thread->vcpu : NO_VALUE);
	put_thread(t, o.thread);
	put_int(t, s->preempted);
	put_int(t, s->waiting);
	put_uint(t, s->times);
}

static void fill_steal(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		vec_each (o, &a->summary.vcpus[i].occupants)
			steal_row(t, a, i, o);
	}
}

/* ---- exits ----------------------------------------------------------------------------------- */

#define EXIT_COLUMNS                                                                            \
	"reason", "isa", "name", "count", "rate_hz", "total_ns", "min_ns", "mean_ns", "p50_ns", \
		"p99_ns", "max_ns", "handled_ns", "userspace_ns", "preempted_ns", "blocked_ns", \
		"early_ns", "unfinished", NULL

static const char *const exit_columns[] = {
	"vcpu_id", "machine_id", "machine", "vcpu_index", EXIT_COLUMNS,
};

static const char *const vm_exit_columns[] = {"machine_id", "machine", EXIT_COLUMNS};

static void put_durations(struct rows *t, const struct histogram *h)
{
	put_int(t, h->sum);
	put_int(t, h->n ? h->min : NO_VALUE);
	if (h->n)
		put_number(t, (double)h->sum / (double)h->n);
	else
		put_null(t);
	put_int(t, h->n ? histogram_quantile(h, 0.5) : NO_VALUE);
	put_int(t, h->n ? histogram_quantile(h, 0.99) : NO_VALUE);
	put_int(t, h->n ? h->max : NO_VALUE);
}

/* known: ns in which the state was known; rates are per second of it. */
static void put_exits(struct rows *t, const struct summary_exits *e, int64_t known)
{
	if (e->cause.reason == NO_EXIT)
		put_null(t);
	else
		put_uint(t, e->cause.reason);
	put_text(t, isa_label(e->cause.isa));
	put_text(t, exit_label(&e->cause, &t->texts));
	put_uint(t, e->n);
	if (known > 0)
		put_number(t, (double)e->n / ((double)known / 1e9));
	else
		put_null(t);
	put_durations(t, &e->whole);
	put_int(t, e->handled);
	put_int(t, e->userspace);
	put_int(t, e->preempted);
	put_int(t, e->blocked);
	put_int(t, e->early);
	put_uint(t, e->n - e->whole.n);
}

static void fill_exits(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->identity.vcpus.n; i++) {
		const struct summary_vcpu *v = &a->summary.vcpus[i];

		vec_each (e, &v->exits) {
			put_vcpu(t, a, i);
			put_exits(t, e, known_time(v));
		}
	}
}

static void fill_vm_exits(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->identity.vms.n; i++) {
		struct vm_exits exits;

		vm_exits_init(&exits, a, (int)i);
		vec_each (e, &exits.exits) {
			put_vm(t, a, (int)i);
			put_exits(t, e, exits.known);
		}
		vm_exits_deinit(&exits);
	}
}

/* ---- clocks, warnings ------------------------------------------------------------------------ */

static const char *const sync_columns[] = {
	"machine_id",
	"machine",
	"reference_id",
	"reference",
	"from_ns",
	"to_ns",
	"offset_ns",
	"drift_ppb",
	"error_ns",
	"method",
	"chosen",
	"constraints",
	"violations",
	"decoys",
	"lost",
	"events",
	"outside",

	"begin_low_ns",
	"begin_high_ns",
	"middle_low_ns",
	"middle_high_ns",
	"end_low_ns",
	"end_high_ns",
	NULL,
};

static void put_range(struct rows *t, const struct sync_range *r)
{
	put_int(t, r && r->low <= r->high ? r->low : NO_VALUE);
	put_int(t, r && r->low <= r->high ? r->high : NO_VALUE);
}

/*
 * The map that was taken leads to the reference, an estimate's to the machine's own host. known: of
 * p, when that is a piece of the estimate's.
 */
static void sync_row(struct rows *t, const struct analysis *a, int machine, int reference,
		     enum sync_method method, const struct clock_piece *p,
		     const struct sync_piece *known, bool chosen)
{
	const struct machine_sync *s = &a->sync[machine];
	const struct sync_estimate *e = &s->estimates[method];

	put_machine(t, a, machine);
	put_machine(t, a, reference);
	put_int(t, p->from);
	put_int(t, p->to == INT64_MAX ? NO_VALUE : p->to);
	put_int(t, p->offset);
	put_number(t, p->drift * 1e9);
	put_int(t, p->error == CLOCK_ERROR_UNKNOWN ? NO_VALUE : p->error);
	put_text(t, sync_method_name(method));
	put_int(t, chosen);
	put_uint(t, p->constraints);
	put_uint(t, p->violations);
	put_uint(t, e->decoys);
	put_uint(t, e->lost);
	put_uint(t, e->n_events);
	if (known)
		put_uint(t, known->outside);
	else
		put_null(t);
	put_range(t, known ? &known->begin : NULL);
	put_range(t, known ? &known->middle : NULL);
	put_range(t, known ? &known->end : NULL);
}

/* What was taken, where that is not to the reference already. */
static void fill_composed(struct rows *t, const struct analysis *a, int machine)
{
	const struct machine_sync *s = &a->sync[machine];

	for (size_t k = 0; k < s->map.n_pieces; k++)
		sync_row(t, a, machine, machine_reference(a, machine), s->method, &s->map.pieces[k],
			 NULL, true);
}

static void fill_machine_sync(struct rows *t, const struct analysis *a, int machine)
{
	const struct machine_sync *s = &a->sync[machine];
	bool composed = s->against != IDENT_NONE && s->against != machine_reference(a, machine);

	if (composed)
		fill_composed(t, a, machine);
	for (int m = 0; m < SYNC_N_METHODS; m++) {
		const struct sync_estimate *e = &s->estimates[m];
		int reference = s->against == IDENT_NONE ? machine : s->against;

		for (size_t k = 0; k < e->map.n_pieces; k++)
			sync_row(t, a, machine, reference, (enum sync_method)m, &e->map.pieces[k],
				 &e->pieces[k], m == (int)s->method && !composed);
	}
}

static void fill_sync(struct rows *t, const struct analysis *a)
{
	for (size_t i = 0; i < a->n_machines; i++)
		fill_machine_sync(t, a, (int)i);
}

static const char *const diag_columns[] = {
	"name", "severity", "machine_id", "machine", "count",  "first_ns",
	"file", "packet",   "bit",	  "help",    "detail", NULL,
};

static void fill_diag(struct rows *t, const struct analysis *a, const struct findings *findings)
{
	vec_each (f, &findings->at) {
		put_text(t, f->kind->name);
		put_text(t, diag_severity_name(f->kind->severity));
		put_machine(t, a, f->machine);
		put_uint(t, f->where.count);
		put_int(t, f->where.first_ns);
		put_text(t, f->where.file);
		put_int(t, f->where.file ? (int64_t)f->where.packet : NO_VALUE);
		put_int(t, f->where.file ? (int64_t)f->where.bit : NO_VALUE);
		put_text(t, f->kind->help);
		put_text(t, f->detail);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static const char *const *columns_of(enum report_section section)
{
	static const char *const *const columns[REPORT_N_SECTIONS] = {
		[REPORT_MACHINES] = machine_columns, [REPORT_VCPUS] = vcpu_columns,
		[REPORT_PCPUS] = pcpu_columns,	     [REPORT_STEAL] = steal_columns,
		[REPORT_VM_EXITS] = vm_exit_columns, [REPORT_EXITS] = exit_columns,
		[REPORT_SYNC] = sync_columns,	     [REPORT_DIAG] = diag_columns,
	};

	return columns[section];
}

static void fill(struct rows *t, const struct analysis *a, const struct findings *findings,
		 enum report_section section)
{
	static void (*const fills[REPORT_N_SECTIONS])(struct rows *, const struct analysis *) = {
		[REPORT_MACHINES] = fill_machines, [REPORT_VCPUS] = fill_vcpus,
		[REPORT_PCPUS] = fill_pcpus,	   [REPORT_STEAL] = fill_steal,
		[REPORT_VM_EXITS] = fill_vm_exits, [REPORT_EXITS] = fill_exits,
		[REPORT_SYNC] = fill_sync,
	};

	if (section == REPORT_DIAG)
		fill_diag(t, a, findings);
	else
		fills[section](t, a);
}

void rows_init(struct rows *t, const struct analysis *a, const struct findings *findings,
	       enum report_section section)
{
	*t = (struct rows){.columns = columns_of(section)};
	while (t->columns[t->n_columns])
		t->n_columns++;
	fill(t, a, findings, section);
	assert(t->cells.n % t->n_columns == 0);
}

void rows_deinit(struct rows *t)
{
	vec_deinit(&t->cells);
	arena_deinit(&t->texts);
}
