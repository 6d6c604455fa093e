#include "report/summary_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "store/cursor.h"

/* A sum that has no room, which only a forged file has, wraps around. */
static void add_ns(int64_t *sum, int64_t ns)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)ns);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static struct summary_cpu *get_cpu(struct summary_vcpu *v, int64_t cpu)
{
	uint64_t *i = map_put(&v->cpu_by_number, (uint64_t)cpu, v->cpus.n);

	if (*i == v->cpus.n)
		vec_push(&v->cpus)->cpu = cpu;
	return &v->cpus.at[*i];
}

static struct summary_occupant *get_occupant(struct summary_vcpu *v, int thread)
{
	uint64_t *i = map_put(&v->occupant_by_thread, (uint64_t)(int64_t)thread, v->occupants.n);

	if (*i == v->occupants.n)
		vec_push(&v->occupants)->thread = thread;
	return &v->occupants.at[*i];
}

static void add_occupant(struct summary_vcpu *v, int thread, enum vcpu_state state,
			 enum vcpu_state before, int64_t dur)
{
	struct summary_occupant *o = get_occupant(v, thread);

	add_ns(vcpu_state_is(state, STATE_TAKEN) ? &o->preempted : &o->waiting, dur);
	/* The lane is cut where the CPU changes hands; only the first piece is a preemption. */
	o->times += vcpu_state_is(state, STATE_TAKEN) && !vcpu_state_is(before, STATE_TAKEN);
}

/* Return: how much of an interval counts. */
static int64_t length_in_range(const struct results *r, int64_t begin, int64_t dur)
{
	int64_t end = begin + dur;

	if (!r->range.given)
		return dur;
	begin = begin > r->range.from ? begin : r->range.from;
	end = end < r->range.to ? end : r->range.to;
	return end > begin ? end - begin : 0;
}

/* Return: whether what begins then is told of. */
static bool begins_in_range(const struct results *r, int64_t begin)
{
	return !r->range.given || (begin >= r->range.from && begin < r->range.to);
}

static void add_interval(struct results *r, struct summary_vcpu *v, const struct store_cursor *c,
			 enum vcpu_state before)
{
	enum vcpu_state state = (enum vcpu_state)store_cursor_get(c, COL_VCPU_STATE_STATE);
	int64_t begin = store_cursor_get(c, COL_VCPU_STATE_TS);
	int64_t dur = length_in_range(r, begin, store_cursor_get(c, COL_VCPU_STATE_DUR));
	int64_t cpu = store_cursor_get(c, COL_VCPU_STATE_PCPU);

	/* Its CPU was taken before the range began. */
	if (!begins_in_range(r, begin))
		before = state;

	if (vcpu_state_is(state, STATE_LOST))
		add_occupant(v,
			     results_find(r, TABLE_THREAD,
					  store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_THREAD_ID)),
			     state, before, dur);
	else if (cpu != TABLE_NULL && state == VCPU_GUEST)
		add_ns(&get_cpu(v, cpu)->guest, dur);
	else if (cpu != TABLE_NULL)
		add_ns(&get_cpu(v, cpu)->other, dur);
}

static struct store_query query_of(const struct results *r, enum table_id table, uint32_t columns)
{
	struct store_query q = store_query_all(r->store, table);

	if (r->range.given) {
		q.from = r->range.from;
		q.to = r->range.to;
	}
	q.columns = columns;
	return q;
}

/* Return: the vCPU that the cursor's lane is of, or NULL when the file does not have it. */
static struct res_vcpu *vcpu_of_lane(struct results *r, const struct store_cursor *c)
{
	int64_t id = r->store->tables[c->query.table].lanes.at[c->lane].keys[0];
	int vcpu = results_find(r, TABLE_VCPU, id);

	return vcpu == NOBODY ? NULL : &r->vcpus.at[vcpu];
}

static int scan_lanes(struct results *r, struct error *err)
{
	struct store_query q = query_of(
		r, TABLE_VCPU_STATE,
		1u << COL_VCPU_STATE_TS | 1u << COL_VCPU_STATE_DUR | 1u << COL_VCPU_STATE_STATE |
			1u << COL_VCPU_STATE_PCPU | 1u << COL_VCPU_STATE_OCCUPANT_THREAD_ID);
	enum vcpu_state before = VCPU_UNKNOWN;
	struct res_vcpu *v = NULL;
	struct store_cursor c;
	size_t lane = SIZE_MAX;
	int status;

	store_cursor_init(&c, r->store, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		if (c.lane != lane) {
			lane = c.lane;
			v = vcpu_of_lane(r, &c);
			before = VCPU_UNKNOWN;
		}
		if (v)
			add_interval(r, &v->sum, &c, before);
		before = (enum vcpu_state)store_cursor_get(&c, COL_VCPU_STATE_STATE);
	}
	store_cursor_deinit(&c);
	return status;
}

/* ---- exits ----------------------------------------------------------------------------------- */

static uint64_t cause_key(int64_t reason, int64_t isa)
{
	/* Reasons have 32 bits; the ISA fits above them. */
	return (uint64_t)isa << 33 ^ (uint64_t)reason;
}

static struct summary_exits *get_exits(summary_exits_t *exits, struct map *by_cause, int64_t reason,
				       int64_t isa)
{
	uint64_t *i = map_put(by_cause, cause_key(reason, isa), exits->n);

	if (*i == exits->n) {
		struct summary_exits *e = vec_push(exits);

		e->reason = reason;
		e->isa = isa;
	}
	return &exits->at[*i];
}

static void add_wait(struct results *r, struct res_vcpu *v, const struct store_cursor *c)
{
	int64_t blocked = store_cursor_get(c, COL_VM_EXIT_BLOCKED_NS);
	int64_t vector = store_cursor_get(c, COL_VM_EXIT_VECTOR);

	if (blocked > 0)
		histogram_add(&v->sum.waits[results_vector_source(r, v->machine, vector)], blocked);
}

static void add_exit(struct results *r, struct summary_vcpu *v, const struct store_cursor *c)
{
	struct summary_exits *e =
		get_exits(&v->exits, &v->exits_by_cause, store_cursor_get(c, COL_VM_EXIT_REASON),
			  store_cursor_get(c, COL_VM_EXIT_ISA));
	int64_t dur = store_cursor_get(c, COL_VM_EXIT_DUR);

	if (!e->n)
		e->name = store_string(r->store, store_cursor_get(c, COL_VM_EXIT_NAME));
	e->n++;
	add_ns(&e->early, store_cursor_get(c, COL_VM_EXIT_EARLY_NS));
	if (dur == TABLE_NULL)
		return;
	histogram_add(&e->whole, dur);
	if (store_cursor_get(c, COL_VM_EXIT_HANDLED_NS) == TABLE_NULL) {
		v->n_unsplit++;
		return;
	}
	e->n_split++;
	add_ns(&e->handled, store_cursor_get(c, COL_VM_EXIT_HANDLED_NS));
	add_ns(&e->userspace, store_cursor_get(c, COL_VM_EXIT_USERSPACE_NS));
	add_ns(&e->preempted, store_cursor_get(c, COL_VM_EXIT_PREEMPTED_NS));
	add_ns(&e->blocked, store_cursor_get(c, COL_VM_EXIT_BLOCKED_NS));
}

static int scan_exits(struct results *r, struct error *err)
{
	struct store_query q = query_of(
		r, TABLE_VM_EXIT,
		QUERY_ALL_COLUMNS & ~(1u << COL_VM_EXIT_RIP | 1u << COL_VM_EXIT_GUEST_THREAD_ID));
	struct res_vcpu *v = NULL;
	struct store_cursor c;
	size_t lane = SIZE_MAX;
	int status;

	store_cursor_init(&c, r->store, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		if (c.lane != lane) {
			lane = c.lane;
			v = vcpu_of_lane(r, &c);
		}
		if (!v || !begins_in_range(r, store_cursor_get(&c, COL_VM_EXIT_TS)))
			continue;
		add_exit(r, &v->sum, &c);
		add_wait(r, v, &c);
	}
	store_cursor_deinit(&c);
	return status;
}

/* ---- wake-ups --------------------------------------------------------------------------------- */

static void add_wakeup(struct summary_vcpu *v, const struct store_cursor *c)
{
	static const int columns[STAGE_WHOLE] = {
		[STAGE_VCPU_WOKEN] = COL_WAKEUP_VCPU_WAKE_NS,
		[STAGE_VCPU_RAN] = COL_WAKEUP_VCPU_RUN_NS,
		[STAGE_ENTERED] = COL_WAKEUP_ENTRY_NS,
		[STAGE_RAN] = COL_WAKEUP_RUN_NS,
	};
	int64_t reached = 0;

	for (int s = 0; s < STAGE_WHOLE; s++) {
		int64_t at = store_cursor_get(c, columns[s]);

		if (at == TABLE_NULL)
			continue;
		histogram_add(&v->stages[s], ns_between(reached, at));
		reached = at;
	}
	histogram_add(&v->stages[STAGE_WHOLE], reached);
}

static int scan_wakeups(struct results *r, struct error *err)
{
	struct store_query q =
		query_of(r, TABLE_WAKEUP,
			 1u << COL_WAKEUP_TS | 1u << COL_WAKEUP_VCPU_ID |
				 1u << COL_WAKEUP_VCPU_WAKE_NS | 1u << COL_WAKEUP_VCPU_RUN_NS |
				 1u << COL_WAKEUP_ENTRY_NS | 1u << COL_WAKEUP_RUN_NS);
	struct store_cursor c;
	int status;

	store_cursor_init(&c, r->store, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		int v = results_find(r, TABLE_VCPU, store_cursor_get(&c, COL_WAKEUP_VCPU_ID));

		if (v != NOBODY && store_cursor_get(&c, COL_WAKEUP_RUN_NS) != TABLE_NULL)
			add_wakeup(&r->vcpus.at[v].sum, &c);
	}
	store_cursor_deinit(&c);
	return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct summary_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static int by_time_taken(const void *a, const void *b)
{
	const struct summary_occupant *x = a, *y = b;
	int64_t s = x->preempted + x->waiting, t = y->preempted + y->waiting;

	if (s != t)
		return s > t ? -1 : 1;
	return (unsigned)x->thread < (unsigned)y->thread ? -1 : x->thread != y->thread;
}

static int by_total(const void *a, const void *b)
{
	const struct summary_exits *x = a, *y = b;

	if (x->whole.sum != y->whole.sum)
		return x->whole.sum > y->whole.sum ? -1 : 1;
	return (uint64_t)x->reason < (uint64_t)y->reason ? -1 : x->reason != y->reason;
}

static void sort(struct summary_vcpu *v)
{
	if (v->cpus.n)
		qsort(v->cpus.at, v->cpus.n, sizeof(*v->cpus.at), by_number);
	if (v->occupants.n)
		qsort(v->occupants.at, v->occupants.n, sizeof(*v->occupants.at), by_time_taken);
	if (v->exits.n)
		qsort(v->exits.at, v->exits.n, sizeof(*v->exits.at), by_total);
}

static uint64_t counted(const struct summary_vcpu *v)
{
	uint64_t n = 0;

	vec_each (e, &v->exits)
		n += e->n;
	return n;
}

/* ---- all ------------------------------------------------------------------------------------- */

static void count_exits(struct results *r)
{
	vec_each (lane, &r->store->tables[TABLE_VM_EXIT].lanes) {
		int vcpu = results_find(r, TABLE_VCPU, lane->keys[0]);

		if (vcpu != NOBODY)
			r->vcpus.at[vcpu].sum.n_exits = r->range.given ? 0 : lane->entry.rows;
	}
}

struct scans {
	struct results *r;
	unsigned parts;
	int status[SUMMARY_N_PARTS];
	struct error err[SUMMARY_N_PARTS];
};

static void scan_part(void *ctx, size_t part)
{
	static int (*const scan[SUMMARY_N_PARTS])(struct results * r, struct error * err) = {
		scan_lanes, scan_exits, scan_wakeups};
	struct scans *s = ctx;

	if (s->parts & 1u << part)
		s->status[part] = scan[part](s->r, &s->err[part]);
}

static int scan_all(struct results *r, unsigned parts, unsigned threads, struct error *err)
{
	struct scans s = {.r = r, .parts = parts};
	int status = 0;

	parallel_each(SUMMARY_N_PARTS, threads, scan_part, &s);
	for (int i = 0; i < SUMMARY_N_PARTS; i++) {
		if (s.status[i] && !status)
			status = error_set(err, "%s", s.err[i].text);
		error_deinit(&s.err[i]);
	}
	return status;
}

int summary_scan(struct results *r, unsigned parts, unsigned threads, struct error *err)
{
	count_exits(r);
	if (scan_all(r, parts, threads, err))
		return ERR;
	vec_each (v, &r->vcpus) {
		sort(&v->sum);
		if (r->range.given)
			v->sum.n_exits = counted(&v->sum);
	}
	return 0;
}

/* ---- VMs ------------------------------------------------------------------------------------- */

static void merge_exits(struct vm_exits *x, struct map *by_cause, const struct summary_exits *from)
{
	struct summary_exits *to = get_exits(&x->exits, by_cause, from->reason, from->isa);

	to->name = from->name;
	to->n += from->n;
	histogram_merge(&to->whole, &from->whole);
	to->n_split += from->n_split;
	add_ns(&to->handled, from->handled);
	add_ns(&to->userspace, from->userspace);
	add_ns(&to->preempted, from->preempted);
	add_ns(&to->blocked, from->blocked);
	add_ns(&to->early, from->early);
}

void vm_exits_init(struct vm_exits *x, const struct results *r, int machine)
{
	struct map by_cause = {0};

	*x = (struct vm_exits){0};
	vec_each (v, &r->vcpus) {
		if (v->machine != machine)
			continue;
		add_ns(&x->observed, summary_observed(&v->sum));
		vec_each (e, &v->sum.exits)
			merge_exits(x, &by_cause, e);
	}
	map_deinit(&by_cause);
	if (x->exits.n)
		qsort(x->exits.at, x->exits.n, sizeof(*x->exits.at), by_total);
}

void vm_exits_deinit(struct vm_exits *x)
{
	summary_exits_deinit(&x->exits);
}
