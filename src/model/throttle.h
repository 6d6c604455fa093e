/*
 * throttle: whether a vCPU that could run had no CPU because its group's CPU quota was used up.
 *
 * The scheduler records no such event; how the thread comes back tells. It left runnable, and comes
 * back without a wake-up:
 *
 *	proved	the CPU on whose queue it was idled meanwhile: there was nothing else to wait for
 *	likely	the period timer of its group (sched_cfs_period_timer, an hrtimer per group)
 *		expired just before, as it mostly does when this VM comes back
 *	open	that timer expired, but it brings another VM back, or not this one mostly
 *
 * A thread that is woken while its group is throttled waits on a queue nobody looks at; that is
 * taken for the quota, too, once one is known to be there.
 *
 * All vCPUs of a VM are in one group, unless they are seen to have quotas of their own: where no
 * timer tells, a vCPU is likely throttled while another one of its VM is, which stopped when it did
 * or later and had a CPU that idled.
 *
 * It lasts until the timer's handler returns: from then on it is runnable like any other. It begins
 * when the last thread of the same VM had the CPU, for that was in the same group; on another CPU,
 * too, if this one was busy with somebody else until then.
 *
 * Facts: kernel/sched/fair.c, throttle_cfs_rq() and distribute_cfs_runtime(); from 6.18 on tasks
 * are throttled one by one on their way to user space, which looks the same.
 */
#ifndef VMSCOPE_MODEL_THROTTLE_H
#define VMSCOPE_MODEL_THROTTLE_H

#include "model/world.h"

/* A timer expires on the CPU: EV_HRTIMER_ENTRY. Return: its handler's name. */
const char *throttle_timer(struct model *m, const struct event *e, struct cpu *c);

/* Its handler has returned: EV_HRTIMER_EXIT. */
void throttle_timer_done(struct model *m, const struct event *e, struct cpu *c);

/* The vCPU's thread comes to this CPU, before vcpu_switch_in(). */
void throttle_judge(struct model *m, struct world_vcpu *v, uint32_t cpu, int64_t ts);

/* The recording ends. The vCPU's thread may be without a CPU: nobody will see it come back. */
void throttle_end(struct model *m, struct world_vcpu *v, int64_t ts);

/*
 * The vCPU's thread has come to a CPU, nobody saw when, and is there at ts at the latest. What was
 * throttled before that is told; from then on it is unknown whether it ran.
 */
void throttle_unseen(struct model *m, struct world_vcpu *v, int64_t ts);

void throttle_deinit(struct throttle *t);

#endif
