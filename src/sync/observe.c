#include "sync/observe.h"

#include <stdlib.h>

#include "events/exit_reason.h"

struct event_set observer_events(bool is_guest, bool is_host)
{
	static const enum event_id guests[] = {EV_SCHED_SWITCH, EV_TIMER_HRTIMER_START,
					       EV_POWER_CPU_IDLE};
	static const enum event_id hosts[] = {EV_SCHED_SWITCH, EV_KVM_ENTRY, EV_KVM_EXIT,
					      EV_KVM_WAIT_LAPIC_EXPIRE};
	struct event_set set = {0};

	if (is_guest)
		set.bits |= event_set_of(guests, sizeof(guests) / sizeof(*guests)).bits;
	if (is_host)
		set.bits |= event_set_of(hosts, sizeof(hosts) / sizeof(*hosts)).bits;
	return set;
}

void observer_begin(struct observer *o, struct observed_cpu *c, bool is_guest, bool is_host)
{
	*o = (struct observer){.cpu = c,
			       .is_guest = is_guest,
			       .is_host = is_host,
			       .now = INT64_MIN,
			       .tid = NO_VALUE,
			       .slot = -1,
			       .lost_to = INT64_MIN};
}

/* ---- who ------------------------------------------------------------------------------------- */

static uint64_t observer_slot(struct observer *o)
{
	if (o->slot >= 0)
		return (uint64_t)o->slot;
	o->slot = (int64_t)o->cpu->threads.n;
	if (o->tid != NO_VALUE)
		o->slot = (int64_t)*map_put(&o->slot_by_tid, (uint64_t)o->tid, (uint64_t)o->slot);
	if ((size_t)o->slot < o->cpu->threads.n)
		return (uint64_t)o->slot;
	o->cpu->first_is_unknown |= !o->slot && o->tid == NO_VALUE;
	*vec_push(&o->cpu->threads) = o->tid;
	return (uint64_t)o->slot;
}

/* tid is on the CPU after event e. If that was not known, e tells who was there before it, too. */
static void observer_who(struct observer *o, const struct event *e, int64_t tid)
{
	if (o->tid == NO_VALUE && o->slot >= 0 && e->id != EV_LOST)
		o->cpu->threads.at[o->slot] =
			e->id == EV_SCHED_SWITCH ? e->sched_switch.prev_tid : tid;
	o->tid = tid;
	o->slot = -1;
}

void observed_forget_first(struct observed_machine *m, uint32_t cpu)
{
	vec_each (c, &m->cpus) {
		if (c->cpu == cpu && c->first_is_unknown)
			c->threads.at[0] = NO_VALUE;
	}
}

/* ---- windows --------------------------------------------------------------------------------- */

static enum sync_cause cause_of_exit(const struct event *e)
{
	enum isa isa = exit_isa_of(e);
	uint32_t reason = exit_reason_of(e);

	if (exit_reason_is_idle(isa, reason))
		return SYNC_CAUSE_IDLE;
	return exit_reason_is_timer(isa, reason) ? SYNC_CAUSE_TIMER : SYNC_CAUSE_NONE;
}

static void write_window(struct observer *o, int64_t begin, int64_t end, unsigned cause,
			 uint64_t slot)
{
	struct spool_seq *q = &o->cpu->windows;

	if (q->records && begin < q->last)
		begin = q->last;
	end = end < begin ? begin : end;
	uint8_t *p = spool_record(q, begin);
	bool first = !q->n, other = first || slot != o->last_slot;

	/* Times of a damaged recording can be anything. */
	p = spool_put(p, ((uint64_t)begin - (uint64_t)q->last) << 3 | cause << 1 | other);
	p = spool_put(p, (uint64_t)end - (uint64_t)begin);
	if (other)
		p = spool_put(p, slot);
	spool_recorded(q, p, begin);
	o->last_slot = slot;
}

/* The window that has ended is complete. */
static void add_window(struct observer *o, enum sync_cause cause)
{
	if (o->exit_to_come && o->window.end > o->window.begin) {
		write_window(o, o->window.begin, o->window.end, cause, o->window_slot);
		o->cpu->causes += cause != SYNC_CAUSE_NONE;
	}
	o->exit_to_come = false;
}

static void close_window(struct observer *o, int64_t ts)
{
	if (!o->open)
		return;
	o->window.end = ts;
	o->open = false;
	o->exit_to_come = true;
}

static void open_window(struct observer *o, int64_t ts)
{
	o->open = true;
	o->window.begin = ts;
	o->window_slot = observer_slot(o);
}

static void begin_lost(struct observer *o, const struct event *e)
{
	int64_t begin = o->open ? o->window.begin : o->now;

	o->open = false;
	add_window(o, SYNC_CAUSE_NONE);
	if (!o->lost)
		o->window.begin = begin;
	o->lost = true;
	o->lost_to = e->lost.to > o->lost_to ? e->lost.to : o->lost_to;
}

static void end_lost(struct observer *o, int64_t ts)
{
	if (o->lost && ts > o->window.begin)
		write_window(o, o->window.begin, ts, OBSERVED_LOST, o->last_slot);
	o->lost = false;
}

static void observe_window(struct observer *o, const struct event *e, int64_t ts)
{
	if (ts < o->lost_to)
		return;
	end_lost(o, ts);
	if (event_ends_guest((enum event_id)e->id))
		close_window(o, ts);
	switch (e->id) {
	case EV_KVM_ENTRY:
		add_window(o, SYNC_CAUSE_NONE);
		open_window(o, ts);
		break;
	case EV_KVM_EXIT:
		add_window(o, cause_of_exit(e));
		break;
	case EV_SCHED_SWITCH:
		add_window(o, SYNC_CAUSE_NONE);
		break;
	}
}

/* ---- a guest's events ------------------------------------------------------------------------ */

static enum observed_kind kind_of(const struct event *e)
{
	switch (e->id) {
	case EV_POWER_CPU_IDLE:
		return e->power_cpu_idle.state == POWER_CPU_IDLE_EXIT ? OBSERVED_OTHER
								      : OBSERVED_IDLE;
	case EV_SCHED_SWITCH:
		return e->sched_switch.next_tid == 0 ? OBSERVED_LEAVE : OBSERVED_OTHER;
	case EV_TIMER_HRTIMER_START:
		return OBSERVED_TIMER;
	default:
		return OBSERVED_OTHER;
	}
}

static void observe_guest(struct observer *o, const struct event *e)
{
	struct spool_seq *q = &o->cpu->events;
	enum observed_kind kind = kind_of(e);

	if (q->records && e->ts < q->last)
		return;
	uint8_t *p = spool_record(q, e->ts);

	spool_recorded(q, spool_put(p, ((uint64_t)e->ts - (uint64_t)q->last) << 2 | kind), e->ts);
	o->cpu->kinds[kind]++;
}

/* ---- vmsync ---------------------------------------------------------------------------------- */

static void observe_vmsync(struct observer *o, const struct event *e)
{
	struct spool_seq *q = &o->cpu->vmsync;
	uint8_t *p = spool_record(q, o->now);
	int64_t before = q->n ? o->last_cnt : 0;
	unsigned kind = e->id - EV_VMSYNC_GH_HOST;

	p = spool_put(p, ((uint64_t)o->now - (uint64_t)q->last) << 2 | kind);
	p = spool_put_signed(p, (int64_t)((uint64_t)e->vmsync.cnt - (uint64_t)before));
	p = spool_put_signed(p, e->vmsync.vm_uid);
	if (kind <= EV_VMSYNC_HG_HOST - EV_VMSYNC_GH_HOST)
		p = spool_put(p, observer_slot(o));
	spool_recorded(q, p, o->now);
	o->last_cnt = e->vmsync.cnt;
}

static bool is_vmsync(enum event_id id)
{
	return id >= EV_VMSYNC_GH_HOST && id <= EV_VMSYNC_HG_GUEST;
}

void observer_event(struct observer *o, const struct event *e, int64_t tid)
{
	o->now = e->ts > o->now ? e->ts : o->now;
	if (tid != o->tid)
		observer_who(o, e, tid);
	if (e->id == EV_LOST) {
		if (o->is_host)
			begin_lost(o, e);
		return;
	}
	if (o->is_host)
		observe_window(o, e, o->now);
	if (o->is_guest)
		observe_guest(o, e);
	if (is_vmsync(e->id))
		observe_vmsync(o, e);
}

void observer_end(struct observer *o)
{
	add_window(o, SYNC_CAUSE_NONE);
	if (o->lost)
		end_lost(o, INT64_MAX / 2);
	spool_seq_end(&o->cpu->events);
	spool_seq_end(&o->cpu->windows);
	spool_seq_end(&o->cpu->vmsync);
	map_deinit(&o->slot_by_tid);
}
