/*
 * rate: how many counts of a recording's clock make an ns, by what its events say of the time
 * themselves.
 *
 *	hrtimer_expire_entry	`now` is CLOCK_MONOTONIC as it was read between the event before it on its CPU and itself
 *	kvm_vcpu_wakeup		`ns` is how long a vCPU's thread waited: from after its kvm_exit, and before it was switched
 *				out, until after it was switched in, and before this event
 *	sched_stat_runtime	`runtime` is how many ns a thread ran since the last such event
 *
 * The first two bound the rate strictly, by intervals of counts in which something of a known
 * length began and ended. The third only tells how much the rates that it suggests differ.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_RATE_H
#define VMSCOPE_INPUT_TRACEDAT_RATE_H

#include "input/tracedat/tracedat.h"

struct tracedat_rate {
	double per_ns;	/* counts */
	double error;	/* of per_ns, as a part of it: how far it may be off */
	const char *by; /* the event that told */
};

/*
 * Of the streams whose clock (base.streams) is `clock`. Looks at no more than some MiB, from all
 * over the recording.
 * Return: false when no event tells.
 */
bool tracedat_find_rate(struct tracedat *t, uint32_t clock, struct tracedat_rate *ratep);

#endif
