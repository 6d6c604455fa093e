#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "events/syscall_name.h"
#include "model/world.h"

/* _IO(KVMIO, 0x80), include/uapi/linux/kvm.h */
#define KVM_RUN 0xae80

/* kthreadd makes all other kernel threads. */
enum { KTHREADD = 2 };

struct event_set model_events(void)
{
	static const enum event_id ids[] = {
		EV_SCHED_SWITCH,
		EV_SCHED_WAKEUP,
		EV_SCHED_WAKING,
		EV_SCHED_MIGRATE_TASK,
		EV_SCHED_PROCESS_FORK,
		EV_SCHED_PROCESS_EXIT,
		EV_STATEDUMP_PROCESS_STATE,
		EV_STATEDUMP_PID_NS,
		EV_KVM_ENTRY,
		EV_KVM_EXIT,
		EV_KVM_USERSPACE_EXIT,
		EV_KVM_ACCEPT_IRQ,
		EV_KVM_INJ_VIRQ,
		EV_KVM_NESTED_EXIT,
		EV_KVM_WAIT_LAPIC_EXPIRE,
		EV_SYSCALL_ENTRY,
		EV_SYSCALL_EXIT,
		EV_IRQ_ENTRY,
		EV_IRQ_EXIT,
		EV_SOFTIRQ_ENTRY,
		EV_SOFTIRQ_EXIT,
	};

	return event_set_of(ids, sizeof(ids) / sizeof(ids[0]));
}

/* ---- CPUs ------------------------------------------------------------------------------------- */

/* The vCPU that is this CPU of a guest. */
static int carrier_of(const struct model *m, uint32_t machine, uint32_t cpu)
{
	int vm = m->identity->machines.at[machine].vm;

	for (int i = 0; vm != IDENT_NONE && i < (int)m->n_vcpus; i++) {
		const struct ident_vcpu *v = &m->identity->vcpus.at[i];

		if (v->vm == vm && v->guest_cpu == cpu)
			return i;
	}
	return NO_VCPU;
}

struct cpu *world_cpu(struct model *m, uint32_t machine, uint32_t number)
{
	struct machine *mc = &m->machines[machine];

	/* Most are met in the order of their numbers. */
	if (number < mc->cpus.n && mc->cpus.at[number].number == number)
		return &mc->cpus.at[number];
	uint64_t *i = map_put(&mc->cpu_by_number, number, mc->cpus.n);

	if (*i == mc->cpus.n) {
		struct cpu *c = vec_push(&mc->cpus);

		*c = (struct cpu){.number = number,
				  .current = NO_THREAD,
				  .guest = NO_VCPU,
				  .is_virtual = m->identity->machines.at[machine].vm != IDENT_NONE,
				  .carrier = carrier_of(m, machine, number)};
		cpu_lane_init(&c->lane, machine, number, m->lanes[machine].begin);
	}
	return &mc->cpus.at[*i];
}

static uint32_t occupant_of(struct model *m, uint32_t machine, uint32_t cpu)
{
	return world_cpu(m, machine, cpu)->current;
}

static void unlist(struct cpu *c, int vcpu)
{
	for (size_t i = 0; i < c->waiting.n; i++) {
		if (c->waiting.at[i] == vcpu) {
			c->waiting.at[i] = c->waiting.at[--c->waiting.n];
			return;
		}
	}
}

/* Puts the vCPU on the list of the CPU that it waits for now. */
static void relist(struct model *m, uint32_t machine, int vcpu)
{
	const struct vcpu *v = &m->vcpus[vcpu];
	uint32_t queue = vcpu_waits(v) ? v->queue : NO_CPU;

	if (queue == m->waits_on[vcpu])
		return;
	if (m->waits_on[vcpu] != NO_CPU)
		unlist(world_cpu(m, machine, m->waits_on[vcpu]), vcpu);
	if (queue != NO_CPU)
		*vec_push(&world_cpu(m, machine, queue)->waiting) = vcpu;
	m->waits_on[vcpu] = queue;
}

/* After anything that may have changed what a vCPU does. */
static void vcpu_changed(struct model *m, uint32_t machine, int vcpu, int64_t ts)
{
	relist(m, machine, vcpu);
	world_vcpu_changed(m, vcpu, ts);
}

static int vcpu_on(const struct model *m, const struct cpu *c)
{
	return c->current == NO_THREAD ? NO_VCPU : world_at(m, c->current)->known.vcpu;
}

static uint32_t host_of_vcpu(const struct model *m, int vcpu)
{
	return (uint32_t)m->identity->vms.at[m->identity->vcpus.at[vcpu].vm].host;
}

/* ---- the scheduler ---------------------------------------------------------------------------- */

static void lose_vcpu(struct model *m, uint32_t machine, int vcpu, int64_t ts)
{
	vcpu_lose(&m->vcpus[vcpu], ts);
	vcpu_changed(m, machine, vcpu, ts);
}

static void lose_thread(struct model *m, uint32_t thread, int64_t ts)
{
	world_never_ran(m, thread);
	world_thread_forget(m, thread);
	world_thread_off(m, thread, ts, THREAD_UNKNOWN, NO_CPU);
}

/* The switch says who was current; if that was believed to be another, events are missing. */
static void check_prev(struct model *m, const struct event *e, struct cpu *c, uint32_t prev)
{
	int vcpu = vcpu_on(m, c);

	if (c->current == prev)
		return;
	if (c->current != NO_THREAD) {
		m->contradictions++;
		lose_thread(m, c->current, e->ts);
		if (vcpu != NO_VCPU)
			lose_vcpu(m, e->machine, vcpu, e->ts);
	}
	c->current = prev;
}

/*
 * Whether the scheduler took the CPU from a thread that wanted to go on. The low byte of the state is
 * what it would wait for; a bit above it marks preemption (TASK_REPORT_MAX, formerly TASK_STATE_MAX).
 */
static bool is_runnable(int64_t prev_state)
{
	return (prev_state & 0xff) == 0;
}

/*
 * Whether a thread that is exiting is gone for good: the state says that it is dead or a zombie (X, Z, x:
 * 0x10 to 0x80, numbered differently by kernels before 4.14). Until then it may still be preempted or wait.
 */
static bool is_dead(int64_t prev_state)
{
	return (prev_state & 0xf0) != 0;
}

static void thread_out(struct model *m, const struct event *e, uint32_t thread)
{
	bool runnable = is_runnable(e->sched_switch.prev_state);
	int vcpu = world_at(m, thread)->known.vcpu;

	if (world_at(m, thread)->lane.exiting && is_dead(e->sched_switch.prev_state))
		world_died(m, thread, e->ts);
	else if (runnable)
		world_thread_off(m, thread, e->ts, THREAD_WAIT_CPU, e->cpu);
	else
		world_thread_off(m, thread, e->ts, THREAD_BLOCKED, NO_CPU);
	if (vcpu != NO_VCPU) {
		vcpu_switch_out(&m->vcpus[vcpu], e->ts, e->cpu, runnable,
				occupant_of(m, e->machine, e->cpu));
		vcpu_changed(m, e->machine, vcpu, e->ts);
	}
	/* It may be woken on, or go on to, the CPU of which nothing is known. */
	if (e->ts < m->machines[e->machine].lost_to) {
		if (world_at(m, thread)->lane.open.state != THREAD_DEAD)
			lose_thread(m, thread, e->ts);
		if (vcpu != NO_VCPU)
			lose_vcpu(m, e->machine, vcpu, e->ts);
	}
}

static void thread_in(struct model *m, const struct event *e, uint32_t thread)
{
	int vcpu = world_at(m, thread)->known.vcpu;

	world_ran(m, e, thread);
	if (vcpu == NO_VCPU)
		return;
	world_wake_stage(m, vcpu, WAKE_VCPU_RAN, e->ts);
	vcpu_switch_in(&m->vcpus[vcpu], e->ts, e->cpu);
	vcpu_changed(m, e->machine, vcpu, e->ts);
}

static void on_switch(struct model *m, const struct event *e)
{
	uint32_t prev = world_thread(m, e->machine, e->cpu, e->sched_switch.prev_tid);
	uint32_t next = world_thread(m, e->machine, e->cpu, e->sched_switch.next_tid);
	struct cpu *c = world_cpu(m, e->machine, e->cpu);

	world_set_comm(m, prev, &e->sched_switch.prev_comm);
	world_set_comm(m, next, &e->sched_switch.next_comm);
	check_prev(m, e, c, prev);
	c->current = next;
	c->irqs = c->softirqs = 0; /* neither is ever switched away from */
	if (prev != next) {
		thread_out(m, e, prev);
		thread_in(m, e, next);
	}
	vec_each (v, &c->waiting)
		vcpu_requeue(&m->vcpus[*v], e->ts, e->cpu, next);
	world_cpu_changed(m, e->machine, e->cpu, e->ts);
}

static bool every_current_is_known(const struct machine *mc)
{
	for (size_t i = 0; i < mc->cpus.n; i++) {
		if (mc->cpus.at[i].current == NO_THREAD)
			return false;
	}
	return true;
}

/* Threads that run are woken, too, by those who do not know; that changes nothing. */
static bool can_be_woken(const struct model *m, uint32_t machine, uint32_t thread)
{
	const struct machine *mc = &m->machines[machine];

	switch ((int)world_at(m, thread)->lane.open.state) {
	case THREAD_BLOCKED:
	case THREAD_DEAD:
		return true;
	case THREAD_UNKNOWN:
		return every_current_is_known(mc) && !world_is_current(mc, thread);
	default:
		return false;
	}
}

static void on_wakeup(struct model *m, const struct event *e, int64_t tid, int64_t target_cpu)
{
	uint32_t thread = world_thread(m, e->machine, e->cpu, tid);
	uint32_t cpu = target_cpu == NO_VALUE ? e->cpu : (uint32_t)target_cpu;
	int vcpu = world_at(m, thread)->known.vcpu;

	if (can_be_woken(m, e->machine, thread)) {
		world_woken(m, e, thread, cpu);
		world_thread_off(m, thread, e->ts, THREAD_WAIT_CPU, cpu);
	}
	if (vcpu == NO_VCPU)
		return;
	if (m->vcpus[vcpu].asleep)
		world_wake_stage(m, vcpu, WAKE_VCPU_WOKEN, e->ts);
	vcpu_wake(&m->vcpus[vcpu], e->ts, cpu, occupant_of(m, e->machine, cpu));
	vcpu_changed(m, e->machine, vcpu, e->ts);
}

static void on_migrate(struct model *m, const struct event *e)
{
	uint32_t thread = world_thread(m, e->machine, e->cpu, e->sched_migrate_task.tid);
	uint32_t cpu = (uint32_t)e->sched_migrate_task.dest_cpu;
	int vcpu = world_at(m, thread)->known.vcpu;

	if (world_at(m, thread)->lane.open.state == THREAD_WAIT_CPU)
		world_thread_off(m, thread, e->ts, THREAD_WAIT_CPU, cpu);
	world_wake_moved(m, e->machine, thread, cpu);
	if (vcpu == NO_VCPU)
		return;
	vcpu_requeue(&m->vcpus[vcpu], e->ts, cpu, occupant_of(m, e->machine, cpu));
	vcpu_changed(m, e->machine, vcpu, e->ts);
}

/* ---- processes -------------------------------------------------------------------------------- */

static int container_of_child(struct model *m, const struct event *e, int parents)
{
	size_t n_levels = e->sched_process_fork.vtids.n / sizeof(int32_t);

	if (e->sched_process_fork.child_ns_inum == NO_VALUE || !n_levels)
		return parents;
	return world_container_of_child(m, e->machine, (int64_t)n_levels - 1,
					e->sched_process_fork.child_ns_inum, parents);
}

/* A new thread begins inside the call that made it, and leaves it as its parent does; not a kernel thread. */
static void enter_birth(struct thread_lane *child, const struct thread_lane *parent)
{
	static const char *const calls[] = {"clone", "clone3", "fork", "vfork"};

	if (parent->mode != MODE_SYSCALL || !parent->syscall)
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (!strcmp(parent->syscall, calls[i])) {
			child->mode = MODE_SYSCALL;
			child->syscall = parent->syscall;
		}
	}
}

static void on_fork(struct model *m, const struct event *e)
{
	uint32_t parent = world_thread(m, e->machine, e->cpu, e->sched_process_fork.parent_tid);
	uint32_t child = world_fork(m, e->machine, e->sched_process_fork.child_tid, e->ts);
	struct model_thread *t = &world_at(m, child)->known;
	const struct model_thread *p = &world_at(m, parent)->known;
	bool is_thread = e->sched_process_fork.child_pid == p->pid && p->pid != NO_VALUE;

	t->pid = e->sched_process_fork.child_pid;
	t->ppid = is_thread ? p->ppid : p->pid != NO_VALUE ? p->pid : p->tid;
	t->container = container_of_child(m, e, p->container);
	world_set_comm(m, child, &e->sched_process_fork.child_comm);
	if (e->sched_process_fork.parent_tid == KTHREADD)
		world_at(m, child)->lane.mode = MODE_KERNEL;
	enter_birth(&world_at(m, child)->lane, &world_at(m, parent)->lane);
	world_thread_off(m, child, e->ts,
			 e->ts < m->machines[e->machine].lost_to ? THREAD_UNKNOWN : THREAD_BLOCKED,
			 NO_CPU);
}

static void on_statedump(struct model *m, const struct event *e)
{
	uint32_t thread = world_thread(m, e->machine, e->cpu, e->statedump_process_state.tid);
	struct model_thread *t = &world_at(m, thread)->known;
	struct thread_lane *l = &world_at(m, thread)->lane;

	t->pid = e->statedump_process_state.pid;
	t->ppid = e->statedump_process_state.ppid;
	world_set_comm(m, thread, &e->statedump_process_state.name);
	if (e->statedump_process_state.type == STATEDUMP_TYPE_KERNEL && l->mode != MODE_KERNEL)
		world_thread_mode(m, thread, MODE_KERNEL, MODE_KERNEL, NULL);
	if (e->statedump_process_state.status == STATEDUMP_STATUS_WAIT &&
	    l->open.state == THREAD_UNKNOWN && can_be_woken(m, e->machine, thread))
		world_thread_off(m, thread, e->ts, THREAD_BLOCKED, NO_CPU);
	world_namespace(m, thread, e->statedump_process_state.ns_level,
			e->statedump_process_state.ns_inum);
}

/* ---- system calls, interrupts ----------------------------------------------------------------- */

static const char *call_name(const struct event *e)
{
	return e->syscall_entry.name ? e->syscall_entry.name
				     : syscall_name(e->syscall_entry.number);
}

static void on_syscall(struct model *m, const struct event *e, struct cpu *c)
{
	bool entry = e->id == EV_SYSCALL_ENTRY;
	int vcpu = vcpu_on(m, c);

	if (c->current == NO_THREAD)
		return;
	world_thread_mode(m, c->current, entry ? MODE_USER : MODE_SYSCALL,
			  entry ? MODE_SYSCALL : MODE_USER, entry ? call_name(e) : NULL);
	if (vcpu != NO_VCPU && entry && (uint32_t)e->syscall_entry.cmd == KVM_RUN)
		vcpu_run_ioctl(&m->vcpus[vcpu], e->ts, e->cpu);
	else if (vcpu != NO_VCPU && !entry)
		vcpu_leave_ioctl(&m->vcpus[vcpu], e->ts, e->cpu);
	world_cpu_changed(m, e->machine, e->cpu, e->ts);
}

static void on_interrupt(struct model *m, const struct event *e, unsigned *depth, bool entry)
{
	if (entry)
		++*depth;
	else if (*depth)
		--*depth;
	world_cpu_changed(m, e->machine, e->cpu, e->ts);
}

/* ---- KVM -------------------------------------------------------------------------------------- */

static struct exit_cause cause_of(const struct event *e)
{
	int64_t isa = e->kvm_exit.isa;

	return (struct exit_cause){.reason = (uint32_t)e->kvm_exit.reason,
				   .isa = isa == NO_VALUE ? 0 : (uint8_t)isa};
}

/*
 * Only KVM_RUN, an ioctl, enters a guest. Where that system call was not recorded, its end shows in the exit to
 * user space: the thread is in user code somewhere between that and the next entry.
 */
static void follow_kvm_run(struct model *m, const struct event *e, uint32_t thread)
{
	const struct thread_lane *l = &world_at(m, thread)->lane;
	const struct vcpu *v = &m->vcpus[world_at(m, thread)->known.vcpu];
	bool left = e->id == EV_KVM_USERSPACE_EXIT;

	if (left && l->mode == MODE_KVM)
		world_thread_mode(m, thread, MODE_KVM, l->rest, NULL);
	else if (!left && l->mode != MODE_SYSCALL && l->mode != MODE_KVM)
		world_thread_mode(m, thread,
				  v->open.state == VCPU_USERSPACE ? MODE_USER : MODE_UNKNOWN,
				  MODE_KVM, "ioctl");
}

static void on_kvm(struct model *m, const struct event *e, struct cpu *c)
{
	int i = vcpu_on(m, c);

	if (i == NO_VCPU)
		return;
	if (e->id == EV_KVM_ENTRY || e->id == EV_KVM_EXIT || e->id == EV_KVM_USERSPACE_EXIT)
		follow_kvm_run(m, e, c->current);
	switch (e->id) {
	case EV_KVM_ENTRY:
		world_wake_stage(m, i, WAKE_ENTERED, e->ts);
		vcpu_enter(&m->vcpus[i], e->ts, e->cpu);
		c->guest = i;
		break;
	case EV_KVM_EXIT:
		vcpu_exit(&m->vcpus[i], e->ts, e->cpu, cause_of(e),
			  e->kvm_exit.rip == NO_VALUE ? 0 : (uint64_t)e->kvm_exit.rip);
		m->vcpus[i].exit.guest_thread = world_guest_thread(m, i);
		break;
	case EV_KVM_INJ_VIRQ:
		vcpu_inject(&m->vcpus[i], e->kvm_inj_virq.vector);
		return;
	case EV_KVM_NESTED_EXIT:
		vcpu_leave_nested(&m->vcpus[i]);
		return;
	case EV_KVM_USERSPACE_EXIT:
		vcpu_userspace(&m->vcpus[i], e->ts, e->cpu, e->kvm_userspace_exit.reason);
		break;
	}
	relist(m, e->machine, i);
	world_cpu_changed(m, e->machine, e->cpu, e->ts);
}

/* ---- losses ----------------------------------------------------------------------------------- */

static void lose_vcpus(struct model *m, const struct event *e, int running)
{
	for (int i = 0; i < (int)m->n_vcpus; i++) {
		if (host_of_vcpu(m, i) != e->machine)
			continue;
		if (i == running || m->vcpus[i].running_on == NO_CPU ||
		    m->vcpus[i].running_on == e->cpu)
			lose_vcpu(m, e->machine, i, e->ts);
	}
}

/* All but those that are current on another CPU. */
static void lose_threads(struct model *m, uint32_t machine, int64_t ts)
{
	world_each_thread (t, m) {
		if (t->known.machine == machine &&
		    !world_is_current(&m->machines[machine], t->known.id) &&
		    t->lane.open.state != THREAD_DEAD)
			lose_thread(m, t->known.id, ts);
	}
}

/*
 * Events of one CPU are missing from here on. Whoever ran there may have left; whoever is on no CPU
 * may have come. Only those that run on another CPU are still known.
 */
static void on_lost(struct model *m, const struct event *e)
{
	struct cpu *c = world_cpu(m, e->machine, e->cpu);
	struct machine *mc = &m->machines[e->machine];
	int running = vcpu_on(m, c);

	mc->lost_to = e->lost.to > mc->lost_to ? e->lost.to : mc->lost_to;
	c->current = NO_THREAD;
	c->guest = NO_VCPU;
	c->irqs = c->softirqs = 0;
	lose_threads(m, e->machine, e->ts);
	lose_vcpus(m, e, running);
	vec_each (v, &c->waiting)
		vcpu_requeue(&m->vcpus[*v], e->ts, e->cpu, NO_THREAD);
	world_cpu_changed(m, e->machine, e->cpu, e->ts);
}

/* ---- dispatch --------------------------------------------------------------------------------- */

static void stop_guest(struct model *m, const struct event *e, struct cpu *c)
{
	if (e->id == EV_KVM_WAIT_LAPIC_EXPIRE || e->id == EV_LOST)
		return;
	vcpu_stop_guest(&m->vcpus[c->guest], e->ts);
	c->guest = NO_VCPU;
	world_cpu_changed(m, e->machine, e->cpu, e->ts);
}

/* Who was on each CPU before its first switch is known from that switch. */
static void start_machine(struct model *m, uint32_t machine, int64_t ts)
{
	const struct evidence *e = m->identity->machines.at[machine].evidence;

	m->machines[machine].started = true;
	for (size_t i = 0; i < e->cpus.n; i++) {
		uint32_t cpu = e->cpus.at[i].cpu;

		world_cpu(m, machine, cpu);
		if (e->cpus.at[i].first_tid == NO_VALUE)
			continue;
		uint32_t thread = world_thread(m, machine, cpu, e->cpus.at[i].first_tid);
		int vcpu = world_at(m, thread)->known.vcpu;

		world_cpu(m, machine, cpu)->current = thread;
		if (vcpu != NO_VCPU)
			m->vcpus[vcpu].running_on = cpu;
	}
	for (size_t i = 0; i < e->cpus.n; i++)
		world_cpu_changed(m, machine, e->cpus.at[i].cpu, ts);
}

void model_event(struct model *m, const struct event *e)
{
	if (!m->machines[e->machine].started)
		start_machine(m, e->machine, e->ts);
	struct cpu *c = world_cpu(m, e->machine, e->cpu);

	if (!c->settled)
		world_settle_cpu(m, c, (enum event_id)e->id);
	if (c->guest != NO_VCPU)
		stop_guest(m, e, c);
	switch (e->id) {
	case EV_SCHED_SWITCH:
		on_switch(m, e);
		break;
	case EV_SCHED_WAKEUP:
		on_wakeup(m, e, e->sched_wakeup.tid, e->sched_wakeup.target_cpu);
		break;
	case EV_SCHED_WAKING:
		if (!m->machines[e->machine].has_wakeup)
			on_wakeup(m, e, e->sched_waking.tid, e->sched_waking.target_cpu);
		break;
	case EV_SCHED_MIGRATE_TASK:
		on_migrate(m, e);
		break;
	case EV_SCHED_PROCESS_FORK:
		on_fork(m, e);
		break;
	case EV_SCHED_PROCESS_EXIT:
		world_at(m, world_thread(m, e->machine, e->cpu, e->sched_process_exit.tid))
			->lane.exiting = true;
		break;
	case EV_STATEDUMP_PROCESS_STATE:
		on_statedump(m, e);
		break;
	case EV_STATEDUMP_PID_NS:
		world_namespace(m, world_thread(m, e->machine, e->cpu, e->statedump_pid_ns.tid),
				e->statedump_pid_ns.ns_level, e->statedump_pid_ns.ns_inum);
		break;
	case EV_KVM_ENTRY:
	case EV_KVM_EXIT:
	case EV_KVM_USERSPACE_EXIT:
	case EV_KVM_INJ_VIRQ:
	case EV_KVM_NESTED_EXIT:
		on_kvm(m, e, c);
		break;
	case EV_KVM_ACCEPT_IRQ:
		world_irq_accepted(m, e, c);
		break;
	case EV_SYSCALL_ENTRY:
	case EV_SYSCALL_EXIT:
		on_syscall(m, e, c);
		break;
	case EV_IRQ_ENTRY:
	case EV_IRQ_EXIT:
		on_interrupt(m, e, &c->irqs, e->id == EV_IRQ_ENTRY);
		break;
	case EV_SOFTIRQ_ENTRY:
	case EV_SOFTIRQ_EXIT:
		on_interrupt(m, e, &c->softirqs, e->id == EV_SOFTIRQ_ENTRY);
		break;
	case EV_LOST:
		on_lost(m, e);
		break;
	}
}

/* ---- life ------------------------------------------------------------------------------------- */

struct model *model_new(const struct identity *identity, const struct event_set *described,
			const struct model_span *lanes, const struct model_sink *sink)
{
	struct model *m = mem_zalloc(1, sizeof(*m));

	m->identity = identity;
	m->sink = sink;
	m->lanes = lanes;
	m->n_machines = identity->machines.n;
	m->machines = mem_zalloc(m->n_machines, sizeof(*m->machines));
	m->n_vcpus = identity->vcpus.n;
	m->vcpus = mem_zalloc(m->n_vcpus, sizeof(*m->vcpus));
	m->waits_on = mem_zalloc(m->n_vcpus, sizeof(*m->waits_on));
	m->woken = mem_zalloc(m->n_vcpus, sizeof(*m->woken));
	m->irq_sources = mem_zalloc(identity->vms.n, sizeof(*m->irq_sources));
	for (uint32_t i = 0; i < m->n_vcpus; i++) {
		vcpu_init(&m->vcpus[i], i, lanes[host_of_vcpu(m, (int)i)].begin, sink);
		m->waits_on[i] = NO_CPU;
	}
	for (size_t i = 0; i < m->n_machines; i++) {
		m->machines[i].has_wakeup = event_set_has(described[i], EV_SCHED_WAKEUP);
		m->machines[i].has_syscalls = event_set_has(described[i], EV_SYSCALL_ENTRY);
	}
	if (sink->begin)
		sink->begin(sink->ctx, identity);
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_machines; i++) {
		vec_each (c, &m->machines[i].cpus) {
			vec_deinit(&c->waiting);
			cpu_lane_deinit(&c->lane);
		}
		vec_deinit(&m->machines[i].cpus);
		map_deinit(&m->machines[i].cpu_by_number);
	}
	for (size_t i = 0; i < m->n_vcpus; i++) {
		vcpu_deinit(&m->vcpus[i]);
		vec_deinit(&m->woken[i]);
	}
	free(m->woken);
	world_each_thread (t, m)
		thread_lane_deinit(&t->lane);
	free(m->machines);
	free(m->vcpus);
	free(m->waits_on);
	free(m->irq_sources);
	vec_deinit(&m->threads);
	slots_deinit(&m->places);
	vec_deinit(&m->containers);
	map_deinit(&m->thread_by_key);
	map_deinit(&m->container_by_key);
	free(m);
}

static void end_cpu(struct model *m, uint32_t machine, struct cpu *c, int64_t ts)
{
	c->current = NO_THREAD;
	c->guest = NO_VCPU;
	c->irqs = c->softirqs = 0;
	world_cpu_changed(m, machine, c->number, ts);
}

/* Whether the guest proves that this vCPU is in it even after its host's recording. */
static bool outlasts(const struct model *m, int vcpu, int64_t ts, const int64_t *guest_seen)
{
	return vcpu != NO_VCPU && m->vcpus[vcpu].open.state == VCPU_GUEST && guest_seen[vcpu] > ts;
}

void model_end_machine(struct model *m, int machine, int64_t ts, const int64_t *guest_seen)
{
	struct machine *mc = &m->machines[machine];

	mc->ended = true;
	for (int i = 0; i < (int)m->n_vcpus; i++) {
		if (host_of_vcpu(m, i) == (uint32_t)machine && !outlasts(m, i, ts, guest_seen))
			lose_vcpu(m, (uint32_t)machine, i, ts);
	}
	world_each_thread (t, m) {
		if (t->known.machine == (uint32_t)machine && t->lane.open.state != THREAD_DEAD &&
		    !outlasts(m, t->known.vcpu, ts, guest_seen))
			lose_thread(m, t->known.id, ts);
	}
	for (size_t i = 0; i < mc->cpus.n; i++) {
		if (!outlasts(m, vcpu_on(m, &mc->cpus.at[i]), ts, guest_seen))
			end_cpu(m, (uint32_t)machine, &mc->cpus.at[i], ts);
	}
}

void model_end_vcpu(struct model *m, int vcpu, int64_t ts)
{
	uint32_t host = host_of_vcpu(m, vcpu);
	uint32_t cpu = m->vcpus[vcpu].running_on;

	if (!m->machines[host].ended || cpu == NO_CPU)
		return;
	struct cpu *c = world_cpu(m, host, cpu);

	lose_vcpu(m, host, vcpu, ts);
	if (c->current != NO_THREAD)
		lose_thread(m, c->current, ts);
	end_cpu(m, host, c, ts);
}

void model_finish(struct model *m)
{
	world_each_thread (t, m)
		world_never_ran(m, t->known.id);
	for (size_t i = 0; i < m->n_vcpus; i++)
		vcpu_finish(&m->vcpus[i], m->lanes[host_of_vcpu(m, (int)i)].end);
	world_each_thread (t, m)
		thread_lane_finish(&t->lane, m->lanes[t->known.machine].end, m->sink);
	for (size_t i = 0; i < m->n_machines; i++) {
		vec_each (c, &m->machines[i].cpus)
			cpu_lane_finish(&c->lane, m->lanes[i].end, m->sink);
	}
	world_each_thread (t, m) {
		if (m->sink->thread_end)
			m->sink->thread_end(m->sink->ctx, &t->known);
	}
}

const struct model_thread *model_thread(const struct model *m, uint32_t thread)
{
	bool kept = slots_find(&m->places, thread) != SLOT_NONE;

	return kept ? &world_at(m, thread)->known : NULL;
}

const struct model_container *model_containers(const struct model *m, size_t *np)
{
	*np = m->containers.n;
	return m->containers.at;
}

uint64_t model_contradictions(const struct model *m)
{
	uint64_t n = m->contradictions;

	for (size_t i = 0; i < m->n_vcpus; i++)
		n += m->vcpus[i].n_lost_exits;
	return n;
}
