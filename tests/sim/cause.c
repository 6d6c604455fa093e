#include "cause.h"

#include <stdio.h>
#include <string.h>

#include "truth.h"

enum { PERIOD_NS = 100000000, LONG_SLICE_NS = 70000000, STORM_GAP_NS = 6000, SPIN_NS = 3000 };

static const char *const NAMES[N_CAUSE] = {
	[CAUSE_HEALTHY] = "healthy",
	[CAUSE_POLLING] = "polling",
	[CAUSE_QUOTA] = "quota",
	[CAUSE_SIBLINGS] = "siblings",
	[CAUSE_EMULATOR] = "emulator",
	[CAUSE_VHOST] = "vhost",
	[CAUSE_INTERRUPTS] = "interrupts",
	[CAUSE_NEIGHBOUR] = "neighbour",
	[CAUSE_LONG_NEIGHBOUR] = "long-neighbour",
	[CAUSE_LOCK_HOLDER] = "lock-holder",
	[CAUSE_MSR_STORM] = "msr-storm",
	[CAUSE_PIO_STORM] = "pio-storm",
	[CAUSE_MMIO_STORM] = "mmio-storm",
	[CAUSE_NESTED] = "nested",
	[CAUSE_CLOCK] = "clock",
};

static const char *const KINDS[N_CAUSE_KIND] = {
	[CAUSE_OF_NONE] = "",	[CAUSE_OF_THREAD] = "thread",	[CAUSE_OF_IDLE] = "idle",
	[CAUSE_OF_IRQ] = "irq", [CAUSE_OF_SOFTIRQ] = "softirq", [CAUSE_OF_TIMER] = "timer",
	[CAUSE_OF_QUOTA] = "",	[CAUSE_OF_POLL] = "",
};

static const char *const BELONGS[N_BELONGS] = {
	[BY_IDLE] = "idle",	    [BY_NEIGHBOUR] = "neighbour", [BY_SIBLING] = "sibling",
	[BY_EMULATOR] = "emulator", [BY_VHOST] = "vhost",	  [BY_HOST] = "host",
	[BY_KERNEL] = "kernel",	    [BY_INTERRUPT] = "interrupt", [BY_QUOTA] = "quota",
	[BY_POLLING] = "polling",
};

int cause_by_name(const char *name, size_t n)
{
	for (int i = 0; i < N_CAUSE; i++) {
		if (strlen(NAMES[i]) == n && !memcmp(NAMES[i], name, n))
			return i;
	}
	return -1;
}

const char *cause_kind_name(enum cause_kind kind)
{
	return KINDS[kind];
}

const char *cause_belongs_name(enum belongs by)
{
	return BELONGS[by];
}

static bool cause_is(const struct world *w, enum cause cause)
{
	return w->o->causes >> cause & 1;
}

/* ---- who is where ---- */

static bool cause_is_vhost(const struct machine *vm, const struct task *t)
{
	char comm[COMM_LEN + 8];

	snprintf(comm, sizeof(comm), "vhost-%d", vm->qemu->pid);
	return t->kthread && !strcmp(comm, t->comm);
}

enum belongs cause_belongs(const struct vcpu *v, const struct task *t)
{
	struct world *w = v->vm->w;

	if (t->is_idle)
		return BY_IDLE;
	if (t->vcpu)
		return t->vcpu->vm == v->vm ? BY_SIBLING : BY_NEIGHBOUR;
	for (unsigned i = 1; i < w->n_machines; i++) {
		const struct machine *vm = &w->machines[i];
		if (!vm->qemu)
			continue; /* not there yet */
		if (cause_is_vhost(vm, t))
			return vm == v->vm ? BY_VHOST : BY_NEIGHBOUR;
		if (!t->kthread && t->pid == vm->qemu->pid)
			return vm == v->vm ? BY_EMULATOR : BY_NEIGHBOUR;
	}
	return t->kthread ? BY_KERNEL : BY_HOST;
}

unsigned cause_home(const struct machine *vm, unsigned id)
{
	const struct world *w = vm->w;
	unsigned index = (unsigned)vm->index - 1, n_cpus = w->o->pcpus;
	bool crowds = cause_is(w, CAUSE_NEIGHBOUR) || cause_is(w, CAUSE_LONG_NEIGHBOUR);

	if (index == 0 && cause_is(w, CAUSE_SIBLINGS))
		id = 0;
	if (index == 1 && ((id == 0 && crowds) || (id == 1 && cause_is(w, CAUSE_LOCK_HOLDER))))
		return cause_home(&w->machines[1], id);
	return (index * w->o->vcpus + id) % n_cpus;
}

unsigned cause_spare_cpu(const struct world *w, unsigned n)
{
	unsigned taken = w->o->vms * w->o->vcpus, n_cpus = w->o->pcpus;

	if (taken >= n_cpus)
		return n % n_cpus;
	return taken + n % (n_cpus - taken);
}

/* ---- what guests do ---- */

static struct task *cause_task(struct machine *m, const char *comm,
			       void (*program)(struct cpu *, struct task *), unsigned cpu)
{
	struct task *t = task_new(m, comm, 0, 1);

	t->program = program;
	t->affinity = (uint64_t)1 << cpu % m->n_cpus;
	sched_start(t, &m->cpus[cpu % m->n_cpus]);
	truth_thread_name(t);
	return t;
}

static void cause_sleeper(struct machine *m, unsigned cpu, int64_t work, int64_t sleep)
{
	struct task *t = cause_task(m, "app", program_sleeper, cpu);

	t->p[0] = work;
	t->p[1] = sleep;
}

/* p[0]: enum exit_kind. */
static void program_storm(struct cpu *c, struct task *t)
{
	struct block b = {0};

	block_op(&b, cost(c->m, STORM_GAP_NS), NULL)->flags = OP_USER;
	block_exit(&b, c, (enum exit_kind)t->p[0], 0, 0);
	b.at[b.n - 1].flags = 0;
	task_ops(t, &b);
}

/* Computes, and spins whenever the VM's second vCPU, which holds a lock, has lost its CPU. */
static void program_spinner(struct cpu *c, struct task *t)
{
	int state = c->m->vcpus[1 % c->m->n_cpus].lane.state;
	bool lost = state == V_PREEMPTED || state == V_THROTTLED;
	struct block b = {0};

	block_op(&b, cost(c->m, lost ? SPIN_NS : 20000), NULL)->flags = OP_USER;
	if (lost) {
		block_exit(&b, c, X_PAUSE, 0, 0);
		b.at[b.n - 1].flags = 0;
	}
	task_ops(t, &b);
}

static void cause_storm(struct machine *m, enum cause cause, enum exit_kind kind)
{
	if (cause_is(m->w, cause))
		cause_task(m, "storm", program_storm, 0)->p[0] = kind;
}

/* The second vCPU wakes the first, which it does from its own CPU. */
static void cause_talk(struct machine *m)
{
	struct task *pipe = work_pipe(m);

	pipe->affinity = 1;
	pipe->peer->affinity = (uint64_t)1 << 1 % m->n_cpus;
}

static void cause_work_of_victim(struct machine *m)
{
	static const enum cause busy[] = {CAUSE_QUOTA, CAUSE_SIBLINGS,	CAUSE_EMULATOR,
					  CAUSE_VHOST, CAUSE_NEIGHBOUR, CAUSE_LONG_NEIGHBOUR};
	struct world *w = m->w;
	bool first = false;

	for (unsigned i = 0; i < sizeof(busy) / sizeof(*busy); i++)
		first |= cause_is(w, busy[i]);
	if (first)
		cause_task(m, "hog", program_hog, 0);
	if (cause_is(w, CAUSE_SIBLINGS) || cause_is(w, CAUSE_LOCK_HOLDER) ||
	    (cause_is(w, CAUSE_QUOTA) && w->o->seed % 2))
		cause_task(m, "hog", program_hog, 1);
	if (cause_is(w, CAUSE_INTERRUPTS))
		cause_talk(m);
	if (cause_is(w, CAUSE_LOCK_HOLDER))
		cause_task(m, "spinner", program_spinner, 0);
	cause_storm(m, CAUSE_MSR_STORM, X_MSR_READ);
	cause_storm(m, CAUSE_PIO_STORM, X_PIO);
	cause_storm(m, CAUSE_MMIO_STORM, X_MMIO);
	cause_storm(m, CAUSE_NESTED, X_VMLOAD);
}

void cause_work(struct machine *m)
{
	struct world *w = m->w;

	if (!m->guest)
		return;
	for (unsigned i = 0; i < m->n_cpus; i++) {
		cause_sleeper(m, i, 60000, 3000000);
		if (cause_is(w, CAUSE_POLLING))
			cause_sleeper(m, i, 20000, 150000);
	}
	if (m->index == 1)
		cause_work_of_victim(m);
	if (m->index == 2 && (cause_is(w, CAUSE_NEIGHBOUR) || cause_is(w, CAUSE_LONG_NEIGHBOUR)))
		cause_task(m, "hog", program_hog, 0);
	if (m->index == 2 && cause_is(w, CAUSE_LOCK_HOLDER))
		cause_task(m, "hog", program_hog, 1);
}

/* ---- what the host does ---- */

/* A thread that works for g1 on the CPU of its first vCPU. */
static void cause_helper(struct world *w, const char *comm, bool kthread)
{
	struct machine *vm = &w->machines[1];
	struct task *t = task_new(w->host, comm, kthread ? 0 : vm->qemu->pid, kthread ? 2 : 1);

	t->kthread = kthread;
	t->program = program_sleeper;
	t->p[0] = 400000;
	t->p[1] = 1200000;
	t->affinity = (uint64_t)1 << cause_home(vm, 0);
	sched_start(t, &w->host->cpus[cause_home(vm, 0)]);
	truth_thread_name(t);
}

static void cause_limit(struct world *w)
{
	struct machine *vm = &w->machines[1];
	int64_t share = 30 + 10 * (int64_t)(w->o->seed % 4);
	struct cpu *timer_on = &w->host->cpus[cause_spare_cpu(w, 0)];

	w->group = quota_new(timer_on, PERIOD_NS * share / 100, PERIOD_NS);
	for (size_t i = 0; i < w->host->tasks.n; i++) {
		struct task *t = w->host->tasks.at[i];
		if (!t->kthread && t->pid == vm->qemu->pid)
			quota_add(w->group, t);
	}
}

static void cause_move_others(struct world *w)
{
	uint64_t spare = 0;

	for (unsigned i = 0; i < w->o->pcpus; i++)
		spare |= (uint64_t)1 << cause_spare_cpu(w, i);
	for (size_t i = 0; i < w->host->tasks.n; i++) {
		struct task *t = w->host->tasks.at[i];
		if (!t->vcpu && !t->is_idle)
			t->affinity = spare;
	}
}

void cause_begin(struct world *w)
{
	char comm[COMM_LEN + 8];

	cause_move_others(w);
	if (w->n_machines < 2 || !w->machines[1].qemu)
		return;
	snprintf(comm, sizeof(comm), "vhost-%d", w->machines[1].qemu->pid);
	if (cause_is(w, CAUSE_EMULATOR))
		cause_helper(w, "IO iothread1", false);
	if (cause_is(w, CAUSE_VHOST))
		cause_helper(w, comm, true);
	if (cause_is(w, CAUSE_QUOTA))
		cause_limit(w);
	if (cause_is(w, CAUSE_INTERRUPTS))
		irq_storm(&w->host->cpus[cause_home(&w->machines[1], 0)]);
	if (cause_is(w, CAUSE_LONG_NEIGHBOUR) && w->n_machines > 2 && w->machines[2].qemu)
		w->machines[2].vcpus[0].thread->slice = LONG_SLICE_NS;
}

int64_t cause_timer_cost(struct cpu *c, const struct timer *t)
{
	struct world *w = c->w;
	struct rng *r = &c->m->rng;

	if (!cause_is(w, CAUSE_INTERRUPTS) || c->m->guest || !c->storm)
		return 0;
	if (strcmp(timer_function_name(c->m, t->function), "apic_timer_fn") != 0 ||
	    !rng_percent(r, 20))
		return 0;
	return rng_range(r, 300000, 800000);
}

bool cause_may_poll(const struct cpu *c)
{
	return !c->w->o->causes || !c->queued.n;
}

bool cause_clock_changes(struct vcpu *v)
{
	struct world *w = v->vm->w;

	if (!cause_is(w, CAUSE_CLOCK) || v->vm->index != 1 || v->clock_told ||
	    w->now < w->o->warmup + w->o->duration / 2)
		return false;
	v->clock_told = true;
	return true;
}
