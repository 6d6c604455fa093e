#include "results/thread_cost.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "results/scan_row.h"
#include "results/threads.h"
#include "results/units.h"

enum { NAME_WIDTH = 40 };

/* ---- which thread it is ---------------------------------------------------------------------- */

/* Return: ns in which it ran, or wanted to. */
static int64_t thread_cost_weight(const struct res_thread *t)
{
	return (int64_t)((uint64_t)thread_charged(t->time) + (uint64_t)t->time[THREAD_WAIT_CPU]);
}

static bool thread_cost_is(const struct results *r, const struct res_thread *t, const char *vm,
			   const char *who)
{
	const struct res_machine *m = &r->machines.at[t->machine];
	char *end;
	const int64_t tid = strtoll(who, &end, 10);

	if (m->parent == NOBODY || (vm && strcmp(m->name, vm) != 0) || !t->tid)
		return false;
	return !*end ? t->tid == tid : t->comm && !strcmp(t->comm, who);
}

static const char *thread_cost_name(const struct results *r, const struct res_thread *t,
				    struct arena *texts)
{
	return arena_printf(texts, "%s (tid %" PRId64 ") of %s",
			    units_safe(texts, t->comm ? t->comm : "?", NAME_WIDTH), t->tid,
			    units_safe(texts, r->machines.at[t->machine].name, NAME_WIDTH));
}

/*
 * Threads that had one tid after each other are one to who asks: the one that ran most. Return: 0,
 * or 1 with err set.
 */
static int thread_cost_find(struct thread_cost *t, const struct results *r, const char *vm,
			    const char *who, struct error *err)
{
	const struct res_thread *best = NULL, *other = NULL;

	vec_each (x, &r->threads) {
		if (!thread_cost_is(r, x, vm, who))
			continue;
		if (best && (best->tid != x->tid || best->machine != x->machine))
			other = best;
		if (!best || thread_cost_weight(x) > thread_cost_weight(best))
			best = x;
		else if (other == best)
			other = x;
	}
	if (!best)
		error_set(err, "no thread of a guest that was recorded is '%s'%s%s", who,
			  vm ? " in " : "", vm ? vm : "");
	else if (other)
		error_set(err, "several threads are '%s', %s and %s: name one by its tid, and --vm",
			  who, thread_cost_name(r, best, &t->texts),
			  thread_cost_name(r, other, &t->texts));
	if (!best || other)
		return 1;
	t->thread = (int)(best - r->threads.at);
	t->vm = best->machine;
	t->name = thread_cost_name(r, best, &t->texts);
	return 0;
}

/* ---- lanes beside its own -------------------------------------------------------------------- */

/* One of its guest's CPUs: what the vCPU did, and who was current on it in the guest. */
struct thread_cpu {
	int vcpu;
	struct store_cursor state, current;
	bool has_state, has_current, state_ends, current_ends;
	int64_t told; /* until then the vCPU's losses have been added up */
};

struct thread_walk {
	struct thread_cost *t;
	const struct results *r;
	struct error *err;
	VEC(struct thread_cpu) cpus;
	struct map others; /* thread -> index of its culprit */
};

struct thread_piece {
	enum thread_state state;
	int64_t begin, end;
};

static bool thread_open(const struct thread_walk *w, struct store_cursor *c, enum table_id table,
			const int64_t *keys, uint32_t columns)
{
	struct store_query q;

	if (!scan_query_lane(w->r, table, keys, columns, &q))
		return false;
	store_cursor_init(c, w->r->store, &q);
	return true;
}

static int thread_next(struct thread_walk *w, struct store_cursor *c, bool *endsp)
{
	int status = store_cursor_next(c, w->err);

	*endsp = status != CURSOR_ROW;
	return status == ERR ? ERR : 0;
}

static int thread_open_cpu(struct thread_walk *w, int vcpu)
{
	const struct res_vcpu *v = &w->r->vcpus.at[vcpu];
	const int64_t cpu[] = {w->r->machines.at[v->machine].id, v->index};
	struct thread_cpu *c = vec_push(&w->cpus);

	*c = (struct thread_cpu){.vcpu = vcpu, .told = INT64_MIN};
	c->has_state = thread_open(w, &c->state, TABLE_VCPU_STATE, &v->id, QUERY_ALL_COLUMNS);
	c->has_current = thread_open(w, &c->current, TABLE_CPU_STATE, cpu,
				     1u << COL_CPU_STATE_TS | 1u << COL_CPU_STATE_DUR |
					     1u << COL_CPU_STATE_THREAD_ID);
	if (c->has_state && thread_next(w, &c->state, &c->state_ends))
		return ERR;
	return c->has_current ? thread_next(w, &c->current, &c->current_ends) : 0;
}

static struct thread_cpu *thread_cpu(struct thread_walk *w, int64_t number)
{
	vec_each (c, &w->cpus) {
		if (w->r->vcpus.at[c->vcpu].index == number)
			return c;
	}
	return NULL;
}

/* ---- its own guest's part -------------------------------------------------------------------- */

static void thread_add_part(struct thread_cost *t, enum cause cause, const struct thread_cpu *c,
			    int64_t begin, int64_t ns)
{
	for (int i = 0; i < THREAD_PARTS; i++) {
		struct blame *b = &t->parts[i].blame;

		if (t->parts[i].cause != cause)
			continue;
		struct blame_worst *now = &t->parts[i].now;
		bool goes_on = b->times && now->vcpu == c->vcpu && now->at + now->ns == begin;

		b->n_vcpus += !b->n_vcpus || b->vcpu != c->vcpu;
		b->vcpu = c->vcpu;
		b->times += !goes_on;
		tally_add_ns(&b->cost, ns);
		*now = goes_on ? (struct blame_worst){c->vcpu, now->at, now->ns + ns}
			       : (struct blame_worst){c->vcpu, begin, ns};
		if (now->ns > b->worst.ns)
			b->worst = *now;
	}
}

static void thread_add_other(struct thread_walk *w, struct blame *b, int64_t id, int64_t ns)
{
	int thread = results_find(w->r, TABLE_THREAD, id);
	const struct res_thread *x = thread == NOBODY ? NULL : &w->r->threads.at[thread];

	if (!x || thread == w->t->thread)
		return;
	uint64_t *i = map_put(&w->others, (uint64_t)thread, b->culprits.n);

	if (*i == b->culprits.n)
		*vec_push(&b->culprits) = (struct blame_culprit){
			.name = x->comm ? x->comm : "?", .vm = NOBODY, .pid = x->pid, .n = 1};
	tally_add_ns(&b->culprits.at[*i].ns, ns);
	b->culprits.at[*i].times++;
}

/* Who was current on the guest's CPU in [begin, end), by its own scheduler. */
static int thread_add_others(struct thread_walk *w, struct thread_cpu *c, int64_t begin,
			     int64_t end)
{
	struct blame *b = &w->t->parts[0].blame;

	while (c->has_current && !c->current_ends) {
		int64_t from = store_cursor_get(&c->current, COL_CPU_STATE_TS);
		int64_t to = from + store_cursor_get(&c->current, COL_CPU_STATE_DUR), until = to;

		if (from >= end)
			break;
		from = from > begin ? from : begin;
		to = to < end ? to : end;
		if (to > from)
			thread_add_other(w, b,
					 store_cursor_get(&c->current, COL_CPU_STATE_THREAD_ID),
					 to - from);
		if (until > end)
			break;
		if (thread_next(w, &c->current, &c->current_ends))
			return ERR;
	}
	return 0;
}

/* ---- its host's part ------------------------------------------------------------------------- */

static void thread_add_lost(struct thread_walk *w, struct thread_cpu *c, enum vcpu_state state,
			    int64_t begin, int64_t end)
{
	const int64_t id = w->r->vcpus.at[c->vcpu].id;
	struct tally_state s = scan_state(w->r, &c->state);
	const int64_t from = s.begin;

	s.begin = begin;
	s.dur = end - begin;

	tally_add_ns(&w->t->lost, s.dur);
	if (id < 0 || (uint64_t)id >= w->t->tally->n)
		return;
	struct tally_vcpu *v = &w->t->tally->vcpus[id];

	/* One that had begun already took nothing from this thread. */
	if (c->told != begin)
		v->before = from < begin ? state : VCPU_GUEST;
	tally_add_state(v, &s);
	c->told = end;
}

/* What the vCPU did in [begin, end) is told of a thread that is current on it, or waits for it. */
static int thread_add_state(struct thread_walk *w, struct thread_cpu *c, enum thread_state of,
			    enum vcpu_state state, int64_t begin, int64_t end)
{
	const bool waits = of == THREAD_WAIT_CPU;

	if (of == THREAD_UNKNOWN) {
		const int64_t ran = state == VCPU_GUEST ? end - begin : 0;

		tally_add_ns(&w->t->got, ran);
		tally_add_ns(&w->t->wanted, ran);
		return 0;
	}
	if (vcpu_state_is(state, STATE_LOST)) {
		thread_add_lost(w, c, state, begin, end);
		return 0;
	}
	switch (state) {
	case VCPU_GUEST:
	case VCPU_HYPERVISOR:
	case VCPU_USERSPACE:
		if (!waits) {
			tally_add_ns(&w->t->exits, state == VCPU_GUEST ? 0 : end - begin);
			return 0;
		}
		thread_add_part(w->t, CAUSE_GUEST_THREADS, c, begin, end - begin);
		return thread_add_others(w, c, begin, end);
	case VCPU_POLLING:
	case VCPU_HALTED:
	case VCPU_BLOCKED:
		thread_add_part(w->t, CAUSE_GUEST_WAKING, c, begin, end - begin);
		return 0;
	default:
		return 0;
	}
}

/* Walks through what the vCPU did meanwhile. */
static int thread_add_meanwhile(struct thread_walk *w, struct thread_cpu *c,
				const struct thread_piece *p)
{
	while (c->has_state && !c->state_ends) {
		int64_t from = store_cursor_get(&c->state, COL_VCPU_STATE_TS);
		int64_t to = from + store_cursor_get(&c->state, COL_VCPU_STATE_DUR), until = to;
		enum vcpu_state state =
			(enum vcpu_state)store_cursor_get(&c->state, COL_VCPU_STATE_STATE);

		if (from >= p->end)
			break;
		from = from > p->begin ? from : p->begin;
		to = to < p->end ? to : p->end;
		if (to > from && thread_add_state(w, c, p->state, state, from, to))
			return ERR;
		if (until > p->end)
			break;
		if (thread_next(w, &c->state, &c->state_ends))
			return ERR;
	}
	return 0;
}

static int thread_add_piece(struct thread_walk *w, const struct thread_piece *p, int64_t cpu)
{
	struct thread_cpu *c = thread_cpu(w, cpu);

	switch (p->state) {
	case THREAD_USER:
	case THREAD_SYSCALL:
		tally_add_ns(&w->t->got, p->end - p->begin);
		break;
	case THREAD_IRQ:
	case THREAD_SOFTIRQ:
		if (c)
			thread_add_part(w->t, CAUSE_GUEST_INTERRUPTS, c, p->begin,
					p->end - p->begin);
		break;
	case THREAD_UNKNOWN:
		/* Current, in user code or the kernel. */
		return c ? thread_add_meanwhile(w, c, p) : 0;
	case THREAD_STOLEN:
	case THREAD_HYPERVISOR:
	case THREAD_WAIT_CPU:
		tally_add_ns(&w->t->wanted, p->end - p->begin);
		return c ? thread_add_meanwhile(w, c, p) : 0;
	default:
		return 0;
	}
	tally_add_ns(&w->t->wanted, p->end - p->begin);
	return 0;
}

/* ---- its lane, and its exits ----------------------------------------------------------------- */

static int thread_walk_lane(struct thread_walk *w)
{
	const int64_t id = w->r->threads.at[w->t->thread].id;
	const struct results_range *range = &w->r->range;
	struct store_cursor c;
	int status;

	if (!thread_open(w, &c, TABLE_THREAD_STATE, &id,
			 QUERY_ALL_COLUMNS & ~(1u << COL_THREAD_STATE_SYSCALL)))
		return 0;
	while ((status = store_cursor_next(&c, w->err)) == CURSOR_ROW) {
		struct thread_piece p = {
			.state = (enum thread_state)store_cursor_get(&c, COL_THREAD_STATE_STATE),
			.begin = store_cursor_get(&c, COL_THREAD_STATE_TS),
		};

		p.end = p.begin + store_cursor_get(&c, COL_THREAD_STATE_DUR);
		if (range->given && p.begin < range->from)
			p.begin = range->from;
		if (range->given && p.end > range->to)
			p.end = range->to;
		if (p.end > p.begin &&
		    thread_add_piece(w, &p, store_cursor_get(&c, COL_THREAD_STATE_CPU))) {
			status = ERR;
			break;
		}
	}
	store_cursor_deinit(&c);
	return status == ERR ? ERR : 0;
}

/* The exits of a vCPU while the thread was current on it. */
static int thread_walk_exits(struct thread_walk *w, int vcpu)
{
	const int64_t id = w->r->vcpus.at[vcpu].id, own = w->r->threads.at[w->t->thread].id;
	const struct results_range *range = &w->r->range;
	struct store_cursor c;
	int status;

	if (id < 0 || (uint64_t)id >= w->t->tally->n ||
	    !thread_open(w, &c, TABLE_VM_EXIT, &id, QUERY_ALL_COLUMNS))
		return 0;
	while ((status = store_cursor_next(&c, w->err)) == CURSOR_ROW) {
		if (store_cursor_get(&c, COL_VM_EXIT_GUEST_THREAD_ID) == own &&
		    (!range->given || store_cursor_get(&c, COL_VM_EXIT_TS) >= range->from)) {
			const struct tally_exit x = scan_exit(&c);

			tally_add_exit(&w->t->tally->vcpus[id], &x);
		}
	}
	store_cursor_deinit(&c);
	return status == ERR ? ERR : 0;
}

static int thread_walk_all(struct thread_walk *w)
{
	for (int i = 0; i < (int)w->r->vcpus.n; i++) {
		if (w->r->vcpus.at[i].machine != w->t->vm)
			continue;
		if (thread_open_cpu(w, i) || thread_walk_exits(w, i))
			return ERR;
	}
	return thread_walk_lane(w);
}

/* ---- all ------------------------------------------------------------------------------------- */

int thread_cost_init(struct thread_cost *t, const struct results *r, const char *vm,
		     const char *who, struct error *err)
{
	struct thread_walk w = {.t = t, .r = r, .err = err};

	*t = (struct thread_cost){.thread = NOBODY, .vm = NOBODY};
	t->parts[0].cause = CAUSE_GUEST_THREADS;
	t->parts[1].cause = CAUSE_GUEST_INTERRUPTS;
	t->parts[2].cause = CAUSE_GUEST_WAKING;
	if (thread_cost_find(t, r, vm, who, err))
		return 1;
	t->tally = tally_new(r->vcpus.n);
	int status = thread_walk_all(&w);

	vec_each (c, &w.cpus) {
		if (c->has_state)
			store_cursor_deinit(&c->state);
		if (c->has_current)
			store_cursor_deinit(&c->current);
	}
	vec_deinit(&w.cpus);
	map_deinit(&w.others);
	return status;
}

void thread_cost_deinit(struct thread_cost *t)
{
	tally_free(t->tally);
	for (int i = 0; i < THREAD_PARTS; i++)
		vec_deinit(&t->parts[i].blame.culprits);
	arena_deinit(&t->texts);
}
