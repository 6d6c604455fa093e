/*
 * The scheduler of hosts and guests: per-CPU run queues, the least virtual run time first.
 *
 *	CURRENT --block--> BLOCKED --wake--> WAKING --op_wakeup--> QUEUED --switch--> CURRENT
 *	CURRENT --preempted--> QUEUED                CURRENT --exit--> DEAD
 *
 * WAKING lies between the events sched_waking and sched_wakeup: the wake-up may travel to another
 *CPU.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "cause.h"
#include "truth.h"

enum { GRANULARITY_NS = 3000000, WAKEUP_GRANULARITY_NS = 1000000, PRIO = 20 };

static void tasks_remove(struct cpu *c, struct task *t)
{
	for (size_t i = 0; i < c->queued.n; i++) {
		if (c->queued.at[i] == t) {
			memmove(&c->queued.at[i], &c->queued.at[i + 1],
				(--c->queued.n - i) * sizeof(*c->queued.at));
			return;
		}
	}
}

struct task *task_new(struct machine *m, const char *comm, int32_t pid, int32_t ppid)
{
	struct task *t = m->free_tasks;

	if (t) {
		m->free_tasks = t->next_free;
		struct request *requests = t->requests.at;
		size_t cap = t->requests.cap;
		memset(t, 0, offsetof(struct task, ops.at));
		memset((char *)t + offsetof(struct task, ops.first), 0,
		       sizeof(*t) - offsetof(struct task, ops.first));
		t->requests.at = requests;
		t->requests.cap = cap;
	} else {
		t = mem_zalloc(1, sizeof(*t));
	}
	t->m = m;
	t->tid = m->next_tid++;
	t->pid = pid ? pid : t->tid;
	t->ppid = ppid;
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
	t->affinity = UINT64_MAX;
	t->syscall = -1;
	t->waking_at = -1;
	t->state = TASK_BLOCKED;
	t->prev_state = PREV_INTERRUPTIBLE;
	t->lane.state = T_NONE;
	t->vtids = (struct vtids){1, {t->tid}};
	t->vpids = (struct vtids){1, {t->pid}};
	t->vppids = (struct vtids){1, {ppid}};
	t->ns_inum[0] = 4026531836u;
	t->sleep.arg = t;
	*(struct task **)vec_push(&m->tasks) = t;
	return t;
}

void task_free(struct task *t)
{
	struct machine *m = t->m;

	for (size_t i = 0; i < m->tasks.n; i++) {
		if (m->tasks.at[i] == t) {
			m->tasks.at[i] = m->tasks.at[--m->tasks.n];
			break;
		}
	}
	t->next_free = m->free_tasks;
	m->free_tasks = t;
}

bool sched_may_run(const struct task *t)
{
	return !t->group || !t->group->throttled || t->picked_once;
}

/* Return: how many tasks could run on c now, beside the one that does. */
static size_t queued(const struct cpu *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->queued.n; i++)
		n += sched_may_run(c->queued.at[i]);
	return n;
}

static bool idle(const struct cpu *c)
{
	return c->curr->is_idle && !queued(c) && !c->waking.n && !c->need_resched;
}

static bool allowed(const struct task *t, const struct cpu *c)
{
	return t->affinity >> c->id & 1;
}

/* Where a task that wakes up will run: where it was, or the next idle CPU from there. */
static struct cpu *select_cpu(struct task *t)
{
	struct machine *m = t->m;

	if (idle(t->cpu) && allowed(t, t->cpu))
		return t->cpu;
	for (unsigned i = 1; i < m->n_cpus; i++) {
		struct cpu *c = &m->cpus[(t->cpu->id + i) % m->n_cpus];
		if (allowed(t, c) && idle(c))
			return c;
	}
	if (allowed(t, t->cpu))
		return t->cpu;
	return &m->cpus[__builtin_ctzll(t->affinity)];
}

static void update_runtime(struct cpu *c)
{
	struct task *t = c->curr;

	t->vruntime += c->w->now - t->ran_from;
	t->ran_from = c->w->now;
}

static void emit_runtime(struct cpu *c, int64_t runtime)
{
	struct task *t = c->curr;

	if (!t->is_idle)
		emit(c, EV_SCHED_STAT_RUNTIME, ARG_P(t->comm), (uint64_t)t->tid, (uint64_t)runtime,
		     (uint64_t)t->vruntime);
}

static void emit_wake(struct cpu *c, enum ev ev, const struct task *t, const struct cpu *target)
{
	emit(c, ev, ARG_P(t->comm), (uint64_t)t->tid, PRIO, target->id);
}

static void emit_migrate(struct cpu *c, const struct task *t, const struct cpu *to)
{
	emit(c, EV_SCHED_MIGRATE_TASK, ARG_P(t->comm), (uint64_t)t->tid, PRIO, t->cpu->id, to->id);
}

static int32_t occupant(const struct cpu *c)
{
	return c->curr->tid;
}

/* A vCPU's thread that waits for c, or has begun to. */
static void truth_waiting(struct task *t)
{
	struct vcpu *v = t->vcpu;
	bool preempted = t->prev_state == PREV_RUNNABLE || t->prev_state == PREV_PREEMPTED;
	enum vcpu_state state = preempted ? V_PREEMPTED : V_WAITING;

	if (v)
		truth_vcpu(v, sched_may_run(t) ? state : V_THROTTLED, exit_reason(t->m->w, v->kind),
			   t->cpu->id, occupant(t->cpu), preempted ? -1 : t->waking_at);
}

void sched_quota_changed(struct task *t)
{
	truth_waiting(t);
}

static void put_in_queue(struct cpu *c, struct task *t)
{
	int64_t here = c->curr->is_idle ? t->vruntime : c->curr->vruntime;

	t->state = TASK_QUEUED;
	t->cpu = c;
	if (t->vruntime < here - GRANULARITY_NS)
		t->vruntime = here - GRANULARITY_NS;
	else if (t->vruntime > here + 4 * GRANULARITY_NS) /* it comes from a busier CPU */
		t->vruntime = here + 4 * GRANULARITY_NS;
	*(struct task **)vec_push(&c->queued) = t;
	truth_thread(t, T_WAIT_CPU);
	truth_waiting(t);
}

bool sched_should_preempt(struct cpu *c, const struct task *t)
{
	if (!sched_may_run(t))
		return false;
	if (c->curr->is_idle)
		return true;
	if (c->curr->slice)
		return false;
	update_runtime(c);
	return c->curr->vruntime - t->vruntime > WAKEUP_GRANULARITY_NS;
}

/* Return: true when c must look for another task. */
static bool wake_up(struct cpu *by, struct cpu *c, struct task *t)
{
	t->picked_once = t->m->w->o->late_quota;
	emit_wake(by, t->lane.state == T_NONE ? EV_SCHED_WAKEUP_NEW : EV_SCHED_WAKEUP, t, c);
	put_in_queue(c, t);
	return sched_should_preempt(c, t);
}

void sched_enqueue(struct cpu *c, struct task *t)
{
	if (wake_up(c, c, t))
		c->need_resched = true;
}

void op_wakeup(struct cpu *c, struct op *op)
{
	sched_enqueue(c, (struct task *)(uintptr_t)op->a[0]);
}

/* a[0]: task, a[1]: CPU, of another; its run queue takes the task at once. */
static void op_wakeup_remote(struct cpu *c, struct op *op)
{
	struct task *t = (struct task *)(uintptr_t)op->a[0];
	struct cpu *to = &c->m->cpus[op->a[1]];
	struct block b = {0};

	if (!wake_up(c, to, t))
		return;
	to->need_resched = true;
	block_ipi(&b, to, IRQ_RESCHEDULE);
	cpu_next(c, &b);
}

static void op_queue_wakeup(struct cpu *c, struct op *op)
{
	struct cpu *to = &c->m->cpus[op->a[1]];
	struct block b = {0};

	*(struct task **)vec_push(&to->waking) = (struct task *)(uintptr_t)op->a[0];
	block_ipi(&b, to, IRQ_CALL);
	cpu_next(c, &b);
}

static void wake_on(struct cpu *c, struct cpu *to, struct task *t)
{
	struct block b = {0};
	void (*effect)(struct cpu *, struct op *) = op_wakeup;

	if (to != c)
		effect = idle(to) ? op_queue_wakeup : op_wakeup_remote;
	struct op *op = block_op(&b, cost(c->m, 300), effect);
	op->a[0] = ARG_P(t);
	op->a[1] = to->id;
	op->flags = OP_NO_PREEMPT | OP_IRQS_OFF;
	cpu_next(c, &b);
}

static void wake(struct cpu *c, struct task *t)
{
	struct cpu *to = select_cpu(t);

	t->state = TASK_WAKING;
	t->waking_at = c->w->now;
	emit_wake(c, EV_SCHED_WAKING, t, t->cpu);
	if (to != t->cpu)
		emit_migrate(c, t, to);
	t->cpu = to;
	wake_on(c, to, t);
}

void post(struct cpu *c, struct task *t)
{
	t->tokens++;
	if (t->state == TASK_BLOCKED)
		wake(c, t);
}

void sched_wake_new(struct cpu *c, struct task *t)
{
	t->cpu = c;
	t->cpu = select_cpu(t);
	t->vruntime = c->curr->vruntime;
	t->state = TASK_WAKING;
	wake_on(c, t->cpu, t);
}

void sched_start(struct task *t, struct cpu *c)
{
	t->cpu = c;
	t->prev_state = PREV_INTERRUPTIBLE;
	put_in_queue(c, t);
	c->need_resched = true;
}

static struct task *pick(struct cpu *c)
{
	struct task *best = NULL;

	for (size_t i = 0; i < c->queued.n; i++) {
		struct task *t = c->queued.at[i];
		if (sched_may_run(t) && (!best || t->vruntime < best->vruntime))
			best = t;
	}
	return best;
}

/* Takes a waiting task away from another CPU that has at least `least` of them. */
static bool pull(struct cpu *c, size_t least)
{
	struct machine *m = c->m;

	for (unsigned i = 1; i < m->n_cpus; i++) {
		struct cpu *from = &m->cpus[(c->id + i) % m->n_cpus];
		if (queued(from) < least)
			continue;
		for (size_t k = 0; k < from->queued.n; k++) {
			struct task *t = from->queued.at[k];
			if (!allowed(t, c) || !sched_may_run(t))
				continue;
			tasks_remove(from, t);
			emit_migrate(c, t, c);
			t->vruntime +=
				c->curr->is_idle ? 0 : c->curr->vruntime - from->curr->vruntime;
			put_in_queue(c, t);
			return true;
		}
	}
	return false;
}

void sched_balance(struct cpu *c)
{
	if (rng_percent(&c->m->rng, 10))
		pull(c, queued(c) + 2);
}

/* The lanes of vCPUs whose threads are queued on c name who runs there. */
static void truth_new_occupant(struct cpu *c)
{
	if (c->m->guest)
		return;
	for (size_t i = 0; i < c->queued.n; i++) {
		struct vcpu *v = c->queued.at[i]->vcpu;
		if (v)
			truth_vcpu(v, (enum vcpu_state)v->lane.state, (int)v->lane.a, c->id,
				   occupant(c), v->lane.d);
	}
}

static void truth_out(struct task *t)
{
	struct vcpu *v = t->vcpu;
	bool halted = v && v->kind == X_HLT && v->out_of == V_HYPERVISOR;

	truth_thread(t, t->state == TASK_DEAD ? T_DEAD : T_BLOCKED);
	if (v)
		truth_vcpu(v, halted ? V_HALTED : V_BLOCKED, exit_reason(t->m->w, v->kind),
			   t->cpu->id, -1, -1);
}

static void truth_in(struct task *t)
{
	struct vcpu *v = t->vcpu;

	if (v)
		truth_vcpu(v, v->out_of, exit_reason(t->m->w, v->kind), t->cpu->id, -1, -1);
}

static void task_leaves(struct cpu *c, struct task *t, int prev_state)
{
	t->prev_state = prev_state;
	if (t->is_idle)
		return;
	if (t->vcpu && t->vcpu->lane.state == V_POLLING)
		t->vcpu->out_of = V_HYPERVISOR;
	else if (t->vcpu)
		t->vcpu->out_of = (enum vcpu_state)t->vcpu->lane.state;
	if (prev_state == PREV_RUNNABLE || prev_state == PREV_PREEMPTED) {
		t->waking_at = -1;
		put_in_queue(c, t);
		return;
	}
	bool dead = prev_state == PREV_DEAD || prev_state == PREV_ZOMBIE;
	t->state = dead ? TASK_DEAD : TASK_BLOCKED;
	truth_out(t);
	if (dead)
		task_free(t);
}

static void switch_to(struct cpu *c, struct task *next, int prev_state)
{
	struct task *prev = c->curr;

	emit(c, EV_SCHED_SWITCH, ARG_P(prev->comm), (uint64_t)prev->tid, PRIO, (uint64_t)prev_state,
	     ARG_P(next->comm), (uint64_t)next->tid, PRIO);
	if (!next->is_idle)
		tasks_remove(c, next);
	next->state = TASK_CURRENT;
	next->cpu = c;
	next->ran_from = next->slice_from = c->w->now;
	c->curr = next;
	next->picked_once = false;
	c->need_resched = !sched_may_run(next);
	quota_switch(prev, next);
	task_leaves(c, prev, prev_state);
	truth_in(next);
	truth_cpu(c);
	truth_new_occupant(c);
}

static void op_arm_tick(struct cpu *c, struct op *op)
{
	(void)op;
	int64_t skew = (int64_t)c->id * 1000 * 130 % TICK_NS;

	if (!c->tick.armed_on)
		timer_arm(c, &c->tick, (c->w->now / TICK_NS + 1) * TICK_NS + skew);
}

/* a[0]: the state in which the current task gives up the CPU; gives it up only if it must. */
static void op_switch(struct cpu *c, struct op *op)
{
	struct task *prev = c->curr;
	int prev_state = (int)op->a[0];
	bool runnable = prev_state == PREV_RUNNABLE || prev_state == PREV_PREEMPTED;

	c->need_resched = false;
	if (!runnable && prev_state < PREV_DEAD && prev->tokens > 0)
		return; /* what it was to wait for has come already */
	update_runtime(c);
	if (!queued(c) && (prev->is_idle || !runnable))
		pull(c, 1);
	struct task *next = pick(c);
	if (!next && runnable && sched_may_run(prev))
		return;
	if (!prev->is_idle)
		emit_runtime(c, c->w->now - prev->slice_from);
	switch_to(c, next ? next : c->idle, prev_state);
	if (!c->curr->is_idle) {
		struct block b = {0};
		block_op(&b, cost(c->m, 200), op_arm_tick);
		cpu_next(c, &b);
	}
}

static void give_up(struct cpu *c, int prev_state)
{
	struct block b = {0};

	block_op(&b, cost(c->m, 500), op_switch)->a[0] = (uint64_t)prev_state;
	cpu_irqq(c, &b);
}

void sched_resched(struct cpu *c)
{
	const struct ring *r = &c->curr->ops;
	bool user = !r->n || r->at[r->first].flags & OP_USER || c->curr->is_idle;

	give_up(c, user || c->curr->syscall < 0 ? PREV_RUNNABLE : PREV_PREEMPTED);
}

/* a[0]: state to wait in. Comes back to itself until there is a token. */
static void op_wait(struct cpu *c, struct op *op)
{
	struct block b = {0};

	if (c->curr->tokens > 0) {
		c->curr->tokens--;
		return;
	}
	struct op *again = block_op(&b, 0, op_wait);
	*again = *op;
	again->cost = cost(c->m, 200);
	cpu_next(c, &b);
	give_up(c, (int)op->a[0]);
}

void block_wait(struct block *b, int prev_state)
{
	struct op *op = block_op(b, 100, op_wait);
	op->a[0] = (uint64_t)prev_state;
	op->flags = OP_NO_PREEMPT | OP_IRQS_OFF;
}

void sched_exit(struct cpu *c)
{
	struct block b = {0};

	/* It must not be asked for more ops before it is switched out. */
	block_op(&b, FOREVER, NULL)->flags = OP_NO_PREEMPT | OP_IRQS_OFF;
	task_ops(c->curr, &b);
	give_up(c, c->curr->kthread ? PREV_DEAD : PREV_ZOMBIE);
}

void sched_tick(struct cpu *c)
{
	struct task *t = c->curr;

	if (t->is_idle)
		return;
	update_runtime(c);
	emit_runtime(c, c->w->now - t->slice_from);
	if (queued(c) && c->w->now - t->slice_from > (t->slice ? t->slice : GRANULARITY_NS))
		c->need_resched = true;
}

static void op_stop_tick(struct cpu *c, struct op *op)
{
	(void)op;
	if (c->tick.armed_on)
		timer_cancel(c, &c->tick);
}

void program_idle(struct cpu *c, struct task *t)
{
	struct block b = {0};
	uint16_t flags = OP_NO_PREEMPT | OP_IRQS_OFF;

	block_op(&b, cost(c->m, 200), op_stop_tick)->flags = flags;
	block_event(&b, cost(c->m, 400), EV_CPU_IDLE, 1, c->id)->flags = flags;
	if (c->m->guest) {
		block_exit(&b, c, X_HLT, 0, 0);
		b.at[b.n - 1].flags = flags;
	} else {
		block_op(&b, FOREVER, NULL)->flags = OP_NO_PREEMPT | OP_BREAKS;
	}
	block_event(&b, cost(c->m, 300), EV_CPU_IDLE, UINT32_MAX, c->id)->flags = OP_NO_PREEMPT;
	task_ops(t, &b);
}
