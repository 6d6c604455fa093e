#include "sync/observed.h"

#include <stdlib.h>

/* Of struct cpu_windows.vcpu_of_slot: any vCPU of the host may have run. */
enum { ANY_VCPU = IDENT_NONE - 1, SEVERAL_VCPUS = IDENT_NONE - 2 };

void observed_init(struct observed *o, size_t n_machines)
{
	*o = (struct observed){.spool = spool_new(), .n_machines = n_machines};
	o->machines = mem_zalloc(n_machines, sizeof(*o->machines));
}

void observed_add_cpu(struct observed *o, struct observed_machine *m, uint32_t cpu)
{
	struct observed_cpu *c = vec_push(&m->cpus);

	c->cpu = cpu;
	spool_seq_init(&c->events, o->spool);
	spool_seq_init(&c->windows, o->spool);
	spool_seq_init(&c->vmsync, o->spool);
}

void observed_clear(struct observed_machine *m)
{
	vec_each (c, &m->cpus) {
		spool_seq_deinit(&c->events);
		spool_seq_deinit(&c->windows);
		spool_seq_deinit(&c->vmsync);
		vec_deinit(&c->threads);
	}
	vec_deinit(&m->cpus);
}

void observed_deinit(struct observed *o)
{
	for (size_t i = 0; i < o->n_machines; i++)
		observed_clear(&o->machines[i]);
	free(o->machines);
	spool_free(o->spool);
	*o = (struct observed){0};
}

bool observed_guest_has(const struct observed_guest *g, int64_t cpu)
{
	bool has = !g->cpus;

	for (size_t i = 0; i < g->n_cpus && !has; i++)
		has = g->cpus[i] == cpu;
	return has;
}

/* ---- a guest's events ------------------------------------------------------------------------ */

static enum sync_cause cause_of_kind(enum observed_kind kind, bool has_idle)
{
	switch (kind) {
	case OBSERVED_TIMER:
		return SYNC_CAUSE_TIMER;
	case OBSERVED_IDLE:
		return SYNC_CAUSE_IDLE;
	case OBSERVED_LEAVE:
		return has_idle ? SYNC_CAUSE_NONE : SYNC_CAUSE_IDLE;
	default:
		return SYNC_CAUSE_NONE;
	}
}

void observed_events_init(struct observed_events *e, const struct observed_machine *m,
			  const struct observed_cpu *c)
{
	*e = (struct observed_events){.cpu = c->cpu, .has_idle = m->has_idle};
	spool_cursor_init(&e->cursor, &c->events);
	observed_events_step(e);
}

void observed_events_step(struct observed_events *e)
{
	e->at_end = !spool_cursor_more(&e->cursor);
	if (e->at_end)
		return;
	uint64_t x = spool_get(&e->cursor);

	e->cursor.time = (int64_t)((uint64_t)e->cursor.time + (x >> 2));
	e->next.ts = e->cursor.time;
	e->next.cause = cause_of_kind(x & 3, e->has_idle);
}

void observed_events_deinit(struct observed_events *e)
{
	spool_cursor_deinit(&e->cursor);
}

uint64_t observed_count_causes(const struct observed_machine *m, const struct observed_cpu *c)
{
	uint64_t n = 0;

	for (enum observed_kind k = 0; k < OBSERVED_N_KINDS; k++)
		n += cause_of_kind(k, m->has_idle) == SYNC_CAUSE_NONE ? 0 : c->kinds[k];
	return n;
}

/* ---- a host's windows ------------------------------------------------------------------------ */

/* Those of one CPU. */
struct cpu_windows {
	struct spool_cursor cursor;
	const int64_t *threads; /* by slot */
	int *vcpu_of_slot;	/* owned; IDENT_NONE: none that is wanted */
	bool at_end;
	int64_t begin, end; /* the next one, unless at_end */
	unsigned cause;	    /* enum sync_cause, or OBSERVED_LOST */
	uint64_t slot;
};

struct observed_windows {
	const struct identity *id;
	int host, vm;
	int64_t last_ns; /* of the host */
	struct cpu_windows *cpus;
	size_t n_cpus;
};

static void step_windows(struct cpu_windows *c)
{
	c->at_end = !spool_cursor_more(&c->cursor);
	if (c->at_end)
		return;
	uint64_t x = spool_get(&c->cursor), length = spool_get(&c->cursor);

	c->cursor.time = (int64_t)((uint64_t)c->cursor.time + (x >> 3));
	c->cause = x >> 1 & 3;
	c->begin = c->cursor.time;
	c->end = (int64_t)((uint64_t)c->begin + length);
	if (x & 1)
		c->slot = spool_get(&c->cursor);
}

static int observed_if_wanted(const struct observed_windows *r, int vcpu)
{
	return vcpu != IDENT_NONE && (r->vm == IDENT_NONE || r->id->vcpus.at[vcpu].vm == r->vm)
		       ? vcpu
		       : IDENT_NONE;
}

static int vcpu_of_slot(const struct observed_windows *r, int64_t tid)
{
	const struct ident_run *only = NULL;

	if (tid == NO_VALUE)
		return ANY_VCPU;
	vec_each (run, &r->id->runs) {
		if (run->tid != tid || r->id->vms.at[r->id->vcpus.at[run->vcpu].vm].host != r->host)
			continue;
		if (only)
			return SEVERAL_VCPUS;
		only = run;
	}
	return only ? observed_if_wanted(r, only->vcpu) : IDENT_NONE;
}

static void cpu_windows_init(struct cpu_windows *c, const struct observed_windows *r,
			     const struct observed_cpu *of, int64_t from)
{
	*c = (struct cpu_windows){.threads = of->threads.at,
				  .vcpu_of_slot =
					  mem_zalloc(of->threads.n + 1, sizeof(*c->vcpu_of_slot))};
	for (size_t i = 0; i < of->threads.n; i++)
		c->vcpu_of_slot[i] = vcpu_of_slot(r, of->threads.at[i]);
	spool_cursor_init(&c->cursor, &of->windows);
	spool_cursor_seek(&c->cursor, from);
	step_windows(c);
}

struct observed_windows *observed_windows_new(const struct observed *o, const struct identity *id,
					      int host, int vm, int64_t from)
{
	const struct observed_machine *m = &o->machines[host];
	struct observed_windows *r = mem_zalloc(1, sizeof(*r));

	*r = (struct observed_windows){.id = id,
				       .host = host,
				       .vm = vm,
				       .last_ns = m->last_ns,
				       .cpus = mem_zalloc(m->cpus.n, sizeof(*r->cpus)),
				       .n_cpus = m->cpus.n};
	for (size_t i = 0; i < r->n_cpus; i++)
		cpu_windows_init(&r->cpus[i], r, &m->cpus.at[i], from);
	return r;
}

void observed_windows_free(struct observed_windows *r)
{
	for (size_t i = 0; i < r->n_cpus; i++) {
		spool_cursor_deinit(&r->cpus[i].cursor);
		free(r->cpus[i].vcpu_of_slot);
	}
	free(r->cpus);
	free(r);
}

static void add_to_any(const struct observed_windows *r, const struct sync_window *w,
		       struct sync_windows *windows)
{
	for (size_t v = 0; v < r->id->vcpus.n; v++) {
		int vm = r->id->vcpus.at[v].vm;

		if (r->id->vms.at[vm].host == r->host && (r->vm == IDENT_NONE || r->vm == vm))
			sync_windows_add(&windows[v], w);
	}
}

/* Each vCPU that the thread may have run then. */
static void add_to_runs(const struct observed_windows *r, int64_t tid, const struct sync_window *w,
			struct sync_windows *windows)
{
	vec_each (run, &r->id->runs) {
		int vm = r->id->vcpus.at[run->vcpu].vm;

		if (run->tid == tid && run->from <= w->begin && w->begin < run->to &&
		    r->id->vms.at[vm].host == r->host && (r->vm == IDENT_NONE || r->vm == vm))
			sync_windows_add(&windows[run->vcpu], w);
	}
}

static void take_window(const struct observed_windows *r, const struct cpu_windows *c,
			bool only_causes, struct sync_windows *windows)
{
	bool lost = c->cause == OBSERVED_LOST;
	int vcpu = lost ? ANY_VCPU : c->vcpu_of_slot[c->slot];
	struct sync_window w = {c->begin, c->end, lost ? SYNC_CAUSE_NONE : c->cause};

	if (vcpu == IDENT_NONE || (only_causes && w.cause == SYNC_CAUSE_NONE))
		return;
	w.end = w.end > r->last_ns ? r->last_ns : w.end;
	if (vcpu == ANY_VCPU)
		add_to_any(r, &w, windows);
	else if (vcpu == SEVERAL_VCPUS)
		add_to_runs(r, c->threads[c->slot], &w, windows);
	else
		sync_windows_add(&windows[vcpu], &w);
}

/*
 * Return: the CPU whose next window begins first, NULL: none has one; *otherp: when that of any
 * other begins.
 */
static struct cpu_windows *first_cpu(const struct observed_windows *r, int64_t *otherp)
{
	struct cpu_windows *first = NULL;

	*otherp = INT64_MAX;
	for (size_t i = 0; i < r->n_cpus; i++) {
		struct cpu_windows *c = &r->cpus[i];

		if (c->at_end)
			continue;
		if (!first || c->begin < first->begin) {
			*otherp = first ? first->begin : *otherp;
			first = c;
		} else if (c->begin < *otherp) {
			*otherp = c->begin;
		}
	}
	return first;
}

bool observed_windows_read(struct observed_windows *r, int64_t until, bool only_causes,
			   struct sync_windows *windows)
{
	struct cpu_windows *c;
	int64_t other;

	while ((c = first_cpu(r, &other)) && c->begin < until) {
		other = other < until ? other : until - 1;
		for (; !c->at_end && c->begin <= other; step_windows(c))
			take_window(r, c, only_causes, windows);
	}
	return c != NULL;
}

int64_t observed_windows_step(const struct observed *o, int host, uint64_t n)
{
	const struct observed_machine *m = &o->machines[host];
	uint64_t all = 0, span;

	vec_each (c, &m->cpus)
		all += c->windows.records;
	if (m->first_ns > m->last_ns)
		return 1;
	span = (uint64_t)m->last_ns - (uint64_t)m->first_ns;
	return (int64_t)(span / (all / n + 1)) + 1;
}

/* ---- vmsync's events ------------------------------------------------------------------------- */

struct cpu_vmsync {
	const struct observed_cpu *cpu;
	struct spool_cursor cursor;
	size_t block; /* that the last one was of */
	bool at_end;
	struct observed_vmsync next; /* unless at_end */
};

struct observed_vmsync_reader {
	struct cpu_vmsync *cpus;
	size_t n_cpus;
};

static void step_vmsync(struct cpu_vmsync *c)
{
	c->at_end = !spool_cursor_more(&c->cursor);
	if (c->at_end)
		return;
	uint64_t x = spool_get(&c->cursor), before = c->next.cnt;

	if (c->block != c->cursor.next_block)
		before = 0;
	c->block = c->cursor.next_block;
	c->cursor.time = (int64_t)((uint64_t)c->cursor.time + (x >> 2));
	c->next = (struct observed_vmsync){
		.ts = c->cursor.time, .is_host = !(x & 2), .to_guest = x & 1, .tid = NO_VALUE};
	c->next.cnt = before + (uint64_t)spool_get_signed(&c->cursor);
	c->next.vm_uid = spool_get_signed(&c->cursor);
	if (c->next.is_host)
		c->next.tid = c->cpu->threads.at[spool_get(&c->cursor)];
}

struct observed_vmsync_reader *observed_vmsync_new(const struct observed *o, int machine)
{
	const struct observed_machine *m = &o->machines[machine];
	struct observed_vmsync_reader *r = mem_zalloc(1, sizeof(*r));

	r->n_cpus = m->cpus.n;
	r->cpus = mem_zalloc(r->n_cpus, sizeof(*r->cpus));
	for (size_t i = 0; i < r->n_cpus; i++) {
		r->cpus[i].cpu = &m->cpus.at[i];
		spool_cursor_init(&r->cpus[i].cursor, &m->cpus.at[i].vmsync);
		step_vmsync(&r->cpus[i]);
	}
	return r;
}

void observed_vmsync_free(struct observed_vmsync_reader *r)
{
	for (size_t i = 0; i < r->n_cpus; i++)
		spool_cursor_deinit(&r->cpus[i].cursor);
	free(r->cpus);
	free(r);
}

static int by_time(const void *a, const void *b)
{
	const struct observed_vmsync *x = a, *y = b;

	return (x->ts > y->ts) - (x->ts < y->ts);
}

bool observed_vmsync_read(struct observed_vmsync_reader *r, int64_t until,
			  struct observed_vmsyncs *to)
{
	size_t n = to->at.n;
	bool more = false;

	for (size_t i = 0; i < r->n_cpus; i++) {
		struct cpu_vmsync *c = &r->cpus[i];

		for (; !c->at_end && c->next.ts < until; step_vmsync(c))
			*vec_push(&to->at) = c->next;
		more |= !c->at_end;
	}
	if (to->at.n > n)
		qsort(&to->at.at[n], to->at.n - n, sizeof(*to->at.at), by_time);
	return more;
}

uint64_t observed_vmsync_count(const struct observed *o, int machine)
{
	uint64_t n = 0;

	vec_each (c, &o->machines[machine].cpus)
		n += c->vmsync.records;
	return n;
}
