#include "model/world.h"

/*
 * Whether what a CPU believes it does is what truly happens. A host's CPU is real. A guest's is what
 * its vCPU, the carrier, lets it be; if that runs in a guest itself, what that one's CPU is, too.
 */
static enum carrier_state cpu_is_carried(const struct model *m, const struct cpu *c)
{
	if (c->carrier != NO_VCPU)
		return vcpu_carries(&m->vcpus[c->carrier]);
	return c->is_virtual ? CARRIER_UNKNOWN : CARRIED;
}

/* Likewise of a vCPU that runs on it. */
static enum carrier_state vcpu_is_carried(const struct model *m, const struct cpu *c)
{
	return c->carrier == NO_VCPU ? cpu_is_carried(m, c)
				     : vcpu_carries_nested(&m->vcpus[c->carrier]);
}

/* ---- threads ---------------------------------------------------------------------------------- */

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

static int state_of_current(const struct model *m, const struct cpu *c)
{
	switch (cpu_is_carried(m, c)) {
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
	return c->settled ? state_of_mode(world_at(m, c->current)->lane.mode) : THREAD_RUNS;
}

static bool is_idle(const struct model *m, uint32_t thread)
{
	return world_at(m, thread)->known.tid == 0;
}

static void update_thread(struct model *m, const struct cpu *c, int64_t ts)
{
	if (c->current == NO_THREAD || is_idle(m, c->current))
		return;
	thread_lane_set(&world_at(m, c->current)->lane, ts, state_of_current(m, c), c->number,
			m->sink);
}

void world_thread_off(struct model *m, uint32_t thread, int64_t ts, enum thread_state state,
		      uint32_t cpu)
{
	if (!is_idle(m, thread))
		thread_lane_set(&world_at(m, thread)->lane, ts, state, cpu, m->sink);
}

/* ---- CPUs ------------------------------------------------------------------------------------- */

/* The vCPU whose guest code this CPU runs now, or NO_VCPU. */
static int vcpu_in_guest(const struct model *m, const struct cpu *c)
{
	int vcpu = c->current == NO_THREAD ? NO_VCPU : world_at(m, c->current)->known.vcpu;

	return vcpu != NO_VCPU && m->vcpus[vcpu].open.state == VCPU_GUEST ? vcpu : NO_VCPU;
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

static int state_without_interrupts(const struct model *m, const struct cpu *c)
{
	if (is_idle(m, c->current))
		return CPU_IDLE;
	return cpu_state_of_mode(world_at(m, c->current)->lane.mode);
}

static int own_state(const struct model *m, const struct cpu *c)
{
	if (vcpu_in_guest(m, c) != NO_VCPU)
		return CPU_VM;
	if (c->irqs)
		return CPU_IRQ;
	if (c->softirqs)
		return CPU_SOFTIRQ;
	if (c->current == NO_THREAD)
		return CPU_UNKNOWN;
	return c->settled ? state_without_interrupts(m, c) : CPU_RUNS;
}

/* The CPU of its own trace that a vCPU is, or NULL if it was not traced. */
static struct cpu *cpu_of_vcpu(struct model *m, int vcpu, uint32_t *machinep)
{
	const struct ident_vcpu *v = &m->identity->vcpus.at[vcpu];
	int guest = m->identity->vms.at[v->vm].guest;

	if (guest == IDENT_NONE || v->guest_cpu == NO_VALUE || !m->machines[guest].started)
		return NULL;
	*machinep = (uint32_t)guest;
	uint64_t *i = map_get(&m->machines[guest].cpu_by_number, (uint64_t)v->guest_cpu);

	return i ? &m->machines[guest].cpus.at[*i] : NULL;
}

uint32_t world_guest_thread(struct model *m, int vcpu)
{
	uint32_t guest;
	const struct cpu *inner = cpu_of_vcpu(m, vcpu, &guest);

	return inner ? inner->current : NO_THREAD;
}

/* Follows the guest code down to the innermost VM that is known. */
static void look_inside(struct model *m, int vcpu, struct cpu_interval *view)
{
	while (vcpu != NO_VCPU) {
		uint32_t guest;
		const struct cpu *inner = cpu_of_vcpu(m, vcpu, &guest);

		view->vcpu = vcpu;
		view->vm = m->identity->vcpus.at[vcpu].vm;
		view->guest_thread = inner ? inner->current : NO_THREAD;
		vcpu = inner ? vcpu_in_guest(m, inner) : NO_VCPU;
		if (vcpu != NO_VCPU && m->vcpus[vcpu].carried != CARRIED)
			vcpu = NO_VCPU; /* it is believed to be, but its hypervisor runs */
	}
}

static void update_cpu(struct model *m, uint32_t machine, struct cpu *c, int64_t ts)
{
	struct cpu_interval view = {.machine = machine,
				    .cpu = c->number,
				    .state = (enum cpu_state)own_state(m, c),
				    .thread = c->current,
				    .vm = -1,
				    .vcpu = -1,
				    .guest_thread = NO_THREAD};

	if (view.state == CPU_VM)
		look_inside(m, vcpu_in_guest(m, c), &view);
	cpu_lane_set(&c->lane, ts, &view, m->sink);
}

/* While its mode was unknown, the thread was in this one. */
static void settle(struct model *m, uint32_t thread, enum thread_mode mode)
{
	struct machine *mc = &m->machines[world_at(m, thread)->known.machine];
	int64_t since = world_at(m, thread)->lane.unknown_since;
	int state = mode == MODE_UNKNOWN ? (int)CPU_UNKNOWN : cpu_state_of_mode(mode);

	vec_each (c, &mc->cpus)
		cpu_lane_settle(&c->lane, thread, since, (enum cpu_state)state, m->sink);
}

void world_thread_mode(struct model *m, uint32_t thread, enum thread_mode before,
		       enum thread_mode after, const char *syscall)
{
	struct thread_lane *l = &world_at(m, thread)->lane;

	if (l->mode == MODE_UNKNOWN)
		settle(m, thread, before);
	thread_lane_mode(l, before, after, syscall, m->sink);
}

void world_thread_forget(struct model *m, uint32_t thread)
{
	struct thread_lane *l = &world_at(m, thread)->lane;

	if (l->mode == MODE_UNKNOWN)
		settle(m, thread, MODE_UNKNOWN);
	thread_lane_forget(l, m->sink);
}

/* Since its recording began and whenever no other interrupt was handled, this CPU was in these states. */
static void was(struct model *m, struct cpu *c, int of_thread, int of_cpu)
{
	if (c->current == NO_THREAD)
		return;
	cpu_lane_settle(&c->lane, c->current, INT64_MIN, (enum cpu_state)of_cpu, m->sink);
	thread_lane_settle(&world_at(m, c->current)->lane, of_thread, m->sink);
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
		if (c->current != NO_THREAD)
			was(m, c, state_of_mode(world_at(m, c->current)->lane.mode),
			    state_without_interrupts(m, c));
		break;
	default:
		return;
	}
	c->settled = true;
}

/* ---- the layers ------------------------------------------------------------------------------- */

/* What a CPU runs shows in the lanes of the CPUs that carry it. */
static void update_upwards(struct model *m, uint32_t machine, struct cpu *c, int64_t ts)
{
	update_cpu(m, machine, c, ts);
	if (c->carrier == NO_VCPU)
		return;
	const struct vcpu *v = &m->vcpus[c->carrier];

	if (v->running_on == NO_CPU)
		return;
	uint32_t host = (uint32_t)m->identity->vms.at[m->identity->vcpus.at[c->carrier].vm].host;

	if (host != machine)
		update_upwards(m, host, world_cpu(m, host, v->running_on), ts);
}

/* Whether a CPU is real decides what is true of its thread, and of the VM that runs on it. */
static void update_downwards(struct model *m, uint32_t machine, struct cpu *c, int64_t ts)
{
	int vcpu = c->current == NO_THREAD ? NO_VCPU : world_at(m, c->current)->known.vcpu;
	uint32_t guest;

	update_thread(m, c, ts);
	if (vcpu == NO_VCPU)
		return;
	vcpu_carry(&m->vcpus[vcpu], ts, vcpu_is_carried(m, c));
	struct cpu *inner = cpu_of_vcpu(m, vcpu, &guest);

	if (inner && guest != machine)
		update_downwards(m, guest, inner, ts);
}

void world_cpu_changed(struct model *m, uint32_t machine, uint32_t cpu, int64_t ts)
{
	update_downwards(m, machine, world_cpu(m, machine, cpu), ts);
	update_upwards(m, machine, world_cpu(m, machine, cpu), ts);
}

void world_vcpu_changed(struct model *m, int vcpu, int64_t ts)
{
	uint32_t guest;
	struct cpu *inner = cpu_of_vcpu(m, vcpu, &guest);

	if (inner)
		update_downwards(m, guest, inner, ts);
}
