/*
 * summary: what reports show of the model's intervals and exits, added up as they come.
 *
 * Its memory does not depend on the length of the trace: durations are counted in a histogram that
 * is exact to 1/128 (under 0.8 %); counts, sums, minima and maxima are exact.
 */
#ifndef VMSCOPE_MODEL_SUMMARY_H
#define VMSCOPE_MODEL_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "model/sink.h"

enum { HISTOGRAM_OCTAVES = 64, HISTOGRAM_STEPS = 128 };

/* Durations in ns. */
struct histogram {
	uint64_t n;
	int64_t sum, min, max;
	uint64_t *octaves[HISTOGRAM_OCTAVES]; /* owned; NULL while empty */
};

void histogram_add(struct histogram *h, int64_t value);
void histogram_merge(struct histogram *h, const struct histogram *from);
void histogram_deinit(struct histogram *h);

/* Return: the least value that at least `share` (0..1) of all do not exceed; 0 when empty. */
int64_t histogram_quantile(const struct histogram *h, double share);

/* Time of one vCPU with one CPU. */
struct summary_cpu {
	uint32_t cpu;
	int64_t guest, other; /* ns: in the guest there; on it otherwise */
};

/* Who had the CPU that a vCPU was waiting for. */
struct summary_occupant {
	uint32_t thread;	    /* index in the model's threads, or NO_THREAD */
	int64_t preempted, waiting; /* ns */
	uint64_t times;		    /* that it took the CPU from the vCPU */
};

/* The exits of one vCPU for one cause. */
struct summary_exits {
	struct exit_cause cause;
	uint64_t n;		/* all of them */
	struct histogram whole; /* durations of those whose end was seen */
	int64_t handled, userspace, preempted,
		blocked; /* ns, over `whole`; they add up to its sum */
	int64_t early;	 /* ns, over all: between the guest's stop and the kvm_exit event */
};

struct summary_vcpu {
	int64_t time[VCPU_N_STATES]; /* ns; they add up to the lane's span */
	uint64_t intervals;
	VEC(struct summary_cpu) cpus;
	VEC(struct summary_occupant) occupants;
	VEC(struct summary_exits) exits;
	enum vcpu_state last_state;
	struct map occupant_by_thread, exits_by_cause;
};

struct summary {
	struct summary_vcpu *vcpus; /* owned */
	size_t n_vcpus;
};

void summary_init(struct summary *s, size_t n_vcpus);
void summary_deinit(struct summary *s);

/* Return: the sink that feeds s, which must outlive it. */
struct model_sink summary_sink(struct summary *s);

/* Sorts CPUs by number, occupants by time taken, exits by total time, most first. */
void summary_sort(struct summary *s);

/* Return: all time of the vCPU's lane, ns. */
int64_t summary_span(const struct summary_vcpu *v);

/* Return: number of exits for any cause. */
uint64_t summary_n_exits(const struct summary_vcpu *v);

#endif
