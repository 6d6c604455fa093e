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

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
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

/* Who had the CPU that a vCPU was waiting for. */
struct tally_occupant {
	int64_t thread;		    /* or TABLE_NULL */
	int64_t preempted, waiting; /* ns */
	uint64_t times;		    /* that it took the CPU from the vCPU */
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
};

/* Times asleep of the exits of one vCPU that ended with one interrupt. */
struct tally_wait {
	int64_t vector; /* or TABLE_NULL */
	struct histogram times;
};

/* Each kind of row has members of its own, which no other's touch. */
struct tally_vcpu {
	VEC(struct tally_cpu) cpus;
	VEC(struct tally_occupant) occupants;
	struct map cpu_by_number, occupant_by_thread;
	size_t recent;		/* index in cpus: of the last one */
	enum vcpu_state before; /* of the row before */

	VEC(struct tally_exits) exits;
	VEC(struct tally_wait) waits;
	struct map exits_by_cause;
	uint64_t n_unsplit; /* exits whose end was seen, but not whether it had a CPU meanwhile */

	struct histogram stages[STAGE_N]; /* of threads that came to run on it */
};

struct tally {
	struct tally_vcpu *vcpus; /* owned */
	size_t n;
};

struct tally *tally_new(size_t n_vcpus);
void tally_free(struct tally *t); /* NULL is allowed */

/* The next row of vcpu_state; dur may be a part of its own. */
void tally_add_state(struct tally_vcpu *v, enum vcpu_state state, int64_t dur, int64_t cpu,
		     int64_t occupant);

/* A row of vm_exit. */
struct tally_exit {
	int64_t reason, isa, name, dur, early, handled, userspace, preempted, blocked, vector;
};

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

/* A sum that has no room, which only a forged file has, wraps around. */
static inline void tally_add_ns(int64_t *sum, int64_t ns)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)ns);
}

#endif
