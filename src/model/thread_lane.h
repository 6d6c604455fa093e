/*
 * thread_lane: what one thread did.
 *
 * Whether a thread that runs is in user code or in a system call is known from its system call
 * events. Until the first one it is not; that one then says what it was before: a thread that
 * leaves a system call had been in one. So what is not known yet is held back for a while.
 */
#ifndef VMSCOPE_MODEL_THREAD_LANE_H
#define VMSCOPE_MODEL_THREAD_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/sink.h"

/* What the thread does when nothing interrupts it. */
enum thread_mode {
	MODE_UNKNOWN,
	MODE_USER,
	MODE_SYSCALL,
	MODE_KVM,    /* in KVM_RUN, as KVM's events prove: that system call was not seen */
	MODE_KERNEL, /* a kernel thread */
};

/* Runs, in a mode that is not known yet: for thread_lane_set() only, never seen by a sink. */
enum { THREAD_RUNS = THREAD_N_STATES };

struct thread_lane {
	struct thread_interval open; /* state may be THREAD_RUNS */
	void *own;		     /* the sink's */
	enum thread_mode mode;
	int64_t unknown_since; /* MODE_UNKNOWN: not longer than this */
	enum thread_mode rest; /* the mode when no event tells: unknown, or user where none can */
	const char *syscall;   /* MODE_SYSCALL, MODE_KVM: which, or NULL; else NULL */
	bool exiting;	       /* its next switch out is its last */
	VEC(struct thread_interval)
	held; /* since the first THREAD_RUNS whose mode may still come out */
};

/* begin: of the lane, which must not move from then on; rest: see above. */
void thread_lane_init(struct thread_lane *l, uint32_t thread, int64_t begin,
		      enum thread_state state, enum thread_mode rest);
void thread_lane_deinit(struct thread_lane *l);

/* What thread_lane_set() does when something is another. */
void thread_lane_change(struct thread_lane *l, int64_t ts, int state, uint32_t cpu,
			const char *syscall, const struct model_sink *sink);

/* From ts on the thread is in `state` (or THREAD_RUNS), with the system call that its mode says. */
static inline void thread_lane_set(struct thread_lane *l, int64_t ts, int state, uint32_t cpu,
				   const struct model_sink *sink)
{
	bool known = state != THREAD_USER && state != THREAD_UNKNOWN && state != THREAD_DEAD;
	const char *syscall = known ? l->syscall : NULL;

	if ((int)l->open.state != state || l->open.cpu != cpu || l->open.syscall != syscall)
		thread_lane_change(l, ts, state, cpu, syscall, sink);
}

/* What it was in wherever it is held to run: in a state, or still THREAD_RUNS. */
void thread_lane_settle(struct thread_lane *l, int was, const struct model_sink *sink);

/* An event says that it was in `before` until now, and is in `after` from now on. */
void thread_lane_mode(struct thread_lane *l, enum thread_mode before, enum thread_mode after,
		      const char *syscall, const struct model_sink *sink);

/* Events are missing: its mode is known no longer. */
void thread_lane_forget(struct thread_lane *l, const struct model_sink *sink);

/* Ends the lane. */
void thread_lane_finish(struct thread_lane *l, int64_t ts, const struct model_sink *sink);

#endif
