#include "sim.h"

#include <assert.h>
#include <string.h>

#include "truth.h"

void ring_push(struct ring *r, const struct op *op)
{
	assert(r->n < RING_SIZE);
	r->at[(r->first + r->n++) % RING_SIZE] = *op;
}

static void ring_push_front(struct ring *r, const struct op *op)
{
	assert(r->n < RING_SIZE);
	r->first = (r->first + RING_SIZE - 1) % RING_SIZE;
	r->at[r->first] = *op;
	r->n++;
}

static struct op *ring_head(struct ring *r)
{
	return &r->at[r->first];
}

static void ring_pop(struct ring *r)
{
	r->first = (r->first + 1) % RING_SIZE;
	r->n--;
}

struct op *block_op(struct block *b, int64_t ns, void (*effect)(struct cpu *, struct op *))
{
	assert(b->n < MAX_BLOCK);
	struct op *op = &b->at[b->n++];
	*op = (struct op){.cost = ns, .effect = effect};
	return op;
}

static void op_event(struct cpu *c, struct op *op)
{
	uint64_t args[MAX_FIELDS] = {0};

	memcpy(args, op->a, sizeof(op->a));
	emit_args(c, op->ev, args);
}

struct op *block_event_args(struct block *b, int64_t ns, enum ev ev, const uint64_t *args)
{
	struct op *op = block_op(b, ns, op_event);

	op->ev = (uint16_t)ev;
	memcpy(op->a, args, sizeof(op->a));
	return op;
}

void cpu_next(struct cpu *c, const struct block *b)
{
	for (unsigned i = b->n; i-- > 0;)
		ring_push_front(c->executing, &b->at[i]);
}

void cpu_irqq(struct cpu *c, const struct block *b)
{
	for (unsigned i = 0; i < b->n; i++)
		ring_push(&c->irqq, &b->at[i]);
}

void task_ops(struct task *t, const struct block *b)
{
	for (unsigned i = 0; i < b->n; i++)
		ring_push(&t->ops, &b->at[i]);
}

int64_t cost(struct machine *m, int64_t ns)
{
	double scaled = (double)ns * m->w->o->slow;
	return (int64_t)(scaled * (0.75 + (double)(rng_u64(&m->rng) >> 40) * (0.5 / (1 << 24))));
}

void machine_trace(struct machine *m)
{
	m->trace = m->trace_file;
	if (!m->trace)
		return;
	m->begin_raw = machine_clock_raw(&m->clock, m->w->now);
	m->host_begin_raw = machine_clock_raw(&m->w->host->clock, m->w->now);
	out_begin(m->trace, m->begin_raw);
	for (struct task *t = NULL; (t = work_next_task(m, t ? t->tid : 0));)
		out_thread(m->trace, &(struct out_thread){.tid = t->tid,
							  .pid = t->pid,
							  .ppid = t->ppid == t->pid ? 0 : t->ppid,
							  .comm = t->comm,
							  .ns_inum = t->ns_inum[t->ns_level]});
}

/* On SVM interrupts are taken between the true exit and the kvm_exit event, and count as in the
 * guest. */
static bool counts_as_guest(const struct cpu *c)
{
	const struct vcpu *v = c->curr->vcpu;
	return v && !v->in_guest && v->true_exit > 0 && v->true_exit > v->exit_at &&
	       c->executing == &c->irqq;
}

/* What the CPU's own clock shows, which mostly is the machine's. */
static uint64_t cpu_clock_raw(const struct cpu *c)
{
	const struct options *o = c->w->o;
	uint64_t raw = machine_clock_raw(&c->m->clock, c->w->now);

	if (c->m == c->w->host || o->tsc_clock || c->id != o->odd_cpu)
		return raw;
	return raw + (uint64_t)o->odd_cpu_ns +
	       (uint64_t)(int64_t)((double)c->w->now * o->odd_cpu_ppm * 1e-6);
}

static void record(struct cpu *c, enum ev ev, const uint64_t *args)
{
	struct machine *m = c->m;
	const struct task *t = c->curr;
	const struct out_context in = {.cpu = c->id,
				       .tid = t->tid,
				       .pid = t->pid,
				       .ppid = t->ppid,
				       .comm = t->comm,
				       .in_irq = c->in_irq,
				       .in_softirq = c->in_softirq,
				       .in_guest = counts_as_guest(c)};

	out_event(m->trace, &in, ev, cpu_clock_raw(c), args);
}

void emit_args(struct cpu *c, enum ev ev, const uint64_t *args)
{
	struct machine *m = c->m;
	struct vcpu *v = c->curr->vcpu;

	if (!m->w->o->timer_events && ev >= EV_HRTIMER_START && ev <= EV_HRTIMER_CANCEL)
		return;
	if (v && v->lane.state == V_GUEST)
		vcpu_first_host_event(v);
	if (m->trace)
		record(c, ev, args);
}

bool cpu_can_take_irq(const struct cpu *c)
{
	const struct ring *r = &c->curr->ops;
	return !c->irqq.n && !(r->n && (r->at[r->first].flags & OP_IRQS_OFF));
}

static void take_pending(struct cpu *c)
{
	struct vcpu *v = c->curr->vcpu;

	if (v && v->in_guest) {
		vcpu_exit(v, X_INTR, 0, 0);
		return;
	}
	if (c->curr->ops.n && (ring_head(&c->curr->ops)->flags & OP_BREAKS))
		ring_head(&c->curr->ops)->cost = 0;
	irq_take(c, (enum irq)__builtin_ctz(c->pending));
}

static bool may_preempt(struct cpu *c)
{
	struct ring *r = &c->curr->ops;
	return !r->n || !(ring_head(r)->flags & (OP_NO_PREEMPT | OP_IRQS_OFF));
}

/* Return: the ring with c's next op, on its own level; NULL if it must be asked again. */
static struct ring *own_ring(struct cpu *c)
{
	if (c->irqq.n)
		return &c->irqq;
	if (c->need_resched && may_preempt(c)) {
		sched_resched(c);
		return NULL;
	}
	if (!c->curr->ops.n)
		c->curr->program(c, c->curr);
	return &c->curr->ops;
}

/* Like own_ring(), for the guest CPU of a vCPU in guest mode. */
static struct ring *guest_ring(struct vcpu *v)
{
	if (v->window && cpu_can_take_irq(v->cpu)) {
		vcpu_exit(v, X_WINDOW, 0, 0);
		return NULL;
	}
	return own_ring(v->cpu);
}

/* Finds what a host CPU does next. Return: on which level: c or the guest CPU it runs. */
static struct cpu *next_level(struct cpu *c)
{
	for (;;) {
		struct cpu *level = c;
		if (c->pending && cpu_can_take_irq(c)) {
			take_pending(c);
			continue;
		}
		struct vcpu *v = c->curr->vcpu;
		if (v && v->in_guest) {
			level = v->cpu;
			level->executing = guest_ring(v);
		} else {
			level->executing = own_ring(c);
		}
		if (level->executing)
			return level;
	}
}

static void perform(struct cpu *level)
{
	struct op op = *ring_head(level->executing);

	ring_pop(level->executing);
	if (op.effect)
		op.effect(level, &op);
}

static void resume(void *subject, uint64_t generation);

/* Runs a host CPU as long as nothing happens elsewhere before the end of its next op. */
static void cpu_advance(struct cpu *c)
{
	struct world *w = c->w;

	for (;;) {
		struct cpu *level = next_level(c);
		struct op *op = ring_head(level->executing);
		int64_t end = w->now + op->cost;
		if (end > w->until || end > queue_next(&w->queue)) {
			c->op = op;
			c->op_from = w->now;
			queue_push(&w->queue, end, resume, c, ++c->generation);
			return;
		}
		w->now = end;
		perform(level);
	}
}

/* Takes the time that has passed off the op under way. */
static void stop(struct cpu *c)
{
	if (!c->op)
		return;
	c->op->cost -= c->w->now - c->op_from;
	c->op = NULL;
}

static void resume(void *subject, uint64_t generation)
{
	struct cpu *c = subject;

	if (generation != c->generation)
		return;
	stop(c);
	cpu_advance(c);
}

void cpu_poke(struct cpu *c)
{
	if (!c->op)
		return; /* it is in an effect, and looks anyway when that is over */
	stop(c);
	queue_push(&c->w->queue, c->w->now, resume, c, ++c->generation);
}

static bool enough(const struct world *w)
{
	uint64_t events = 0, bytes = 0;

	for (unsigned i = 0; i < w->n_machines; i++) {
		if (w->machines[i].trace) {
			events += out_events(w->machines[i].trace);
			bytes += out_bytes(w->machines[i].trace);
		}
	}
	return (w->o->events && events >= w->o->events) || (w->o->size && bytes >= w->o->size);
}

void world_run(struct world *w)
{
	struct item item;
	bool limited = w->o->events || w->o->size;

	for (unsigned i = 0; i < w->host->n_cpus; i++)
		queue_push(&w->queue, 0, resume, &w->host->cpus[i], w->host->cpus[i].generation);
	for (uint64_t n = 0; queue_next(&w->queue) <= w->until; n++) {
		if (limited && !(n % 256) && enough(w))
			break;
		queue_pop(&w->queue, &item);
		w->now = item.time;
		item.fire(item.subject, item.arg);
	}
	if (w->o->duration && queue_next(&w->queue) > w->until)
		w->now = w->until;
}
