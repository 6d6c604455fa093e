#include "model/thread_lane.h"

#include <stdlib.h>

/* A thread that does no system call for this many intervals keeps its past unknown. */
enum { HELD_MAX = 512 };

void thread_lane_init(struct thread_lane *l, uint32_t thread, int64_t begin,
		      enum thread_state state, enum thread_mode rest)
{
	*l = (struct thread_lane){.open = {.thread = thread,
					   .state = state,
					   .begin = begin,
					   .cpu = NO_CPU,
					   .own = &l->own},
				  .mode = rest,
				  .rest = rest,
				  .unknown_since = begin};
}

void thread_lane_deinit(struct thread_lane *l)
{
	vec_deinit(&l->held);
}

static void emit(const struct thread_interval *i, const struct model_sink *sink)
{
	if (sink->thread_interval)
		sink->thread_interval(sink->ctx, i);
}

/* What was held back ran in this state. */
static void release(struct thread_lane *l, enum thread_state was, const struct model_sink *sink)
{
	vec_each (i, &l->held) {
		if ((int)i->state == THREAD_RUNS)
			i->state = was;
		emit(i, sink);
	}
	l->held.n = 0;
	if ((int)l->open.state == THREAD_RUNS)
		l->open.state = was;
}

static void __attribute__((noinline)) hold(struct thread_lane *l, const struct model_sink *sink)
{
	*vec_push(&l->held) = l->open;
	if (l->held.n == HELD_MAX)
		release(l, THREAD_UNKNOWN, sink);
}

static inline void close_open(struct thread_lane *l, int64_t ts, const struct model_sink *sink)
{
	l->open.end = ts;
	if (ts <= l->open.begin)
		return;
	if (l->held.n || (int)l->open.state == THREAD_RUNS)
		hold(l, sink);
	else
		emit(&l->open, sink);
	l->open.begin = ts;
}

void thread_lane_settle(struct thread_lane *l, int was, const struct model_sink *sink)
{
	if (was != THREAD_RUNS)
		release(l, (enum thread_state)was, sink);
}

void thread_lane_change(struct thread_lane *l, int64_t ts, int state, uint32_t cpu,
			const char *syscall, const struct model_sink *sink)
{
	close_open(l, ts, sink);
	if (l->open.state == THREAD_DEAD)
		l->unknown_since = ts;
	l->open.state = (enum thread_state)state;
	l->open.cpu = cpu;
	l->open.syscall = syscall;
}

static enum thread_state state_of_past(enum thread_mode mode)
{
	switch (mode) {
	case MODE_UNKNOWN:
		return THREAD_UNKNOWN;
	case MODE_USER:
		return THREAD_USER;
	default:
		return THREAD_SYSCALL;
	}
}

void thread_lane_mode(struct thread_lane *l, enum thread_mode before, enum thread_mode after,
		      const char *syscall, const struct model_sink *sink)
{
	if (l->mode == MODE_UNKNOWN)
		release(l, state_of_past(before), sink);
	if (after == MODE_UNKNOWN)
		l->unknown_since = l->open.begin;
	l->mode = after;
	l->syscall = syscall;
}

void thread_lane_forget(struct thread_lane *l, const struct model_sink *sink)
{
	release(l, THREAD_UNKNOWN, sink);
	if (l->mode != MODE_KERNEL)
		l->mode = l->rest;
	l->unknown_since = l->open.begin;
	l->syscall = NULL;
	l->exiting = false;
}

void thread_lane_finish(struct thread_lane *l, int64_t ts, const struct model_sink *sink)
{
	release(l, THREAD_UNKNOWN, sink);
	close_open(l, ts, sink);
}
