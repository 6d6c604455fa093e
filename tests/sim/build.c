/*
 * Sets up the machines: their clocks, CPUs, tasks and traces; starts VMs, at once or later.
 */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cause.h"
#include "truth.h"

static const int64_t EPOCH = 1795396634974587812, SECOND = 1000000000;
static const uint64_t TSC_FREQ = 2600000000;

/* ---- machines ---- */

static void init_cpu(struct machine *m, unsigned id)
{
	struct cpu *c = &m->cpus[id];
	char comm[COMM_LEN + 8];

	c->w = m->w;
	c->m = m;
	c->id = id;
	snprintf(comm, sizeof(comm), "swapper/%u", id);
	struct task *t = task_new(m, comm, 0, 0);
	m->next_tid--;
	t->tid = t->pid = 0;
	t->is_idle = true;
	t->program = program_idle;
	t->state = TASK_CURRENT;
	t->cpu = c;
	c->idle = c->curr = t;
	c->lane = (struct lane){.a = 0, .b = -1, .c = -1, .d = -1};
	irq_init_tick(c);
}

static void init_clock(struct machine *m)
{
	const struct options *o = m->w->o;
	struct rng *r = &m->rng;
	int64_t most = (int64_t)(o->clock_offset * 1e9);
	int64_t error = rng_range(r, -most, most);
	double ppm = o->drift_ppm * (double)rng_range(r, -1000, 1000) / 1000;
	int64_t uptime = 100 * SECOND + rng_range(r, 0, 800 * SECOND);
	int64_t host_uptime = (int64_t)(1000 + o->seed % 90000) * SECOND + 123456789;
	struct clock_spec spec = {
		.is_host = !m->guest,
		.tsc = o->tsc_clock,
		.epoch = EPOCH,
		.begin_error = error,
		.drift_ppm = ppm,
		.slew_ppm = o->slew_ppm,
		.slew_every = o->slew_every,
		.steps = m->guest ? o->steps : 0,
		.step_ns = o->step_ns,
		.duration = o->warmup + (o->duration ? o->duration : 3600 * SECOND),
		.uptime = m->guest ? uptime : host_uptime,
		.tsc_freq = m->guest && o->tsc_scale ? TSC_FREQ - 400000000 : TSC_FREQ,
		.host_tsc_freq = TSC_FREQ,
		.host_uptime = host_uptime,
	};
	machine_clock_init(&m->clock, &spec, r);
}

static void init_machine(struct world *w, unsigned index)
{
	struct machine *m = &w->machines[index];
	const struct options *o = w->o;

	m->w = w;
	m->index = (int)index;
	m->guest = index > 0;
	m->traced = index + o->untraced <= o->vms;
	if (m->guest)
		snprintf(m->name, sizeof(m->name), "g%u", index);
	else
		snprintf(m->name, sizeof(m->name), "host");
	m->n_cpus = m->guest ? o->vcpus : o->pcpus;
	m->cpus = mem_zalloc(m->n_cpus, sizeof(*m->cpus));
	rng_init(&m->rng, rng_u64(&w->rng));
	m->kernel_base = 0xffffffff80000000 + (rng_u64(&m->rng) & 0x1ff) * 0x200000;
	m->next_tid = 1;
	init_clock(m);
	for (unsigned i = 0; i < m->n_cpus; i++)
		init_cpu(m, i);
}

static void add_system_tasks(struct machine *m)
{
	static const char *const names[] = {"systemd", "kthreadd", "kworker/0:1",    "ksoftirqd/0",
					    "sshd",    "bash",	   "lttng-consumerd"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		bool kthread = i > 0 && i < 4;
		struct task *t = task_new(m, names[i], 0, kthread ? 2 : 1);

		t->kthread = kthread;
		work_start(t, program_asleep);
	}
	work_task(m, "lttng-sessiond", program_tracer);
}

/* ---- VMs ---- */

/* A thread of the hypervisor's; c is the CPU that forks it, NULL before time begins. */
static struct task *add_thread(struct machine *vm, struct cpu *c, const char *comm,
			       void (*program)(struct cpu *, struct task *))
{
	struct machine *host = vm->w->host;
	bool kthread = program == program_vhost;
	struct task *t =
		task_new(host, comm, kthread || !vm->qemu ? 0 : vm->qemu->pid, kthread ? 2 : 1);

	t->program = program;
	t->kthread = kthread;
	t->cpu = c ? c : &host->cpus[vm->index % (int)host->n_cpus];
	truth_thread_name(t);
	if (c) {
		emit_fork(c, kthread || !vm->qemu ? c->curr : vm->qemu, t);
		if (program != program_vcpu) /* vCPUs run when all of them are there */
			sched_wake_new(c, t);
	}
	return t;
}

static void add_vcpu(struct machine *vm, struct cpu *c, unsigned id)
{
	const struct options *o = vm->w->o;
	char comm[COMM_LEN + 8];

	snprintf(comm, sizeof(comm), "CPU %u/KVM", id);
	struct task *t = add_thread(vm, c, comm, program_vcpu);
	vcpu_init(&vm->vcpus[id], vm, id, t);
	vm->vcpus[id].lane.begin = vm->w->now;
	if (o->contention && o->pcpus > 1)
		t->affinity = ((uint64_t)1 << (o->pcpus / 2)) - 1;
	if (o->causes)
		t->affinity = (uint64_t)1 << cause_home(vm, id);
	if (!(t->affinity >> t->cpu->id & 1))
		t->cpu = &vm->w->host->cpus[__builtin_ctzll(t->affinity)];
}

/* step: 0 the process itself, 1 and 2 its workers, then the vCPUs, at last these begin to run. */
static void boot_step(struct machine *vm, struct cpu *c, unsigned step)
{
	char comm[COMM_LEN + 8];

	if (step == 0) {
		vm->qemu = add_thread(vm, c, "qemu-system-x86", program_qemu);
	} else if (step == 1) {
		vm->disk_worker = add_thread(vm, c, "worker", program_worker);
	} else if (step == 2) {
		snprintf(comm, sizeof(comm), "vhost-%d", vm->qemu->pid);
		vm->net_worker = add_thread(vm, c, comm, program_vhost);
	} else if (step < vm->n_cpus + 3) {
		add_vcpu(vm, c, step - 3);
	} else {
		for (unsigned i = 0; i < vm->n_cpus; i++)
			sched_wake_new(c, vm->vcpus[i].thread);
	}
}

static void start_now(struct machine *vm)
{
	struct machine *host = vm->w->host;

	for (unsigned i = 0; i < vm->n_cpus + 3; i++)
		boot_step(vm, NULL, i);
	struct task *threads[] = {vm->qemu, vm->disk_worker, vm->net_worker};
	for (unsigned i = 0; i < 3; i++)
		sched_start(threads[i], threads[i]->cpu);
	for (unsigned i = 0; i < vm->n_cpus; i++) {
		struct task *t = vm->vcpus[i].thread;
		if (vm->w->o->causes) {
			sched_start(t, t->cpu);
			continue;
		}
		unsigned cpus = t->affinity == UINT64_MAX
					? host->n_cpus
					: (unsigned)__builtin_popcountll(t->affinity);
		sched_start(t, &host->cpus[((unsigned)vm->index + i) % cpus]);
	}
}

static void op_boot(struct cpu *c, struct op *op)
{
	boot_step(&c->w->machines[op->a[0]], c, (unsigned)op->a[1]);
}

/* p[0]: index of the VM that it starts, phase: how far it is. */
static void program_launcher(struct cpu *c, struct task *t)
{
	struct machine *vm = &c->w->machines[t->p[0]];
	struct block b = {0};

	if (t->phase == 0) {
		block_sleep(&b, t, vm->boot_at > c->w->now ? vm->boot_at - c->w->now : 0);
	} else if (t->phase <= vm->n_cpus + 4) {
		struct op *op = block_op(&b, cost(c->m, 60000), op_boot);
		op->a[0] = (uint64_t)t->p[0];
		op->a[1] = t->phase - 1;
	} else {
		block_wait(&b, PREV_INTERRUPTIBLE);
	}
	t->phase++;
	task_ops(t, &b);
}

static void init_vm(struct machine *m)
{
	const struct options *o = m->w->o;
	int64_t span = o->duration ? o->duration : 2 * SECOND;

	m->vm_uid = 200000000 + (rng_u64(&m->rng) & 0xffffff) * 16 + (unsigned)m->index % 16;
	m->vcpus = mem_zalloc(m->n_cpus, sizeof(*m->vcpus));
	bool late = (o->late_guests && m->index % 2 == 0) || o->tsc_clock;
	if (late) {
		m->boot_at = o->warmup + (o->tsc_clock && !o->late_guests
						  ? 1000000 * m->index
						  : rng_range(&m->rng, 0, span / 2));
		work_task(m->w->host, "libvirtd", program_launcher)->p[0] = m->index;
	} else {
		start_now(m);
	}
	m->trace_from = m->boot_at > o->warmup ? m->boot_at + 1000000 : o->warmup + 2000000;
	if (o->late_tracing)
		m->trace_from += rng_range(&m->rng, 0, span / 3);
}

/* ---- files ---- */

static int open_trace(struct machine *m, struct error *err)
{
	const struct options *o = m->w->o;
	struct out_spec spec = {
		.format = o->format,
		.dir = o->out,
		.name = m->name,
		.kernel_release = "6.1.0-sim-amd64",
		.n_cpus = m->n_cpus,
		.packet_size = o->packet_size,
		.channels = o->channels,
		.old = o->old_names,
		.compact = o->compact,
		.namespaces = o->containers,
		.wall_clock = o->wall_clock,
		.tsc2nsec = o->tsc2nsec,
		.poll_events = o->poll_events,
		.kallsyms = m->guest ? NULL : m->w->kallsyms,
		.n_names = o->saved_names,
		.compression = o->compression,
		.lost_events = o->lost_events,
		.lost_packets = o->lost_packets,
		.seed = rng_u64(&m->rng),
		.clock = &m->clock,
		.lost = truth_lost,
		.ctx = m,
	};
	for (unsigned i = 0; i < 16; i++)
		spec.uuid[i] = (uint8_t)rng_u64(&m->rng);
	return out_new(&spec, &m->trace_file, err);
}

static int open_files(struct world *w, struct error *err)
{
	w->kallsyms = w->o->causes ? timer_kallsyms(w->host) : NULL;
	if (mkdir(w->o->out, 0777) && errno != EEXIST)
		return error_errno(err, errno, "cannot make directory '%s'", w->o->out);
	for (unsigned i = 0; i < w->n_machines; i++) {
		if (w->machines[i].traced && open_trace(&w->machines[i], err))
			return ERR;
	}
	return truth_new(w, &w->truth, err);
}

static void trace_host(void *subject, uint64_t arg)
{
	(void)arg;
	machine_trace(subject);
}

int world_init(struct world *w, const struct options *o, struct error *err)
{
	*w = (struct world){.o = o, .n_machines = o->vms + 1};
	w->until = o->duration ? o->warmup + o->duration : FOREVER / 2;
	rng_init(&w->rng, o->seed);
	w->machines = mem_zalloc(w->n_machines, sizeof(*w->machines));
	w->host = &w->machines[0];
	for (unsigned i = 0; i < w->n_machines; i++)
		init_machine(w, i);
	if (open_files(w, err))
		return ERR;
	w->host->trace_from = o->warmup;
	queue_push(&w->queue, o->warmup, trace_host, w->host, 0);
	for (unsigned i = 0; i < w->n_machines; i++) {
		struct machine *m = &w->machines[i];
		if (m->guest)
			init_vm(m);
		add_system_tasks(m);
		work_add(m);
	}
	if (o->causes)
		cause_begin(w);
	return 0;
}

/* What the agent measures when tracing begins and when it ends. */
static struct out_shift shift_at(const struct machine *m, uint64_t raw, uint64_t host_raw)
{
	struct out_shift s = {.time = raw, .scaling = 1};

	if (m->w->o->tsc_scale && m->clock.tsc) {
		s.fraction = 32;
		s.scaling =
			(uint64_t)(((unsigned __int128)1 << (TSC_FRAC + 32)) / m->clock.tsc_ratio);
	}
	uint64_t scaled = (uint64_t)(((unsigned __int128)raw * s.scaling) >> s.fraction);
	int64_t error = m->w->o->agent_error;
	if (m->clock.tsc)
		error = error * (int64_t)(m->w->host->clock.freq / 1000000) / 1000;
	s.offset = (int64_t)(host_raw - scaled) + error;
	return s;
}

static void tell_of_guest(struct machine *m)
{
	struct machine *host = m->w->host;
	int32_t *tids = mem_alloc(m->n_cpus * sizeof(*tids));
	char cid[16];

	snprintf(cid, sizeof(cid), "%d", m->index + 2);
	for (unsigned i = 0; i < m->n_cpus; i++)
		tids[i] = m->vcpus[i].thread->tid;
	struct out_guest guest = {cid, out_trace_id(m->trace_file), m->n_cpus, tids};
	out_guest(host->trace_file, &guest);
	free(tids);
	const struct out_shift shifts[] = {shift_at(m, m->begin_raw, m->host_begin_raw),
					   shift_at(m, machine_clock_raw(&m->clock, m->w->now),
						    machine_clock_raw(&host->clock, m->w->now))};
	out_shifts(m->trace_file, out_trace_id(host->trace_file), shifts, 2);
}

int world_finish(struct world *w, struct error *err)
{
	int ret = 0;

	for (unsigned i = 1; i < w->n_machines && w->o->agent; i++) {
		struct machine *m = &w->machines[i];
		if (m->trace && m->vcpus[m->n_cpus - 1].thread)
			tell_of_guest(m);
	}
	for (unsigned i = 0; i < w->n_machines && !ret; i++) {
		struct machine *m = &w->machines[i];
		if (m->trace_file)
			ret = out_close(m->trace_file, machine_clock_raw(&m->clock, w->now), err);
	}
	return ret ? ret : truth_finish(w->truth, err);
}

static void free_task_memory(struct task *t)
{
	vec_deinit(&t->requests);
	free(t);
}

static void deinit_machine(struct machine *m)
{
	for (size_t i = 0; i < m->tasks.n; i++)
		free_task_memory(m->tasks.at[i]);
	while (m->free_tasks) {
		struct task *t = m->free_tasks;
		m->free_tasks = t->next_free;
		free_task_memory(t);
	}
	for (unsigned i = 0; i < m->n_cpus; i++) {
		vec_deinit(&m->cpus[i].queued);
		vec_deinit(&m->cpus[i].waking);
		vec_deinit(&m->cpus[i].completed);
		vec_deinit(&m->cpus[i].timers);
	}
	vec_deinit(&m->tasks);
	machine_clock_deinit(&m->clock);
	out_free(m->trace_file);
	free(m->cpus);
	free(m->vcpus);
}

void world_deinit(struct world *w)
{
	for (unsigned i = 0; i < w->n_machines; i++)
		deinit_machine(&w->machines[i]);
	free(w->machines);
	free(w->kallsyms);
	quota_free(w->group);
	queue_deinit(&w->queue);
	truth_free(w->truth);
}
