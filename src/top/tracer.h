/*
 * tracer: the kernel's own tracing as a source: an instance of our own, whose sub-buffers are read
 * as they fill.
 */
#ifndef VMSCOPE_TOP_TRACER_H
#define VMSCOPE_TOP_TRACER_H

#include "base/error.h"
#include "top/top.h"

struct tracer;

/*
 * Removes what was left by those that were killed, makes the instance, and switches it on. Return:
 * 0 with *tp and *feedp, both owned by the caller, or ERR with err set.
 */
int tracer_new(struct tracer **tp, struct feed **feedp, struct error *err);

/* Switches it off and removes it. NULL is allowed. */
void tracer_free(struct tracer *t);

/* Return: the source; t must outlive it. */
struct top_source tracer_source(struct tracer *t);

#endif
