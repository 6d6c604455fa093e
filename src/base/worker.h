/*
 * worker: a thread that does jobs in the order in which they come.
 *
 * Whoever gives it jobs does not wait for them, but when too many are waiting already: so what they hold stays
 * bounded.
 */
#ifndef VMSCOPE_BASE_WORKER_H
#define VMSCOPE_BASE_WORKER_H

#include <stddef.h>

struct worker;

/*
 * Starts one. run: does a job, which it frees if need be; room: of jobs that may wait.
 * Return: the worker, or NULL when there can be no more threads: then do the jobs yourself.
 */
struct worker *worker_new(void (*run)(void *ctx, void *job), void *ctx, size_t room);

void worker_put(struct worker *w, void *job);

/* Waits until all jobs are done, and frees it. What they did can be seen then. NULL is allowed. */
void worker_free(struct worker *w);

#endif
