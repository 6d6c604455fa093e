/*
 * cpu_lane: what one CPU did.
 *
 * Whether a CPU runs user code or a system call is known when it is known of its thread
 * (thread_lane.h), which can be later. What is not known yet is held back for a while, and what
 * follows it, too.
 */
#ifndef VMSCOPE_MODEL_CPU_LANE_H
#define VMSCOPE_MODEL_CPU_LANE_H

#include <stdint.h>

#include "base/mem.h"
#include "model/sink.h"

/*
 * Runs its thread, in a mode that is not known yet: for cpu_lane_set() only, never seen by a sink.
 */
enum { CPU_RUNS = CPU_N_STATES };

/* What a CPU does at one time: the same as in struct cpu_interval, but state may be CPU_RUNS. */
struct cpu_view {
	int state;
	uint32_t thread;
	int vm, vcpu;
	uint32_t guest_thread;
};

struct cpu_lane {
	struct cpu_interval open; /* state may be CPU_RUNS */
	void *own;		  /* the sink's */
	VEC(struct cpu_interval) held;
};

/* begin: of the lane, which must not move from then on. */
void cpu_lane_init(struct cpu_lane *l, uint32_t machine, uint32_t cpu, int64_t begin);
void cpu_lane_deinit(struct cpu_lane *l);

/* What cpu_lane_set() does when the view is another one. */
void cpu_lane_change(struct cpu_lane *l, int64_t ts, const struct cpu_view *view,
		     const struct model_sink *sink);

/* From ts on the CPU does what `view` says. */
static inline void cpu_lane_set(struct cpu_lane *l, int64_t ts, const struct cpu_view *view,
				const struct model_sink *sink)
{
	const struct cpu_interval *is = &l->open;

	if ((int)is->state != view->state || is->thread != view->thread || is->vcpu != view->vcpu ||
	    is->vm != view->vm || is->guest_thread != view->guest_thread)
		cpu_lane_change(l, ts, view, sink);
}

/* Wherever the CPU was held to run this thread, from `since` on, it was in `state`. */
void cpu_lane_settle(struct cpu_lane *l, uint32_t thread, int64_t since, enum cpu_state state,
		     const struct model_sink *sink);

/* As vcpu_peek(). */
void cpu_lane_peek(const struct cpu_lane *l, int64_t ts, const struct model_sink *to);

/* Ends the lane. */
void cpu_lane_finish(struct cpu_lane *l, int64_t ts, const struct model_sink *sink);

#endif
