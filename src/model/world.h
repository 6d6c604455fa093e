/*
 * world: what the model holds true of all machines now; shared by the parts of the model only.
 *
 *	model.h		takes events, changes the world
 *	threads.h	threads and containers: who there is, and who is gone
 *	fused.h		after a change: what do the lanes of CPUs and threads say now, through all
 *			layers of machines?
 *	throttle.h	a vCPU has a CPU again: was a quota what kept it from one?
 *	waits.h		wake-ups on their way through the layers; what halted vCPUs waited for
 *
 * Each calls only those below it.
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
#include "model/sink.h"
#include "model/symbols.h"
#include "model/thread_lane.h"
#include "model/vcpu.h"
#include "model/work.h"

#define NO_KEY UINT64_MAX

enum { NO_VCPU = -1, NO_CONTAINER = -1 };

struct thread;

/* A vCPU, and its place between the machine that runs it and the one that it is a CPU of. */
struct world_vcpu {
	struct vcpu self;
	int vm;
	uint32_t host;
	struct thread *runner;	    /* the thread that runs it now, or NULL */
	bool is_shared;		    /* each entry says which thread that is: others take turns */
	struct cpu *inner;	    /* the CPU of its VM's own recording that it is, or NULL */
	struct cpu *waits_on;	    /* in whose list `waiting` it is, or NULL */
	int64_t ran, ran_since;	    /* ns on CPUs, until then; since when it is on one */
	int64_t kept_from, kept_to; /* its last stretch that was throttled; equal: none yet */
	int64_t kept_after;	    /* since when it had been on a CPU before that */
	VEC(struct thread *) woken; /* whose wake-up is pending on it */
};

struct cpu {
	uint32_t machine, number;
	struct thread *current;	    /* or NULL: not known */
	struct world_vcpu *guest;   /* entered here, and no host event since; or NULL */
	struct world_vcpu *carrier; /* the vCPU that this CPU of a guest is, or NULL: not known */
	unsigned irqs, softirqs;    /* being handled, nested */
	struct work work;	    /* the same, with what they are, and timers' handlers */
	int64_t lost_to;	    /* until then events of one of its channels are missing */
	bool refills;		    /* the timer's handler that runs on it does, of a quota */
	bool is_virtual;	    /* of a machine that is a VM */
	bool settled; /* it is known what was being handled on it when its recording began */
	struct cpu_lane lane;
	VEC(struct world_vcpu *) waiting; /* on its run queue */
};

/* What a vCPU has to get through until a thread that was woken on it can run. */
enum wake_stage { WAKE_VCPU_WOKEN, WAKE_VCPU_RAN, WAKE_ENTERED, WAKE_N_STAGES };

/* A thread of a guest was woken and has not run yet. */
struct pending_wakeup {
	bool pending;
	int64_t ts;
	uint32_t waker;
	struct world_vcpu *vcpu;       /* on whose queue it is, or NULL */
	int64_t stages[WAKE_N_STAGES]; /* ns since ts when that vCPU got there, or NO_VALUE */
	int next;		       /* the stages before are behind it, or were not needed */
};

/* All that is kept of a thread, while it is kept. */
struct thread {
	struct thread_lane lane;
	struct world_vcpu *vcpu; /* that it runs, or NULL */
	uint64_t key;		 /* by which events find it, or NO_KEY: another has its tid now */
	bool retired;		 /* among the zombies */
	struct model_thread known;
	struct pending_wakeup wakeup;
};

/* Zombies: threads that died, but may still be heard of; the oldest first. */
enum { ZOMBIES = 64 };

struct zombies {
	struct thread *threads[ZOMBIES];
	uint64_t n; /* so many came; the n-th is at n % ZOMBIES */
};

/* Of votes for threads the one that has more than all others together, if there is such a one. */
struct irq_sender {
	uint32_t thread; /* or NO_THREAD */
	uint32_t lead;	 /* votes that it is ahead by; 0: the next vote is for the one to be */
};

/* How often each source was seen to send a VM an interrupt of each vector, and which thread did. */
struct irq_sources {
	uint32_t n[256][IRQ_N_SOURCES];
	struct irq_sender senders[256][IRQ_N_SOURCES];
};

/* MAX_PID_NS_LEVEL, include/linux/pid_namespace.h */
enum { NAMESPACE_LEVELS = 32 };

/* What the state dump told last: the PID namespaces of a thread, one event per level. */
struct namespace_chain {
	uint32_t thread;
	int64_t ns_inum[NAMESPACE_LEVELS + 1]; /* by level; 0: not told */
};

/* CPUs with lower numbers are found without a search. */
enum { DIRECT_CPUS = 256 };

/* How a VM was met when a timer that refills a quota expired. */
struct throttle_score {
	int vm;
	uint32_t hits;	 /* it could run, had no CPU, and had one soon after */
	uint32_t misses; /* it had none for long after either */
	uint32_t on;	 /* it had one */
	bool proved;	 /* its CPU had idled before, at one of the hits */
	int64_t total;	 /* ns that its vCPUs had been on CPUs at the last expiry */
	int64_t used;	 /* ns, of that in the period that ended there */
	int64_t most;	 /* ns, of all whole periods */
};

/* A group of threads with a quota, which is refilled whenever its timer expires. */
struct throttle_group {
	uint64_t timer; /* its address */
	uint32_t n;	/* expiries */
	int64_t last;	/* expiry */
	int64_t period; /* ns: the shortest time between two expiries, 0: not known */
	int64_t done;	/* when its handler had returned, if it has */
	int64_t before; /* the same of the expiry before */
	VEC(struct throttle_score) scores;
};

/* A function that timers call. */
struct timer_function {
	const char *handler; /* its name, or its address as text */
	bool is_named;
	bool refills;	 /* quotas */
	uint32_t n;	 /* expiries */
	uint32_t votes;	 /* of them, those at which a vCPU came back as from a quota */
	uint32_t proved; /* of votes, those whose CPU had idled */
};

struct timer_expiry {
	int64_t ts;
	uint32_t function; /* index */
};

enum { THROTTLE_RECENT = 16 };

/* What a machine's timers say of quotas. */
struct throttle {
	VEC(struct timer_function) functions;
	struct map function_at; /* address -> index */
	VEC(struct throttle_group) groups;
	struct timer_expiry recent[THROTTLE_RECENT]; /* of functions without a name */
	uint64_t n_recent;
};

struct machine {
	VEC(struct cpu *) cpus;		 /* owned; as they were met */
	struct cpu *direct[DIRECT_CPUS]; /* by number; NULL: not met */
	struct map cpu_by_number;	 /* index of the others */
	bool started;			 /* its first event has come */
	bool ended;			 /* its recording is over */
	bool has_switches; /* its scheduler was recorded: who is current stays so until it is told
			      otherwise */
	bool has_syscalls; /* without them a thread that runs is taken to be in user code */
	bool has_migrations;
	struct namespace_chain dumped;
	struct throttle throttle;
	int64_t lost_to; /* until then events of some CPU are missing */
};

struct model {
	const struct identity *identity;
	const struct model_sink *sink;
	const struct model_span *lanes; /* per machine */
	int64_t now;			/* of the event at hand */
	struct machine *machines;
	size_t n_machines;
	struct world_vcpu *vcpus;
	size_t n_vcpus;
	uint32_t n_threads; /* ever; their ids are below it */
	struct slots places;
	VEC(struct thread *) threads; /* owned; by place */
	struct map thread_by_key;
	struct zombies zombies;
	VEC(struct model_container) containers;
	struct map container_by_key;
	struct irq_sources *irq_sources; /* per VM */
	bool *quotas;			 /* per VM: it is known to have one */
	bool *unlimited;		 /* per VM: it is known to have none */
	bool *apart;			 /* per VM: its vCPUs have quotas of their own */
	struct model_symbols symbols;	 /* name: NULL: there are none */
	struct work_names names;
	uint64_t contradictions;
};

static inline uint32_t thread_id(const struct thread *t)
{
	return t ? t->known.id : NO_THREAD;
}

/* Return: what the CPU is busy with. */
static inline struct occupant cpu_occupant(const struct cpu *c)
{
	const struct work_item *top = c->work.n ? &c->work.at[c->work.n - 1] : NULL;
	enum busy own = !c->current		? BUSY_UNKNOWN
			: c->current->known.tid ? BUSY_THREAD
						: BUSY_IDLE;

	return (struct occupant){.busy = top ? top->busy : own,
				 .thread = thread_id(c->current),
				 .irq = top ? top->number : NO_IRQ,
				 .handler = top ? top->handler : NULL};
}

/* Each CPU has an idle thread of its own; all of them have tid 0. */
static inline bool thread_is_idle(const struct thread *t)
{
	return t->known.tid == 0;
}

/* For each thread that is kept, in no order of meaning. */
#define world_each_thread(at, m)     \
	vec_each (at, &(m)->threads) \
		if ((*at)->known.id != NO_THREAD)

/* Return: the CPU, made when it is not there. */
struct cpu *world_find_cpu(struct model *m, uint32_t machine, uint32_t number);

/* Return: the CPU, made when it is met for the first time. */
static inline struct cpu *world_cpu(struct model *m, uint32_t machine, uint32_t number)
{
	struct cpu *c = number < DIRECT_CPUS ? m->machines[machine].direct[number] : NULL;

	return c ? c : world_find_cpu(m, machine, number);
}

#endif
