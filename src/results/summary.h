/*
 * summary: what reports show of the lanes and exits of each vCPU, added up.
 *
 * Its memory does not depend on the number of rows; durations are counted in histograms.
 */
#ifndef VMSCOPE_RESULTS_SUMMARY_H
#define VMSCOPE_RESULTS_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "schema/state.h"
#include "tally/tally.h"

/* What a vCPU that slept waited for, by the interrupt that it got when it was back. */
enum wait_source {
	WAIT_TIMER,
	WAIT_IPI,
	WAIT_NETWORK,
	WAIT_DEVICE,
	WAIT_UNKNOWN, /* none was injected, or nobody knows who sends it */
	WAIT_N_SOURCES,
};

/* What kept a vCPU from its CPU. */
struct summary_occupant {
	int thread; /* index in the results, or NOBODY */
	enum busy busy;
	enum certainty certainty;
	const char *handler;		       /* borrowed, or NULL */
	int64_t irq;			       /* or TABLE_NULL */
	int64_t preempted, waiting, throttled; /* ns */
	uint64_t times;			       /* that it took the CPU from the vCPU */
	uint64_t stretches;		       /* without a CPU in which it had a part */
	struct tally_stretch worst;	       /* its part of the worst of them */
};

/* The exits of one vCPU for one reason. */
struct summary_exits {
	int64_t reason, isa;	/* TABLE_NULL: not recorded */
	const char *name;	/* borrowed from the store; NULL: it has none */
	uint64_t n;		/* all of them */
	struct histogram whole; /* durations of those whose end was seen */
	int64_t handled, userspace, preempted,
		blocked;  /* ns, over `whole`; they add up to its sum, if all of it is split */
	uint64_t n_split; /* of `whole`: those whose parts are known */
	int64_t early;	  /* ns, over all: between the guest's stop and the kvm_exit event */
	int64_t polled;	  /* of handled */
};

/* Of the exits of one vCPU, those for one reason that were about one thing. */
struct summary_topic {
	int64_t reason;		   /* TABLE_NULL: not recorded */
	const char *name, *detail; /* borrowed; or NULL */
	uint64_t n;		   /* whose parts are known */
	int64_t cost;		   /* ns: what KVM and user space did for them */
	struct tally_window worst; /* where most of that lies */
};

typedef VEC(struct summary_exits) summary_exits_t;

struct summary_vcpu {
	int64_t time[VCPU_N_STATES]; /* ns; they add up to the lane's span */
	uint64_t n_exits;
	uint64_t n_unsplit; /* exits whose end was seen, but not whether it had a CPU meanwhile */
	VEC(struct tally_cpu) cpus;		/* by number */
	VEC(struct summary_occupant) occupants; /* by time taken, most first */
	struct tally_stretch blocked;		/* the longest in which its host kept it asleep */
	uint64_t n_blocked;
	summary_exits_t exits;		  /* by cost, most first */
	VEC(struct tally_detail) details; /* in no order */
	VEC(struct summary_topic) topics;
	struct histogram waits[WAIT_N_SOURCES]; /* time asleep, of exits with any */
	int wait_sender[WAIT_N_SOURCES];  /* thread that ended most of it, index in the results, or
					    NOBODY */
	struct histogram stages[STAGE_N]; /* of threads that came to run on it */
};

void summary_vcpu_deinit(struct summary_vcpu *v);
/* Return: ns for which this kept the vCPU from its CPU. */
int64_t summary_taken(const struct summary_occupant *o);

/* Return: whether the parts of all of them are known; sums of some would be taken for all. */
static inline bool summary_is_split(const struct summary_exits *e)
{
	return e->n_split == e->whole.n;
}

/* The same of what they were about. */
static inline bool summary_detail_is_split(const struct tally_detail *d)
{
	return d->n_split == d->n_whole;
}

/*
 * Return: what these exits cost, ns: what KVM and user space did for them. It is known if
 * summary_is_split().
 */
int64_t summary_cost(const struct summary_exits *e);

void summary_exits_deinit(summary_exits_t *exits);

const char *wait_source_name(enum wait_source source);

/* Return: the source of this name, WAIT_UNKNOWN for all others and NULL. */
enum wait_source wait_source_of(const char *name);

const char *wakeup_stage_name(enum wakeup_stage stage);

/* Return: ns in the states of these sets (enum state_set), ORed. */
int64_t summary_in(const struct summary_vcpu *v, unsigned sets);

/* Return: all time of the vCPU's lane, ns; that in which something is known. */
int64_t summary_span(const struct summary_vcpu *v);
int64_t summary_known(const struct summary_vcpu *v);

/* Return: ns in which its exits were seen: where rates are told of. */
int64_t summary_observed(const struct summary_vcpu *v);

/* Return: whether it is known what it did out of the guest: its host's scheduler was recorded. */
static inline bool summary_is_scheduled(const struct summary_vcpu *v)
{
	return !v->n_unsplit;
}

#endif
