/*
 * thread: threads that have to be there. (What only makes a program faster is a worker's or
 * parallel's business, which do without.)
 */
#ifndef VMSCOPE_BASE_THREAD_H
#define VMSCOPE_BASE_THREAD_H

#include <pthread.h>

#include "base/error.h"

/* Starts one, for pthread_join(). Return: 0, or ERR with err set. */
int thread_start(pthread_t *thread, void *(*run)(void *ctx), void *ctx, struct error *err);

#endif
