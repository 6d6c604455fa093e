#include "model/fused.h"

/*
 * Whether what a CPU takes itself to do is what truly happens. A host's CPU is real. A guest's is
 * what its vCPU, the carrier, lets it be; if that runs in a guest itself, what that one's CPU is,
 * too.
 */
static enum carrier_state cpu_is_carried(const struct cpu *c)
{
	if (c->carrier)
		return vcpu_carries(&c->carrier->self);
	return c->is_virtual ? CARRIER_UNKNOWN : CARRIED;
}

/* Likewise of a vCPU that runs on it. */
static enum carrier_state vcpu_is_carried(const struct cpu *c)
{
	return c->carrier ? vcpu_carries_nested(&c->carrier->self) : cpu_is_carried(c);
}

/* Return: what the CPU below is busy with while it is CARRIER_GONE. */
static struct occupant cpu_taken_by(const struct cpu *c)
{
	if (c->carrier)
		return *vcpu_taken_by(&c->carrier->self);
	return (struct occupant){.thread = NO_THREAD, .irq = NO_IRQ};
}

/* ---- threads -------------------------------------------------------------------------------- */

static int state_of_mode(enum thread_mode mode)
{
	switch (mode) {
	case MODE_USER:
		return THREAD_USER;
	case MODE_SYSCALL:
	case MODE_KVM:
	case MODE_KERNEL:
		return THREAD_SYSCALL;
	default:
		return THREAD_RUNS;
	}
}

static int state_of_current(const struct cpu *c)
{
	switch (cpu_is_carried(c)) {
	case CARRIER_GONE:
		return THREAD_STOLEN;
	case CARRIER_BUSY:
		return THREAD_HYPERVISOR;
	case CARRIER_UNKNOWN:
		return THREAD_UNKNOWN;
	case CARRIED:
		break;
	}
	if (c->irqs)
		return THREAD_IRQ;
	if (c->softirqs)
		return THREAD_SOFTIRQ;
	return c->settled ? state_of_mode(c->current->lane.mode) : THREAD_RUNS;
}

static void update_thread(struct model *m, const struct cpu *c, int64_t ts)
{
	if (c->current && !thread_is_idle(c->current))
		thread_lane_set(&c->current->lane, ts, state_of_current(c), c->number, m->sink);
}

void world_thread_off(struct model *m, struct thread *t, int64_t ts, enum thread_state state,
		      uint32_t cpu)
{
	if (!thread_is_idle(t))
		thread_lane_set(&t->lane, ts, (int)state, cpu, m->sink);
}

/* ---- CPUs ----------------------------------------------------------------------------------- */

/* The vCPU whose guest code this CPU runs now, or NULL. */
static const struct world_vcpu *vcpu_in_guest(const struct cpu *c)
{
	const struct world_vcpu *v = c->current ? c->current->vcpu : NULL;

	return v && v->self.open.state == VCPU_GUEST ? v : NULL;
}

/* A state, or CPU_RUNS. */
static int cpu_state_of_mode(enum thread_mode mode)
{
	switch (mode) {
	case MODE_USER:
		return CPU_USER;
	case MODE_SYSCALL:
	case MODE_KVM:
	case MODE_KERNEL:
		return CPU_SYSCALL;
	default:
		return CPU_RUNS;
	}
}

static int state_without_interrupts(const struct thread *t)
{
	return thread_is_idle(t) ? (int)CPU_IDLE : cpu_state_of_mode(t->lane.mode);
}

/* What it does besides running guest code. */
static int own_state(const struct cpu *c)
{
	if (c->irqs)
		return CPU_IRQ;
	if (c->softirqs)
		return CPU_SOFTIRQ;
	if (!c->current)
		return CPU_UNKNOWN;
	return c->settled ? state_without_interrupts(c->current) : CPU_RUNS;
}

/* Follows the guest code down to the innermost VM that is known. */
static void look_inside(const struct world_vcpu *v, struct cpu_view *view)
{
	view->state = CPU_VM;
	do {
		view->vcpu = (int)v->self.id;
		view->vm = v->vm;
		view->guest_thread = v->inner ? thread_id(v->inner->current) : NO_THREAD;
		v = v->inner ? vcpu_in_guest(v->inner) : NULL;
		/* If it is in the guest by its own word only, its hypervisor runs. */
	} while (v && v->self.carried == CARRIED);
}

static void update_cpu(struct model *m, struct cpu *c, int64_t ts)
{
	const struct world_vcpu *v = vcpu_in_guest(c);
	struct cpu_view view = {
		.thread = thread_id(c->current), .vm = -1, .vcpu = -1, .guest_thread = NO_THREAD};

	if (v)
		look_inside(v, &view);
	else
		view.state = own_state(c);
	cpu_lane_set(&c->lane, ts, &view, m->sink);
}

/* While its mode was unknown, the thread was in this one. */
static void settle(struct model *m, const struct thread *t, enum thread_mode mode)
{
	const struct machine *mc = &m->machines[t->known.machine];
	int state = mode == MODE_UNKNOWN ? (int)CPU_UNKNOWN : cpu_state_of_mode(mode);

	vec_each (c, &mc->cpus)
		cpu_lane_settle(&(*c)->lane, t->known.id, t->lane.unknown_since,
				(enum cpu_state)state, m->sink);
}

void world_thread_mode(struct model *m, struct thread *t, enum thread_mode before,
		       enum thread_mode after, const char *syscall)
{
	if (t->lane.mode == MODE_UNKNOWN)
		settle(m, t, before);
	thread_lane_mode(&t->lane, before, after, syscall, m->sink);
}

void world_thread_forget(struct model *m, struct thread *t)
{
	if (t->lane.mode == MODE_UNKNOWN)
		settle(m, t, MODE_UNKNOWN);
	thread_lane_forget(&t->lane, m->sink);
}

/* Since its recording began and whenever no other interrupt was handled, this CPU was in these
 * states. */
static void was(struct model *m, struct cpu *c, int of_thread, int of_cpu)
{
	if (!c->current)
		return;
	cpu_lane_settle(&c->lane, c->current->known.id, INT64_MIN, (enum cpu_state)of_cpu, m->sink);
	thread_lane_settle(&c->current->lane, of_thread, m->sink);
}

void world_settle_cpu(struct model *m, struct cpu *c, enum event_id id)
{
	switch (id) {
	case EV_IRQ_EXIT:
		/* What it interrupted may have been a softirq. */
		if (!c->irqs)
			was(m, c, THREAD_IRQ, CPU_IRQ);
		return;
	case EV_SOFTIRQ_EXIT:
		was(m, c, THREAD_SOFTIRQ, CPU_SOFTIRQ);
		break;
	case EV_SCHED_SWITCH:
	case EV_SOFTIRQ_ENTRY:
	case EV_SYSCALL_ENTRY:
	case EV_SYSCALL_EXIT:
	case EV_KVM_ENTRY:
	case EV_KVM_EXIT:
	case EV_KVM_USERSPACE_EXIT:
		if (c->current)
			was(m, c, state_of_mode(c->current->lane.mode),
			    state_without_interrupts(c->current));
		break;
	default:
		return;
	}
	c->settled = true;
}

/* ---- the layers -------------------------------------------------------------------------------
 *
 * No machine is below itself (identity_tie()), so both ways end.
 */

/* What a CPU runs shows in the lanes of the CPUs that carry it. */
static void update_upwards(struct model *m, struct cpu *c, int64_t ts)
{
	const struct world_vcpu *v;

	update_cpu(m, c, ts);
	while ((v = c->carrier) && v->self.running_on != NO_CPU) {
		c = world_cpu(m, v->host, v->self.running_on);
		update_cpu(m, c, ts);
	}
}

/* Whether a CPU is real decides what is true of its thread, and of the VM that runs on it. */
/* Tells the vCPU that a thread runs whether it is on a CPU, as seen from further out. */
static void __attribute__((noinline)) carry(const struct cpu *c, struct world_vcpu *v, int64_t ts)
{
	struct occupant taken_by = cpu_taken_by(c);

	vcpu_carry(&v->self, ts, vcpu_is_carried(c), &taken_by);
}

static void update_downwards(struct model *m, const struct cpu *c, int64_t ts)
{
	struct world_vcpu *v;

	update_thread(m, c, ts);
	while (c->current && (v = c->current->vcpu)) {
		carry(c, v, ts);
		if (!v->inner)
			return;
		c = v->inner;
		update_thread(m, c, ts);
	}
}

void world_cpu_changed(struct model *m, struct cpu *c, int64_t ts)
{
	update_downwards(m, c, ts);
	update_upwards(m, c, ts);
}

void world_mode_changed(struct model *m, struct cpu *c, int64_t ts)
{
	update_thread(m, c, ts);
	update_cpu(m, c, ts);
}

void world_vcpu_changed(struct model *m, const struct world_vcpu *v, int64_t ts)
{
	if (v->inner)
		update_downwards(m, v->inner, ts);
}
