#include "results/summary_scan.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/parallel.h"
#include "results/scan_row.h"

/* ---- rows ------------------------------------------------------------------------------------ */

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

static void summary_add_state(const struct results *r, struct tally_vcpu *v,
			      const struct store_cursor *c, bool first)
{
	struct tally_state s = scan_state(r, c);

	if (first)
		v->before = VCPU_UNKNOWN;
	/* Its CPU was taken before the range began. */
	if (!begins_in_range(r, s.begin))
		v->before = s.state;
	s.dur = length_in_range(r, s.begin, s.dur);
	if (r->range.given && s.begin < r->range.from)
		s.begin = r->range.from;
	tally_add_state(v, &s);
}

/* Return: the sums of the vCPU that the cursor's lane is of, or NULL when the file has no such. */
static struct tally_vcpu *summary_vcpu_of_lane(const struct results *r, const struct tally *t,
					       const struct store_cursor *c)
{
	int64_t id = r->store->tables[c->query.table].lanes.at[c->lane].keys[0];
	int vcpu = results_find(r, TABLE_VCPU, id);

	return vcpu == NOBODY ? NULL : &t->vcpus[vcpu];
}

/* What to do with a row of the lane of a vCPU; first: of the lane. */
typedef void take_row_fn(const struct results *r, struct tally_vcpu *v,
			 const struct store_cursor *c, bool first);

/* Calls `take` for each row of lanes of vCPUs that there are. Return: 0, or ERR with err set. */
static int scan_rows(const struct results *r, struct tally *t, const struct store_query *q,
		     take_row_fn *take, struct error *err)
{
	struct tally_vcpu *v = NULL;
	struct store_cursor c;
	size_t lane = SIZE_MAX;
	int status;

	store_cursor_init(&c, r->store, q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		bool first = c.lane != lane;

		if (first)
			v = summary_vcpu_of_lane(r, t, &c);
		lane = c.lane;
		if (v)
			take(r, v, &c, first);
	}
	store_cursor_deinit(&c);
	return status;
}

static int scan_lanes(const struct results *r, struct tally *t, struct error *err)
{
	struct store_query q = scan_query(
		r, TABLE_VCPU_STATE,
		1u << COL_VCPU_STATE_TS | 1u << COL_VCPU_STATE_DUR | 1u << COL_VCPU_STATE_STATE |
			1u << COL_VCPU_STATE_PCPU | 1u << COL_VCPU_STATE_OCCUPANT_THREAD_ID |
			1u << COL_VCPU_STATE_OCCUPANT_KIND | 1u << COL_VCPU_STATE_OCCUPANT_IRQ |
			1u << COL_VCPU_STATE_OCCUPANT_HANDLER | 1u << COL_VCPU_STATE_CERTAINTY);

	return scan_rows(r, t, &q, summary_add_state, err);
}

static void summary_add_exit(const struct results *r, struct tally_vcpu *v,
			     const struct store_cursor *c, bool first)
{
	const struct tally_exit x = scan_exit(c);

	(void)first;
	if (begins_in_range(r, x.ts))
		tally_add_exit(v, &x);
}

static int scan_exits(const struct results *r, struct tally *t, struct error *err)
{
	struct store_query q = scan_query(r, TABLE_VM_EXIT,
					  QUERY_ALL_COLUMNS & ~(1u << COL_VM_EXIT_RIP |
								1u << COL_VM_EXIT_GUEST_THREAD_ID |
								1u << COL_VM_EXIT_DETAIL_VALUE));

	return scan_rows(r, t, &q, summary_add_exit, err);
}

static void summary_add_wakeup(struct tally_vcpu *v, const struct store_cursor *c)
{
	const int64_t stages[STAGE_WHOLE] = {
		[STAGE_VCPU_WOKEN] = store_cursor_get(c, COL_WAKEUP_VCPU_WAKE_NS),
		[STAGE_VCPU_RAN] = store_cursor_get(c, COL_WAKEUP_VCPU_RUN_NS),
		[STAGE_ENTERED] = store_cursor_get(c, COL_WAKEUP_ENTRY_NS),
		[STAGE_RAN] = store_cursor_get(c, COL_WAKEUP_RUN_NS),
	};

	tally_add_wakeup(v, stages);
}

static int scan_wakeups(const struct results *r, struct tally *t, struct error *err)
{
	struct store_query q =
		scan_query(r, TABLE_WAKEUP,
			   1u << COL_WAKEUP_TS | 1u << COL_WAKEUP_VCPU_ID |
				   1u << COL_WAKEUP_VCPU_WAKE_NS | 1u << COL_WAKEUP_VCPU_RUN_NS |
				   1u << COL_WAKEUP_ENTRY_NS | 1u << COL_WAKEUP_RUN_NS);
	struct store_cursor c;
	int status;

	store_cursor_init(&c, r->store, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		int v = results_find(r, TABLE_VCPU, store_cursor_get(&c, COL_WAKEUP_VCPU_ID));

		if (v != NOBODY)
			summary_add_wakeup(&t->vcpus[v], &c);
	}
	store_cursor_deinit(&c);
	return status;
}

struct scans {
	const struct results *r;
	struct tally *tally; /* by index in the results; each part has members of its own */
	unsigned parts;
	int status[SUMMARY_N_PARTS];
	struct error err[SUMMARY_N_PARTS];
};

static void scan_part(void *ctx, size_t part)
{
	static int (*const scan[SUMMARY_N_PARTS])(const struct results *r, struct tally *t,
						  struct error *err) = {scan_lanes, scan_exits,
									scan_wakeups};
	struct scans *s = ctx;

	if (s->parts & 1u << part)
		s->status[part] = scan[part](s->r, s->tally, &s->err[part]);
}

static int scan_all(const struct results *r, struct tally *t, unsigned parts, unsigned threads,
		    struct error *err)
{
	struct scans s = {.r = r, .tally = t, .parts = parts};
	int status = 0;

	parallel_each(SUMMARY_N_PARTS, threads, scan_part, &s);
	for (int i = 0; i < SUMMARY_N_PARTS; i++) {
		if (s.status[i] && !status)
			status = error_set(err, "%s", s.err[i].text);
		error_deinit(&s.err[i]);
	}
	return status;
}

/* ---- sums of rows, in the results' own terms ------------------------------------------------- */

static void take_lanes(const struct results *r, struct res_vcpu *v, struct tally_vcpu *from)
{
	vec_each (c, &from->cpus)
		*vec_push(&v->sum.cpus) = *c;
	vec_each (o, &from->occupants) {
		*vec_push(&v->sum.occupants) = (struct summary_occupant){
			.thread = results_find(r, TABLE_THREAD, o->who.thread),
			.busy = o->who.busy,
			.irq = o->who.irq,
			.handler = store_string(r->store, o->who.handler),
			.certainty = o->who.certainty,
			.preempted = o->preempted,
			.waiting = o->waiting,
			.throttled = o->throttled,
			.times = o->times,
			.stretches = o->stretches,
			.worst = o->worst,
		};
	}
	v->sum.blocked = from->longest;
	v->sum.n_blocked = from->n_blocked;
}

static struct histogram take_histogram(struct histogram *from)
{
	struct histogram taken = *from;

	*from = (struct histogram){0};
	return taken;
}

static void take_waits(const struct results *r, struct res_vcpu *v, const struct tally_vcpu *from)
{
	int64_t most[WAIT_N_SOURCES];

	for (int s = 0; s < WAIT_N_SOURCES; s++) {
		v->sum.wait_sender[s] = NOBODY;
		most[s] = INT64_MIN;
	}
	vec_each (w, &from->waits) {
		struct res_vector vector = results_vector(r, v->machine, w->vector);

		histogram_merge(&v->sum.waits[vector.source], &w->times);
		if (w->times.sum > most[vector.source]) {
			most[vector.source] = w->times.sum;
			v->sum.wait_sender[vector.source] = vector.sender;
		}
	}
}

static void take_topics(const struct results *r, struct res_vcpu *v, const struct tally_vcpu *from)
{
	vec_each (d, &from->topics) {
		const struct tally_exits *e = &from->exits.at[d->exits];

		*vec_push(&v->sum.topics) = (struct summary_topic){
			.reason = e->reason,
			.name = store_string(r->store, e->name),
			.detail = store_string(r->store, d->detail),
			.n = d->n,
			.cost = d->cost,
			.worst = d->worst,
		};
	}
}

static void take_exits(const struct results *r, struct res_vcpu *v, struct tally_vcpu *from)
{
	v->sum.n_unsplit = from->n_unsplit;
	vec_each (e, &from->exits) {
		*vec_push(&v->sum.exits) = (struct summary_exits){
			.reason = e->reason,
			.isa = e->isa,
			.name = store_string(r->store, e->name),
			.n = e->n,
			.whole = take_histogram(&e->whole),
			.handled = e->handled,
			.userspace = e->userspace,
			.preempted = e->preempted,
			.blocked = e->blocked,
			.n_split = e->n_split,
			.early = e->early,
			.polled = e->polled,
		};
	}
	vec_each (d, &from->details)
		*vec_push(&v->sum.details) = *d;
	take_topics(r, v, from);
	take_waits(r, v, from);
}

static void take_wakeups(const struct results *r, struct res_vcpu *v, struct tally_vcpu *from)
{
	(void)r;
	for (int i = 0; i < STAGE_N; i++)
		v->sum.stages[i] = take_histogram(&from->stages[i]);
}

static void take_vcpu(const struct results *r, unsigned parts, struct res_vcpu *v,
		      struct tally_vcpu *from)
{
	if (parts & SUMMARY_LANES)
		take_lanes(r, v, from);
	if (parts & SUMMARY_EXITS)
		take_exits(r, v, from);
	if (parts & SUMMARY_WAKEUPS)
		take_wakeups(r, v, from);
}

/* That of all rows goes by the vCPUs' ids. */
static void take_tally(struct results *r, unsigned parts, struct tally *t)
{
	vec_each (v, &r->vcpus) {
		if ((uint64_t)v->id < t->n)
			take_vcpu(r, parts, v, &t->vcpus[v->id]);
	}
}

static int read_tally(struct results *r, unsigned parts, unsigned threads, struct error *err)
{
	struct tally *t = tally_new(r->vcpus.n);
	int status = scan_all(r, t, parts, threads, err);

	for (size_t i = 0; !status && i < r->vcpus.n; i++)
		take_vcpu(r, parts, &r->vcpus.at[i], &t->vcpus[i]);
	tally_free(t);
	return status;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct tally_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static int by_time_taken(const void *a, const void *b)
{
	const struct summary_occupant *x = a, *y = b;
	int64_t s = summary_taken(x), t = summary_taken(y);

	if (s != t)
		return s > t ? -1 : 1;
	if (x->thread != y->thread)
		return (unsigned)x->thread < (unsigned)y->thread ? -1 : 1;
	return x->irq < y->irq ? -1 : x->irq > y->irq;
}

/* The most expensive first; how long the guest slept in them costs nothing. */
static int by_cost(const void *a, const void *b)
{
	const struct summary_exits *x = a, *y = b;
	int64_t s = summary_is_split(x) ? summary_cost(x) : x->whole.sum;
	int64_t t = summary_is_split(y) ? summary_cost(y) : y->whole.sum;

	if (s != t)
		return s > t ? -1 : 1;
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
		qsort(v->exits.at, v->exits.n, sizeof(*v->exits.at), by_cost);
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

int summary_scan(struct results *r, unsigned parts, unsigned threads, struct tally *tally,
		 struct error *err)
{
	count_exits(r);
	if (tally)
		take_tally(r, parts, tally);
	else if (read_tally(r, parts, threads, err))
		return ERR;
	vec_each (v, &r->vcpus) {
		sort(&v->sum);
		if (r->range.given)
			v->sum.n_exits = counted(&v->sum);
	}
	return 0;
}

/* ---- VMs ------------------------------------------------------------------------------------- */

static struct summary_exits *get_exits(summary_exits_t *exits, struct map *by_cause, int64_t reason,
				       int64_t isa)
{
	uint64_t *i = map_put(by_cause, tally_cause_key(reason, isa), exits->n);

	if (*i == exits->n) {
		struct summary_exits *e = vec_push(exits);

		e->reason = reason;
		e->isa = isa;
	}
	return &exits->at[*i];
}

static void merge_exits(struct vm_exits *x, struct map *by_cause, const struct summary_exits *from)
{
	struct summary_exits *to = get_exits(&x->exits, by_cause, from->reason, from->isa);

	to->name = from->name;
	to->n += from->n;
	histogram_merge(&to->whole, &from->whole);
	to->n_split += from->n_split;
	tally_add_ns(&to->handled, from->handled);
	tally_add_ns(&to->userspace, from->userspace);
	tally_add_ns(&to->preempted, from->preempted);
	tally_add_ns(&to->blocked, from->blocked);
	tally_add_ns(&to->early, from->early);
	tally_add_ns(&to->polled, from->polled);
}

static bool vm_counts(const struct res_vcpu *v, int machine, int64_t vcpu)
{
	return v->machine == machine && (vcpu == TABLE_NULL || v->index == vcpu);
}

void vm_exits_init(struct vm_exits *x, const struct results *r, int machine, int64_t vcpu)
{
	struct map by_cause = {0};

	*x = (struct vm_exits){0};
	vec_each (v, &r->vcpus) {
		if (!vm_counts(v, machine, vcpu))
			continue;
		tally_add_ns(&x->observed, summary_observed(&v->sum));
		vec_each (e, &v->sum.exits)
			merge_exits(x, &by_cause, e);
	}
	map_deinit(&by_cause);
	if (x->exits.n)
		qsort(x->exits.at, x->exits.n, sizeof(*x->exits.at), by_cost);
}

void vm_exits_deinit(struct vm_exits *x)
{
	summary_exits_deinit(&x->exits);
}

static int by_cost_of_detail(const void *a, const void *b)
{
	const struct tally_detail *x = a, *y = b;
	int64_t s = summary_detail_is_split(x) ? x->cost : x->total;
	int64_t t = summary_detail_is_split(y) ? y->cost : y->total;

	if (s != t)
		return s > t ? -1 : 1;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

void vm_details_init(struct vm_details *d, const struct results *r, int machine, int64_t vcpu)
{
	struct map by_name = {0};

	*d = (struct vm_details){0};
	vec_each (v, &r->vcpus) {
		if (!vm_counts(v, machine, vcpu))
			continue;
		tally_add_ns(&d->observed, summary_observed(&v->sum));
		vec_each (from, &v->sum.details) {
			uint64_t *i = map_put(&by_name, (uint64_t)from->name, d->details.n);

			if (*i == d->details.n)
				vec_push(&d->details)->name = from->name;
			tally_merge_detail(&d->details.at[*i], from);
		}
	}
	map_deinit(&by_name);
	if (d->details.n)
		qsort(d->details.at, d->details.n, sizeof(*d->details.at), by_cost_of_detail);
}

void vm_details_deinit(struct vm_details *d)
{
	vec_deinit(&d->details);
}
