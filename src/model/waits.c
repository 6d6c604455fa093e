#include "model/waits.h"

#include <stdlib.h>
#include <string.h>

/* ---- wake-ups ------------------------------------------------------------------------------- */

/* The thread waits for this CPU now: what its vCPU got through for another does not count. */
static void wait_on(struct thread *t, const struct cpu *c)
{
	struct pending_wakeup *p = &t->wakeup;

	p->vcpu = c->carrier;
	for (int i = 0; i < WAKE_N_STAGES; i++)
		p->stages[i] = NO_VALUE;
	p->next = 0;
	if (!p->vcpu)
		return;
	if (p->vcpu->self.open.state == VCPU_GUEST)
		p->next = WAKE_N_STAGES;
	*vec_push(&p->vcpu->woken) = t;
}

static void leave_queue(struct thread *t)
{
	struct world_vcpu *v = t->wakeup.vcpu;

	for (size_t i = 0; v && i < v->woken.n; i++) {
		if (v->woken.at[i] == t) {
			v->woken.at[i] = v->woken.at[--v->woken.n];
			return;
		}
	}
}

void world_woken(struct model *m, struct thread *t, const struct cpu *on, uint32_t cpu, int64_t ts)
{
	if (!on->is_virtual || t->wakeup.pending)
		return;
	t->wakeup.pending = true;
	t->wakeup.ts = ts;
	t->wakeup.waker = thread_id(on->current);
	wait_on(t, world_cpu(m, on->machine, cpu));
}

void world_wake_moved(struct model *m, struct thread *t, uint32_t cpu)
{
	if (!t->wakeup.pending)
		return;
	leave_queue(t);
	wait_on(t, world_cpu(m, t->known.machine, cpu));
}

void world_wake_stage(struct world_vcpu *v, enum wake_stage stage, int64_t ts)
{
	vec_each (t, &v->woken) {
		struct pending_wakeup *p = &(*t)->wakeup;

		if ((int)stage < p->next)
			continue;
		p->stages[stage] = ts - p->ts;
		p->next = stage + 1;
	}
}

static void emit(struct model *m, struct thread *t, const struct world_vcpu *v, int64_t ran)
{
	struct pending_wakeup *p = &t->wakeup;
	bool as_expected = v == p->vcpu;
	struct wakeup w = {.machine = t->known.machine,
			   .thread = t->known.id,
			   .waker = p->waker,
			   .vcpu = v ? (int)v->self.id : NO_VCPU,
			   .ts = p->ts,
			   .vcpu_woken = as_expected ? p->stages[WAKE_VCPU_WOKEN] : NO_VALUE,
			   .vcpu_ran = as_expected ? p->stages[WAKE_VCPU_RAN] : NO_VALUE,
			   .entered = as_expected ? p->stages[WAKE_ENTERED] : NO_VALUE,
			   .ran = ran};

	leave_queue(t);
	p->pending = false;
	if (m->sink->wakeup)
		m->sink->wakeup(m->sink->ctx, &w);
}

void world_ran(struct model *m, struct thread *t, const struct cpu *on, int64_t ts)
{
	if (t->wakeup.pending)
		emit(m, t, on->carrier, ts - t->wakeup.ts);
}

void world_never_ran(struct model *m, struct thread *t)
{
	if (t->wakeup.pending)
		emit(m, t, NULL, NO_VALUE);
}

/* ---- what halted vCPUs wait for ------------------------------------------------------------- */

static int vm_of_process(const struct model *m, uint32_t host, int64_t pid)
{
	for (int i = 0; pid != NO_VALUE && i < (int)m->identity->vms.n; i++) {
		if (m->identity->vms.at[i].host == (int)host && m->identity->vms.at[i].pid == pid)
			return i;
	}
	return IDENT_NONE;
}

/* Return: the process that a kernel thread works for by its name, "vhost-500"; 0: none. */
static int64_t works_for(const struct model_thread *t, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(t->comm, prefix, n) != 0 ? 0 : strtol(t->comm + n, NULL, 10);
}

/*
 * Whose context an interrupt is sent from says what it is for: a vhost worker is the network,
 * kvm-pit is the timer that KVM emulates, the VM's own process is its devices, another vCPU sends
 * IPIs, and a vCPU's own thread, or an interrupt on top of it, finds the timer expired.
 */
static enum irq_source source_of(const struct model *m, const struct event *e, const struct cpu *c,
				 int *vmp)
{
	const struct model_thread *t = &c->current->known;
	int64_t pid;

	if (t->vcpu != NO_VCPU) {
		const struct ident_vcpu *v = &m->identity->vcpus.at[t->vcpu];

		*vmp = v->vm;
		return v->index == e->kvm_accept_irq.apicid ? IRQ_TIMER : IRQ_IPI;
	}
	if ((pid = works_for(t, "vhost-")) > 0) {
		*vmp = vm_of_process(m, e->machine, pid);
		return IRQ_NETWORK;
	}
	if ((pid = works_for(t, "kvm-pit/")) > 0) {
		*vmp = vm_of_process(m, e->machine, pid);
		return IRQ_TIMER;
	}
	*vmp = c->irqs || c->softirqs ? IDENT_NONE : vm_of_process(m, e->machine, t->pid);
	return IRQ_DEVICE;
}

static void vote(struct irq_sender *s, uint32_t thread)
{
	if (!s->lead)
		s->thread = thread;
	s->lead += s->thread == thread ? 1 : -1;
}

void world_irq_accepted(struct model *m, const struct event *e, const struct cpu *c)
{
	int64_t vector = e->kvm_accept_irq.vector;
	int vm = IDENT_NONE;

	if (!c->current || vector < 0 || vector > 255)
		return;
	enum irq_source source = source_of(m, e, c, &vm);

	if (vm == IDENT_NONE)
		return;
	/* vCPUs send by turns, and what they do themselves is named already. */
	bool is_vcpu = c->current->known.vcpu != NO_VCPU;
	struct irq_sources *s = &m->irq_sources[vm];

	s->n[vector][source]++;
	vote(&s->senders[vector][source], is_vcpu ? NO_THREAD : c->current->known.id);
}
