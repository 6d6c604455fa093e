/*
 * hint: what single events know of the time, gathered for rate.h.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_HINT_H
#define VMSCOPE_INPUT_TRACEDAT_HINT_H

#include "input/tracedat/tracedat.h"

/* It was `ns` by another clock some time between these counts. */
struct hint_moment {
	uint64_t before, after;
	int64_t ns;
};

/* `ns` passed in no fewer than `least` and no more than `most` counts. */
struct hint_span {
	uint64_t least, most;
	uint64_t ns;
};

/* A thread ran for `ns`, by a clock that may stop in interrupts, in so many counts. */
struct hint_run {
	uint64_t counts, ns;
};

struct tracedat_hints {
	VEC(struct hint_moment) moments; /* by hrtimer_expire_entry */
	VEC(struct hint_span) spans;	 /* by kvm_vcpu_wakeup */
	VEC(struct hint_run) runs;	 /* by sched_stat_runtime */
};

enum { HINTS_MAX = 1 << 12 /* of each */ };

/*
 * Of the streams with this clock (base.streams); from all over the recording, but not from more
 * than some MiB. What is decompressed for it stays (tracedat_kept).
 */
void tracedat_hints_gather(struct tracedat_hints *h, struct tracedat *t, uint32_t clock);
void tracedat_hints_deinit(struct tracedat_hints *h);

#endif
