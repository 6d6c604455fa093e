/*
 * world: what the model believes now of all machines; shared by the parts of the model only.
 *
 *	model.c		takes events, changes the world
 *	threads.c	threads and containers: who there is, and who is gone
 *	waits.c		wake-ups on their way through the layers; what halted vCPUs waited for
 *	fused.c		after a change: what do the lanes of CPUs and threads say now, through all
 *			layers of machines?
 */
#ifndef VMSCOPE_MODEL_WORLD_H
#define VMSCOPE_MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/slots.h"
#include "events/event.h"
#include "model/cpu_lane.h"
#include "model/identity.h"
#include "model/model.h"
#include "model/sink.h"
#include "model/thread_lane.h"
#include "model/vcpu.h"

enum { NO_VCPU = -1, NO_CONTAINER = -1 };

struct cpu {
	uint32_t number;
	uint32_t current;	 /* thread on it, or NO_THREAD */
	unsigned irqs, softirqs; /* being handled, nested */
	int guest; /* vCPU that was entered on it, no host event having come since; or NO_VCPU */
	bool is_virtual;  /* of a machine that is a VM */
	int carrier;	  /* the vCPU that this CPU of a guest is, or NO_VCPU: not known */
	bool settled;	  /* it is known what was being handled on it when its recording began */
	VEC(int) waiting; /* vCPUs on its run queue */
	struct cpu_lane lane;
};

/* What a vCPU has to get through until a thread that was woken on it can run. */
enum wake_stage { WAKE_VCPU_WOKEN, WAKE_VCPU_RAN, WAKE_ENTERED, WAKE_N_STAGES };

/* A thread of a guest was woken and has not run yet. */
struct pending_wakeup {
	bool pending;
	int64_t ts;
	uint32_t waker;
	int vcpu;		       /* on whose queue it is, or NO_VCPU */
	int64_t stages[WAKE_N_STAGES]; /* ns since ts when that vCPU got there, or NO_VALUE */
	int next;		       /* the stages before are behind it, or were not needed */
};

/* All that is kept of a thread, while it is kept. */
struct thread {
	struct model_thread known;
	struct thread_lane lane;
	struct pending_wakeup wakeup;
};

/* Threads that died lately, the oldest first. */
enum { LATELY_DEAD = 64 };

struct dead {
	uint32_t threads[LATELY_DEAD];
	uint64_t n; /* so many came; the n-th is at n % LATELY_DEAD */
};

/* How often each source was seen to send a VM an interrupt of each vector. */
struct irq_sources {
	uint32_t n[256][IRQ_N_SOURCES];
};

/* MAX_PID_NS_LEVEL, include/linux/pid_namespace.h */
enum { NAMESPACE_LEVELS = 32 };

/* What the state dump told last: the PID namespaces of a thread, one event per level. */
struct namespace_chain {
	uint32_t thread;
	int64_t ns_inum[NAMESPACE_LEVELS + 1]; /* by level; 0: not told */
};

struct machine {
	struct map cpu_by_number;
	VEC(struct cpu) cpus;
	bool started;	   /* its first event has come */
	bool ended;	   /* its recording is over */
	bool has_wakeup;   /* sched_wakeup is in the recording, not only sched_waking */
	bool has_syscalls; /* without them a thread that runs is taken to be in user code */
	struct namespace_chain dumped;
	int64_t lost_to; /* until then events of some CPU are missing */
};

typedef VEC(uint32_t) vcpu_queue;

struct model {
	const struct identity *identity;
	const struct model_sink *sink;
	const struct model_span *lanes; /* per machine */
	struct machine *machines;
	size_t n_machines;
	struct vcpu *vcpus;
	size_t n_vcpus;
	uint32_t *waits_on; /* per vCPU: CPU in whose list `waiting` it is, or NO_CPU */
	uint32_t n_threads; /* ever; their ids are below it */
	struct slots places;
	VEC(struct thread) threads; /* by place */
	struct map thread_by_key;
	struct dead dead;
	VEC(struct model_container) containers;
	struct map container_by_key;
	vcpu_queue *woken;		 /* per vCPU: threads whose wake-up is pending on it */
	struct irq_sources *irq_sources; /* per VM */
	uint64_t contradictions;
};

/* Made when it is met for the first time; valid until the next one is. */
struct cpu *world_cpu(struct model *m, uint32_t machine, uint32_t number);

/* ---- threads.c ----
 *
 * A thread goes by its id, and is kept until it is forgotten (world_died()). Whoever holds on to an id of one
 * that may be gone only compares it and passes it on.
 */

/* Return: what is kept of a thread that is not gone; valid until the next one is made. */
static inline struct thread *world_at(const struct model *m, uint32_t thread)
{
	return &m->threads.at[slots_find(&m->places, thread)];
}

/* For each thread that is kept, in no order of meaning. */
#define world_each_thread(t, m)     \
	vec_each (t, &(m)->threads) \
		if (t->known.id != NO_THREAD)

/* The thread with this tid; tid 0 is the idle thread of `cpu`. Return: its index. */
uint32_t world_thread(struct model *m, uint32_t machine, uint32_t cpu, int64_t tid);

/* A thread is born at ts; one that had its tid is another, and dead. Return: its index. */
uint32_t world_fork(struct model *m, uint32_t machine, int64_t tid, int64_t ts);

/*
 * The thread is dead since ts. It is kept for a while, as zombies are heard of, but not its past; when enough
 * others have died, its lane ends as it stands and it is forgotten.
 */
void world_died(struct model *m, uint32_t thread, int64_t ts);

/* Return: whether the thread is current on one of the machine's CPUs. */
bool world_is_current(const struct machine *mc, uint32_t thread);

void world_set_comm(struct model *m, uint32_t thread, const struct ctf_text *comm);

/* The state dump says that at this level of PID namespaces the thread is in ns_inum; in any order of levels. */
void world_namespace(struct model *m, uint32_t thread, int64_t level, int64_t ns_inum);

/* A thread is made whose own PID namespace is ns_inum, on this level; `parents` is its parent's container. */
int world_container_of_child(struct model *m, uint32_t machine, int64_t level, int64_t ns_inum,
			     int parents);

/* ---- fused.c ---- */

/*
 * Something about this CPU changed: who is current, what interrupts it, whether it is in the guest.
 * Updates the lanes of the CPU and its thread, and what is above and below it.
 */
void world_cpu_changed(struct model *m, uint32_t machine, uint32_t cpu, int64_t ts);

/* A vCPU changed, on a CPU or not: the guest's thread that is current on it gains or loses it. */
void world_vcpu_changed(struct model *m, int vcpu, int64_t ts);

/* An event on a CPU may tell what was being handled there since the recording began; to be told before it. */
void world_settle_cpu(struct model *m, struct cpu *c, enum event_id id);

/* What thread_lane_mode() and thread_lane_forget() do, and the same for the CPUs that it ran on. */
void world_thread_mode(struct model *m, uint32_t thread, enum thread_mode before,
		       enum thread_mode after, const char *syscall);
void world_thread_forget(struct model *m, uint32_t thread);

/* Sets a thread's lane that is current nowhere. */
void world_thread_off(struct model *m, uint32_t thread, int64_t ts, enum thread_state state,
		      uint32_t cpu);

/* Return: the thread that is current on the guest CPU that this vCPU is, or NO_THREAD. */
uint32_t world_guest_thread(struct model *m, int vcpu);

/* ---- waits.c ---- */

/* A thread of a guest becomes runnable on a CPU; is moved to another; runs; will not run as far as we know. */
void world_woken(struct model *m, const struct event *e, uint32_t thread, uint32_t cpu);
void world_wake_moved(struct model *m, uint32_t machine, uint32_t thread, uint32_t cpu);
void world_ran(struct model *m, const struct event *e, uint32_t thread);
void world_never_ran(struct model *m, uint32_t thread);

/* A vCPU gets to this stage; the threads that were woken on it are that much closer. */
void world_wake_stage(struct model *m, int vcpu, enum wake_stage stage, int64_t ts);

/* An APIC of a VM accepts an interrupt while this CPU of its host does something: who sent it? */
void world_irq_accepted(struct model *m, const struct event *e, const struct cpu *c);

#endif
