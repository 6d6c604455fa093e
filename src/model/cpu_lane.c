#include "model/cpu_lane.h"

#include <stdlib.h>
#include <string.h>

/* When so many intervals wait for a thread to make itself known, it keeps its past unknown. */
enum { HELD_MAX = 4096 };

void cpu_lane_init(struct cpu_lane *l, uint32_t machine, uint32_t cpu, int64_t begin)
{
	*l = (struct cpu_lane){.open = {.machine = machine,
					.cpu = cpu,
					.begin = begin,
					.thread = NO_THREAD,
					.vm = -1,
					.vcpu = -1,
					.guest_thread = NO_THREAD,
					.own = &l->own}};
}

void cpu_lane_deinit(struct cpu_lane *l)
{
	vec_deinit(&l->held);
}

static void emit(const struct cpu_interval *i, const struct model_sink *sink)
{
	if (sink->cpu_interval)
		sink->cpu_interval(sink->ctx, i);
}

/* Sends what is not waiting for anything, up to the first that is. */
static void flush(struct cpu_lane *l, const struct model_sink *sink)
{
	size_t n = 0;

	while (n < l->held.n && (int)l->held.at[n].state != CPU_RUNS)
		emit(&l->held.at[n++], sink);
	if (!n)
		return;
	l->held.n -= n;
	memmove(l->held.at, l->held.at + n, l->held.n * sizeof(*l->held.at));
}

static void give_up(struct cpu_lane *l, const struct model_sink *sink)
{
	vec_each (i, &l->held) {
		if ((int)i->state == CPU_RUNS)
			i->state = CPU_UNKNOWN;
	}
	flush(l, sink);
}

static void __attribute__((noinline)) hold(struct cpu_lane *l, const struct model_sink *sink)
{
	*vec_push(&l->held) = l->open;
	if (l->held.n == HELD_MAX)
		give_up(l, sink);
}

static inline void close_open(struct cpu_lane *l, int64_t ts, const struct model_sink *sink)
{
	l->open.end = ts;
	if (ts <= l->open.begin)
		return;
	if (l->held.n || (int)l->open.state == CPU_RUNS)
		hold(l, sink);
	else
		emit(&l->open, sink);
	l->open.begin = ts;
}

void cpu_lane_change(struct cpu_lane *l, int64_t ts, const struct cpu_view *view,
		     const struct model_sink *sink)
{
	close_open(l, ts, sink);
	l->open.state = (enum cpu_state)view->state;
	l->open.thread = view->thread;
	l->open.vm = view->vm;
	l->open.vcpu = view->vcpu;
	l->open.guest_thread = view->guest_thread;
}

void cpu_lane_settle(struct cpu_lane *l, uint32_t thread, int64_t since, enum cpu_state state,
		     const struct model_sink *sink)
{
	for (size_t i = l->held.n; i-- && l->held.at[i].end > since;) {
		if ((int)l->held.at[i].state == CPU_RUNS && l->held.at[i].thread == thread)
			l->held.at[i].state = state;
	}
	if ((int)l->open.state == CPU_RUNS && l->open.thread == thread)
		l->open.state = state;
	flush(l, sink);
}

static void cpu_lane_peek_at(const struct cpu_interval *i, const struct model_sink *to)
{
	struct cpu_interval known = *i;

	if ((int)known.state == CPU_RUNS)
		known.state = CPU_UNKNOWN;
	emit(&known, to);
}

void cpu_lane_peek(const struct cpu_lane *l, int64_t ts, const struct model_sink *to)
{
	struct cpu_interval open = l->open;

	vec_each (i, &l->held)
		cpu_lane_peek_at(i, to);
	open.end = ts;
	if (open.end > open.begin)
		cpu_lane_peek_at(&open, to);
}

void cpu_lane_finish(struct cpu_lane *l, int64_t ts, const struct model_sink *sink)
{
	close_open(l, ts, sink);
	give_up(l, sink);
}
