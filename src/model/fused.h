/*
 * fused: after a change in the world, what the lanes of CPUs and threads say now, through all
 * layers of machines.
 */
#ifndef VMSCOPE_MODEL_FUSED_H
#define VMSCOPE_MODEL_FUSED_H

#include "model/world.h"

/*
 * Something about this CPU changed: who is current, whether it is in the guest. Updates the lanes
 * of the CPU and its thread, and what is above and below it.
 */
void world_cpu_changed(struct model *m, struct cpu *c, int64_t ts);

/* Only what interrupts the CPU, or its thread's mode, changed: the layers above and below do not
 * see that. */
void world_mode_changed(struct model *m, struct cpu *c, int64_t ts);

/* A vCPU changed, on a CPU or not: the guest's thread that is current on it gains or loses it. */
void world_vcpu_changed(struct model *m, const struct world_vcpu *v, int64_t ts);

/* An event on a CPU may tell what was being handled there since the recording began; to be told
 * before it. */
void world_settle_cpu(struct model *m, struct cpu *c, enum event_id id);

/* What thread_lane_mode() and thread_lane_forget() do, and the same for the CPUs that it ran on. */
void world_thread_mode(struct model *m, struct thread *t, enum thread_mode before,
		       enum thread_mode after, const char *syscall);
void world_thread_forget(struct model *m, struct thread *t);

/* Sets a thread's lane that is current nowhere. */
void world_thread_off(struct model *m, struct thread *t, int64_t ts, enum thread_state state,
		      uint32_t cpu);

#endif
