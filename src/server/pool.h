/*
 * pool: threads that do what may take long, in the order in which it comes, so that nobody else has
 * to wait for it.
 */
#ifndef VMSCOPE_SERVER_POOL_H
#define VMSCOPE_SERVER_POOL_H

#include "base/error.h"

struct pool;

/*
 * Makes so many threads; each takes one job after the other and calls run with it. Return: 0 and
 * *pp, owned by the caller; or ERR with err set.
 */
int pool_new(struct pool **pp, unsigned n_threads, void (*run)(void *job), struct error *err);

/* Adds a job, which is run's to free. Any thread may. */
void pool_put(struct pool *p, void *job);

/* Waits until all jobs are done. NULL is allowed. */
void pool_free(struct pool *p);

#endif
