#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "model/vcpu.h"

/* _IO(KVMIO, 0x80), include/uapi/linux/kvm.h */
#define KVM_RUN 0xae80

enum { NO_VCPU = -1 };

struct cpu {
	uint32_t current; /* thread on it, or NO_THREAD */
	int guest; /* vCPU that was entered on it, no host event having come since; or NO_VCPU */
	VEC(int) waiting; /* vCPUs on its run queue */
};

struct machine {
	struct map cpu_by_number;
	VEC(struct cpu) cpus;
	bool has_wakeup; /* sched_wakeup is in the recording, not only sched_waking */
};

struct model {
	const struct identity *identity;
	const struct model_sink *sink;
	struct model_span lanes;
	struct machine *machines;
	size_t n_machines;
	struct vcpu *vcpus;
	size_t n_vcpus;
	uint32_t *waits_on; /* per vCPU: CPU in whose list `waiting` it is, or NO_CPU */
	VEC(struct model_thread) threads;
	struct map thread_by_key;
	uint64_t contradictions;
};

struct event_set model_events(void)
{
	static const enum event_id ids[] = {
		EV_SCHED_SWITCH,	EV_SCHED_WAKEUP,
		EV_SCHED_WAKING,	EV_SCHED_MIGRATE_TASK,
		EV_SCHED_PROCESS_FORK,	EV_STATEDUMP_PROCESS_STATE,
		EV_KVM_ENTRY,		EV_KVM_EXIT,
		EV_KVM_USERSPACE_EXIT,	EV_KVM_WAIT_LAPIC_EXPIRE,
		EV_SYSCALL_ENTRY_IOCTL, EV_SYSCALL_EXIT_IOCTL,
	};

	return event_set_of(ids, sizeof(ids) / sizeof(ids[0]));
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* Each CPU has an idle thread of its own; all of them have tid 0. */
static uint64_t thread_key(uint32_t machine, int64_t tid, uint32_t cpu)
{
	uint64_t low = tid == 0 ? 1u << 31 | cpu : (uint32_t)tid & ~(1u << 31);

	return (uint64_t)machine << 32 | low;
}

static uint32_t add_thread(struct model *m, uint32_t machine, int64_t tid)
{
	*vec_push(&m->threads) = (struct model_thread){
		.machine = machine,
		.tid = tid,
		.pid = NO_VALUE,
		.ppid = NO_VALUE,
		.vcpu = identity_vcpu_of_thread(m->identity, (int)machine, tid)};
	return (uint32_t)m->threads.n - 1;
}

static uint32_t get_thread(struct model *m, const struct event *e, int64_t tid)
{
	uint64_t *i = map_put(&m->thread_by_key, thread_key(e->machine, tid, e->cpu), NO_THREAD);

	if (*i == NO_THREAD)
		*i = add_thread(m, e->machine, tid);
	return (uint32_t)*i;
}

/* Valid until the next thread is met. */
static struct model_thread *borrow_thread(struct model *m, const struct event *e, int64_t tid)
{
	uint32_t i = get_thread(m, e, tid);

	return &m->threads.at[i];
}

/* A tid that is born again is another thread. */
static struct model_thread *fork_thread(struct model *m, const struct event *e, int64_t tid)
{
	uint32_t i = add_thread(m, e->machine, tid);

	*map_put(&m->thread_by_key, thread_key(e->machine, tid, e->cpu), i) = i;
	return &m->threads.at[i];
}

static void set_comm(struct model_thread *t, const struct ctf_text *comm)
{
	size_t n = comm->n < sizeof(t->comm) - 1 ? comm->n : sizeof(t->comm) - 1;

	if (!n)
		return;
	memcpy(t->comm, comm->at, n);
	t->comm[n] = '\0';
}

/* ---- CPUs -------------------------------------------------------------------------------------
 */

static struct cpu *get_cpu(struct model *m, uint32_t machine, uint32_t number)
{
	struct machine *mc = &m->machines[machine];
	uint64_t *i = map_put(&mc->cpu_by_number, number, mc->cpus.n);

	if (*i == mc->cpus.n)
		*vec_push(&mc->cpus) = (struct cpu){.current = NO_THREAD, .guest = NO_VCPU};
	return &mc->cpus.at[*i];
}

static uint32_t occupant_of(struct model *m, uint32_t machine, uint32_t cpu)
{
	return get_cpu(m, machine, cpu)->current;
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

/* Puts the vCPU on the list of the CPU that it waits for now, after anything that may change it. */
static void relist(struct model *m, uint32_t machine, int vcpu)
{
	const struct vcpu *v = &m->vcpus[vcpu];
	uint32_t queue = vcpu_waits(v) ? v->queue : NO_CPU;

	if (queue == m->waits_on[vcpu])
		return;
	if (m->waits_on[vcpu] != NO_CPU)
		unlist(get_cpu(m, machine, m->waits_on[vcpu]), vcpu);
	if (queue != NO_CPU)
		*vec_push(&get_cpu(m, machine, queue)->waiting) = vcpu;
	m->waits_on[vcpu] = queue;
}

/* ---- events -----------------------------------------------------------------------------------
 */

static int vcpu_on(const struct model *m, const struct cpu *c)
{
	return c->current == NO_THREAD ? NO_VCPU : m->threads.at[c->current].vcpu;
}

static void lose_vcpu(struct model *m, uint32_t machine, int vcpu, int64_t ts)
{
	vcpu_lose(&m->vcpus[vcpu], ts);
	relist(m, machine, vcpu);
}

/* Not all states are possible before prev leaves this CPU. */
static void check_prev(struct model *m, const struct event *e, struct cpu *c, uint32_t prev)
{
	int vcpu = vcpu_on(m, c);

	if (c->current == prev)
		return;
	if (c->current != NO_THREAD) {
		m->contradictions++;
		if (vcpu != NO_VCPU)
			lose_vcpu(m, e->machine, vcpu, e->ts);
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

static void on_switch(struct model *m, const struct event *e, struct cpu *c)
{
	uint32_t prev = get_thread(m, e, e->sched_switch.prev_tid);
	uint32_t next = get_thread(m, e, e->sched_switch.next_tid);

	set_comm(&m->threads.at[prev], &e->sched_switch.prev_comm);
	set_comm(&m->threads.at[next], &e->sched_switch.next_comm);
	check_prev(m, e, c, prev);
	c->current = next;
	int out = m->threads.at[prev].vcpu, in = m->threads.at[next].vcpu;

	if (out != NO_VCPU) {
		vcpu_switch_out(&m->vcpus[out], e->ts, e->cpu,
				is_runnable(e->sched_switch.prev_state), next);
		relist(m, e->machine, out);
	}
	if (in != NO_VCPU) {
		vcpu_switch_in(&m->vcpus[in], e->ts, e->cpu);
		relist(m, e->machine, in);
	}
	vec_each (v, &c->waiting)
		vcpu_requeue(&m->vcpus[*v], e->ts, e->cpu, next);
}

static void on_wakeup(struct model *m, const struct event *e, int64_t tid, int64_t target_cpu)
{
	int vcpu = borrow_thread(m, e, tid)->vcpu;
	uint32_t cpu = target_cpu == NO_VALUE ? e->cpu : (uint32_t)target_cpu;

	if (vcpu == NO_VCPU)
		return;
	vcpu_wake(&m->vcpus[vcpu], e->ts, cpu, occupant_of(m, e->machine, cpu));
	relist(m, e->machine, vcpu);
}

static void on_migrate(struct model *m, const struct event *e)
{
	int vcpu = borrow_thread(m, e, e->sched_migrate_task.tid)->vcpu;
	uint32_t cpu = (uint32_t)e->sched_migrate_task.dest_cpu;

	if (vcpu == NO_VCPU)
		return;
	vcpu_requeue(&m->vcpus[vcpu], e->ts, cpu, occupant_of(m, e->machine, cpu));
	relist(m, e->machine, vcpu);
}

static void on_fork(struct model *m, const struct event *e)
{
	struct model_thread *t = fork_thread(m, e, e->sched_process_fork.child_tid);

	t->pid = e->sched_process_fork.child_pid;
	t->ppid = e->sched_process_fork.parent_tid;
	set_comm(t, &e->sched_process_fork.child_comm);
}

static void on_statedump(struct model *m, const struct event *e)
{
	struct model_thread *t = borrow_thread(m, e, e->statedump_process_state.tid);

	t->pid = e->statedump_process_state.pid;
	t->ppid = e->statedump_process_state.ppid;
	set_comm(t, &e->statedump_process_state.name);
}

static void on_vcpu(struct model *m, const struct event *e, struct cpu *c)
{
	int i = vcpu_on(m, c);

	if (i == NO_VCPU)
		return;
	struct vcpu *v = &m->vcpus[i];

	switch (e->id) {
	case EV_KVM_ENTRY:
		vcpu_enter(v, e->ts, e->cpu);
		c->guest = i;
		break;
	case EV_KVM_EXIT:
		vcpu_exit(v, e->ts, e->cpu,
			  (struct exit_cause){.reason = (uint64_t)e->kvm_exit.reason,
					      .isa = e->kvm_exit.isa == NO_VALUE
							     ? 0
							     : (uint8_t)e->kvm_exit.isa},
			  e->kvm_exit.rip == NO_VALUE ? 0 : (uint64_t)e->kvm_exit.rip);
		break;
	case EV_KVM_USERSPACE_EXIT:
		vcpu_userspace(v, e->ts, e->cpu, e->kvm_userspace_exit.reason);
		break;
	case EV_SYSCALL_ENTRY_IOCTL:
		if ((uint32_t)e->syscall_entry_ioctl.cmd == KVM_RUN)
			vcpu_run_ioctl(v, e->ts, e->cpu);
		break;
	case EV_SYSCALL_EXIT_IOCTL:
		vcpu_leave_ioctl(v, e->ts, e->cpu);
		break;
	}
	relist(m, e->machine, i);
}

/*
 * Events of one CPU are missing from here on. Whoever ran there may have left; whoever is on no CPU
 * may have come. Only vCPUs that run on another CPU are still known.
 */
static void on_lost(struct model *m, const struct event *e, struct cpu *c)
{
	int running = vcpu_on(m, c);

	c->current = NO_THREAD;
	c->guest = NO_VCPU;
	for (int i = 0; i < (int)m->n_vcpus; i++) {
		const struct ident_vcpu *v = &m->identity->vcpus.at[i];

		if (m->identity->vms.at[v->vm].host != e->machine)
			continue;
		if (i == running || m->vcpus[i].running_on == NO_CPU ||
		    m->vcpus[i].running_on == e->cpu)
			lose_vcpu(m, e->machine, i, e->ts);
	}
	vec_each (v, &c->waiting)
		vcpu_requeue(&m->vcpus[*v], e->ts, e->cpu, NO_THREAD);
}

static void stop_guest(struct model *m, const struct event *e, struct cpu *c)
{
	if (e->id == EV_KVM_WAIT_LAPIC_EXPIRE || e->id == EV_LOST)
		return;
	vcpu_stop_guest(&m->vcpus[c->guest], e->ts);
	c->guest = NO_VCPU;
}

void model_event(struct model *m, const struct event *e)
{
	struct cpu *c = get_cpu(m, e->machine, e->cpu);

	if (c->guest != NO_VCPU)
		stop_guest(m, e, c);
	switch (e->id) {
	case EV_SCHED_SWITCH:
		on_switch(m, e, c);
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
	case EV_STATEDUMP_PROCESS_STATE:
		on_statedump(m, e);
		break;
	case EV_KVM_ENTRY:
	case EV_KVM_EXIT:
	case EV_KVM_USERSPACE_EXIT:
	case EV_SYSCALL_ENTRY_IOCTL:
	case EV_SYSCALL_EXIT_IOCTL:
		on_vcpu(m, e, c);
		break;
	case EV_LOST:
		on_lost(m, e, c);
		break;
	}
}

/* ---- life -------------------------------------------------------------------------------------
 */

/* Who was on each CPU before its first switch is known from that switch. */
static void start_machine(struct model *m, uint32_t i, struct event_set described)
{
	const struct evidence *e = m->identity->machines.at[i].evidence;

	m->machines[i].has_wakeup = event_set_has(described, EV_SCHED_WAKEUP);
	for (size_t k = 0; k < e->cpus.n; k++) {
		const struct evidence_cpu *c = &e->cpus.at[k];
		struct event at = {.machine = (uint16_t)i, .cpu = c->cpu};

		if (c->first_tid == NO_VALUE)
			continue;
		uint32_t thread = get_thread(m, &at, c->first_tid);

		get_cpu(m, i, c->cpu)->current = thread;
		if (m->threads.at[thread].vcpu != NO_VCPU)
			m->vcpus[m->threads.at[thread].vcpu].running_on = c->cpu;
	}
}

struct model *model_new(const struct identity *identity, const struct event_set *described,
			struct model_span lanes, const struct model_sink *sink)
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
	for (uint32_t i = 0; i < m->n_vcpus; i++) {
		vcpu_init(&m->vcpus[i], i, lanes.begin, sink);
		m->waits_on[i] = NO_CPU;
	}
	for (uint32_t i = 0; i < m->n_machines; i++)
		start_machine(m, i, described[i]);
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_machines; i++) {
		vec_each (c, &m->machines[i].cpus)
			vec_deinit(&c->waiting);
		vec_deinit(&m->machines[i].cpus);
		map_deinit(&m->machines[i].cpu_by_number);
	}
	for (size_t i = 0; i < m->n_vcpus; i++)
		vcpu_deinit(&m->vcpus[i]);
	free(m->machines);
	free(m->vcpus);
	free(m->waits_on);
	vec_deinit(&m->threads);
	map_deinit(&m->thread_by_key);
	free(m);
}

void model_end_machine(struct model *m, int machine, int64_t ts, const int64_t *guest_seen)
{
	for (int i = 0; i < (int)m->n_vcpus; i++) {
		if (m->identity->vms.at[m->identity->vcpus.at[i].vm].host != machine)
			continue;
		bool in_guest = m->vcpus[i].open.state == VCPU_GUEST;

		lose_vcpu(m, (uint32_t)machine, i,
			  in_guest && guest_seen[i] > ts ? guest_seen[i] : ts);
	}
}

void model_finish(struct model *m)
{
	for (size_t i = 0; i < m->n_vcpus; i++)
		vcpu_finish(&m->vcpus[i], m->lanes.end);
}

const struct model_thread *model_threads(const struct model *m, size_t *np)
{
	*np = m->threads.n;
	return m->threads.at;
}

uint64_t model_contradictions(const struct model *m)
{
	uint64_t n = m->contradictions;

	for (size_t i = 0; i < m->n_vcpus; i++)
		n += m->vcpus[i].n_lost_exits;
	return n;
}
