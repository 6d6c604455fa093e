/*
 * What tasks do: programs, called whenever a task has nothing left to do, that add its next ops.
 *
 * The same programs run on hosts and in guests. Only a guest's cause VM exits.
 */
#include "sim.h"

#include <string.h>

#include "cause.h"
#include "truth.h"

enum { EXIT_EVERY_NS = 350000 };

static const uint32_t FIRST_NAMESPACE = 4026532206u;

/* ---- pieces of programs ---- */

static void op_syscall(struct cpu *c, struct op *op)
{
	emit(c, (enum ev)op->ev, op->a[0], op->a[1], op->a[2], op->a[3], op->a[4], op->a[5]);
	c->curr->syscall = op->ev;
	truth_cpu(c);
}

static void op_syscall_end(struct cpu *c, struct op *op)
{
	emit(c, (enum ev)op->ev, op->a[0], op->a[1], op->a[2], op->a[3], op->a[4], op->a[5]);
	c->curr->syscall = -1;
	truth_cpu(c);
}

void block_syscall(struct block *b, struct machine *m, enum ev ev, const uint64_t *args)
{
	struct op *op = block_op(b, cost(m, 150), op_syscall);

	op->ev = (uint16_t)ev;
	op->flags = OP_USER;
	memcpy(op->a, args, sizeof(op->a));
}

void block_syscall_end(struct block *b, struct machine *m, enum ev ev, uint64_t ret)
{
	struct op *op = block_op(b, cost(m, 200), op_syscall_end);

	op->ev = (uint16_t)(ev + 1);
	op->a[0] = ret;
}

static void add_syscall(struct block *b, struct task *t, enum ev ev, uint64_t a0, uint64_t a1)
{
	block_syscall(b, t->m, ev, (uint64_t[MAX_OP_ARGS]){a0, a1});
}

static void add_random_exit(struct block *b, struct cpu *c)
{
	static const enum exit_kind kinds[] = {X_EPT,	   X_EPT, X_EPT,   X_CPUID,
					       X_MSR_READ, X_CR,  X_PAUSE, X_PIO};
	struct rng *r = &c->m->rng;
	enum exit_kind kind = kinds[rng_range(r, 0, 7)];

	block_exit(b, c, kind, 0x10000000 + (rng_u64(r) & 0xffff000), 0);
	b->at[b->n - 1].flags = 0;
}

static void add_user(struct block *b, struct cpu *c, int64_t ns)
{
	struct rng *r = &c->m->rng;

	if (c->m->guest && rng_range(r, 0, EXIT_EVERY_NS) < ns) {
		int64_t first = rng_range(r, 0, ns);
		block_op(b, first, NULL)->flags = OP_USER;
		add_random_exit(b, c);
		ns -= first;
	}
	block_op(b, ns, NULL)->flags = OP_USER;
}

static void op_post(struct cpu *c, struct op *op)
{
	post(c, (struct task *)(uintptr_t)op->a[0]);
}

static void op_arm_sleep(struct cpu *c, struct op *op)
{
	timer_arm(c, &c->curr->sleep, c->w->now + (int64_t)op->a[0]);
}

static void sleep_over(struct cpu *c, struct timer *t)
{
	post(c, t->arg);
}

void block_sleep(struct block *b, struct task *t, int64_t ns)
{
	struct machine *m = t->m;

	t->sleep.fire = sleep_over;
	t->sleep.address = m->kernel_base + 0x1000000000 + (uint64_t)t->tid * 0x2000;
	t->sleep.function = m->kernel_base + 0x355160;
	if (!t->kthread)
		add_syscall(b, t, EV_SYS_NANOSLEEP, 1, 0);
	block_op(b, cost(m, 400), op_arm_sleep)->a[0] = (uint64_t)ns;
	block_wait(b, t->kthread ? PREV_IDLE_KTHREAD : PREV_INTERRUPTIBLE);
	if (!t->kthread)
		block_syscall_end(b, m, EV_SYS_NANOSLEEP, 0);
}

/* ---- requests to the hypervisor's threads ---- */

/* a[0]: worker, a[1]: who asks, a[2]: enum irq of the answer. */
static void op_request(struct cpu *c, struct op *op)
{
	struct task *worker = (struct task *)(uintptr_t)op->a[0];
	struct request *r = vec_push(&worker->requests);

	r->from = (struct task *)(uintptr_t)op->a[1];
	r->irq = (enum irq)op->a[2];
	r->reply_to = r->irq == N_IRQ ? NULL : r->from->cpu;
	post(c, worker);
}

void block_request(struct block *b, struct task *worker, struct task *from, enum irq irq)
{
	struct op *op = block_op(b, cost(worker->m, 250), op_request);

	op->a[0] = ARG_P(worker);
	op->a[1] = ARG_P(from);
	op->a[2] = irq;
}

static void op_take_request(struct cpu *c, struct op *op)
{
	struct task *t = c->curr;

	(void)op;
	t->serving = (struct request){0};
	if (!t->requests.n)
		return;
	t->serving = t->requests.at[0];
	memmove(t->requests.at, t->requests.at + 1, --t->requests.n * sizeof(*t->requests.at));
}

static void op_answer(struct cpu *c, struct op *op)
{
	const struct request *r = &c->curr->serving;

	(void)op;
	if (!r->from)
		return;
	if (!r->reply_to) {
		post(c, r->from);
		return;
	}
	emit(c, EV_KVM_MSI_SET_IRQ, 0, irq_vector(r->irq));
	emit(c, EV_KVM_APIC_ACCEPT_IRQ, r->reply_to->id, 0, 0, irq_vector(r->irq), 0);
	*(struct task **)vec_push(&r->reply_to->completed) = r->from;
	vcpu_raise(c, r->reply_to, r->irq);
}

static void op_submit(struct cpu *c, struct op *op)
{
	(void)op;
	disk_submit(c->w, c->curr);
}

static void add_disk_read(struct block *b, struct cpu *c)
{
	add_syscall(b, c->curr, EV_SYS_PREAD64, 13, 4096);
	block_op(b, cost(c->m, 2500), op_submit);
	block_wait(b, PREV_UNINTERRUPTIBLE);
	block_syscall_end(b, c->m, EV_SYS_PREAD64, 4096);
}

void program_worker(struct cpu *c, struct task *t)
{
	struct block b = {0};

	add_syscall(&b, t, EV_SYS_FUTEX, 0x55d0a000, 128);
	block_wait(&b, PREV_INTERRUPTIBLE);
	block_syscall_end(&b, c->m, EV_SYS_FUTEX, 0);
	block_op(&b, cost(c->m, 500), op_take_request);
	add_disk_read(&b, c);
	block_op(&b, cost(c->m, 1500), NULL)->flags = OP_USER;
	add_syscall(&b, t, EV_SYS_WRITE, 7, 0);
	block_op(&b, cost(c->m, 900), op_answer);
	block_syscall_end(&b, c->m, EV_SYS_WRITE, 8);
	task_ops(t, &b);
}

void program_vhost(struct cpu *c, struct task *t)
{
	struct block b = {0};

	block_wait(&b, PREV_INTERRUPTIBLE);
	block_op(&b, cost(c->m, 300), op_take_request);
	block_op(&b, cost(c->m, 3000), op_answer);
	task_ops(t, &b);
}

void program_qemu(struct cpu *c, struct task *t)
{
	struct block b = {0};

	add_syscall(&b, t, EV_SYS_READ, 4, 512);
	block_wait(&b, PREV_INTERRUPTIBLE);
	block_syscall_end(&b, c->m, EV_SYS_READ, 8);
	block_op(&b, cost(c->m, 4000), op_take_request)->flags = OP_USER;
	add_syscall(&b, t, EV_SYS_FUTEX, 0x55d0c000, 129);
	block_op(&b, cost(c->m, 400), op_answer);
	block_syscall_end(&b, c->m, EV_SYS_FUTEX, 1);
	task_ops(t, &b);
}

void program_asleep(struct cpu *c, struct task *t)
{
	struct block b = {0};

	(void)c;
	block_wait(&b, PREV_INTERRUPTIBLE);
	task_ops(t, &b);
}

/* What --calm asks for, at the end of each program. */
static void add_rest(struct block *b, struct task *t)
{
	int64_t calm = t->m->w->o->calm;

	if (calm)
		block_sleep(b, t, rng_exp(&t->m->rng, calm) + 1000);
}

/* ---- load ---- */

void program_hog(struct cpu *c, struct task *t)
{
	struct block b = {0};

	add_user(&b, c, rng_exp(&c->m->rng, 400000) + 1000);
	add_rest(&b, t);
	task_ops(t, &b);
}

/* p[0]: mean ns of work, p[1]: mean ns of sleep. */
void program_sleeper(struct cpu *c, struct task *t)
{
	struct block b = {0};

	add_user(&b, c, rng_exp(&c->m->rng, t->p[0]) + 500);
	block_sleep(&b, t, t->p[1] / 2 + rng_exp(&c->m->rng, t->p[1] / 2));
	add_rest(&b, t);
	task_ops(t, &b);
}

static void add_pipe_write(struct block *b, struct task *t)
{
	add_syscall(b, t, EV_SYS_WRITE, 5, 0x7ffd0000);
	block_op(b, cost(t->m, 600), op_post)->a[0] = ARG_P(t->peer);
	block_syscall_end(b, t->m, EV_SYS_WRITE, 1);
}

static void add_pipe_read(struct block *b, struct task *t)
{
	add_syscall(b, t, EV_SYS_READ, 6, 1);
	block_wait(b, PREV_INTERRUPTIBLE);
	block_syscall_end(b, t->m, EV_SYS_READ, 1);
}

/* Two of these, each other's peer; phase 0 begins. */
static void program_pipe(struct cpu *c, struct task *t)
{
	struct block b = {0};

	if (t->phase++ == 0) {
		add_pipe_write(&b, t);
		if (rng_percent(&c->m->rng, 3))
			block_sleep(&b, t, rng_exp(&c->m->rng, 3000000) + t->m->w->o->calm);
	}
	add_pipe_read(&b, t);
	add_user(&b, c, rng_exp(&c->m->rng, 8000) + 300);
	t->phase = 0;
	task_ops(t, &b);
}

static void program_disk(struct cpu *c, struct task *t)
{
	struct block b = {0};

	if (c->m->guest) {
		add_syscall(&b, t, EV_SYS_PREAD64, 3, 4096);
		block_op(&b, cost(c->m, 2000), NULL);
		block_exit(&b, c, X_KICK, ARG_P(t), IRQ_DISK);
		b.at[b.n - 1].flags = OP_NO_PREEMPT;
		block_wait(&b, PREV_UNINTERRUPTIBLE);
		block_syscall_end(&b, c->m, EV_SYS_PREAD64, 4096);
	} else {
		add_disk_read(&b, c);
	}
	add_user(&b, c, rng_exp(&c->m->rng, t->p[0]) + 1000);
	add_rest(&b, t);
	task_ops(t, &b);
}

static void program_net(struct cpu *c, struct task *t)
{
	struct block b = {0};

	add_syscall(&b, t, EV_SYS_RECVFROM, 3, 1500);
	block_op(&b, cost(c->m, 1500), NULL);
	block_exit(&b, c, X_KICK, ARG_P(t), IRQ_NET);
	b.at[b.n - 1].flags = OP_NO_PREEMPT;
	block_wait(&b, PREV_INTERRUPTIBLE);
	block_syscall_end(&b, c->m, EV_SYS_RECVFROM, 64);
	add_user(&b, c, rng_exp(&c->m->rng, t->p[0]) + 1000);
	add_rest(&b, t);
	task_ops(t, &b);
}

/* ---- fork, exec, exit, and containers ---- */

static void enter_namespace(struct task *t, unsigned level, unsigned number)
{
	t->ns_inum[level] = FIRST_NAMESPACE + number;
	t->vtids.at[level] = t->vpids.at[level] = ++t->m->namespace_next[number];
	t->vppids.at[level] = 0;
	t->vtids.n = t->vpids.n = t->vppids.n = (uint8_t)(level + 1);
	t->ns_level = level;
}

static void inherit_namespaces(struct task *child, const struct task *parent)
{
	for (unsigned i = 1; i <= parent->ns_level; i++) {
		enter_namespace(child, i, parent->ns_inum[i] - FIRST_NAMESPACE);
		child->vppids.at[i] = parent->vpids.at[i];
	}
}

void emit_fork(struct cpu *c, const struct task *parent, const struct task *child)
{
	emit(c, EV_FORK, ARG_P(parent->comm), (uint64_t)parent->tid, (uint64_t)parent->pid,
	     parent->ns_inum[parent->ns_level], ARG_P(child->comm), (uint64_t)child->tid,
	     ARG_P(&child->vtids), (uint64_t)child->pid, child->ns_inum[child->ns_level]);
}

static void op_clone_end(struct cpu *c, struct op *op)
{
	(void)op;
	emit(c, EV_SYS_CLONE_EXIT, (uint64_t)c->curr->p[2]);
	c->curr->syscall = -1;
	truth_cpu(c);
}

static void program_child(struct cpu *c, struct task *t);

static void op_fork(struct cpu *c, struct op *op)
{
	struct task *parent = c->curr;
	struct task *child = task_new(c->m, parent->comm, 0, parent->pid);

	(void)op;
	inherit_namespaces(child, parent);
	child->program = program_child;
	child->syscall = EV_SYS_CLONE;
	child->peer = parent;
	child->cpu = c;
	parent->p[2] = child->tid;
	emit_fork(c, parent, child);
	truth_thread_name(child);
	sched_wake_new(c, child);
}

static void op_exec(struct cpu *c, struct op *op)
{
	struct task *t = c->curr;

	(void)op;
	snprintf(t->comm, sizeof(t->comm), "%s", "ls");
	emit(c, EV_EXEC, ARG_P("/usr/bin/ls"), (uint64_t)t->tid, (uint64_t)t->tid);
	truth_thread_name(t);
}

static void op_exit_event(struct cpu *c, struct op *op)
{
	struct task *t = c->curr;

	(void)op;
	emit(c, EV_EXIT, ARG_P(t->comm), (uint64_t)t->tid, 20);
	post(c, t->peer);
}

static void op_die(struct cpu *c, struct op *op)
{
	(void)op;
	sched_exit(c);
}

static void program_child(struct cpu *c, struct task *t)
{
	struct block b = {0};

	block_syscall_end(&b, c->m, EV_SYS_CLONE, 0);
	add_user(&b, c, 5000);
	add_syscall(&b, t, EV_SYS_EXECVE, ARG_P("/usr/bin/ls"), 0);
	block_op(&b, cost(c->m, 80000), op_exec);
	block_syscall_end(&b, c->m, EV_SYS_EXECVE, 0);
	add_user(&b, c, rng_exp(&c->m->rng, 150000) + 20000);
	if (c->m->guest)
		add_random_exit(&b, c);
	add_user(&b, c, rng_exp(&c->m->rng, 200000) + 20000);
	add_syscall(&b, t, EV_SYS_EXIT_GROUP, 0, 0);
	block_op(&b, cost(c->m, 20000), op_exit_event);
	block_op(&b, cost(c->m, 3000), op_die);
	task_ops(t, &b);
}

static void op_reap(struct cpu *c, struct op *op)
{
	char comm[COMM_LEN] = "ls";

	(void)op;
	emit(c, EV_FREE, ARG_P(comm), (uint64_t)c->curr->p[2], 20);
}

/* p[1]: mean ns between children. */
static void program_shell(struct cpu *c, struct task *t)
{
	struct block b = {0};

	block_sleep(&b, t, rng_exp(&c->m->rng, t->p[1]) + 1000);
	add_syscall(&b, t, EV_SYS_CLONE, 0x1200011, 0);
	block_op(&b, cost(c->m, 40000), op_fork);
	block_op(&b, cost(c->m, 200), op_clone_end);
	add_syscall(&b, t, EV_SYS_WAIT4, UINT64_MAX, 0);
	block_event(&b, cost(c->m, 300), EV_WAIT, ARG_P(t->comm), 0, 20);
	block_wait(&b, PREV_INTERRUPTIBLE);
	block_op(&b, cost(c->m, 1500), op_reap);
	block_syscall_end(&b, c->m, EV_SYS_WAIT4, 1);
	add_rest(&b, t);
	task_ops(t, &b);
}

/* ---- the tracer's state dump ---- */

static void emit_process_old(struct cpu *c, const struct task *t, unsigned level, uint64_t status)
{
	emit(c, EV_STATEDUMP_PROCESS, (uint64_t)t->tid, (uint64_t)t->vtids.at[level],
	     (uint64_t)t->pid, (uint64_t)t->vpids.at[level], (uint64_t)t->ppid,
	     (uint64_t)t->vppids.at[level], ARG_P(t->comm), t->kthread, 5, 0, status, level,
	     t->ns_inum[level], t->cpu->id);
}

static void emit_process(struct cpu *c, const struct task *t)
{
	uint64_t status = t->state == TASK_BLOCKED ? 5 : 2; /* waits; waits for a CPU, or runs */

	for (unsigned i = 0; c->w->o->old_names && i <= t->ns_level; i++)
		emit_process_old(c, t, i, status);
	if (c->w->o->old_names)
		return;
	emit(c, EV_STATEDUMP_PROCESS, (uint64_t)t->tid, (uint64_t)t->pid, (uint64_t)t->ppid,
	     ARG_P(t->comm), t->kthread, 5, 0, status, t->cpu->id, t->m->kernel_base + 0x11cb340);
	for (unsigned i = 0; i <= t->ns_level; i++)
		emit(c, EV_STATEDUMP_PID_NS, (uint64_t)t->tid, (uint64_t)t->vtids.at[i],
		     (uint64_t)t->vpids.at[i], (uint64_t)t->vppids.at[i], i, t->ns_inum[i]);
}

struct task *work_next_task(struct machine *m, int64_t after)
{
	struct task *best = NULL;

	for (size_t i = 0; i < m->tasks.n; i++) {
		struct task *t = m->tasks.at[i];
		if (t->tid > after && t->cpu && (!best || t->tid < best->tid))
			best = t;
	}
	return best;
}

/* a[0]: the tid done last. */
static void op_dump(struct cpu *c, struct op *op)
{
	struct block b = {0};
	struct task *t = work_next_task(c->m, (int64_t)op->a[0]);

	if (!t) {
		block_event(&b, cost(c->m, 1000), EV_STATEDUMP_END, 0);
	} else {
		emit_process(c, t);
		block_op(&b, cost(c->m, 1200), op_dump)->a[0] = (uint64_t)t->tid;
	}
	cpu_next(c, &b);
}

static void op_trace(struct cpu *c, struct op *op)
{
	(void)op;
	machine_trace(c->m);
}

/*
 * Sleeps until tracing is to begin, begins it, dumps the state, and is idle from then on. The
 * host's trace begins of itself, exactly when the truth does.
 */
void program_tracer(struct cpu *c, struct task *t)
{
	struct block b = {0};
	int64_t left = c->m->trace_from - c->w->now;

	if (t->phase++ > 0) {
		program_asleep(c, t);
		return;
	}
	block_sleep(&b, t, left > 0 ? left : 0);
	if (c->m->guest)
		block_op(&b, cost(c->m, 1000), op_trace);
	if (c->w->o->statedump) {
		add_syscall(&b, t, EV_SYS_IOCTL, 34, 0xf642);
		block_event(&b, cost(c->m, 1000), EV_STATEDUMP_START, 0);
		block_op(&b, cost(c->m, 1000), op_dump);
		block_syscall_end(&b, c->m, EV_SYS_IOCTL, 0);
	}
	task_ops(t, &b);
}

/* ---- who does what ---- */

void work_start(struct task *t, void (*program)(struct cpu *, struct task *))
{
	t->program = program;
	sched_start(t, &t->m->cpus[rng_range(&t->m->rng, 0, t->m->n_cpus - 1)]);
	truth_thread_name(t);
}

struct task *work_task(struct machine *m, const char *comm,
		       void (*program)(struct cpu *, struct task *))
{
	struct task *t = task_new(m, comm, 0, 1);

	work_start(t, program);
	return t;
}

static void add_sleeper(struct machine *m, const char *comm, int64_t work, int64_t sleep)
{
	struct task *t = work_task(m, comm, program_sleeper);

	t->p[0] = work;
	t->p[1] = sleep;
}

/* A task that computes for about `work` ns between the things it does. */
static void add_with_work(struct machine *m, const char *comm,
			  void (*program)(struct cpu *, struct task *), int64_t work)
{
	struct task *t = work_task(m, comm, program);

	t->p[0] = work;
}

struct task *work_pipe(struct machine *m)
{
	struct task *a = work_task(m, "pipe-a", program_pipe);
	struct task *b = work_task(m, "pipe-b", program_pipe);

	a->peer = b;
	b->peer = a;
	b->phase = 1;
	return a;
}

static struct task *add_shell(struct machine *m, int64_t every)
{
	struct task *t = work_task(m, "sh", program_shell);

	t->p[1] = every;
	return t;
}

static void add_container(struct machine *m, unsigned number)
{
	struct task *t = add_shell(m, 8000000);

	enter_namespace(t, 1, number);
	if (number % 2)
		enter_namespace(t, 2, number + 4);
	truth_thread_name(t);
}

static void add_random(struct machine *m)
{
	struct rng *r = &m->rng;

	switch (rng_range(r, 0, 9)) {
	case 0:
		work_task(m, "hog", program_hog);
		break;
	case 1:
		work_pipe(m);
		break;
	case 2:
	case 3:
		add_shell(m, rng_range(r, 3000000, 20000000));
		break;
	case 4:
		add_with_work(m, "reader", program_disk, rng_range(r, 10000, 200000));
		break;
	case 5:
		if (m->guest) {
			add_with_work(m, "client", program_net, rng_range(r, 10000, 200000));
			break;
		}
		add_sleeper(m, "daemon", 30000, 2000000);
		break;
	default: {
		int64_t work = rng_range(r, 5000, 300000);
		add_sleeper(m, "sleeper", work, rng_range(r, 200000, 5000000));
	}
	}
}

static void add_fixed(struct machine *m)
{
	work_task(m, "hog", program_hog);
	add_sleeper(m, "sleeper", 50000, 1000000);
	work_pipe(m);
	add_with_work(m, "reader", program_disk, 100000);
}

void work_add(struct machine *m)
{
	const struct options *o = m->w->o;

	if (o->causes) {
		cause_work(m);
		return;
	}
	if (m->guest && o->identical) {
		add_fixed(m);
	} else {
		for (unsigned i = 0; i < o->load; i++)
			add_random(m);
	}
	for (unsigned i = 0; o->contention && i < m->n_cpus; i++)
		work_task(m, "hog", program_hog);
	for (unsigned i = 0; o->containers && i < 2; i++)
		add_container(m, i);
}
