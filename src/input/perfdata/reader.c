/*
 * The events of one stream that are wanted. Samples of tracepoints are decoded by their formats;
 * records that tell of threads are events of ours, too:
 *
 *	FORK		sched_process_fork, with the process
 *	EXIT		sched_process_exit
 *	COMM		lttng_statedump_process_state: the thread has this process and this name
 *	NAMESPACES	lttng_statedump_process_pid_ns, of a thread that was there
 *
 * Where the tracepoint was recorded as well, it is what is delivered, with the process added that
 * it does not know.
 */
#include <stdlib.h>

#include "input/ftrace/plan.h"
#include "input/perfdata/cursor.h"
#include "input/perfdata/side.h"

struct perfdata_plan {
	struct ftrace_plan *events; /* owned */
	struct event_set wanted;
	bool every;
};

struct perfdata_reader {
	struct reader base;
	struct perfdata_cursor cursor;
	const struct perfdata_plan *plan;
	bool any; /* the next event is wanted whichever it is */
	/*
	 * A thread of which FORK was found, but not yet the tracepoint, which is what tells of it;
	 * or NO_VALUE.
	 */
	int64_t unborn;
	struct gaps damaged;
	int64_t last_ns; /* of the last event, wanted or not; INT64_MIN: none yet */
};

struct input_plan *perfdata_plan_new(const struct recording *r, struct event_set wanted, bool every)
{
	struct perfdata_plan *plan = mem_zalloc(1, sizeof(*plan));

	plan->events = ftrace_plan_new(&perfdata_of(r)->formats, wanted, every);
	plan->wanted = wanted;
	plan->every = every;
	return (struct input_plan *)plan;
}

void perfdata_plan_free(struct input_plan *p)
{
	struct perfdata_plan *plan = (struct perfdata_plan *)p;

	ftrace_plan_free(plan->events);
	free(plan);
}

struct reader *perfdata_reader_new(const struct recording *r, size_t stream,
				   const struct input_plan *plan, int64_t skip_before_ns)
{
	struct perfdata_reader *reader = mem_zalloc(1, sizeof(*reader));

	perfdata_cursor_init(&reader->cursor, perfdata_of(r), stream, skip_before_ns);
	reader->plan = (const struct perfdata_plan *)plan;
	reader->base.diags = &reader->cursor.diags;
	reader->base.damaged = &reader->damaged;
	reader->unborn = NO_VALUE;
	reader->last_ns = INT64_MIN;
	return &reader->base;
}

void perfdata_reader_free(struct reader *r)
{
	perfdata_cursor_deinit(&((struct perfdata_reader *)r)->cursor);
	gaps_deinit(&((struct perfdata_reader *)r)->damaged);
}

/* ---- samples --------------------------------------------------------------------------------- */

/*
 * Whose event it is. The tracepoint's own word for the thread is better: of a thread that is about
 * to end perf says -1, and inside of a PID namespace it has the namespace's numbers, which
 * scheduler's events do not; of these it is not known which process they are.
 */
static inline void take_thread(const uint8_t *at, bool big_endian, struct event *e)
{
	int32_t pid = (int32_t)load_u32(at, big_endian);
	int32_t tid = (int32_t)load_u32(at + 4, big_endian);

	if (e->tid == NO_VALUE && tid >= 0)
		e->tid = tid;
	e->pid = pid >= 0 && e->tid == tid ? pid : NO_VALUE;
}

/* A thread's process, which the tracepoint does not know. Return: NULL if nothing tells it. */
static const struct perfdata_birth *find_birth(const struct perfdata *p, int64_t tid, int64_t ns)
{
	const struct perfdata_birth *all = p->births.at;
	size_t from = 0, to = p->births.n;

	/* The last one of this thread that is not after the event. */
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		const struct perfdata_birth *b = &all[middle];

		if (b->tid < tid || (b->tid == tid && perfdata_ns(p, b->time) <= ns))
			from = middle + 1;
		else
			to = middle;
	}
	return from && all[from - 1].tid == tid ? &all[from - 1] : NULL;
}

static void complete_fork(struct perfdata_reader *r, struct event *e)
{
	const struct perfdata_birth *b =
		find_birth(r->cursor.p, e->sched_process_fork.child_tid, e->ts);

	r->unborn = NO_VALUE;
	if (!b)
		return;
	e->sched_process_fork.child_pid = b->pid;
	e->sched_process_fork.child_ns_inum = b->pid_ns;
}

/* A sample that cannot be decoded. Return: whether it is wanted all the same. */
static bool take_other(struct perfdata_reader *r, bool is_tracepoint, struct event *e)
{
	if (!r->plan->every && !(r->any && is_tracepoint))
		return false;
	r->any &= !is_tracepoint;
	e->id = EV_OTHER;
	e->tid = NO_VALUE;
	return true;
}

/*
 * A tracepoint's record begins with the number that its event was opened with. Where it does not,
 * or has no record, what happened there is not known. raw: NULL: it has none.
 */
static void reader_check_sample(struct perfdata_reader *r, const struct perfdata_attr *a,
				const struct perfdata_part *raw, int64_t ns)
{
	const struct ftrace_formats *fs = &r->cursor.p->formats;

	if (!(a->layout.sample_type & PERFDATA_S_RAW) ||
	    !ftrace_format_of(fs, (uint32_t)a->config) ||
	    (raw && ftrace_id_of(fs, raw->at, raw->n) == a->config))
		return;
	perfdata_cursor_report(&r->cursor, DIAG_SAMPLE_DAMAGED, ns);
	gaps_add(&r->damaged, r->last_ns == INT64_MIN ? ns : r->last_ns, ns, false);
}

/* Return: whether the sample is wanted. */
static bool take_sample(struct perfdata_reader *r, const struct perfdata_record *rec,
			const struct perfdata_attr *a, int64_t time, struct event *e)
{
	const struct perfdata *p = r->cursor.p;
	bool is_tracepoint = a->type == PERFDATA_TRACEPOINT;
	struct perfdata_part raw;
	bool wanted, has_raw = is_tracepoint && perfdata_raw(&a->layout, rec, p->big_endian, &raw);

	if (is_tracepoint)
		reader_check_sample(r, a, has_raw ? &raw : NULL, perfdata_ns(p, time));
	r->last_ns = perfdata_ns(p, time);
	if (__builtin_expect(has_raw, 1))
		wanted = ftrace_plan_take(r->plan->events, raw.at, raw.n, NO_VALUE, &r->any, e);
	else
		wanted = take_other(r, is_tracepoint, e);
	if (!wanted)
		return false;
	e->ts = perfdata_ns(p, time);
	e->pid = NO_VALUE;
	if (a->layout.tid)
		take_thread(rec->at + a->layout.tid, p->big_endian, e);
	if (__builtin_expect(e->id == EV_SCHED_PROCESS_FORK, 0))
		complete_fork(r, e);
	return true;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* A name that was given to a thread before it ran, its fork tells. */
static bool tell_name(const struct perfdata_reader *r, const struct perfdata_thread *t,
		      struct event *e)
{
	e->id = EV_STATEDUMP_PROCESS_STATE;
	e->statedump_process_state.name = t->comm;
	e->statedump_process_state.tid = t->tid;
	e->statedump_process_state.pid = t->pid;
	e->statedump_process_state.ppid = NO_VALUE;
	e->statedump_process_state.type = NO_VALUE;
	e->statedump_process_state.status = NO_VALUE;
	e->statedump_process_state.ns_level = NO_VALUE;
	e->statedump_process_state.ns_inum = NO_VALUE;
	return t->tid != r->unborn || e->tid == t->tid;
}

static bool tell_fork(struct perfdata_reader *r, const struct perfdata_thread *t, struct event *e)
{
	const struct perfdata *p = r->cursor.p;
	const struct perfdata_birth *b = find_birth(p, t->tid, r->cursor.ns);

	e->id = EV_SCHED_PROCESS_FORK;
	e->sched_process_fork.child_comm = b ? b->comm : (struct event_text){0};
	e->sched_process_fork.vtids = (struct event_text){0};
	e->sched_process_fork.parent_tid = t->parent_tid;
	e->sched_process_fork.child_tid = t->tid;
	e->sched_process_fork.child_pid = t->pid;
	e->sched_process_fork.child_ns_inum = b ? b->pid_ns : NO_VALUE;
	if (p->has_fork)
		r->unborn = t->tid;
	return !p->has_fork;
}

static bool tell_exit(const struct perfdata_cursor *c, const struct perfdata_thread *t,
		      struct event *e)
{
	e->id = EV_SCHED_PROCESS_EXIT;
	e->sched_process_exit.tid = t->tid;
	return !c->p->has_exit;
}

/*
 * Those of a new thread, its fork tells. Return: whether the thread itself left its namespace for
 * another.
 */
static bool tell_namespace(const struct perfdata_cursor *c, const struct perfdata_thread *t,
			   struct event *e)
{
	const struct perfdata_birth *b = find_birth(c->p, t->tid, c->ns);

	e->id = EV_STATEDUMP_PID_NS;
	e->statedump_pid_ns.tid = t->tid;
	e->statedump_pid_ns.ns_level = NO_VALUE;
	e->statedump_pid_ns.ns_inum = t->pid_ns;
	return !b || b->pid_ns != t->pid_ns;
}

/* Return: whether there is something to tell that a tracepoint does not. */
static bool fill_side(struct perfdata_reader *r, struct event *e)
{
	const struct perfdata_cursor *c = &r->cursor;
	struct perfdata_thread t;

	if (!perfdata_thread_read(&c->record, c->p->big_endian, &t))
		return false;
	switch (c->record.type) {
	case PERFDATA_COMM:
		return tell_name(r, &t, e);
	case PERFDATA_FORK:
		return tell_fork(r, &t, e);
	case PERFDATA_EXIT:
		return tell_exit(c, &t, e);
	default:
		return tell_namespace(c, &t, e);
	}
}

/*
 * The thread that the record says it happened in is kept to ourselves: perf begins with these
 * before it switches its tracepoints on, so that what they say of who is on the CPU does not hold
 * until the first of those.
 */
static bool on_side(struct perfdata_reader *r, struct event *e)
{
	const struct perfdata_cursor *c = &r->cursor;
	const struct perfdata_layout *l = &c->attr->layout;
	bool has_thread = l->end_tid && c->record.size >= PERFDATA_HEAD + l->end_size;

	e->ts = c->ns;
	e->tid = e->pid = NO_VALUE;
	if (has_thread)
		take_thread(c->record.at + c->record.size - l->end_tid, c->p->big_endian, e);
	bool is_told = fill_side(r, e) && event_set_has(r->plan->wanted, (enum event_id)e->id);

	e->tid = e->pid = NO_VALUE;
	return is_told;
}

/* ---- filling --------------------------------------------------------------------------------- */

static size_t on_missing(struct perfdata_reader *r, struct event *e)
{
	const struct perfdata_cursor *c = &r->cursor;

	r->any = false;
	r->unborn = NO_VALUE;
	e->id = EV_LOST;
	e->ts = c->ns;
	e->tid = e->pid = NO_VALUE;
	e->lost.to = c->missing_to;
	e->lost.count = (int64_t)c->missing;
	return 1;
}

/* A sample that is wanted, and what is to be done with it. */
struct reader_pick {
	const uint8_t *sample;
	const struct ftrace_step *step;
};

/* So many samples stay in a CPU's fastest cache until their fields are read. */
enum { READER_PICKS = 64 };

/*
 * Return: bytes of raw data in a sample that is simple; 0 where they are not all there, or it is
 * another one.
 */
static inline uint32_t reader_raw_size(const struct perfdata_plain *plain,
				       const struct perfdata_burst *b)
{
	int32_t room = (int32_t)b->g.size - plain->fixed - 4;
	uint32_t size;

	if (b->g.kind != PERFDATA_KIND_SIMPLE || room < 0)
		return 0;
	size = load_u32(b->sample + plain->fixed, false);
	return size <= (uint32_t)room ? size : 0;
}

/*
 * Finds samples that are wanted among those that are simple, up to one that is to be looked at
 * closely. Return: how many.
 */
static size_t reader_pick_samples(struct perfdata_reader *r, struct perfdata_burst *burst,
				  struct reader_pick *picks, size_t room)
{
	const struct perfdata_plain plain = r->cursor.p->attrs.plain;
	const struct ftrace_plan *plan = r->plan->events;
	struct perfdata_burst b = *burst;
	bool any = r->any;
	size_t n = 0;

	if (!plan->is_plain)
		return 0;
	while (n < room && perfdata_burst_next(&b, &plain)) {
		uint32_t size = reader_raw_size(&plain, &b);

		if (__builtin_expect(size < sizeof(uint16_t), 0)) {
			if (b.g.kind == PERFDATA_KIND_OTHER && !r->plan->every)
				continue;
			perfdata_burst_return(&b);
			break;
		}
		const struct ftrace_step *step =
			ftrace_plan_step(plan, load_u16(b.sample + plain.fixed + 4, false));

		if (!step->is_wanted && !any && !step->is_unknown)
			continue;
		if (__builtin_expect(size < step->plain_need || step->is_unknown, 0)) {
			perfdata_burst_return(&b);
			break;
		}
		any = step->then_any;
		picks[n++] = (struct reader_pick){b.sample, step};
	}
	*burst = b;
	r->any = any;
	return n;
}

/* As take_sample(). */
static inline void reader_take_pick(struct perfdata_reader *r, const struct perfdata_plain *plain,
				    struct reader_pick pick, struct event *e)
{
	const uint8_t *raw = pick.sample + plain->fixed + 4;

	ftrace_plan_take_plain(r->plan->events, pick.step, raw, load_u32(raw - 4, false), e);
	e->ts = perfdata_ns(r->cursor.p, (int64_t)load_u64(pick.sample + plain->time, false));
	take_thread(pick.sample + plain->tid, false, e);
	if (__builtin_expect(e->id == EV_SCHED_PROCESS_FORK, 0))
		complete_fork(r, e);
}

/* Reads samples that follow each other with nothing between. Return: how many are wanted. */
static size_t fill_burst(struct perfdata_reader *r, struct event *events, size_t room)
{
	const struct perfdata_plain plain = r->cursor.p->attrs.plain;
	struct perfdata_burst b = perfdata_burst_begin(&r->cursor);
	struct reader_pick picks[READER_PICKS];
	size_t n = 0, found;

	do {
		size_t left = room - n;

		found = reader_pick_samples(r, &b, picks,
					    left < READER_PICKS ? left : READER_PICKS);
		for (size_t i = 0; i < found; i++)
			reader_take_pick(r, &plain, picks[i], &events[n + i]);
		n += found;
	} while (found == READER_PICKS);
	perfdata_burst_end(&r->cursor, &b);
	r->last_ns = b.n ? r->cursor.told : r->last_ns;
	return n;
}

/* Return: how many events, 0 or 1. */
static size_t fill_one(struct perfdata_reader *r, struct event *e)
{
	const struct perfdata_cursor *c = &r->cursor;

	switch (perfdata_cursor_next(&r->cursor)) {
	case PERFDATA_EVENT:
		return take_sample(r, &c->record, c->attr, c->time, e);
	case PERFDATA_SIDE:
		return on_side(r, e);
	case PERFDATA_MISSING:
		return on_missing(r, e);
	default:
		r->base.ended = true;
		return 0;
	}
}

void perfdata_reader_fill(struct reader *base)
{
	struct perfdata_reader *r = (struct perfdata_reader *)base;
	size_t n = 0;

	perfdata_copies_turn(&r->cursor.copies);
	while (n < base->room && !base->ended &&
	       !(n && perfdata_copies_are_many(&r->cursor.copies))) {
		n += fill_burst(r, &base->events[n], base->room - n);
		if (n < base->room)
			n += fill_one(r, &base->events[n]);
	}
	base->n = n;
	base->totals = r->cursor.totals;
}
