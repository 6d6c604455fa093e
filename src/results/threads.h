/*
 * threads: time of threads and containers, as their own machine saw it and as it was.
 */
#ifndef VMSCOPE_RESULTS_THREADS_H
#define VMSCOPE_RESULTS_THREADS_H

#include "results/results.h"

/* Return: ns in which it truly ran: user, system call, interrupts. */
int64_t thread_ran(const int64_t *time);

/* Return: ns in which its machine took it for running: that, and what the host took of it. */
int64_t thread_charged(const int64_t *time);

/* The kernel nests PID namespaces 32 deep; a forged file can have them inside each other. */
enum { CONTAINER_DEPTH = 64 };

/* Return: how many containers it is in, itself counted; at most CONTAINER_DEPTH. */
int container_depth(const struct results *r, int container);

/* What the threads of a container did, together. */
struct container_time {
	size_t n_threads;
	int64_t time[THREAD_N_STATES]; /* ns */
};

/*
 * Adds up the threads of each container, of those in it alone. Return: an array for free(): by
 * index of the container, and behind them by index of the machine for threads in no container.
 */
struct container_time *container_times(const struct results *r);

/* Adds to each container what those inside it have; `own` stays as it is. For free(), as above. */
struct container_time *container_times_nested(const struct results *r,
					      const struct container_time *own);

#endif
