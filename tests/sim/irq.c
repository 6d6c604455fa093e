/*
 * Interrupts and timers, of hosts and guests alike. A handler is a row of ops in irqq:
 *
 *	entry event, what it does, exit event; then the softirqs it raised
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "cause.h"
#include "truth.h"

enum softirq {
	SOFTIRQ_TIMER = 1,
	SOFTIRQ_NET_RX = 3,
	SOFTIRQ_BLOCK = 4,
	SOFTIRQ_SCHED = 7,
	SOFTIRQ_RCU = 9
};

enum { IPI_LATENCY_NS = 600, DISK_IRQ = 24, NET_IRQ = 27, STORM_IRQ = 31 };

static const unsigned VECTORS[N_IRQ] = {[IRQ_TIMER] = 236, [IRQ_CALL] = 251, [IRQ_RESCHEDULE] = 253,
					[IRQ_DISK] = 42,   [IRQ_NET] = 43,   [IRQ_STORM] = 44};

unsigned irq_vector(enum irq irq)
{
	return VECTORS[irq];
}

/* ---- timers ---- */

int64_t timer_earliest(const struct cpu *c)
{
	int64_t best = NEVER;

	for (size_t i = 0; i < c->timers.n; i++) {
		if (c->timers.at[i]->when < best)
			best = c->timers.at[i]->when;
	}
	return best;
}

static void timer_hardware(void *subject, uint64_t generation)
{
	struct cpu *c = subject;

	if (generation != c->timer_generation)
		return;
	c->programmed = NEVER;
	irq_raise(c, IRQ_TIMER);
}

/* Sets the hardware for the earliest timer; a guest needs its hypervisor for that. */
static void program_hardware(struct cpu *c)
{
	int64_t when = timer_earliest(c);

	if (when == NEVER || when == c->programmed)
		return;
	c->programmed = when;
	if (c->m->guest) {
		struct block b = {0};
		block_exit(&b, c, X_TIMER, (uint64_t)when, 0);
		cpu_next(c, &b);
		return;
	}
	int64_t at = when > c->w->now ? when : c->w->now;
	queue_push(&c->w->queue, at + 50, timer_hardware, c, ++c->timer_generation);
}

static void timer_remove(struct timer *t)
{
	struct cpu *c = t->armed_on;

	for (size_t i = 0; i < c->timers.n; i++) {
		if (c->timers.at[i] == t)
			c->timers.at[i] = c->timers.at[--c->timers.n];
	}
	t->armed_on = NULL;
}

static void timer_insert(struct cpu *c, struct timer *t, int64_t when)
{
	t->when = when;
	t->armed_on = c;
	*(struct timer **)vec_push(&c->timers) = t;
}

static uint64_t local_ns(struct cpu *c, int64_t t)
{
	struct machine_clock *k = &c->m->clock;
	int64_t begin = k->pieces.at[k->current].begin - k->epoch;
	return (uint64_t)(k->pieces.at[k->current].from + (t - begin) - k->origin);
}

static void emit_start(struct cpu *c, const struct timer *t)
{
	uint64_t expires = local_ns(c, t->when);
	emit(c, EV_HRTIMER_START, t->address, t->function, expires, expires, 0);
}

void timer_arm(struct cpu *c, struct timer *t, int64_t when)
{
	if (t->armed_on)
		timer_remove(t);
	timer_insert(c, t, when);
	emit_start(c, t);
	program_hardware(c);
}

void timer_cancel(struct cpu *c, struct timer *t)
{
	timer_remove(t);
	emit(c, EV_HRTIMER_CANCEL, t->address);
	program_hardware(c);
}

/* Functions of timers, by where they lie in the kernel. */
static const struct {
	uint64_t offset;
	const char *name;
} FUNCTIONS[] = {{0x355160, "hrtimer_wakeup"},
		 {0x368830, "tick_sched_timer"},
		 {0x62aef0, "apic_timer_fn"},
		 {QUOTA_FUNCTION, "sched_cfs_period_timer"}};

enum { N_FUNCTIONS = sizeof(FUNCTIONS) / sizeof(*FUNCTIONS) };

const char *timer_function_name(const struct machine *m, uint64_t address)
{
	for (unsigned i = 0; i < N_FUNCTIONS; i++) {
		if (m->kernel_base + FUNCTIONS[i].offset == address)
			return FUNCTIONS[i].name;
	}
	return "";
}

char *timer_kallsyms(const struct machine *m)
{
	char *text = NULL;

	for (unsigned i = 0; i < N_FUNCTIONS; i++) {
		char *longer = mem_printf("%s%016llx t %s\n", text ? text : "",
					  (unsigned long long)m->kernel_base + FUNCTIONS[i].offset,
					  FUNCTIONS[i].name);
		free(text);
		text = longer;
	}
	return text;
}

/* ---- softirqs ---- */

static void raise_softirq(struct cpu *c, enum softirq vec)
{
	if (c->softirqs >> vec & 1)
		return;
	c->softirqs |= 1u << vec;
	emit(c, EV_SOFTIRQ_RAISE, vec);
}

static void op_softirq_end(struct cpu *c, struct op *op)
{
	emit(c, EV_SOFTIRQ_EXIT, op->a[0]);
	c->in_softirq = false;
	truth_cpu(c);
}

static void op_complete(struct cpu *c, struct op *op);
static void op_vmsync_begin(struct cpu *c, struct op *op);

static void add_softirq_work(struct cpu *c, enum softirq vec, struct block *b)
{
	if (vec == SOFTIRQ_SCHED)
		sched_balance(c);
	if (vec == SOFTIRQ_NET_RX || vec == SOFTIRQ_BLOCK)
		block_op(b, cost(c->m, 400), op_complete);
	if (vec == SOFTIRQ_NET_RX && c->storm)
		block_op(b, cost(c->m, 200000), NULL);
	if (vec == SOFTIRQ_TIMER || vec == SOFTIRQ_RCU)
		block_op(b, cost(c->m, 150), op_vmsync_begin);
}

/* Runs the softirqs that are raised, one after the other. */
static void op_softirqs(struct cpu *c, struct op *op)
{
	struct block b = {0};

	if (!c->softirqs)
		return;
	unsigned vec = (unsigned)__builtin_ctz(c->softirqs);
	c->softirqs &= c->softirqs - 1;
	c->in_softirq = true;
	c->irq_number = vec;
	emit(c, EV_SOFTIRQ_ENTRY, vec);
	truth_cpu(c);
	struct block work = {0};
	add_softirq_work(c, (enum softirq)vec, &work);
	for (unsigned i = 0; i < work.n; i++)
		*block_op(&b, 0, NULL) = work.at[i];
	block_op(&b, cost(c->m, 700), op_softirq_end)->a[0] = vec;
	*block_op(&b, 0, NULL) = *op;
	cpu_next(c, &b);
}

/* ---- vmsync, as its module does it: at some timer softirq, at most every vmsync_every ---- */

static bool vmsync_recorded(struct cpu *c)
{
	return !rng_percent(&c->m->rng, c->w->o->vmsync_lost);
}

static void op_vmsync_event(struct cpu *c, struct op *op)
{
	if (vmsync_recorded(c))
		emit(c, (enum ev)op->ev, op->a[0], op->a[1]);
}

static void add_decoy(struct cpu *c, struct block *b)
{
	struct machine *m = c->m;
	struct rng *r = &m->rng;
	bool own_uid = rng_percent(r, 50), own_cnt = rng_percent(r, 50);
	uint64_t cnt = own_cnt ? m->vmsync_cnt + rng_u64(r) % 8 - 4 : rng_u64(r);
	uint64_t uid = own_uid ? m->vm_uid : rng_u64(r) % 4;

	block_exit(b, c, X_DECOY, (uint32_t)cnt, uid);
}

static void op_vmsync_begin(struct cpu *c, struct op *op)
{
	struct machine *m = c->m;
	struct block b = {0};

	if (!m->w->o->vmsync || !m->guest || c->w->now < c->next_vmsync)
		return;
	c->next_vmsync = c->w->now + rng_exp(&m->rng, m->w->o->vmsync_every);
	if (rng_percent(&m->rng, m->w->o->vmsync_decoys))
		add_decoy(c, &b);
	uint32_t cnt = m->vmsync_cnt;
	m->vmsync_cnt += 2;
	op = block_op(&b, cost(m, 300), op_vmsync_event);
	*op = (struct op){op->cost, op->effect, {cnt + 1, m->vm_uid}, EV_VMSYNC_GH_GUEST, 0};
	block_exit(&b, c, X_HYPERCALL, cnt + 1, m->vm_uid);
	op = block_op(&b, cost(m, 300), op_vmsync_event);
	*op = (struct op){op->cost, op->effect, {cnt + 2, m->vm_uid}, EV_VMSYNC_HG_GUEST, 0};
	cpu_next(c, &b);
}

/* ---- handlers ---- */

/* a[0]: softirqs follow; ev: the entry's. */
static void op_irq_entry(struct cpu *c, struct op *op)
{
	emit(c, (enum ev)op->ev, op->a[0], op->a[1]);
	c->irq_number = (unsigned)op->a[0];
	c->irq_name = (const char *)(uintptr_t)op->a[1];
	c->in_irq = true;
	truth_cpu(c);
}

static void op_irq_exit(struct cpu *c, struct op *op)
{
	struct block b = {0};

	emit(c, (enum ev)op->ev, op->a[0], op->a[1]);
	c->in_irq = false;
	truth_cpu(c);
	if (!c->softirqs)
		return;
	block_op(&b, cost(c->m, 200), op_softirqs);
	cpu_next(c, &b);
}

static struct op *add_irq_op(struct block *b, struct cpu *c, int64_t ns, enum ev ev, uint64_t a0,
			     uint64_t a1, void (*effect)(struct cpu *, struct op *))
{
	struct op *op = block_op(b, cost(c->m, ns), effect);
	op->ev = (uint16_t)ev;
	op->a[0] = a0;
	op->a[1] = a1;
	return op;
}

static struct timer *expired(const struct cpu *c)
{
	for (size_t i = 0; i < c->timers.n; i++) {
		if (c->timers.at[i]->when <= c->w->now)
			return c->timers.at[i];
	}
	return NULL;
}

static void op_expire_end(struct cpu *c, struct op *op)
{
	struct timer *t = (struct timer *)(uintptr_t)op->a[1];

	emit(c, EV_HRTIMER_EXPIRE_EXIT, op->a[0]);
	c->expiring = NULL;
	truth_occupants(c);
	if (t->done)
		t->done(c, t);
	if (t == &c->tick && !c->curr->is_idle) {
		timer_insert(c, t, t->when + TICK_NS);
		while (t->when <= c->w->now)
			t->when += TICK_NS;
		emit_start(c, t);
	}
}

static void op_program(struct cpu *c, struct op *op)
{
	(void)op;
	program_hardware(c);
}

/* Lets the timers that are due fire, one after the other, then sets the hardware anew. */
static void op_expire(struct cpu *c, struct op *op)
{
	struct timer *t = expired(c);
	struct block b = {0};

	if (!t) {
		block_op(&b, cost(c->m, 100), op_program);
		cpu_next(c, &b);
		return;
	}
	timer_remove(t);
	emit(c, EV_HRTIMER_EXPIRE_ENTRY, t->address, local_ns(c, c->w->now), t->function);
	c->expiring = t;
	truth_occupants(c);
	struct op *end = block_op(&b, cost(c->m, 400) + cause_timer_cost(c, t), op_expire_end);
	end->a[0] = t->address;
	end->a[1] = ARG_P(t);
	*block_op(&b, 0, NULL) = *op;
	cpu_next(c, &b);
	t->fire(c, t);
}

static void tick_fire(struct cpu *c, struct timer *t)
{
	(void)t;
	sched_tick(c);
	if (rng_percent(&c->m->rng, 60))
		raise_softirq(c, SOFTIRQ_TIMER);
	raise_softirq(c, SOFTIRQ_SCHED);
	if (rng_percent(&c->m->rng, 40))
		raise_softirq(c, SOFTIRQ_RCU);
}

void irq_init_tick(struct cpu *c)
{
	c->tick = (struct timer){.fire = tick_fire,
				 .address = c->m->kernel_base + 0x9d235c0 + 0x40000 * c->id,
				 .function = c->m->kernel_base + 0x368830};
	c->programmed = NEVER;
}

static void op_take_waking(struct cpu *c, struct op *op)
{
	struct block b = {0};

	(void)op;
	for (size_t i = 0; i < c->waking.n && i < MAX_BLOCK; i++)
		block_op(&b, cost(c->m, 250), op_wakeup)->a[0] = ARG_P(c->waking.at[i]);
	size_t left = c->waking.n - b.n;
	memmove(c->waking.at, c->waking.at + b.n, left * sizeof(*c->waking.at));
	c->waking.n = left;
	cpu_next(c, &b);
}

/* Wakes those whose I/O is done, one after the other. */
static void op_complete(struct cpu *c, struct op *op)
{
	struct block b = {0};

	if (!c->completed.n)
		return;
	struct task *t = c->completed.at[0];
	memmove(c->completed.at, c->completed.at + 1, --c->completed.n * sizeof(*c->completed.at));
	struct op *again = block_op(&b, cost(c->m, 300), op_complete);
	again->a[0] = op->a[0];
	cpu_next(c, &b);
	post(c, t);
}

static void op_raise_net(struct cpu *c, struct op *op)
{
	(void)op;
	raise_softirq(c, SOFTIRQ_NET_RX);
}

static void add_timer(struct cpu *c, struct block *b)
{
	add_irq_op(b, c, 400, EV_LOCAL_TIMER_ENTRY, VECTORS[IRQ_TIMER], 0, op_irq_entry);
	block_op(b, cost(c->m, 300), op_expire);
	add_irq_op(b, c, 300, EV_LOCAL_TIMER_EXIT, VECTORS[IRQ_TIMER], 0, op_irq_exit);
}

static void add_device(struct cpu *c, struct block *b, enum irq irq)
{
	unsigned number = irq == IRQ_NET ? NET_IRQ : DISK_IRQ;
	const char *name = irq == IRQ_NET ? "virtio0-input.0"
			   : c->m->guest  ? "virtio1-req.0"
					  : "nvme0q1";

	add_irq_op(b, c, 500, EV_IRQ_ENTRY, number, ARG_P(name), op_irq_entry);
	block_op(b, cost(c->m, 400), irq == IRQ_NET ? op_raise_net : op_complete);
	add_irq_op(b, c, 300, EV_IRQ_EXIT, number, 1, op_irq_exit);
}

static void add_storm(struct cpu *c, struct block *b)
{
	static const char name[] = "mlx5_comp0";

	add_irq_op(b, c, 500, EV_IRQ_ENTRY, STORM_IRQ, ARG_P(name), op_irq_entry);
	block_op(b, cost(c->m, rng_range(&c->m->rng, 20000, 300000)), op_raise_net);
	add_irq_op(b, c, 300, EV_IRQ_EXIT, STORM_IRQ, 1, op_irq_exit);
}

void irq_take(struct cpu *c, enum irq irq)
{
	struct block b = {0};

	c->pending &= ~(1u << irq);
	switch (irq) {
	case IRQ_TIMER:
		add_timer(c, &b);
		break;
	case IRQ_CALL:
		add_irq_op(&b, c, 300, EV_CALL_FUNCTION_ENTRY, 251, 0, op_irq_entry);
		block_op(&b, cost(c->m, 200), op_take_waking);
		add_irq_op(&b, c, 150, EV_CALL_FUNCTION_EXIT, 251, 0, op_irq_exit);
		break;
	case IRQ_RESCHEDULE:
		add_irq_op(&b, c, 300, EV_RESCHEDULE_ENTRY, 253, 0, op_irq_entry);
		add_irq_op(&b, c, 150, EV_RESCHEDULE_EXIT, 253, 0, op_irq_exit);
		break;
	case IRQ_STORM:
		add_storm(c, &b);
		break;
	default:
		add_device(c, &b, irq);
	}
	cpu_irqq(c, &b);
}

void irq_raise(struct cpu *c, enum irq irq)
{
	c->pending |= 1u << irq;
	cpu_poke(c);
}

static void irq_arrives(void *subject, uint64_t irq)
{
	irq_raise(subject, (enum irq)irq);
}

void irq_kick(struct cpu *to)
{
	queue_push(&to->w->queue, to->w->now + cost(to->m, IPI_LATENCY_NS), irq_arrives, to,
		   IRQ_RESCHEDULE);
}

static void storm_strikes(void *subject, uint64_t arg)
{
	struct cpu *c = subject;

	(void)arg;
	irq_raise(c, IRQ_STORM);
	queue_push(&c->w->queue, c->w->now + 300000 + rng_exp(&c->w->rng, 1000000), storm_strikes,
		   c, 0);
}

void irq_storm(struct cpu *c)
{
	c->storm = true;
	queue_push(&c->w->queue, c->w->now + 1000000, storm_strikes, c, 0);
}

/* a[0]: CPU, a[1]: enum irq. */
static void op_ipi(struct cpu *c, struct op *op)
{
	queue_push(&c->w->queue, c->w->now + cost(c->m, IPI_LATENCY_NS), irq_arrives,
		   &c->m->cpus[op->a[0]], op->a[1]);
}

void block_ipi(struct block *b, struct cpu *to, enum irq irq)
{
	if (to->m->guest) {
		block_exit(b, to, X_ICR, to->id, irq);
		return;
	}
	struct op *op = block_op(b, 100, op_ipi);
	op->flags = OP_NO_PREEMPT | OP_IRQS_OFF;
	op->a[0] = to->id;
	op->a[1] = irq;
}

/* ---- the host's disk ---- */

static void disk_done(void *subject, uint64_t cpu)
{
	struct task *t = subject;
	struct cpu *c = &t->m->cpus[cpu];

	*(struct task **)vec_push(&c->completed) = t;
	irq_raise(c, IRQ_DISK);
}

void disk_submit(struct world *w, struct task *t)
{
	int64_t latency = 30000 + rng_exp(&w->rng, 60000);
	uint64_t n = w->disk_spread++;
	queue_push(&w->queue, w->now + latency, disk_done, t,
		   w->o->causes ? cause_spare_cpu(w, (unsigned)n) : n % w->host->n_cpus);
}
