#include "analyze/doubt.h"

enum {
	TID_MAX = 1 << 22, /* PID_MAX_LIMIT of 64-bit kernels */
	CPU_MAX = 1 << 16,
	/* One contradiction in so many events is damage; more are how the recording was made. */
	RARE = 64,
	SWITCHES_MAX = 4096,
};

void doubt_init(struct doubt *d)
{
	*d = (struct doubt){.last_ts = INT64_MIN, .tid = NO_VALUE};
}

static bool doubt_is_thread(int64_t tid)
{
	return tid == NO_VALUE || (tid >= 0 && tid <= TID_MAX);
}

static bool doubt_is_cpu(int64_t cpu)
{
	return cpu == NO_VALUE || (cpu >= 0 && cpu < CPU_MAX);
}

static bool doubt_is_possible(const struct event *e)
{
	if (!doubt_is_thread(e->tid))
		return false;
	switch (e->id) {
	case EV_SCHED_SWITCH:
		return doubt_is_thread(e->sched_switch.prev_tid) &&
		       doubt_is_thread(e->sched_switch.next_tid);
	case EV_SCHED_WAKEUP:
	case EV_SCHED_WAKING:
		return doubt_is_thread(e->sched_wakeup.tid) &&
		       doubt_is_cpu(e->sched_wakeup.target_cpu);
	case EV_SCHED_MIGRATE_TASK:
		return doubt_is_thread(e->sched_migrate_task.tid) &&
		       doubt_is_cpu(e->sched_migrate_task.dest_cpu);
	default:
		return true;
	}
}

/* The thread is not the one that was switched to. */
static void doubt_contradict(struct doubt *d, const struct event *e)
{
	struct doubt_switch s = {.gap = {d->switch_ts, e->ts, false}, .tid = d->tid};

	d->n_contradicting++;
	if (d->switches.n < SWITCHES_MAX)
		*vec_push(&d->switches) = s;
}

static void doubt_switch(struct doubt *d, const struct event *e)
{
	int64_t prev = e->sched_switch.prev_tid;

	if (e->tid != NO_VALUE && e->tid != prev) {
		d->n_contradicting++;
		gaps_add(&d->contradicting, d->last_ts == INT64_MIN ? e->ts : d->last_ts, e->ts,
			 false);
	}
	map_put(&d->tids, (uint64_t)prev, 0);
	d->tid = e->sched_switch.next_tid;
	d->switch_ts = e->ts;
}

static void doubt_thread(struct doubt *d, const struct event *e)
{
	if (e->tid != NO_VALUE) {
		d->n_threads++;
		if (d->tid != NO_VALUE && e->tid != d->tid)
			doubt_contradict(d, e);
		if (e->tid != d->tid)
			map_put(&d->tids, (uint64_t)e->tid, 0);
		d->tid = NO_VALUE;
	}
	if (e->id == EV_SCHED_SWITCH)
		doubt_switch(d, e);
}

void doubt_event(struct doubt *d, const struct event *e)
{
	if (e->id == EV_LOST) {
		d->tid = NO_VALUE;
	} else if (!doubt_is_possible(e)) {
		gaps_add(&d->impossible, d->last_ts == INT64_MIN ? e->ts : d->last_ts, e->ts,
			 false);
		d->tid = NO_VALUE;
	} else {
		doubt_thread(d, e);
	}
	d->last_ts = e->ts;
}

/* Switches to threads that nothing else is known of. */
static void doubt_take_switches(struct doubt *d)
{
	vec_each (s, &d->switches) {
		if (!map_get(&d->tids, (uint64_t)s->tid))
			gaps_add(&d->contradicting, s->gap.from, s->gap.to, false);
	}
}

uint64_t doubt_end(struct doubt *d, struct gaps *damaged)
{
	bool is_rare = d->n_contradicting * RARE < d->n_threads;
	uint64_t n = d->impossible.at.n;

	gaps_absorb(damaged, &d->impossible);
	if (is_rare) {
		doubt_take_switches(d);
		n += d->contradicting.at.n;
		gaps_absorb(damaged, &d->contradicting);
	}
	gaps_deinit(&d->contradicting);
	vec_deinit(&d->switches);
	map_deinit(&d->tids);
	return n;
}
