/*
 * takers: who had the CPU that a vCPU could have run on, as people tell them apart.
 *
 * Threads of a process are one, idle ones of all CPUs are one, and so is what has the same label
 * (naming.h).
 */
#ifndef VMSCOPE_RESULTS_TAKERS_H
#define VMSCOPE_RESULTS_TAKERS_H

#include "base/arena.h"
#include "results/results.h"

struct taker {
	const char *label;			      /* in the arena */
	int64_t taken, preempted, waiting, throttled; /* ns; taken: all of it */
	uint64_t times;				      /* that it took the CPU from the vCPU */
};

typedef VEC(struct taker) takers_t;

/*
 * Adds those of a vCPU whose lanes were added up (SUMMARY_LANES), and sorts: who took most first.
 */
void takers_add(takers_t *takers, const struct results *r, const struct res_vcpu *v,
		struct arena *arena);

/* Return: below 0 if `a` comes first, above 0 if b does. */
int taker_order(const struct taker *a, const struct taker *b);

#endif
