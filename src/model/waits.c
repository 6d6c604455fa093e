#include <stdlib.h>
#include <string.h>

#include "model/world.h"

/* ---- wake-ups --------------------------------------------------------------------------------- */

static bool is_in_guest(const struct model *m, uint32_t machine)
{
	return m->identity->machines.at[machine].vm != IDENT_NONE;
}

/* The thread waits for this CPU now: what its vCPU got through for another does not count. */
static void wait_on(struct model *m, uint32_t machine, uint32_t thread, uint32_t cpu)
{
	struct pending_wakeup *p = &world_at(m, thread)->wakeup;

	p->vcpu = world_cpu(m, machine, cpu)->carrier;
	for (int i = 0; i < WAKE_N_STAGES; i++)
		p->stages[i] = NO_VALUE;
	p->next = 0;
	if (p->vcpu == NO_VCPU)
		return;
	if (m->vcpus[p->vcpu].open.state == VCPU_GUEST)
		p->next = WAKE_N_STAGES;
	*vec_push(&m->woken[p->vcpu]) = thread;
}

static void leave_queue(struct model *m, uint32_t thread)
{
	int vcpu = world_at(m, thread)->wakeup.vcpu;

	for (size_t i = 0; vcpu != NO_VCPU && i < m->woken[vcpu].n; i++) {
		if (m->woken[vcpu].at[i] == thread) {
			m->woken[vcpu].at[i] = m->woken[vcpu].at[--m->woken[vcpu].n];
			return;
		}
	}
}

void world_woken(struct model *m, const struct event *e, uint32_t thread, uint32_t cpu)
{
	if (!is_in_guest(m, e->machine) || world_at(m, thread)->wakeup.pending)
		return;
	world_at(m, thread)->wakeup = (struct pending_wakeup){
		.pending = true, .ts = e->ts, .waker = world_cpu(m, e->machine, e->cpu)->current};
	wait_on(m, e->machine, thread, cpu);
}

void world_wake_moved(struct model *m, uint32_t machine, uint32_t thread, uint32_t cpu)
{
	if (!world_at(m, thread)->wakeup.pending)
		return;
	leave_queue(m, thread);
	wait_on(m, machine, thread, cpu);
}

void world_wake_stage(struct model *m, int vcpu, enum wake_stage stage, int64_t ts)
{
	vec_each (thread, &m->woken[vcpu]) {
		struct pending_wakeup *p = &world_at(m, *thread)->wakeup;

		if ((int)stage < p->next)
			continue;
		p->stages[stage] = ts - p->ts;
		p->next = stage + 1;
	}
}

static void emit(struct model *m, uint32_t thread, int vcpu, int64_t ran)
{
	struct pending_wakeup *p = &world_at(m, thread)->wakeup;
	bool as_expected = vcpu == p->vcpu;
	struct wakeup w = {.machine = world_at(m, thread)->known.machine,
			   .thread = thread,
			   .waker = p->waker,
			   .vcpu = vcpu,
			   .ts = p->ts,
			   .vcpu_woken = as_expected ? p->stages[WAKE_VCPU_WOKEN] : NO_VALUE,
			   .vcpu_ran = as_expected ? p->stages[WAKE_VCPU_RAN] : NO_VALUE,
			   .entered = as_expected ? p->stages[WAKE_ENTERED] : NO_VALUE,
			   .ran = ran};

	leave_queue(m, thread);
	p->pending = false;
	if (m->sink->wakeup)
		m->sink->wakeup(m->sink->ctx, &w);
}

void world_ran(struct model *m, const struct event *e, uint32_t thread)
{
	const struct pending_wakeup *p = &world_at(m, thread)->wakeup;

	if (p->pending)
		emit(m, thread, world_cpu(m, e->machine, e->cpu)->carrier, e->ts - p->ts);
}

void world_never_ran(struct model *m, uint32_t thread)
{
	if (world_at(m, thread)->wakeup.pending)
		emit(m, thread, NO_VCPU, NO_VALUE);
}

/* ---- what halted vCPUs wait for --------------------------------------------------------------- */

static int vm_of_process(const struct model *m, uint32_t host, int64_t pid)
{
	for (int i = 0; pid != NO_VALUE && i < (int)m->identity->vms.n; i++) {
		if (m->identity->vms.at[i].host == (int)host && m->identity->vms.at[i].pid == pid)
			return i;
	}
	return IDENT_NONE;
}

/*
 * Whose context an interrupt is sent from says what it is for: a vhost worker is the network, the VM's
 * own process is its devices, another vCPU sends IPIs, and a vCPU's own thread, or an interrupt on top of
 * it, finds the timer expired.
 */
static enum irq_source source_of(const struct model *m, const struct event *e, const struct cpu *c,
				 int *vmp)
{
	const struct model_thread *t = &world_at(m, c->current)->known;
	long vhost_pid;

	if (t->vcpu != NO_VCPU) {
		const struct ident_vcpu *v = &m->identity->vcpus.at[t->vcpu];

		*vmp = v->vm;
		return v->index == e->kvm_accept_irq.apicid ? IRQ_TIMER : IRQ_IPI;
	}
	if (!strncmp(t->comm, "vhost-", 6) && (vhost_pid = strtol(t->comm + 6, NULL, 10)) > 0) {
		*vmp = vm_of_process(m, e->machine, vhost_pid);
		return IRQ_NETWORK;
	}
	*vmp = c->irqs || c->softirqs ? IDENT_NONE : vm_of_process(m, e->machine, t->pid);
	return IRQ_DEVICE;
}

void world_irq_accepted(struct model *m, const struct event *e, const struct cpu *c)
{
	int64_t vector = e->kvm_accept_irq.vector;
	int vm = IDENT_NONE;

	if (c->current == NO_THREAD || vector < 0 || vector > 255)
		return;
	enum irq_source source = source_of(m, e, c, &vm);

	if (vm != IDENT_NONE)
		m->irq_sources[vm].n[vector][source]++;
}

int model_irq_source(const struct model *m, int vm, int vector, uint64_t *np)
{
	const uint32_t *n = m->irq_sources[vm].n[vector];
	int best = 0;

	for (int s = 1; s < IRQ_N_SOURCES; s++)
		best = n[s] > n[best] ? s : best;
	*np = n[best];
	return n[best] ? best : -1;
}
