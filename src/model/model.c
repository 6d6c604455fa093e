#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "events/exit_detail.h"
#include "events/exit_reason.h"
#include "events/syscall_name.h"
#include "model/fused.h"
#include "model/threads.h"
#include "model/throttle.h"
#include "model/waits.h"

/* _IO(KVMIO, 0x80), include/uapi/linux/kvm.h */
#define KVM_RUN 0xae80

/* kthreadd makes all other kernel threads. */
enum { KTHREADD = 2 };

struct event_set model_events(struct event_set described)
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
		EV_KVM_VCPU_WAKEUP,
		EV_KVM_MSR,
		EV_KVM_PIO,
		EV_KVM_MMIO,
		EV_KVM_FAST_MMIO,
		EV_KVM_APIC,
		EV_KVM_CR,
		EV_KVM_CPUID,
		EV_KVM_HYPERCALL,
		EV_KVM_HV_HYPERCALL,
		EV_KVM_PAGE_FAULT,
		EV_KVM_WFX,
		EV_SYSCALL_ENTRY,
		EV_SYSCALL_EXIT,
		EV_IRQ_ENTRY,
		EV_IRQ_EXIT,
		EV_SOFTIRQ_ENTRY,
		EV_SOFTIRQ_EXIT,
		EV_HRTIMER_ENTRY,
		EV_HRTIMER_EXIT,
	};

	struct event_set set = event_set_of(ids, sizeof(ids) / sizeof(ids[0]));

	/* A thread that is being woken is woken soon after, on a queue that is known only then. */
	if (event_set_has(described, EV_SCHED_WAKEUP))
		set.bits &= ~(1ull << EV_SCHED_WAKING);
	return set;
}

/* ---- CPUs ----------------------------------------------------------------------------------- */

static void unlist(struct cpu *c, const struct world_vcpu *v)
{
	for (size_t i = 0; i < c->waiting.n; i++) {
		if (c->waiting.at[i] == v) {
			c->waiting.at[i] = c->waiting.at[--c->waiting.n];
			return;
		}
	}
}

/* Puts the vCPU on the list of the CPU that it waits for now. */
static void relist(struct model *m, struct world_vcpu *v)
{
	bool waits = vcpu_waits(&v->self) && v->self.queue != NO_CPU;
	struct cpu *queue = waits ? world_cpu(m, v->host, v->self.queue) : NULL;

	if (queue == v->waits_on)
		return;
	if (v->waits_on)
		unlist(v->waits_on, v);
	if (queue)
		*vec_push(&queue->waiting) = v;
	v->waits_on = queue;
}

/* After anything that may have changed what a vCPU does. */
static void vcpu_changed(struct model *m, struct world_vcpu *v, int64_t ts)
{
	relist(m, v);
	world_vcpu_changed(m, v, ts);
}

static struct world_vcpu *vcpu_on(const struct cpu *c)
{
	return c->current ? c->current->vcpu : NULL;
}

/* ---- the scheduler -------------------------------------------------------------------------- */

/*
 * What is not there cannot have done anything, unless it was made unseen. When the next thread is
 * made that runs it is known beforehand.
 */
static bool stays_absent(const struct model *m, const struct world_vcpu *v, int64_t ts)
{
	int64_t next = v->self.open.state == VCPU_ABSENT
			       ? identity_next_birth(m->identity, (int)v->self.id, ts)
			       : INT64_MIN;

	return next != INT64_MIN && next != INT64_MAX;
}

static void lose_vcpu(struct model *m, struct world_vcpu *v, int64_t ts)
{
	if (stays_absent(m, v, ts))
		return;
	vcpu_lose(&v->self, ts);
	vcpu_changed(m, v, ts);
}

static void lose_thread(struct model *m, struct thread *t, int64_t ts)
{
	world_never_ran(m, t);
	world_thread_forget(m, t);
	world_thread_off(m, t, ts, THREAD_UNKNOWN, NO_CPU);
}

/* The switch says who was current; if another was current so far, events are missing. */
static void check_prev(struct model *m, struct cpu *c, struct thread *prev, int64_t ts)
{
	struct world_vcpu *v = vcpu_on(c);

	if (c->current == prev)
		return;
	if (c->current) {
		m->contradictions++;
		lose_thread(m, c->current, ts);
		if (v)
			lose_vcpu(m, v, ts);
		if (prev->vcpu)
			throttle_unseen(m, prev->vcpu, ts);
	}
	c->current = prev;
}

/*
 * Whether the scheduler took the CPU from a thread that wanted to go on. The low byte of the state
 * is what it would wait for; a bit above it marks preemption (TASK_REPORT_MAX, formerly
 * TASK_STATE_MAX).
 */
static bool is_runnable(int64_t prev_state)
{
	return (prev_state & 0xff) == 0;
}

/*
 * Whether a thread is gone for good: the state says that it is dead or a zombie (X, Z, x: 0x10 to
 * 0x80, numbered differently by kernels before 4.14). Until then it may still be preempted or wait.
 * If the event of its exit is missing, what all kernels number alike says so (0x40 and 0x80 are of
 * parked and waking threads, too).
 */
static bool is_dead(int64_t prev_state, bool exiting)
{
	return (prev_state & (exiting ? 0xf0 : 0x30)) != 0;
}

/*
 * A halted vCPU sleeps so that signals wake it (S); one that is stopped (T), traced (t) or waits
 * for the host (D) does not, whatever its exit was.
 */
static enum vcpu_off vcpu_off_of(int64_t prev_state)
{
	enum { INTERRUPTIBLE = 1 };

	if (is_runnable(prev_state))
		return VCPU_OFF_RUNNABLE;
	return prev_state & INTERRUPTIBLE ? VCPU_OFF_ASLEEP : VCPU_OFF_STOPPED;
}

/*
 * The vCPU's thread has died: its VM was switched off or killed, or the vCPU unplugged. Another
 * thread may run it without that anybody saw it made.
 */
static void end_runner(struct model *m, struct world_vcpu *v, int64_t ts)
{
	if (identity_next_birth(m->identity, (int)v->self.id, ts) == INT64_MIN)
		vcpu_lose(&v->self, ts);
	else
		vcpu_unplug(&v->self, ts);
}

/* The thread of a vCPU is switched out. */
static void __attribute__((noinline))
runner_out(struct model *m, const struct event *e, const struct cpu *c, struct world_vcpu *v,
	   bool dead)
{
	struct occupant next = cpu_occupant(c);

	if (v->self.running_on != NO_CPU)
		v->ran += e->ts - v->ran_since;
	vcpu_switch_out(&v->self, e->ts, e->cpu, vcpu_off_of(e->sched_switch.prev_state), &next);
	if (dead)
		end_runner(m, v, e->ts);
	vcpu_changed(m, v, e->ts);
}

static void thread_out(struct model *m, const struct event *e, struct cpu *c, struct thread *t)
{
	bool runnable = is_runnable(e->sched_switch.prev_state);
	bool dead = is_dead(e->sched_switch.prev_state, t->lane.exiting);
	struct world_vcpu *v = t->vcpu;

	if (dead)
		world_died(m, t, e->ts);
	else if (runnable)
		world_thread_off(m, t, e->ts, THREAD_WAIT_CPU, e->cpu);
	else
		world_thread_off(m, t, e->ts, THREAD_BLOCKED, NO_CPU);
	if (v)
		runner_out(m, e, c, v, dead);
	/* It may be woken on, or go on to, the CPU of which nothing is known. */
	if (e->ts < m->machines[e->machine].lost_to) {
		if (t->lane.open.state != THREAD_DEAD)
			lose_thread(m, t, e->ts);
		if (v)
			lose_vcpu(m, v, e->ts);
	}
}

/* Nothing is known any more of who is on the CPU. */
static void vacate(struct model *m, struct cpu *c, int64_t ts)
{
	struct world_vcpu *v = vcpu_on(c);
	struct thread *t = c->current;

	c->current = NULL;
	c->guest = NULL;
	if (t)
		lose_thread(m, t, ts);
	if (v)
		lose_vcpu(m, v, ts);
	world_cpu_changed(m, c, ts);
}

/*
 * A thread comes to CPU c that was on another so far: it left that one unseen. Where a recording
 * ends on each CPU at a time of its own nothing is missing.
 */
static void leave_other_cpu(struct model *m, const struct cpu *c, const struct thread *t,
			    int64_t ts)
{
	uint32_t cpu = t->lane.open.cpu;

	if (thread_is_idle(t) || cpu == NO_CPU || cpu == c->number)
		return;
	struct cpu *other = world_cpu(m, c->machine, cpu);

	if (other->current != t)
		return;
	m->contradictions += !m->identity->machines.at[c->machine].evidence->cpus_apart;
	vacate(m, other, ts);
}

static void thread_in(struct model *m, const struct event *e, const struct cpu *c, struct thread *t)
{
	struct world_vcpu *v = t->vcpu;

	world_ran(m, t, c, e->ts);
	if (!v)
		return;
	world_wake_stage(v, WAKE_VCPU_RAN, e->ts);
	throttle_judge(m, v, e->cpu, e->ts);
	if (v->self.running_on == NO_CPU)
		v->ran_since = e->ts;
	vcpu_switch_in(&v->self, e->ts, e->cpu);
	vcpu_changed(m, v, e->ts);
}

/* The CPU changed hands: those who wait for it lose their time to somebody else. */
static void __attribute__((noinline)) requeue(struct model *m, const struct cpu *c, int64_t ts)
{
	struct occupant now = cpu_occupant(c);

	vec_each (v, &c->waiting) {
		vcpu_requeue(&(*v)->self, ts, c->number, &now);
		world_vcpu_changed(m, *v, ts);
	}
}

static void new_occupant(struct model *m, const struct cpu *c, int64_t ts)
{
	if (c->waiting.n)
		requeue(m, c, ts);
}

static void on_switch(struct model *m, const struct event *e, struct cpu *c)
{
	struct thread *prev = world_thread(m, c, e->sched_switch.prev_tid);
	struct thread *next = world_alive(m, world_thread(m, c, e->sched_switch.next_tid), e->ts);

	world_set_comm(prev, &e->sched_switch.prev_comm);
	world_set_comm(next, &e->sched_switch.next_comm);
	check_prev(m, c, prev, e->ts);
	c->current = next;
	c->irqs = c->softirqs = c->work.n = 0; /* neither is ever switched away from */
	if (prev != next) {
		leave_other_cpu(m, c, next, e->ts);
		thread_out(m, e, c, prev);
		thread_in(m, e, c, next);
	}
	new_occupant(m, c, e->ts);
	world_cpu_changed(m, c, e->ts);
}

static bool every_current_is_known(const struct machine *mc)
{
	vec_each (c, &mc->cpus) {
		if (!(*c)->current)
			return false;
	}
	return true;
}

/* Threads that run are woken, too, by those who do not know; that changes nothing. */
static bool can_be_woken(const struct model *m, const struct thread *t)
{
	const struct machine *mc = &m->machines[t->known.machine];

	switch ((int)t->lane.open.state) {
	case THREAD_BLOCKED:
	case THREAD_DEAD:
		return true;
	case THREAD_UNKNOWN:
		return every_current_is_known(mc) && !world_is_current(mc, t);
	default:
		return false;
	}
}

/* The thread of a vCPU is woken, to run on that CPU. */
static void __attribute__((noinline))
wake_runner(struct model *m, const struct event *e, struct world_vcpu *v, uint32_t cpu)
{
	struct occupant now = cpu_occupant(world_cpu(m, e->machine, cpu));

	if (v->self.asleep)
		world_wake_stage(v, WAKE_VCPU_WOKEN, e->ts);
	vcpu_wake(&v->self, e->ts, cpu, &now);
	vcpu_changed(m, v, e->ts);
}

static void on_wakeup(struct model *m, const struct event *e, const struct cpu *c, int64_t tid,
		      int64_t target_cpu)
{
	struct thread *t = world_alive(m, world_thread(m, c, tid), e->ts);
	uint32_t cpu = target_cpu == NO_VALUE ? e->cpu : (uint32_t)target_cpu;
	struct world_vcpu *v = t->vcpu;

	if (can_be_woken(m, t)) {
		world_woken(m, t, c, cpu, e->ts);
		world_thread_off(m, t, e->ts, THREAD_WAIT_CPU, cpu);
	}
	if (v)
		wake_runner(m, e, v, cpu);
}

static void __attribute__((noinline))
on_migrate(struct model *m, const struct event *e, const struct cpu *c)
{
	struct thread *t = world_thread(m, c, e->sched_migrate_task.tid);
	uint32_t cpu = (uint32_t)e->sched_migrate_task.dest_cpu;
	struct world_vcpu *v = t->vcpu;

	if (t->lane.open.state == THREAD_WAIT_CPU)
		world_thread_off(m, t, e->ts, THREAD_WAIT_CPU, cpu);
	world_wake_moved(m, t, cpu);
	if (!v)
		return;
	struct occupant now = cpu_occupant(world_cpu(m, e->machine, cpu));

	vcpu_requeue(&v->self, e->ts, cpu, &now);
	vcpu_changed(m, v, e->ts);
}

/* ---- processes ------------------------------------------------------------------------------ */

static int container_of_child(struct model *m, const struct event *e, int parents)
{
	size_t n_levels = e->sched_process_fork.vtids.n / sizeof(int32_t);

	if (e->sched_process_fork.child_ns_inum == NO_VALUE)
		return parents;
	return world_container_of_child(m, e->machine, n_levels ? (int64_t)n_levels - 1 : NO_VALUE,
					e->sched_process_fork.child_ns_inum, parents);
}

/* A new thread begins inside the call that made it, and leaves it as its parent does; not a kernel
 * thread. */
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

static void plug_vcpu(struct model *m, struct world_vcpu *v, int64_t ts, bool seen)
{
	if (seen)
		vcpu_plug(&v->self, ts);
	else
		vcpu_lose(&v->self, ts);
	vcpu_changed(m, v, ts);
}

static void on_fork(struct model *m, const struct event *e, const struct cpu *c)
{
	struct thread *parent = world_thread(m, c, e->sched_process_fork.parent_tid);
	struct thread *child = world_fork(m, e->machine, e->sched_process_fork.child_tid, e->ts);
	const struct model_thread *p = &parent->known;
	struct model_thread *t = &child->known;
	bool is_thread = e->sched_process_fork.child_pid == p->pid && p->pid != NO_VALUE;

	t->pid = e->sched_process_fork.child_pid;
	t->ppid = is_thread ? p->ppid : p->pid != NO_VALUE ? p->pid : p->tid;
	t->container = container_of_child(m, e, p->container);
	world_set_comm(child, &e->sched_process_fork.child_comm);
	if (e->sched_process_fork.parent_tid == KTHREADD)
		child->lane.mode = MODE_KERNEL;
	/* On the CPU of which nothing is known it may be further already. */
	bool seen = e->ts >= m->machines[e->machine].lost_to;

	if (seen)
		enter_birth(&child->lane, &parent->lane);
	world_thread_off(m, child, e->ts, seen ? THREAD_BLOCKED : THREAD_UNKNOWN, NO_CPU);
	if (child->vcpu)
		plug_vcpu(m, child->vcpu, e->ts, seen);
}

static void on_statedump(struct model *m, const struct event *e, const struct cpu *c)
{
	struct thread *t =
		world_alive(m, world_thread(m, c, e->statedump_process_state.tid), e->ts);

	/* A name alone does not take back what a fork told. */
	if (e->statedump_process_state.pid != NO_VALUE)
		t->known.pid = e->statedump_process_state.pid;
	if (e->statedump_process_state.ppid != NO_VALUE)
		t->known.ppid = e->statedump_process_state.ppid;
	world_set_comm(t, &e->statedump_process_state.name);
	if (e->statedump_process_state.type == STATEDUMP_TYPE_KERNEL && t->lane.mode != MODE_KERNEL)
		world_thread_mode(m, t, MODE_KERNEL, MODE_KERNEL, NULL);
	if (e->statedump_process_state.status == STATEDUMP_STATUS_WAIT &&
	    t->lane.open.state == THREAD_UNKNOWN && can_be_woken(m, t))
		world_thread_off(m, t, e->ts, THREAD_BLOCKED, NO_CPU);
	world_namespace(m, t, e->statedump_process_state.ns_level,
			e->statedump_process_state.ns_inum);
}

/* ---- system calls, interrupts --------------------------------------------------------------- */

static const char *call_name(const struct event *e)
{
	return e->syscall_entry.name ? e->syscall_entry.name
				     : syscall_name(e->syscall_entry.number);
}

/* Where only numbers are recorded, the second argument of any call stands in place of an ioctl's
 * command. */
static bool is_kvm_run(const struct event *e)
{
	enum { IOCTL_X86_64 = 16, IOCTL = 29 };
	int64_t number = e->syscall_entry.number;

	return (uint32_t)e->syscall_entry.cmd == KVM_RUN &&
	       (number == NO_VALUE || number == IOCTL_X86_64 || number == IOCTL);
}

static void on_syscall(struct model *m, const struct event *e, struct cpu *c)
{
	bool entry = e->id == EV_SYSCALL_ENTRY;
	struct world_vcpu *v = vcpu_on(c);

	if (!c->current)
		return;
	world_thread_mode(m, c->current, entry ? MODE_USER : MODE_SYSCALL,
			  entry ? MODE_SYSCALL : MODE_USER, entry ? call_name(e) : NULL);
	if (v && entry && is_kvm_run(e))
		vcpu_run_ioctl(&v->self, e->ts, e->cpu);
	else if (v && !entry)
		vcpu_leave_ioctl(&v->self, e->ts, e->cpu);
	world_cpu_changed(m, c, e->ts);
}

/* Who waits for the CPU waits for what it is busy with now. */
static void work_changed(struct model *m, const struct cpu *c, int64_t ts)
{
	if (c->waiting.n)
		new_occupant(m, c, ts);
}

static void on_work_begin(struct model *m, struct cpu *c, int64_t ts, unsigned *depth,
			  struct work_item item)
{
	++*depth;
	work_begin(&c->work, &item);
	work_changed(m, c, ts);
	world_mode_changed(m, c, ts);
}

static void on_work_end(struct model *m, struct cpu *c, int64_t ts, unsigned *depth, enum busy busy)
{
	if (*depth)
		--*depth;
	work_end(&c->work, busy);
	work_changed(m, c, ts);
	world_mode_changed(m, c, ts);
}

/* It runs within the timer's interrupt. */
static void __attribute__((noinline))
on_timer_begin(struct model *m, const struct event *e, struct cpu *c)
{
	work_begin(&c->work, &(struct work_item){.busy = BUSY_TIMER,
						 .number = NO_IRQ,
						 .handler = throttle_timer(m, e, c)});
	work_changed(m, c, e->ts);
}

static void on_timer_end(struct model *m, const struct event *e, struct cpu *c)
{
	work_end(&c->work, BUSY_TIMER);
	throttle_timer_done(m, e, c);
	work_changed(m, c, e->ts);
}

/* ---- KVM ------------------------------------------------------------------------------------ */

static struct exit_cause cause_of(const struct event *e)
{
	bool is_told = e->kvm_exit.reason != NO_VALUE;

	return (struct exit_cause){.reason = is_told ? exit_reason_of(e) : NO_EXIT,
				   .isa = (uint8_t)exit_isa_of(e)};
}

/*
 * Only KVM_RUN, an ioctl, enters a guest. Where that system call was not recorded, its end shows in
 * the exit to user space: the thread is in user code somewhere between that and the next entry.
 * Return: whether the event tells that of the vCPU's thread.
 */
static bool follow_kvm_run(struct model *m, const struct event *e, struct thread *t)
{
	bool left = e->id == EV_KVM_USERSPACE_EXIT;
	enum thread_mode mode = t->lane.mode;

	if (left ? mode != MODE_KVM : mode == MODE_SYSCALL || mode == MODE_KVM)
		return false;
	if (left)
		world_thread_mode(m, t, MODE_KVM, t->lane.rest, NULL);
	else
		world_thread_mode(
			m, t, t->vcpu->self.open.state == VCPU_USERSPACE ? MODE_USER : MODE_UNKNOWN,
			MODE_KVM, "ioctl");
	return true;
}

static void kvm_changed(struct model *m, struct cpu *c, struct world_vcpu *v, int64_t ts)
{
	relist(m, v);
	world_cpu_changed(m, c, ts);
}

static void on_entry(struct model *m, const struct event *e, struct cpu *c, struct world_vcpu *v)
{
	follow_kvm_run(m, e, c->current);
	world_wake_stage(v, WAKE_ENTERED, e->ts);
	vcpu_enter(&v->self, e->ts, e->cpu);
	c->guest = v;
	kvm_changed(m, c, v, e->ts);
}

static void on_exit_(struct model *m, const struct event *e, struct cpu *c, struct world_vcpu *v)
{
	uint64_t rip = e->kvm_exit.rip == NO_VALUE ? 0 : (uint64_t)e->kvm_exit.rip;
	struct exit_cause cause = cause_of(e);
	bool mode = follow_kvm_run(m, e, c->current);
	bool state = vcpu_exit(&v->self, e->ts, e->cpu, cause, rip);

	vcpu_detail(&v->self, exit_detail_of(e, (enum isa)cause.isa, (uint32_t)cause.reason));
	v->self.exit.guest_thread = v->inner ? thread_id(v->inner->current) : NO_THREAD;
	if (mode || state)
		kvm_changed(m, c, v, e->ts);
}

static void on_userspace(struct model *m, const struct event *e, struct cpu *c,
			 struct world_vcpu *v)
{
	follow_kvm_run(m, e, c->current);
	vcpu_userspace(&v->self, e->ts, e->cpu, e->kvm_userspace_exit.reason);
	kvm_changed(m, c, v, e->ts);
}

/*
 * The recorder says which thread is on the CPU. If another was current so far, or that one on
 * another CPU, events are missing, or the scheduler's were not recorded.
 */
static void put_on_cpu(struct model *m, const struct event *e, struct cpu *c)
{
	struct thread *t = world_thread(m, c, e->tid);
	struct world_vcpu *v = t->vcpu;

	if (c->current == t)
		return;
	if (c->current) {
		m->contradictions += m->machines[c->machine].has_switches;
		vacate(m, c, e->ts);
	}
	if (v && v->self.running_on != NO_CPU && v->self.running_on != c->number)
		vacate(m, world_cpu(m, c->machine, v->self.running_on), e->ts);
	c->current = t;
	thread_in(m, e, c, t);
	new_occupant(m, c, e->ts);
	world_cpu_changed(m, c, e->ts);
}

/* It has left the guest. Whether it is on its CPU until it enters again would be the scheduler's to
 * say. */
static void take_off_cpu(struct model *m, struct cpu *c, int64_t ts)
{
	struct thread *t = c->current;

	vcpu_leave(&t->vcpu->self, ts);
	vcpu_changed(m, t->vcpu, ts);
	c->current = NULL;
	lose_thread(m, t, ts);
	world_cpu_changed(m, c, ts);
}

static bool places_vcpu(const struct machine *mc, const struct event *e)
{
	return e->tid != NO_VALUE &&
	       (mc->has_switches || e->id == EV_KVM_ENTRY || e->id == EV_KVM_EXIT);
}

/* v is not run by its thread any more, which goes on. */
static void put_aside(struct model *m, struct world_vcpu *v, int64_t ts)
{
	if (v->self.running_on != NO_CPU)
		world_cpu(m, v->host, v->self.running_on)->guest = NULL;
	vcpu_put_aside(&v->self, ts, v->self.running_on);
	vcpu_changed(m, v, ts);
}

/* The thread, which is on the CPU, runs this vCPU now. What another has run of it goes on. */
static void take_turn(struct model *m, const struct cpu *c, struct thread *t, struct world_vcpu *v)
{
	if (t->vcpu)
		put_aside(m, t->vcpu, m->now);
	if (v->runner)
		put_aside(m, v, m->now);
	world_run_vcpu(v, t);
	vcpu_take_up(&v->self, m->now, c->number);
}

/*
 * The thread may run a vCPU now that another thread ran before. Where threads run vCPUs by turns,
 * each entry says which.
 */
static void take_over(struct model *m, const struct event *e, const struct cpu *c, struct thread *t)
{
	int64_t id = e->id == EV_KVM_ENTRY ? e->kvm_entry.vcpu_id : NO_VALUE;
	int vcpu =
		identity_entered_vcpu(m->identity, (int)t->known.machine, t->known.tid, m->now, id);
	struct world_vcpu *v = vcpu == IDENT_NONE ? NULL : &m->vcpus[vcpu];

	if (!v || v == t->vcpu)
		return;
	if (v->is_shared) {
		take_turn(m, c, t, v);
		return;
	}
	world_run_vcpu(v, t);
	lose_vcpu(m, v, m->now);
	v->self.running_on = c->number;
}

/* What KVM's events say, they say of the vCPU that the CPU's thread runs. */
static void on_kvm(struct model *m, const struct event *e, struct cpu *c)
{
	const struct machine *mc = &m->machines[e->machine];

	if (places_vcpu(mc, e))
		put_on_cpu(m, e, c);
	if (c->current && (!c->current->vcpu || c->current->vcpu->is_shared))
		take_over(m, e, c, c->current);
	struct world_vcpu *v = vcpu_on(c);

	if (!v) {
		/* Nobody would say when a thread that is no vCPU's leaves. */
		if (!mc->has_switches && c->current)
			vacate(m, c, e->ts);
		return;
	}
	switch (e->id) {
	case EV_KVM_ENTRY:
		on_entry(m, e, c, v);
		break;
	case EV_KVM_EXIT:
		on_exit_(m, e, c, v);
		break;
	case EV_KVM_USERSPACE_EXIT:
		on_userspace(m, e, c, v);
		break;
	case EV_KVM_INJ_VIRQ:
		vcpu_inject(&v->self, e->kvm_inj_virq.vector);
		break;
	case EV_KVM_VCPU_WAKEUP:
		vcpu_halt_ended(&v->self, e->ts, e->kvm_vcpu_wakeup.ns,
				e->kvm_vcpu_wakeup.waited != 0);
		break;
	case EV_KVM_NESTED_EXIT:
		vcpu_leave_nested(&v->self);
		break;
	}
	if (e->id == EV_KVM_EXIT && !mc->has_switches)
		take_off_cpu(m, c, e->ts);
}

/*
 * What an exit is about tells nothing of who runs where. Without the scheduler nobody is on the CPU
 * after an exit, by our word, but the recorder names the thread.
 */
static void on_detail(struct model *m, const struct event *e, const struct cpu *c)
{
	const struct thread *t = c->current;

	if (!t && e->id != EV_IRQ_ENTRY && e->tid != NO_VALUE &&
	    !m->machines[e->machine].has_switches)
		t = world_thread(m, c, e->tid);
	if (t && t->vcpu)
		vcpu_detail(&t->vcpu->self, exit_detail_told(e));
}

/* ---- losses --------------------------------------------------------------------------------- */

static void lose_vcpus(struct model *m, const struct event *e, const struct world_vcpu *running)
{
	for (size_t i = 0; i < m->n_vcpus; i++) {
		struct world_vcpu *v = &m->vcpus[i];
		uint32_t on = v->self.running_on;

		if (v->host == e->machine && (v == running || on == NO_CPU || on == e->cpu))
			lose_vcpu(m, v, e->ts);
	}
}

/* All but those that are current on another CPU. */
static void lose_threads(struct model *m, uint32_t machine, int64_t ts)
{
	world_each_thread (at, m) {
		struct thread *t = *at;

		if (t->known.machine == machine && t->lane.open.state != THREAD_DEAD &&
		    !world_is_current(&m->machines[machine], t))
			lose_thread(m, t, ts);
	}
}

/*
 * Events of one CPU are missing from here on. Whoever ran there may have left; whoever is on no CPU
 * may have come. Only those that run on another CPU are still known.
 */
static void on_lost(struct model *m, const struct event *e, struct cpu *c)
{
	struct machine *mc = &m->machines[e->machine];
	struct world_vcpu *running = vcpu_on(c);

	mc->lost_to = e->lost.to > mc->lost_to ? e->lost.to : mc->lost_to;
	c->lost_to = e->lost.to > c->lost_to ? e->lost.to : c->lost_to;
	c->current = NULL;
	c->guest = NULL;
	c->irqs = c->softirqs = c->work.n = 0;
	lose_threads(m, e->machine, e->ts);
	lose_vcpus(m, e, running);
	new_occupant(m, c, e->ts);
	world_cpu_changed(m, c, e->ts);
}

/* ---- dispatch ------------------------------------------------------------------------------- */

static void stop_guest(struct model *m, const struct event *e, struct cpu *c)
{
	if (!event_ends_guest((enum event_id)e->id))
		return;
	vcpu_stop_guest(&c->guest->self, e->ts);
	c->guest = NULL;
	world_cpu_changed(m, c, e->ts);
}

/*
 * Who was on each CPU before its first switch is known from that switch. Of a CPU whose stream is
 * missing everything is lost.
 */
static void __attribute__((noinline)) start_machine(struct model *m, uint32_t machine, int64_t ts)
{
	const struct evidence *e = m->identity->machines.at[machine].evidence;

	m->machines[machine].started = true;
	vec_each (seen, &e->cpus) {
		struct cpu *c = world_cpu(m, machine, seen->cpu);

		if (seen->first_tid == NO_VALUE || !m->machines[machine].has_switches)
			continue;
		c->current = world_thread(m, c, seen->first_tid);
		if (c->current->vcpu)
			c->current->vcpu->self.running_on = c->number;
	}
	vec_each (seen, &e->cpus)
		world_cpu_changed(m, world_cpu(m, machine, seen->cpu), ts);
	vec_each (target, &e->targets) {
		struct event lost = {.id = EV_LOST,
				     .machine = (uint16_t)machine,
				     .cpu = (uint32_t)target->cpu,
				     .ts = ts,
				     .lost = {.to = INT64_MAX}};

		if (evidence_is_missing(e, target))
			on_lost(m, &lost, world_cpu(m, machine, lost.cpu));
	}
}

void model_event(struct model *m, const struct event *e)
{
	m->now = e->ts;
	if (!m->machines[e->machine].started)
		start_machine(m, e->machine, e->ts);
	struct cpu *c = world_cpu(m, e->machine, e->cpu);

	/* Of another channel: without what is missing between, it would tell wrong things. */
	if (e->ts < c->lost_to && e->id != EV_LOST)
		return;
	if (!c->settled)
		world_settle_cpu(m, c, (enum event_id)e->id);
	if (c->guest)
		stop_guest(m, e, c);
	switch (e->id) {
	case EV_SCHED_SWITCH:
		on_switch(m, e, c);
		break;
	case EV_SCHED_WAKEUP:
		on_wakeup(m, e, c, e->sched_wakeup.tid, e->sched_wakeup.target_cpu);
		break;
	case EV_SCHED_WAKING:
		on_wakeup(m, e, c, e->sched_waking.tid, e->sched_waking.target_cpu);
		break;
	case EV_SCHED_MIGRATE_TASK:
		on_migrate(m, e, c);
		break;
	case EV_SCHED_PROCESS_FORK:
		on_fork(m, e, c);
		break;
	case EV_SCHED_PROCESS_EXIT:
		world_thread(m, c, e->sched_process_exit.tid)->lane.exiting = true;
		break;
	case EV_STATEDUMP_PROCESS_STATE:
		on_statedump(m, e, c);
		break;
	case EV_STATEDUMP_PID_NS:
		world_namespace(m, world_thread(m, c, e->statedump_pid_ns.tid),
				e->statedump_pid_ns.ns_level, e->statedump_pid_ns.ns_inum);
		break;
	case EV_KVM_ENTRY:
	case EV_KVM_EXIT:
	case EV_KVM_USERSPACE_EXIT:
	case EV_KVM_INJ_VIRQ:
	case EV_KVM_VCPU_WAKEUP:
		on_kvm(m, e, c);
		break;
	case EV_KVM_NESTED_EXIT:
		on_detail(m, e, c);
		on_kvm(m, e, c);
		break;
	case EV_KVM_MSR:
	case EV_KVM_PIO:
	case EV_KVM_MMIO:
	case EV_KVM_FAST_MMIO:
	case EV_KVM_APIC:
	case EV_KVM_CR:
	case EV_KVM_CPUID:
	case EV_KVM_HYPERCALL:
	case EV_KVM_HV_HYPERCALL:
	case EV_KVM_PAGE_FAULT:
	case EV_KVM_WFX:
		on_detail(m, e, c);
		break;
	case EV_KVM_ACCEPT_IRQ:
		world_irq_accepted(m, e, c);
		break;
	case EV_SYSCALL_ENTRY:
	case EV_SYSCALL_EXIT:
		on_syscall(m, e, c);
		break;
	case EV_IRQ_ENTRY:
		on_detail(m, e, c);
		on_work_begin(m, c, e->ts, &c->irqs, work_of_irq(&m->names, e));
		break;
	case EV_IRQ_EXIT:
		on_work_end(m, c, e->ts, &c->irqs, BUSY_IRQ);
		break;
	case EV_SOFTIRQ_ENTRY:
		on_work_begin(m, c, e->ts, &c->softirqs, work_of_softirq(e));
		break;
	case EV_SOFTIRQ_EXIT:
		on_work_end(m, c, e->ts, &c->softirqs, BUSY_SOFTIRQ);
		break;
	case EV_HRTIMER_ENTRY:
		on_timer_begin(m, e, c);
		break;
	case EV_HRTIMER_EXIT:
		on_timer_end(m, e, c);
		break;
	case EV_LOST:
		on_lost(m, e, c);
		break;
	}
}

/* ---- life ----------------------------------------------------------------------------------- */

/* Whether the first thread that runs it is made only later. */
static bool is_unborn(const struct model *m, const struct world_vcpu *v)
{
	int64_t birth = identity_next_birth(m->identity, (int)v->self.id, m->lanes[v->host].begin);

	return birth != INT64_MIN && birth != INT64_MAX;
}

static void init_vcpus(struct model *m)
{
	const struct identity *id = m->identity;

	m->n_vcpus = id->vcpus.n;
	m->vcpus = mem_zalloc(m->n_vcpus, sizeof(*m->vcpus));
	for (uint32_t i = 0; i < m->n_vcpus; i++) {
		struct world_vcpu *v = &m->vcpus[i];

		v->vm = id->vcpus.at[i].vm;
		v->host = (uint32_t)id->vms.at[v->vm].host;
		v->is_shared = id->vms.at[v->vm].is_shared;
		vcpu_init(&v->self, i, m->lanes[v->host].begin, m->sink);
		v->self.is_unscheduled = !m->machines[v->host].has_switches;
		v->self.is_outside = id->vcpus.at[i].is_told && !id->vcpus.at[i].entries &&
				     !id->vcpus.at[i].exits;
		if (is_unborn(m, v))
			v->self.open.state = VCPU_ABSENT;
	}
}

struct model *model_new(const struct identity *identity, const struct event_set *described,
			const struct model_span *lanes, const struct model_symbols *symbols,
			const struct model_sink *sink)
{
	struct model *m = mem_zalloc(1, sizeof(*m));

	m->identity = identity;
	m->sink = sink;
	m->lanes = lanes;
	m->n_machines = identity->machines.n;
	m->machines = mem_zalloc(m->n_machines, sizeof(*m->machines));
	m->irq_sources = mem_zalloc(identity->vms.n, sizeof(*m->irq_sources));
	m->quotas = mem_zalloc(identity->vms.n + 1, sizeof(*m->quotas));
	m->unlimited = mem_zalloc(identity->vms.n + 1, sizeof(*m->unlimited));
	m->apart = mem_zalloc(identity->vms.n + 1, sizeof(*m->apart));
	m->symbols = symbols ? *symbols : (struct model_symbols){0};
	for (size_t i = 0; i < m->n_machines; i++) {
		m->machines[i].has_syscalls = event_set_has(described[i], EV_SYSCALL_ENTRY);
		m->machines[i].has_switches = event_set_has(described[i], EV_SCHED_SWITCH);
		m->machines[i].has_migrations = event_set_has(described[i], EV_SCHED_MIGRATE_TASK);
	}
	init_vcpus(m);
	if (sink->begin)
		sink->begin(sink->ctx, identity);
	return m;
}

void model_quota(struct model *m, int vm, bool is_limited)
{
	m->quotas[vm] = is_limited;
	m->unlimited[vm] = !is_limited;
}

static void deinit_machine(struct machine *mc)
{
	vec_each (c, &mc->cpus) {
		vec_deinit(&(*c)->waiting);
		cpu_lane_deinit(&(*c)->lane);
		free(*c);
	}
	vec_deinit(&mc->cpus);
	map_deinit(&mc->cpu_by_number);
	throttle_deinit(&mc->throttle);
}

static void deinit_threads(struct model *m)
{
	world_each_thread (t, m)
		thread_lane_deinit(&(*t)->lane);
	vec_each (t, &m->threads)
		free(*t);
	vec_deinit(&m->threads);
	slots_deinit(&m->places);
	map_deinit(&m->thread_by_key);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_machines; i++)
		deinit_machine(&m->machines[i]);
	for (size_t i = 0; i < m->n_vcpus; i++) {
		vcpu_deinit(&m->vcpus[i].self);
		vec_deinit(&m->vcpus[i].woken);
	}
	deinit_threads(m);
	vec_deinit(&m->containers);
	map_deinit(&m->container_by_key);
	free(m->machines);
	free(m->vcpus);
	free(m->irq_sources);
	free(m->quotas);
	free(m->unlimited);
	free(m->apart);
	work_names_deinit(&m->names);
	free(m);
}

static void end_cpu(struct model *m, struct cpu *c, int64_t ts)
{
	c->current = NULL;
	c->guest = NULL;
	c->irqs = c->softirqs = c->work.n = 0;
	world_cpu_changed(m, c, ts);
}

/*
 * Whether the guest proves that this vCPU, if it is one, is in it even after its host's recording.
 */
static bool outlasts(const struct world_vcpu *v, int64_t ts, const int64_t *guest_seen)
{
	return v && v->self.open.state == VCPU_GUEST && guest_seen[v->self.id] > ts;
}

void model_end_machine(struct model *m, int machine, int64_t ts, const int64_t *guest_seen)
{
	struct machine *mc = &m->machines[machine];

	mc->ended = true;
	for (size_t i = 0; i < m->n_vcpus; i++) {
		struct world_vcpu *v = &m->vcpus[i];

		if (v->host != (uint32_t)machine || outlasts(v, ts, guest_seen))
			continue;
		throttle_end(m, v, ts);
		lose_vcpu(m, v, ts);
	}
	world_each_thread (at, m) {
		struct thread *t = *at;

		if (t->known.machine == (uint32_t)machine && t->lane.open.state != THREAD_DEAD &&
		    !outlasts(t->vcpu, ts, guest_seen))
			lose_thread(m, t, ts);
	}
	vec_each (c, &mc->cpus) {
		if (!outlasts(vcpu_on(*c), ts, guest_seen))
			end_cpu(m, *c, ts);
	}
}

void model_end_vcpu(struct model *m, int vcpu, int64_t ts)
{
	struct world_vcpu *v = &m->vcpus[vcpu];
	uint32_t cpu = v->self.running_on;

	if (!m->machines[v->host].ended || cpu == NO_CPU)
		return;
	struct cpu *c = world_cpu(m, v->host, cpu);

	lose_vcpu(m, v, ts);
	if (c->current)
		lose_thread(m, c->current, ts);
	end_cpu(m, c, ts);
}

void model_peek(const struct model *m, int64_t ts, const struct model_sink *to)
{
	for (size_t i = 0; i < m->n_vcpus; i++)
		vcpu_peek(&m->vcpus[i].self, ts, to);
	for (size_t i = 0; i < m->n_machines; i++) {
		vec_each (c, &m->machines[i].cpus)
			cpu_lane_peek(&(*c)->lane, ts, to);
	}
}

void model_finish(struct model *m)
{
	world_each_thread (t, m)
		world_never_ran(m, *t);
	for (size_t i = 0; i < m->n_vcpus; i++)
		vcpu_finish(&m->vcpus[i].self, m->lanes[m->vcpus[i].host].end);
	world_each_thread (t, m)
		thread_lane_finish(&(*t)->lane, m->lanes[(*t)->known.machine].end, m->sink);
	for (size_t i = 0; i < m->n_machines; i++) {
		vec_each (c, &m->machines[i].cpus)
			cpu_lane_finish(&(*c)->lane, m->lanes[i].end, m->sink);
	}
	world_each_thread (t, m) {
		if (m->sink->thread_end)
			m->sink->thread_end(m->sink->ctx, &(*t)->known);
	}
}

const struct model_thread *model_thread(const struct model *m, uint32_t thread)
{
	uint32_t place = slots_find(&m->places, thread);

	return place == SLOT_NONE ? NULL : &m->threads.at[place]->known;
}

const struct model_container *model_containers(const struct model *m, size_t *np)
{
	*np = m->containers.n;
	return m->containers.at;
}

int model_irq_source(const struct model *m, int vm, int vector, uint64_t *np, uint32_t *senderp)
{
	const uint32_t *n = m->irq_sources[vm].n[vector];
	int best = 0;

	for (int s = 1; s < IRQ_N_SOURCES; s++)
		best = n[s] > n[best] ? s : best;
	*np = n[best];
	*senderp = n[best] ? m->irq_sources[vm].senders[vector][best].thread : NO_THREAD;
	return n[best] ? best : -1;
}

uint64_t model_contradictions(const struct model *m)
{
	uint64_t n = m->contradictions;

	for (size_t i = 0; i < m->n_vcpus; i++)
		n += m->vcpus[i].self.n_lost_exits;
	return n;
}
