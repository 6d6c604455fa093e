/*
 * cpu_lane: what one CPU did.
 *
 * Whether a CPU runs user code or a system call is known when it is known of its thread (thread_lane.h),
 * which can be later. What is not known yet is held back for a while, and what follows it, too.
 */
#ifndef VMSCOPE_MODEL_CPU_LANE_H
#define VMSCOPE_MODEL_CPU_LANE_H

#include <stdint.h>

#include "base/mem.h"
#include "model/sink.h"

/* Runs its thread, in a mode that is not known yet: for cpu_lane_set() only, never seen by a sink. */
enum { CPU_RUNS = CPU_N_STATES };

struct cpu_lane {
	struct cpu_interval open; /* state may be CPU_RUNS */
	VEC(struct cpu_interval) held;
};

/* begin: of the lane. */
void cpu_lane_init(struct cpu_lane *l, uint32_t machine, uint32_t cpu, int64_t begin);
void cpu_lane_deinit(struct cpu_lane *l);

/* From ts on the CPU does what `view` says; its times do not count. */
void cpu_lane_set(struct cpu_lane *l, int64_t ts, const struct cpu_interval *view,
		  const struct model_sink *sink);

/* Wherever the CPU was held to run this thread, from `since` on, it was in `state`. */
void cpu_lane_settle(struct cpu_lane *l, uint32_t thread, int64_t since, enum cpu_state state,
		     const struct model_sink *sink);

/* Ends the lane. */
void cpu_lane_finish(struct cpu_lane *l, int64_t ts, const struct model_sink *sink);

#endif
