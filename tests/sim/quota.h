/*
 * quota: a cgroup that may use so much CPU time in every period, as CFS bandwidth control has it.
 *
 * When it is used up, all of the group's tasks stop within microseconds, where they are; they stay
 * in their queues, are not picked, and go on when the period's timer has given the group its time.
 */
#ifndef VMSCOPE_SIM_QUOTA_H
#define VMSCOPE_SIM_QUOTA_H

#include "sim.h"

enum { QUOTA_FUNCTION = 0x31bbb0 }; /* of the period's timer, from the kernel's base */

struct group {
	struct world *w;
	int64_t quota, period, used;
	int64_t since;	  /* when `used` was right */
	unsigned running; /* of its tasks */
	bool throttled;
	uint64_t generation; /* of the time at which it will have used up all */
	struct timer timer;
	VEC(struct task *) tasks;
};

/* Its timer runs on c. free it with quota_free(). */
struct group *quota_new(struct cpu *c, int64_t quota, int64_t period);
void quota_free(struct group *g); /* NULL is allowed */
void quota_add(struct group *g, struct task *t);

/* One of a host's CPUs runs next from now on, instead of prev. */
void quota_switch(const struct task *prev, const struct task *next);

#endif
