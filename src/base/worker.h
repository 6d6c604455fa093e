/*
 * worker: a thread that does jobs in the order in which they come, and tasks ahead of time.
 *
 * Whoever gives it jobs does not wait for them, but when too many are waiting already: so what they
 * hold stays bounded. Neither wakes the other for one job, but for half of those that may wait.
 *
 * A task is something that will be needed later. If it is needed before the worker has begun with
 * it, whoever needs it does it; so a worker that is busy with jobs holds nobody up.
 *
 * Jobs and tasks are all given by one thread.
 */
#ifndef VMSCOPE_BASE_WORKER_H
#define VMSCOPE_BASE_WORKER_H

#include <stddef.h>

struct worker;

/*
 * Starts one. run: does a job, which it frees if need be; room: of jobs that may wait, at least 1.
 * Return: the worker, or NULL when there can be no more threads: then do the jobs yourself.
 */
struct worker *worker_new(void (*run)(void *ctx, void *job), void *ctx, size_t room);

/* The job may wait until half the room is taken, or a task comes, before it is begun with. */
void worker_put(struct worker *w, void *job);

/* Waits until all jobs are done, and frees it. What they did can be seen then. NULL is allowed. */
void worker_free(struct worker *w);

enum worker_task_state { WORKER_TASK_IDLE, WORKER_TASK_WAITING, WORKER_TASK_RUNNING };

struct worker_task {
	void (*run)(void *ctx); /* given by its owner, as ctx */
	void *ctx;
	/* Private; 0 at first. */
	enum worker_task_state state;
	struct worker_task *next;
};

/* The task, which must be idle, may be done from now on. It is borrowed until it is idle again. */
void worker_begin(struct worker *w, struct worker_task *task);

/*
 * Makes sure that a task that was begun is done; then it is idle, and what it did can be seen.
 * While the worker does it, the caller does others that wait.
 */
void worker_finish(struct worker *w, struct worker_task *task);

/* The task may be done or not; then it is idle. */
void worker_cancel(struct worker *w, struct worker_task *task);

#endif
