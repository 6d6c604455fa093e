/*
 * vcpu_maker: windows of a host thread and the events of the guest CPU that it runs, for tests.
 *
 * The guest computes, arms its timer, sleeps and wakes; the host interrupts it now and then. Times
 * are those of fast hardware: an exit that the guest causes takes one or two us, one that does not
 * ends a window anywhere. Everything happens on the host's clock and is then told on the guest's.
 */
#ifndef VMSCOPE_TESTS_TIMELINE_VCPU_MAKER_H
#define VMSCOPE_TESTS_TIMELINE_VCPU_MAKER_H

#include <stdlib.h>

#include "base/mem.h"
#include "../timeline/random.h"
#include "sync/chunk.h"

struct made_vcpu {
	VEC(struct sync_window) windows;
	VEC(struct sync_guest_event) events;
};

struct vcpu_options {
	int64_t begin, end;		/* host ns */
	int64_t trace_begin, trace_end; /* host ns: the guest's trace lies in here */
	const struct clock_map *truth;	/* guest -> host */
	int lost_windows, lost_events;	/* per 1000 */
};

static inline void maker_event(struct made_vcpu *v, const struct vcpu_options *o, uint64_t *seed,
			       int64_t host, enum sync_cause cause)
{
	int64_t ts = clock_map_invert(o->truth, host);

	if (host < o->trace_begin || host > o->trace_end)
		return;
	/* a clock that steps back makes a trace whose times do: such events are left out */
	if (v->events.n && v->events.at[v->events.n - 1].ts > ts)
		return;
	if (random_in(seed, 0, 999) >= o->lost_events)
		*vec_push(&v->events) = (struct sync_guest_event){ts, cause};
}

static inline struct made_vcpu make_vcpu(uint64_t seed, const struct vcpu_options *o)
{
	struct made_vcpu v = {.windows = {0}};
	int64_t t = o->begin + random_exp(&seed, 1e6);

	while (t < o->end) {
		int64_t begin = t, gap;
		enum sync_cause cause = (enum sync_cause)random_in(&seed, 0, 2);

		t += random_exp(&seed, 500);
		for (int64_t i = random_in(&seed, 0, 6); i > 0; i--) {
			maker_event(&v, o, &seed, t, SYNC_CAUSE_NONE);
			t += random_exp(&seed, 40000);
		}
		if (cause != SYNC_CAUSE_NONE)
			maker_event(&v, o, &seed, t, cause);
		t += 300 + random_exp(&seed, cause == SYNC_CAUSE_NONE ? 20000 : 700);
		gap = 1000 + random_exp(&seed, cause == SYNC_CAUSE_IDLE ? 2e6 : 1500);
		if (random_in(&seed, 0, 999) >= o->lost_windows)
			*vec_push(&v.windows) = (struct sync_window){begin, t, cause};
		t += gap;
	}
	return v;
}

static inline struct sync_thread made_thread(const struct made_vcpu *v)
{
	return (struct sync_thread){v->windows.at, v->windows.n};
}

static inline struct sync_cpu made_cpu(const struct made_vcpu *v)
{
	return (struct sync_cpu){v->events.at, v->events.n};
}

static inline void made_deinit(struct made_vcpu *v)
{
	vec_deinit(&v->windows);
	vec_deinit(&v->events);
}

#endif
