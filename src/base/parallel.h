/*
 * parallel: jobs that have nothing to do with each other, done by several threads.
 */
#ifndef VMSCOPE_BASE_PARALLEL_H
#define VMSCOPE_BASE_PARALLEL_H

#include <stddef.h>

/*
 * Calls run(ctx, i) for each i below n, from up to `threads` threads, the caller's among them; with
 * one, in order. Returns when all are done.
 */
void parallel_each(size_t n, unsigned threads, void (*run)(void *ctx, size_t i), void *ctx);

#endif
