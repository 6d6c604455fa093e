#include "model/throttle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * ns. A CPU that has nothing to do takes some 50 us to pick up who has become runnable,
	 * some 500 us where the host is virtual itself.
	 */
	THROTTLE_IDLE = 1000000,
	/* ns. A thread that was woken waits longer than any idle state takes to be left. */
	THROTTLE_WOKEN = 2000000,
	/* ns. Threads of a group that has been refilled are back on idle CPUs within that time. */
	THROTTLE_TOGETHER = 1000000,
	/* ns. And they stop within that time, but those that are not on a CPU. */
	THROTTLE_STOP = 100000,
	/* ns from the timer until the thread runs, if others want the CPU, too: some slices. */
	THROTTLE_BACK = 12000000,
	/*
	 * ns. From 6.18 on a thread of a throttled group gets to run when it is woken, for some
	 * 10 us until it is throttled itself.
	 */
	THROTTLE_OWN = 200000,
	/* ns. Waits of ordinary slices are shorter; what is longer is one of its own kind. */
	THROTTLE_LONG = 8000000,
	/*
	 * ns. A quota is overrun by up to a tick on each CPU, which the next period pays back: 4 ms
	 * at 250 Hz.
	 */
	THROTTLE_SLACK = 8000000,
	/* Of expiries at which a VM was off its CPU or on it, in percent, to be its group's. */
	THROTTLE_SHARE = 70,
};

/* ---- functions of timers --------------------------------------------------------------------- */

/* Return: the function's name, or else its address as text; to be freed. */
static char *throttle_symbol(const struct model *m, uint32_t machine, uint64_t address,
			     bool *is_namedp)
{
	const struct model_symbols *s = &m->symbols;
	char *name = s->name ? s->name(s->ctx, (int)machine, address) : NULL;

	*is_namedp = name != NULL;
	return name ? name : mem_printf("0x%" PRIx64, address);
}

static struct timer_function *throttle_add_function(struct model *m, uint32_t machine,
						    uint64_t address)
{
	struct timer_function *f = vec_push(&m->machines[machine].throttle.functions);

	*f = (struct timer_function){0};
	char *name = throttle_symbol(m, machine, address, &f->is_named);

	f->handler = work_name(&m->names, name, strlen(name));
	f->refills =
		!strcmp(name, "sched_cfs_period_timer") || !strcmp(name, "sched_cfs_slack_timer");
	free(name);
	return f;
}

static struct timer_function *throttle_function(struct model *m, uint32_t machine, uint64_t address)
{
	struct throttle *t = &m->machines[machine].throttle;
	uint64_t *at = map_put(&t->function_at, address, t->functions.n);

	return *at == t->functions.n ? throttle_add_function(m, machine, address)
				     : &t->functions.at[*at];
}

/*
 * Where the recorder has no names of functions: one that mostly expires when a CPU that idles gets
 * a thread back that was runnable all the time is the one that refills quotas. So is one that
 * hardly ever expires but when a thread is back that was without a CPU for longer than others'
 * turns take (is_proved: not that).
 */
static void throttle_vote(struct throttle *t, int64_t ts, bool is_proved)
{
	enum { ENOUGH = 3, PERCENT = 30, PERCENT_UNPROVED = 60 };

	for (unsigned i = 0; i < THROTTLE_RECENT; i++) {
		const struct timer_expiry *x = &t->recent[i];
		struct timer_function *f =
			x->function < t->functions.n ? &t->functions.at[x->function] : NULL;

		if (!f || !f->n || f->is_named || x->ts > ts || ts - x->ts > THROTTLE_IDLE)
			continue;
		f->votes++;
		f->proved += is_proved;
		f->refills = (f->proved >= ENOUGH && f->proved * 100 >= f->n * PERCENT) ||
			     (f->votes >= ENOUGH && f->votes * 100 >= f->n * PERCENT_UNPROVED);
	}
}

/* ---- timers of groups ------------------------------------------------------------------------ */

static struct throttle_group *throttle_group(struct throttle *t, uint64_t timer)
{
	vec_each (g, &t->groups) {
		if (g->timer == timer)
			return g;
	}
	struct throttle_group *g = vec_push(&t->groups);

	*g = (struct throttle_group){.timer = timer};
	return g;
}

static struct throttle_score *throttle_score(struct throttle_group *g, int vm)
{
	vec_each (s, &g->scores) {
		if (s->vm == vm)
			return s;
	}
	struct throttle_score *s = vec_push(&g->scores);

	*s = (struct throttle_score){.vm = vm};
	return s;
}

/* Return: ns that the vCPU's thread has been on CPUs. */
static int64_t throttle_ran(const struct world_vcpu *v, int64_t ts)
{
	return v->ran + (v->self.running_on == NO_CPU ? 0 : ts - v->ran_since);
}

/* A period of the group ends: how much of it the VM has used. is_whole: it was one period. */
static void throttle_account(struct throttle_score *s, int64_t total, bool on, bool is_whole)
{
	s->used = total - s->total;
	s->total = total;
	s->on += on;
	if (is_whole && s->used > s->most)
		s->most = s->used;
}

/* All VMs of the machine: vCPUs are in the order of their VMs. */
static void throttle_account_all(const struct model *m, uint32_t machine, struct throttle_group *g,
				 int64_t ts, bool is_whole)
{
	for (size_t i = 0, k; i < m->n_vcpus; i = k) {
		int64_t total = 0;
		bool on = false;

		for (k = i; k < m->n_vcpus && m->vcpus[k].vm == m->vcpus[i].vm; k++) {
			total += throttle_ran(&m->vcpus[k], ts);
			/* Who has a CPU when the quota is refilled had not used it up. */
			on |= m->vcpus[k].self.running_on != NO_CPU;
		}
		if (m->vcpus[i].host == machine)
			throttle_account(throttle_score(g, m->vcpus[i].vm), total, on, is_whole);
	}
}

static void throttle_expired(struct model *m, uint32_t machine, uint64_t timer, int64_t ts)
{
	struct throttle_group *g = throttle_group(&m->machines[machine].throttle, timer);
	int64_t gap = g->n++ ? ts - g->last : 0;

	if (gap > 0 && (!g->period || gap < g->period))
		g->period = gap;
	/* Without anybody to throttle the timer rests. */
	throttle_account_all(m, machine, g, ts, gap > 0 && gap < g->period + g->period / 2);
	g->before = g->done;
	g->last = g->done = ts;
}

const char *throttle_timer(struct model *m, const struct event *e, struct cpu *c)
{
	struct throttle *t = &m->machines[c->machine].throttle;
	struct timer_function *f =
		throttle_function(m, c->machine, (uint64_t)e->hrtimer_entry.function);

	f->n++;
	if (!f->is_named)
		t->recent[t->n_recent++ % THROTTLE_RECENT] = (struct timer_expiry){
			.ts = e->ts, .function = (uint32_t)(f - t->functions.at)};
	c->refills = f->refills;
	if (f->refills)
		throttle_expired(m, c->machine, (uint64_t)e->hrtimer_entry.timer, e->ts);
	return f->handler;
}

void throttle_timer_done(struct model *m, const struct event *e, struct cpu *c)
{
	if (!c->refills)
		return;
	c->refills = false;
	throttle_group(&m->machines[c->machine].throttle, (uint64_t)e->hrtimer_exit.timer)->done =
		e->ts;
}

static bool throttle_is_mostly(uint32_t of, uint32_t all)
{
	return (uint64_t)of * 100 >= (uint64_t)all * THROTTLE_SHARE;
}

/* Whether this VM comes back by the timer more surely than the other one. */
static bool throttle_is_better(const struct throttle_score *a, const struct throttle_score *b)
{
	uint64_t of_a = (uint64_t)a->hits * (b->hits + b->misses + b->on);
	uint64_t of_b = (uint64_t)b->hits * (a->hits + a->misses + a->on);

	if (!a->proved != !b->proved)
		return a->proved;
	return of_a != of_b ? of_a > of_b : a->hits >= b->hits;
}

/* Whether the VM had used up in the last period what it ever used in one. */
static bool throttle_is_used_up(const struct model *m, const struct throttle_score *s)
{
	int64_t slack = 0;

	for (size_t i = 0; i < m->n_vcpus; i++)
		slack += m->vcpus[i].vm == s->vm ? THROTTLE_SLACK : 0;
	return s->used >= s->most - slack;
}

/* Whether the timer is that of the VM's group. is_long: by a stretch that no slice explains. */
static bool throttle_is_group(const struct model *m, const struct throttle_group *g,
			      const struct throttle_score *own, bool is_long)
{
	uint32_t all = own->hits + own->misses + (is_long ? 0 : own->on);

	if (!throttle_is_used_up(m, own))
		return false;
	if (!own->proved && !throttle_is_mostly(own->hits, all))
		return false;
	vec_each (s, &g->scores) {
		if (s != own && !m->unlimited[s->vm] && !throttle_is_better(own, s))
			return false;
	}
	return true;
}

/* ---- a stretch without a CPU ----------------------------------------------------------------- */

struct throttle_stretch {
	const struct vcpu_interval *pieces;
	size_t n;
	int64_t from, to;
	bool woken, moved;
	struct throttle_group *group; /* whose timer expired last in it, or NULL */
};

static const struct thread *throttle_thread(const struct model *m, uint32_t id)
{
	uint32_t place = id == NO_THREAD ? SLOT_NONE : slots_find(&m->places, id);

	return place == SLOT_NONE ? NULL : m->threads.at[place];
}

static bool throttle_is_own(const struct model *m, const struct world_vcpu *v, uint32_t thread)
{
	const struct thread *t = throttle_thread(m, thread);

	if (!t)
		return false;
	if (t->vcpu)
		return t->vcpu->vm == v->vm;
	return t->known.pid != NO_VALUE && t->known.pid == m->identity->vms.at[v->vm].pid;
}

static bool throttle_is_idle(const struct model *m, const struct occupant *o)
{
	const struct thread *t = throttle_thread(m, o->thread);

	return t && thread_is_idle(t);
}

/* What is throttled is not moved to another queue, and begins when its group has lost the CPU. */
static void throttle_find_begin(const struct model *m, const struct world_vcpu *v,
				struct throttle_stretch *s)
{
	for (size_t i = 0; i < s->n && s->pieces[i].begin < s->to; i++) {
		const struct vcpu_interval *p = &s->pieces[i];

		if (i && p->cpu != p[-1].cpu)
			s->from = p->begin;
		if (p->end - p->begin > THROTTLE_OWN && throttle_is_own(m, v, p->occupant.thread))
			s->from = p->end;
	}
}

/*
 * Where no timer says when it ended, it did when it was moved, or else when it had a CPU; or
 * another thread of its group, just before it.
 */
static void throttle_find_end(const struct model *m, const struct world_vcpu *v,
			      struct throttle_stretch *s)
{
	if (s->group && s->group->done < s->to)
		s->to = s->group->done;
	for (size_t i = 1; !s->group && i < s->n; i++) {
		if (s->pieces[i].cpu != s->pieces[i - 1].cpu) {
			s->to = s->pieces[i].begin;
			return;
		}
	}
	for (size_t i = s->n; i && throttle_is_own(m, v, s->pieces[i - 1].occupant.thread); i--)
		s->to = s->pieces[i - 1].begin < s->to ? s->pieces[i - 1].begin : s->to;
}

static bool throttle_are_siblings(const struct world_vcpu *v, const struct world_vcpu *u)
{
	return u != v && u->vm == v->vm && u->host == v->host;
}

/*
 * Whether it has no CPU now and did not sleep, although its CPU idled: it will prove a quota when
 * it is back. *fromp: since when.
 */
static bool throttle_will_prove(const struct model *m, const struct world_vcpu *u, int64_t ts,
				int64_t *fromp)
{
	const struct vcpu *v = &u->self;
	const struct vcpu_interval *first =
		v->off_at < v->held.n ? &v->held.at[v->off_at] : &v->open;
	int64_t idle = throttle_is_idle(m, &v->open.occupant) ? ts - v->open.begin : 0;

	if (!v->off_pending || first->state != VCPU_PREEMPTED)
		return false;
	for (size_t i = v->off_at; i < v->held.n; i++) {
		const struct vcpu_interval *p = &v->held.at[i];

		idle += throttle_is_idle(m, &p->occupant) ? p->end - p->begin : 0;
	}
	*fromp = first->begin;
	return idle >= THROTTLE_IDLE;
}

/* Return: when its CPU idled first in that stretch; its end: never. */
static int64_t throttle_first_idle(const struct model *m, const struct throttle_stretch *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->pieces[i].end > s->from && throttle_is_idle(m, &s->pieces[i].occupant))
			return s->pieces[i].begin > s->from ? s->pieces[i].begin : s->from;
	}
	return s->to;
}

/*
 * Return: whether u, another vCPU of v's VM, stopped for the quota that v's stretch may be about;
 * *fromp: when it did; *afterp: since when it had been on a CPU.
 */
static bool throttle_stopped(const struct model *m, const struct world_vcpu *v,
			     const struct world_vcpu *u, const struct throttle_stretch *s,
			     int64_t *fromp, int64_t *afterp)
{
	*afterp = u->ran_since;
	if (!throttle_are_siblings(v, u))
		return false;
	if (throttle_will_prove(m, u, s->pieces[s->n - 1].end, fromp))
		return true;
	*fromp = u->kept_from;
	*afterp = u->kept_after;
	return u->kept_to >= s->to - THROTTLE_TOGETHER;
}

/* While another vCPU of the VM ran on, only whoever had this one's CPU kept it from it. */
static void throttle_begin_together(const struct model *m, const struct world_vcpu *v,
				    struct throttle_stretch *s)
{
	int64_t begin = s->from, idle = throttle_first_idle(m, s);

	if (m->apart[v->vm])
		return;
	for (size_t i = 0; i < m->n_vcpus; i++) {
		const struct world_vcpu *u = &m->vcpus[i];
		int64_t from, after;

		if (throttle_stopped(m, v, u, s, &from, &after) && from - after > THROTTLE_OWN &&
		    from > begin && from < s->to)
			begin = from;
	}
	begin = begin < idle ? begin : idle;
	if (begin - s->from > THROTTLE_STOP)
		s->from = begin;
}

/*
 * Whether the quota was refilled within the stretch, too, and other vCPUs of the VM ran from there
 * on: this one's CPU was busy with somebody else then.
 */
static bool throttle_goes_on(const struct model *m, const struct world_vcpu *v,
			     const struct throttle_stretch *s)
{
	const int64_t before = s->group ? s->group->before : s->from;

	for (size_t i = 0; i < m->n_vcpus && before > s->from && before < s->to; i++) {
		int64_t from, after;

		if (!m->apart[v->vm] && throttle_stopped(m, v, &m->vcpus[i], s, &from, &after) &&
		    from > before && from < s->to && from - after > THROTTLE_OWN)
			return true;
	}
	return false;
}

/*
 * Where no timer tells: the part of it in which another vCPU of the VM was throttled that stopped
 * then, or later. Return: whether there is one.
 */
static bool throttle_find_together(const struct model *m, const struct world_vcpu *v,
				   struct throttle_stretch *s)
{
	int64_t best_from = 0, best_to = 0;

	for (size_t i = 0; i < m->n_vcpus && !m->apart[v->vm]; i++) {
		const struct world_vcpu *u = &m->vcpus[i];
		int64_t from = u->kept_from, to = u->kept_to;

		if (!throttle_are_siblings(v, u))
			continue;
		if (throttle_will_prove(m, u, s->to, &from))
			to = s->to;
		if (to > s->to || (!s->woken && s->from > from + THROTTLE_SLACK))
			continue;
		from = from > s->from ? from : s->from;
		if (to - from > best_to - best_from) {
			best_from = from;
			best_to = to;
		}
	}
	if (best_to - best_from < THROTTLE_TOGETHER)
		return false;
	s->from = best_from;
	s->to = best_to;
	return true;
}

/* It was throttled while another vCPU of the VM had long had its CPU: they are not in one group. */
static void throttle_learn_apart(struct model *m, const struct world_vcpu *v,
				 const struct throttle_stretch *s)
{
	for (size_t i = 0; i < m->n_vcpus; i++) {
		const struct world_vcpu *u = &m->vcpus[i];

		if (throttle_are_siblings(v, u) && u->self.running_on != NO_CPU &&
		    s->to - u->ran_since > THROTTLE_SLACK && s->to - s->from > 2 * THROTTLE_SLACK)
			m->apart[v->vm] = true;
	}
}

/* The expiry that may have ended it, of the timer that is likeliest to be the VM's own. */
static void throttle_find_group(struct throttle *t, const struct world_vcpu *v,
				struct throttle_stretch *s)
{
	const struct throttle_score *best = NULL;

	vec_each (g, &t->groups) {
		if (g->last <= s->from || g->last > s->to)
			continue;
		struct throttle_score *own = throttle_score(g, v->vm);

		if (s->to - g->last > THROTTLE_BACK)
			own->misses++;
		else if (!best || throttle_is_better(own, best)) {
			s->group = g;
			best = own;
		}
	}
}

static int64_t throttle_idle(const struct model *m, const struct throttle_stretch *s)
{
	int64_t idle = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct vcpu_interval *p = &s->pieces[i];
		int64_t begin = p->begin > s->from ? p->begin : s->from;
		int64_t end = p->end < s->to ? p->end : s->to;

		if (end > begin && throttle_is_idle(m, &p->occupant))
			idle += end - begin;
	}
	return idle;
}

/*
 * Of a thread that was woken: a quota must have been seen already, or be refilled just then, for a
 * slow host leaves one alone for long, too. Timers that are known, and have not expired, speak
 * against it.
 */
static enum certainty throttle_of_woken(const struct model *m, const struct world_vcpu *v,
					const struct throttle_stretch *s, int64_t idle)
{
	const struct throttle *t = &m->machines[v->host].throttle;

	if (!s->group && (t->groups.n || !m->quotas[v->vm]))
		return CERTAINTY_NONE;
	return idle >= THROTTLE_WOKEN ? CERTAINTY_LIKELY : CERTAINTY_NONE;
}

/* Its CPU idled meanwhile. */
static enum certainty throttle_of_proved(struct model *m, struct world_vcpu *v,
					 const struct throttle_stretch *s,
					 struct throttle_score *own)
{
	m->quotas[v->vm] = true;
	throttle_learn_apart(m, v, s);
	if (own) {
		own->hits++;
		own->proved = true;
	} else {
		throttle_vote(&m->machines[v->host].throttle, s->to, true);
	}
	return CERTAINTY_PROVED;
}

static enum certainty throttle_of_timer(struct model *m, const struct world_vcpu *v,
					const struct throttle_stretch *s,
					struct throttle_score *own)
{
	own->hits++;
	bool is_own = throttle_is_group(m, s->group, own, s->to - s->from >= THROTTLE_LONG);

	m->quotas[v->vm] |= is_own;
	return is_own ? CERTAINTY_LIKELY : CERTAINTY_OPEN;
}

/* May find out that only a part of the stretch is meant. */
static enum certainty throttle_of(struct model *m, struct world_vcpu *v, struct throttle_stretch *s)
{
	struct throttle *t = &m->machines[v->host].throttle;
	struct throttle_score *own = s->group ? throttle_score(s->group, v->vm) : NULL;
	int64_t idle = throttle_idle(m, s);
	enum certainty certainty = CERTAINTY_NONE;

	if (!s->woken && !s->moved && idle >= THROTTLE_IDLE)
		return throttle_of_proved(m, v, s, own);
	if (s->woken)
		certainty = throttle_of_woken(m, v, s, idle);
	else if (own)
		certainty = throttle_of_timer(m, v, s, own);
	else if (s->to - s->from >= THROTTLE_LONG)
		throttle_vote(t, s->to, false);
	if (certainty == CERTAINTY_NONE && !t->groups.n && throttle_find_together(m, v, s))
		certainty = CERTAINTY_LIKELY;
	return certainty;
}

static void throttle_tell(struct world_vcpu *v, const struct throttle_stretch *s,
			  enum certainty certainty)
{
	if (certainty == CERTAINTY_NONE)
		return;
	vcpu_throttle(&v->self, s->from, s->to, certainty);
	if (certainty == CERTAINTY_OPEN)
		return;
	v->kept_from = s->from;
	v->kept_to = s->to;
	v->kept_after = v->ran_since;
}

void throttle_judge(struct model *m, struct world_vcpu *v, uint32_t cpu, int64_t ts)
{
	struct machine *mc = &m->machines[v->host];
	struct throttle_stretch s = {.to = ts};

	s.pieces = vcpu_off_pieces(&v->self, ts, &s.n);
	if (!s.n || m->unlimited[v->vm])
		return;
	s.from = s.pieces[0].begin;
	throttle_find_group(&mc->throttle, v, &s);
	throttle_find_end(m, v, &s);
	throttle_find_begin(m, v, &s);
	struct throttle_stretch early = s;

	early.to = s.from;
	if (throttle_goes_on(m, v, &s))
		early.to = s.from = s.group->before;
	throttle_begin_together(m, v, &s);
	s.woken = s.pieces[0].state == VCPU_WAITING;
	s.moved = s.pieces[s.n - 1].cpu != cpu && !mc->has_migrations;
	const bool is_early = early.from < early.to && throttle_idle(m, &early) >= THROTTLE_IDLE;
	const enum certainty certainty = s.from < s.to ? throttle_of(m, v, &s) : CERTAINTY_NONE;

	/* Telling moves the pieces. */
	throttle_tell(v, &s, certainty);
	if (is_early && certainty != CERTAINTY_NONE)
		vcpu_throttle(&v->self, early.from, early.to, certainty);
}

void throttle_end(struct model *m, struct world_vcpu *v, int64_t ts)
{
	struct throttle_stretch s = {.to = ts};

	/* Where CPUs' recordings end at different times, it may have run on one that had ended. */
	if (m->identity->machines.at[v->host].evidence->cpus_apart || m->unlimited[v->vm])
		return;
	s.pieces = vcpu_off_pieces(&v->self, ts, &s.n);
	if (!s.n)
		return;
	s.from = s.pieces[0].begin;
	s.woken = s.pieces[0].state == VCPU_WAITING;
	throttle_find_begin(m, v, &s);
	throttle_begin_together(m, v, &s);
	const int64_t least = s.woken ? THROTTLE_WOKEN : THROTTLE_IDLE;

	if (s.from >= s.to)
		return;
	if (throttle_idle(m, &s) >= least && (!s.woken || m->quotas[v->vm]))
		throttle_tell(v, &s, s.woken ? CERTAINTY_LIKELY : CERTAINTY_PROVED);
	else if (throttle_find_together(m, v, &s))
		throttle_tell(v, &s, CERTAINTY_LIKELY);
}

/* Return: the last expiry of a timer that is likely its group's; NULL: of none. */
static struct throttle_group *throttle_any_group(struct throttle *t, const struct world_vcpu *v,
						 int64_t from)
{
	struct throttle_group *best = NULL;

	vec_each (g, &t->groups) {
		if (g->last > from && (!best || throttle_is_better(throttle_score(g, v->vm),
								   throttle_score(best, v->vm))))
			best = g;
	}
	return best;
}

void throttle_unseen(struct model *m, struct world_vcpu *v, int64_t ts)
{
	struct throttle_stretch s = {.to = ts};

	s.pieces = vcpu_off_pieces(&v->self, ts, &s.n);
	if (!s.n)
		return;
	s.from = s.pieces[0].begin;
	s.group = throttle_any_group(&m->machines[v->host].throttle, v, s.from);
	s.to = s.from;
	if (s.group && s.pieces[0].state == VCPU_PREEMPTED) {
		s.to = s.group->done;
		throttle_find_begin(m, v, &s);
	}
	if (s.from < s.to && !m->unlimited[v->vm] && throttle_idle(m, &s) >= THROTTLE_IDLE) {
		m->quotas[v->vm] = throttle_score(s.group, v->vm)->proved = true;
		vcpu_throttle(&v->self, s.from, s.to, CERTAINTY_PROVED);
		vcpu_doubt(&v->self, s.to);
	} else {
		vcpu_doubt(&v->self, s.pieces[0].begin);
	}
}

void throttle_deinit(struct throttle *t)
{
	vec_each (g, &t->groups)
		vec_deinit(&g->scores);
	vec_deinit(&t->groups);
	vec_deinit(&t->functions);
	map_deinit(&t->function_at);
}
