/*
 * tally: what reports need of each vCPU's states, exits and wake-ups, added up row by row.
 *
 * Who writes a results file adds its rows up as they come, so that the report that follows need
 * not read them again; who has only the file adds up what it reads. Memory does not depend on the
 * number of rows: durations are counted in histograms.
 *
 * Values are those of the tables' columns (schema/table.def), threads and vCPUs go by their ids.
 */
#ifndef VMSCOPE_TALLY_TALLY_H
#define VMSCOPE_TALLY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "schema/busy.h"
#include "schema/state.h"
#include "tally/histogram.h"

/* From a wake-up in the guest until the thread runs; each is counted from the one before it. */
enum wakeup_stage {
	STAGE_VCPU_WOKEN, /* the vCPU's own thread was asleep and is woken */
	STAGE_VCPU_RAN,	  /* it waited for a CPU and has one */
	STAGE_ENTERED,	  /* the guest is entered */
	STAGE_RAN,	  /* the guest's scheduler lets the thread run */
	STAGE_WHOLE,	  /* all of it */
	STAGE_N,
};

/* Time of one vCPU with one CPU. */
struct tally_cpu {
	int64_t cpu;
	int64_t guest, other; /* ns: in the guest there; on it otherwise */
};

/*
 * What kept a vCPU from its CPU: who had that, or a quota. What is not known, or does not apply, is
 * TABLE_NULL; the handler is the number of a string.
 */
struct tally_who {
	int64_t thread; /* of interrupts: not who was interrupted */
	int64_t irq, handler;
	enum busy busy;
	enum certainty certainty;
	bool throttled;
};

/* Time that is one piece as far as somebody waits for its end, ns. */
struct tally_stretch {
	int64_t begin, ns;
	uint64_t number;
};

struct tally_occupant {
	struct tally_who who;
	int64_t preempted, waiting, throttled; /* ns */
	uint64_t times;			       /* that it took the CPU from the vCPU */
	uint64_t stretches;		       /* without a CPU in which it had a part */
	struct tally_stretch now, worst;       /* its part of the latest, of the worst */
};

/* Where most of a cost lies: the worst of windows of time side by side. */
enum { TALLY_WINDOW_BITS = 27 }; /* 134 ms */

struct tally_window {
	int64_t number, ns;
};

/* The exits of one vCPU for one reason. */
struct tally_exits {
	int64_t reason, isa;	/* TABLE_NULL: not recorded */
	int64_t name;		/* number of a string, of the first of them */
	uint64_t n;		/* all of them */
	struct histogram whole; /* durations of those whose end was seen */
	int64_t handled, userspace, preempted,
		blocked;  /* ns, over `whole`; they add up to its sum, if all of it is split */
	uint64_t n_split; /* of `whole`: those whose parts are known */
	int64_t early;	  /* ns, over all: between the guest's stop and the kvm_exit event */
	int64_t polled;	  /* of handled */
};

/* Of them, those that were about one thing, and what they cost (tally_cost()). */
struct tally_topic {
	size_t exits;			/* index in the vCPU's: for which reason */
	int64_t detail;			/* number of a string, or TABLE_NULL */
	uint64_t n;			/* whose parts are known */
	int64_t cost;			/* ns */
	struct tally_window now, worst; /* by cost */
};

/* Times asleep of the exits of one vCPU that ended with one interrupt. */
struct tally_wait {
	int64_t vector; /* or TABLE_NULL */
	struct histogram times;
};

/* The exits of one vCPU that were about one thing: an MSR, a port, an address, ... */
struct tally_detail {
	int64_t name;	  /* number of a string, as vm_exit.detail has it */
	uint64_t n;	  /* all of them */
	uint64_t n_whole; /* those whose end was seen */
	uint64_t n_split; /* of these: those whose parts are known */
	int64_t total;	  /* ns, over n_whole */
	int64_t cost;	  /* ns, over n_split: KVM and user space worked, without polling */
	int64_t max;	  /* ns; 0 without n_whole */
};

/* Each kind of row has members of its own, which no other's touch. */
struct tally_vcpu {
	VEC(struct tally_cpu) cpus;
	VEC(struct tally_occupant) occupants;
	struct map cpu_by_number, occupant_by_who;
	size_t recent, recent_occupant;	       /* index in cpus, in occupants: of the last one */
	enum vcpu_state before;		       /* of the row before */
	uint64_t stretch;		       /* number of the latest without a CPU */
	struct tally_stretch blocked, longest; /* the latest asleep on the host, the longest */
	uint64_t n_blocked;

	VEC(struct tally_exits) exits;
	VEC(struct tally_topic) topics;
	VEC(struct tally_wait) waits;
	struct map exits_by_cause, topic_by_exits;
	VEC(struct tally_detail) details;
	struct map detail_by_name;
	uint64_t n_unsplit; /* exits whose end was seen, but not whether it had a CPU meanwhile */

	struct histogram stages[STAGE_N]; /* of threads that came to run on it */
};

struct tally {
	struct tally_vcpu *vcpus; /* owned */
	size_t n;
};

struct tally *tally_new(size_t n_vcpus);
void tally_free(struct tally *t); /* NULL is allowed */

/* A row of vcpu_state, or a part of one. */
struct tally_state {
	enum vcpu_state state;
	int64_t begin, dur, cpu;
	int64_t occupant, occupant_irq, occupant_handler;
	enum busy busy;
	enum certainty certainty;
};

/* The next row of a lane. */
void tally_add_state(struct tally_vcpu *v, const struct tally_state *s);

/* A row of vm_exit. */
struct tally_exit {
	int64_t ts, reason, isa, name, dur, early, handled, userspace, preempted, blocked, vector;
	int64_t polled; /* or TABLE_NULL */
	int64_t detail; /* number of a string, or TABLE_NULL */
};

/* Return: what one whose parts are known cost: what KVM and user space did for it, ns. */
int64_t tally_cost(const struct tally_exit *x);

void tally_add_exit(struct tally_vcpu *v, const struct tally_exit *x);

/*
 * A row of wakeup whose thread came to run on this vCPU, if that was seen; stages: ns since it was
 * woken, or TABLE_NULL.
 */
void tally_add_wakeup(struct tally_vcpu *v, const int64_t stages[STAGE_WHOLE]);

/* Return: a key of what happened for one reason. Reasons have 32 bits; the ISA fits above them. */
static inline uint64_t tally_cause_key(int64_t reason, int64_t isa)
{
	return (uint64_t)isa << 33 ^ (uint64_t)reason;
}

/* Adds what they add up to. */
void tally_merge_detail(struct tally_detail *to, const struct tally_detail *from);

/* A sum that has no room, which only a forged file has, wraps around. */
static inline void tally_add_ns(int64_t *sum, int64_t ns)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)ns);
}

#endif
