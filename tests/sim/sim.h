/*
 * sim: machines, their CPUs and tasks, and how simulated time passes on them.
 *
 * Everything a CPU does is a row of ops. An op takes `cost` ns of that CPU and then has its effect:
 * an event, a state change, more ops. The engine (engine.c) always lets the op that ends first have
 * its effect next, over all CPUs, so that what an effect sees of the rest of the world is exact and
 * no two CPUs can disagree on the order of things.
 *
 * A CPU has two levels of ops: those of the task that is current, and before them `irqq`: interrupt
 * handlers and context switches, which nothing interrupts. Interrupts wait in `pending` until the
 * next op may be interrupted; an op's remaining cost is kept.
 *
 * A guest's CPU is a struct cpu as well, with the same scheduler, timers and programs. It has no
 * time of its own: the host CPU that runs its vCPU in guest mode executes its ops (kvm.c). What a
 * guest cannot do alone (program a timer, send an IPI, halt) is an op that ends in a VM exit.
 */
#ifndef VMSCOPE_SIM_SIM_H
#define VMSCOPE_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "clock.h"
#include "events.h"
#include "options.h"
#include "out.h"
#include "queue.h"
#include "rng.h"

#define FOREVER ((int64_t)1 << 60)

enum {
	MAX_OP_ARGS = 6,
	MAX_BLOCK = 20,
	RING_SIZE = 64,
	TICK_NS = 4000000,
};

struct cpu;
struct task;
struct machine;
struct vcpu;
struct world;
struct truth;
struct group;

enum op_flag {
	OP_IRQS_OFF = 1, /* interrupts wait until it is over */
	OP_NO_PREEMPT = 2,
	OP_BREAKS = 4, /* an interrupt ends it early */
	OP_USER = 8,   /* runs in user mode: decides how a preemption is reported */
};

struct op {
	int64_t cost;
	void (*effect)(struct cpu *c, struct op *op); /* NULL: time passes, no more */
	uint64_t a[MAX_OP_ARGS];
	uint16_t ev; /* of op_event() and the like */
	uint16_t flags;
};

/* Ops in order, to be put before or behind others as one. */
struct block {
	struct op at[MAX_BLOCK];
	unsigned n;
};

struct ring {
	struct op at[RING_SIZE];
	unsigned first, n;
};

/* Interrupts, as bits of cpu.pending. */
enum irq { IRQ_TIMER, IRQ_CALL, IRQ_RESCHEDULE, IRQ_DISK, IRQ_NET, IRQ_STORM, N_IRQ };

struct timer {
	int64_t when;
	struct cpu *armed_on; /* NULL: not armed */
	void (*fire)(struct cpu *c, struct timer *t);
	void (*done)(struct cpu *c, struct timer *t); /* when that has returned; or NULL */
	void *arg;
	uint64_t address, function; /* as they stand in events */
};

enum task_state { TASK_CURRENT, TASK_QUEUED, TASK_BLOCKED, TASK_WAKING, TASK_DEAD };

/* What a task asks of another: kept until the other looks. */
struct request {
	struct task *from;
	struct cpu *reply_to; /* guest CPU that gets the interrupt, or NULL */
	enum irq irq;
};

/* An interval that is not over. */
struct lane {
	int64_t begin;
	int state;
	int64_t a, b, c, d;
};

struct task {
	struct machine *m;
	int32_t tid, pid, ppid;
	char comm[COMM_LEN];
	bool kthread, is_idle;
	enum task_state state;
	struct cpu *cpu;   /* where it runs, is queued or ran last */
	uint64_t affinity; /* bits of CPU numbers */
	int64_t vruntime, ran_from, slice_from;
	int64_t tokens;	   /* posts that nobody has waited for yet */
	int prev_state;	   /* with which it gave up its CPU */
	int syscall;	   /* enum ev of its entry, or -1 */
	int64_t waking_at; /* time of its last sched_waking, or -1 */
	struct ring ops;
	void (*program)(struct cpu *c, struct task *t); /* called when ops is empty; adds some */
	unsigned phase;
	int64_t p[4]; /* the program's own numbers */
	struct task *peer;
	struct timer sleep;
	VEC(struct request) requests;
	struct request serving;
	struct vcpu *vcpu;   /* that this host thread runs, or NULL */
	struct group *group; /* whose CPU time it uses, NULL: as much as it likes */
	bool picked_once; /* runs though its group may not, for as long as it takes to find out */
	int64_t slice;	  /* ns that it runs in a row, 0: as others do */
	unsigned ns_level;
	struct vtids vtids; /* its tid in each namespace, outermost first */
	struct vtids vpids, vppids;
	uint32_t ns_inum[MAX_NS_LEVELS];
	struct lane lane;
	struct task *next_free;
};

struct cpu {
	struct world *w;
	struct machine *m;
	unsigned id;
	struct vcpu *vcpu; /* whose guest CPU this is, or NULL */
	struct task *curr, *idle;
	struct ring irqq;
	struct ring *executing; /* the ring whose op has its effect right now */
	struct op *op;		/* host CPUs: what time passes on, NULL during effects */
	int64_t op_from;
	uint64_t generation; /* of its item in the queue */
	uint32_t pending;    /* interrupts raised, not taken */
	bool need_resched;
	VEC(struct task *) queued;
	VEC(struct task *) waking;    /* to be queued by IRQ_CALL */
	VEC(struct task *) completed; /* whose I/O IRQ_DISK and IRQ_NET say is done */
	VEC(struct timer *) timers;
	int64_t programmed; /* time at which its timer hardware fires, or NEVER */
	uint64_t timer_generation;
	struct timer tick;
	unsigned softirqs; /* raised, bits by number */
	bool in_irq, in_softirq;
	unsigned irq_number;	/* of the interrupt or softirq that it is in */
	const char *irq_name;	/* NULL: a vector of its own */
	struct timer *expiring; /* whose handler runs */
	bool storm;		/* its interrupts take long */
	int64_t next_vmsync;
	struct lane lane;
};

struct machine {
	struct world *w;
	int index; /* 0: the host */
	bool guest, traced;
	char name[16];
	unsigned n_cpus;
	struct cpu *cpus;
	VEC(struct task *) tasks; /* alive */
	struct task *free_tasks;
	int32_t next_tid;
	int32_t namespace_next[8]; /* tid to be given next in each container */
	uint64_t kernel_base;	   /* for addresses in events */
	struct rng rng;
	struct machine_clock clock;
	struct out *trace; /* NULL while it is not traced */
	struct out *trace_file;
	uint64_t begin_raw,
		host_begin_raw; /* when its tracing began, on its clock and the host's */
	int64_t trace_from;
	/* guests */
	struct vcpu *vcpus;
	struct task *qemu, *disk_worker, *net_worker;
	uint64_t vm_uid;
	uint32_t vmsync_cnt;	/* two for each exchange */
	uint32_t vmsync_decoys; /* recorded by the host */
	int64_t boot_at;
};

struct world {
	const struct options *o;
	struct queue queue;
	int64_t now, until;
	struct rng rng;
	struct machine *machines;
	unsigned n_machines;
	struct machine *host;
	struct truth *truth;
	uint64_t disk_spread;
	struct group *group; /* with a quota, or NULL */
	char *kallsyms;
};

/* engine.c */

void ring_push(struct ring *r, const struct op *op);
struct op *block_op(struct block *b, int64_t cost, void (*effect)(struct cpu *, struct op *));

/* An op whose effect is the event ev with these arguments. */
#define block_event(b, cost, ev, ...) \
	block_event_args(b, cost, ev, (const uint64_t[MAX_OP_ARGS]){__VA_ARGS__})
struct op *block_event_args(struct block *b, int64_t cost, enum ev ev, const uint64_t *args);

/* Before everything else in the ring whose op has its effect now. */
void cpu_next(struct cpu *c, const struct block *b);
void cpu_irqq(struct cpu *c, const struct block *b);  /* behind everything in irqq */
void task_ops(struct task *t, const struct block *b); /* behind everything the task will do */

/* Something about a host CPU has changed from outside: it looks again at what to do next. */
void cpu_poke(struct cpu *c);
bool cpu_can_take_irq(const struct cpu *c);
void world_run(struct world *w);

/* ns of kernel work: the given mean, jittered, scaled by --slow. */
int64_t cost(struct machine *m, int64_t ns);

/* From now on what happens on m is recorded. */
void machine_trace(struct machine *m);

/* Records an event of c now: arguments as event_encode() takes them, at least as many as fields. */
void emit_args(struct cpu *c, enum ev ev, const uint64_t *args);
#define emit(c, ev, ...) emit_args(c, ev, (const uint64_t[MAX_FIELDS]){__VA_ARGS__})
#define ARG_P(p)	 ((uint64_t)(uintptr_t)(p))

/* sched.c */

struct task *task_new(struct machine *m, const char *comm, int32_t pid, int32_t ppid);
void task_free(struct task *t);
/* The task gives up its CPU in prev_state until tokens are there; then takes one. */
void block_wait(struct block *b, int prev_state);
/* Gives t a token and wakes it if it waits; c is the CPU in whose effect this happens. */
void post(struct cpu *c, struct task *t);
void sched_wake_new(struct cpu *c, struct task *t);
void sched_enqueue(struct cpu *c, struct task *t);
void sched_start(struct task *t, struct cpu *c); /* before time begins */
void sched_resched(struct cpu *c);		 /* preempts the current task */
void sched_tick(struct cpu *c);
void sched_balance(struct cpu *c);
void sched_exit(struct cpu *c);
/* Return: whether t's group lets it run. */
bool sched_may_run(const struct task *t);
/* A task in a queue may run again, or may not: the lane of its vCPU says so. */
void sched_quota_changed(struct task *t);
/* Return: whether t, which is queued on c, is to run there at once. */
bool sched_should_preempt(struct cpu *c, const struct task *t);
void op_wakeup(struct cpu *c, struct op *op); /* a[0]: task, queued on c */
void program_idle(struct cpu *c, struct task *t);

enum {
	PREV_RUNNABLE = 0,
	PREV_INTERRUPTIBLE = 1,
	PREV_UNINTERRUPTIBLE = 2,
	PREV_DEAD = 16,
	PREV_ZOMBIE = 32,
	PREV_IDLE_KTHREAD = 128,
	PREV_PREEMPTED = 256,
};

/* irq.c */

void irq_take(struct cpu *c, enum irq irq);  /* its handler goes to irqq */
void irq_raise(struct cpu *c, enum irq irq); /* a host CPU's */
void irq_init_tick(struct cpu *c);
/* Sends an interrupt from one CPU to another of the same machine, with what that costs. */
void block_ipi(struct block *b, struct cpu *to, enum irq irq);
void timer_arm(struct cpu *c, struct timer *t, int64_t when);
void timer_cancel(struct cpu *c, struct timer *t);
int64_t timer_earliest(const struct cpu *c);
void disk_submit(struct world *w, struct task *t);
unsigned irq_vector(enum irq irq);
/* Sends it without saying who did. */
void irq_kick(struct cpu *to);
/* A device that never stops interrupts c. */
void irq_storm(struct cpu *c);
/* Return: the name of the function at that address of m's kernel. */
const char *timer_function_name(const struct machine *m, uint64_t address);
/* Return: all of them, as /proc/kallsyms has them; free() it. */
char *timer_kallsyms(const struct machine *m);

/* kvm.c */

enum exit_kind {
	X_INTR,
	X_WINDOW,
	X_HLT,
	X_TIMER, /* writes the TSC deadline */
	X_ICR,	 /* sends an IPI */
	X_MSR_READ,
	X_CPUID,
	X_EPT,
	X_KICK,	     /* tells a worker of a request; a[0] task that asks, a[1] enum irq */
	X_PIO,	     /* handled by QEMU */
	X_HYPERCALL, /* a[0] vmsync count */
	X_DECOY,     /* a[0] count, a[1] uid: looks like vmsync, is none */
	X_CR,
	X_PAUSE,
	X_MMIO,	  /* handled by QEMU */
	X_VMLOAD, /* of a hypervisor in the guest */
	N_X,
};

enum vcpu_state {
	V_GUEST,
	V_HYPERVISOR,
	V_USERSPACE,
	V_PREEMPTED,
	V_WAITING,
	V_HALTED,
	V_BLOCKED,
	V_POLLING,
	V_THROTTLED,
	N_V
};

struct vcpu {
	struct machine *vm;
	struct cpu *cpu; /* the guest's */
	struct task *thread;
	unsigned id;
	bool in_guest; /* truly */
	bool entering; /* interrupts were looked at for the last time */
	bool window;   /* exits as soon as it can take an interrupt */
	bool polling;
	enum irq inject;     /* with the entry under way, N_IRQ: none */
	enum irq in_service; /* not yet acknowledged, N_IRQ: none */
	enum exit_kind kind; /* of the last exit */
	uint64_t x[2];	     /* its arguments */
	uint64_t rip;
	struct timer timer;
	/* truth */
	struct lane lane;  /* enum vcpu_state; reason, pcpu, occupant, waking */
	struct lane cause; /* enum cause_kind; interrupt, its name, tid, to whom it belongs */
	int64_t halt_from; /* when it began to wait for an interrupt */
	bool poll_told, clock_told;
	enum vcpu_state out_of; /* state to come back to when switched in */
	int64_t true_entry, true_exit, exit_at, first_event_at;
	int64_t spent[N_V], spent_from;
};

/* An op of a guest that ends in a VM exit. On a host nothing is added. */
void block_exit(struct block *b, struct cpu *c, enum exit_kind kind, uint64_t a0, uint64_t a1);
void vcpu_init(struct vcpu *v, struct machine *vm, unsigned id, struct task *thread);
/* Takes a vCPU out of guest mode; its thread goes on with the exit. */
void vcpu_exit(struct vcpu *v, enum exit_kind kind, uint64_t a0, uint64_t a1);
void vcpu_raise(struct cpu *waker, struct cpu *guest_cpu, enum irq irq);
void vcpu_first_host_event(struct vcpu *v);
void program_vcpu(struct cpu *c, struct task *t);
int exit_reason(const struct world *w, enum exit_kind kind);
const char *exit_name(const struct world *w, enum exit_kind kind);

/* work.c */

void block_syscall(struct block *b, struct machine *m, enum ev ev, const uint64_t *args);
void block_syscall_end(struct block *b, struct machine *m, enum ev ev, uint64_t ret);
void block_request(struct block *b, struct task *worker, struct task *from, enum irq irq);
/* t sleeps for ns. */
void block_sleep(struct block *b, struct task *t, int64_t ns);
void program_worker(struct cpu *c, struct task *t);
void program_vhost(struct cpu *c, struct task *t);
void program_qemu(struct cpu *c, struct task *t);
void program_asleep(struct cpu *c, struct task *t);
void program_tracer(struct cpu *c, struct task *t);
void program_hog(struct cpu *c, struct task *t);
void program_sleeper(struct cpu *c, struct task *t);
/* Two threads that talk to each other. Return: one, whose peer is the other. */
struct task *work_pipe(struct machine *m);
void work_add(struct machine *m);
void work_start(struct task *t, void (*program)(struct cpu *, struct task *));
struct task *work_task(struct machine *m, const char *comm,
		       void (*program)(struct cpu *, struct task *));
void emit_fork(struct cpu *c, const struct task *parent, const struct task *child);
/* Return: of m's tasks that have a CPU the one with the lowest tid above `after`, or NULL. */
struct task *work_next_task(struct machine *m, int64_t after);

/* build.c */

/* Sets up all machines and opens all files. Return: 0, or ERR with err set. */
int world_init(struct world *w, const struct options *o, struct error *err);
/* Ends traces and truth. Return: 0, or ERR with err set. */
int world_finish(struct world *w, struct error *err);
void world_deinit(struct world *w);

#endif
