#include <stdlib.h>
#include <string.h>

#include "model/world.h"

/* ---- wake-ups --------------------------------------------------------------------------------- */

static bool is_in_guest(const struct model *m, uint32_t machine)
{
	return m->identity->machines.at[machine].vm != IDENT_NONE;
}

void world_woken(struct model *m, const struct event *e, uint32_t thread)
{
	if (!is_in_guest(m, e->machine) || m->wakeups.at[thread].pending)
		return;
	m->wakeups.at[thread] = (struct pending_wakeup){
		.pending = true, .ts = e->ts, .waker = world_cpu(m, e->machine, e->cpu)->current};
}

static void emit(struct model *m, uint32_t thread, struct wakeup *w)
{
	struct pending_wakeup *p = &m->wakeups.at[thread];

	w->machine = m->threads.at[thread].machine;
	w->thread = thread;
	w->waker = p->waker;
	w->ts = p->ts;
	p->pending = false;
	if (m->sink->wakeup)
		m->sink->wakeup(m->sink->ctx, w);
}

/* A stage that lies before the wake-up was not needed for it. */
static int64_t since(int64_t ts, int64_t stage)
{
	return stage >= ts ? stage - ts : NO_VALUE;
}

void world_ran(struct model *m, const struct event *e, uint32_t thread)
{
	const struct pending_wakeup *p = &m->wakeups.at[thread];
	int vcpu = world_cpu(m, e->machine, e->cpu)->carrier;
	struct wakeup w = {.vcpu = vcpu,
			   .vcpu_woken = NO_VALUE,
			   .vcpu_ran = NO_VALUE,
			   .entered = NO_VALUE,
			   .ran = e->ts - p->ts};

	if (!p->pending)
		return;
	if (vcpu != NO_VCPU) {
		w.vcpu_woken = since(p->ts, m->vcpus[vcpu].woken_at);
		w.vcpu_ran = since(p->ts, m->vcpus[vcpu].ran_at);
		w.entered = since(p->ts, m->vcpus[vcpu].entered_at);
	}
	emit(m, thread, &w);
}

void world_never_ran(struct model *m, uint32_t thread)
{
	struct wakeup w = {.vcpu = NO_VCPU,
			   .vcpu_woken = NO_VALUE,
			   .vcpu_ran = NO_VALUE,
			   .entered = NO_VALUE,
			   .ran = NO_VALUE};

	if (m->wakeups.at[thread].pending)
		emit(m, thread, &w);
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
	const struct model_thread *t = &m->threads.at[c->current];
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
