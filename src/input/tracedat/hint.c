#include "input/tracedat/hint.h"

#include <stdlib.h>
#include <string.h>

#include "input/tracedat/cursor.h"

enum {
	BUDGET = 16 << 20,	/* bytes, of all streams */
	BUDGET_MIN = 256 << 10, /* of one */
	WINDOW = 64 << 10,	/* read in one go */
	COMPRESSED_BY = 6,	/* about */
	THREADS = 64,
	RUNTIME_MIN = 500000, /* ns; shorter ones say little */
	WAIT_MIN = 100000,    /* ns */
};

/* CLOCK_REALTIME and CLOCK_TAI say more ns than this, the others less. */
#define NS_SINCE_EPOCH (INT64_C(1) << 59)

/* The events that know something, as far as there are any. */
struct knowing {
	const struct ftrace_format *expire, *expire_exit, *cancel, *raise, *vmexit, *wakeup,
		*switched, *runtime;
	const struct ftrace_field *now, *waited_ns, *waited, *prev_pid, *prev_state, *next_pid,
		*runtime_pid, *runtime_ns;
};

/* Of a thread that left its guest on this CPU. */
struct waiting {
	int64_t tid;
	uint64_t exit, out,
		/* counts: of its exit, and when it was last switched out and in; 0: not since */
		in;
};

/* What is known of one CPU at a place. */
struct place {
	bool is_in_expiry; /* the event before belongs to a timer that expired */
	uint64_t before;   /* count of the event before */
	int64_t now;	   /* of the last timer that expired; -1: none has */
	struct waiting threads[THREADS];
	int64_t running;		     /* the thread of the last runtime; -1: none */
	uint64_t run_begin, run_end, run_ns; /* of its runtimes, in one go */
};

struct gatherer {
	struct tracedat_hints *hints;
	const struct tracedat *trace;
	struct tracedat_kept *kept;
	struct knowing k;
	struct place place;
};

/* ---- the events ------------------------------------------------------------------------------ */

static const struct ftrace_format *find_format(const struct tracedat *t, const char *full_name)
{
	vec_each (f, &t->formats.all) {
		if (!strcmp((*f)->full_name, full_name))
			return *f;
	}
	return NULL;
}

/* Return: the format; NULL when it lacks the field, which is otherwise in *fieldp. */
static const struct ftrace_format *find_with(const struct tracedat *t, const char *full_name,
					     const char *field, const struct ftrace_field **fieldp)
{
	const struct ftrace_format *f = find_format(t, full_name);

	*fieldp = f ? ftrace_find_field(f, field) : NULL;
	return *fieldp ? f : NULL;
}

static struct knowing know(const struct tracedat *t)
{
	struct knowing k = {.expire_exit = find_format(t, "timer:hrtimer_expire_exit"),
			    .cancel = find_format(t, "timer:hrtimer_cancel"),
			    .raise = find_format(t, "irq:softirq_raise"),
			    .vmexit = find_format(t, "kvm:kvm_exit")};

	k.expire = find_with(t, "timer:hrtimer_expire_entry", "now", &k.now);
	k.wakeup = find_with(t, "kvm:kvm_vcpu_wakeup", "ns", &k.waited_ns);
	k.waited = k.wakeup ? ftrace_find_field(k.wakeup, "waited") : NULL;
	k.switched = find_with(t, "sched:sched_switch", "prev_pid", &k.prev_pid);
	if (k.switched) {
		k.next_pid = ftrace_find_field(k.switched, "next_pid");
		k.prev_state = ftrace_find_field(k.switched, "prev_state");
	}
	if (!k.next_pid || !k.prev_state)
		k.switched = NULL;
	k.runtime = find_with(t, "sched:sched_stat_runtime", "pid", &k.runtime_pid);
	k.runtime_ns = k.runtime ? ftrace_find_field(k.runtime, "runtime") : NULL;
	if (!k.runtime_ns || !k.switched)
		k.runtime = NULL;
	return k;
}

static int64_t hint_value(const struct gatherer *g, const struct ftrace_field *f,
			  const struct ring_record *r)
{
	return f ? (int64_t)ftrace_read_int(&g->trace->formats, f, r->at, r->size) : 0;
}

/* ---- timers ---------------------------------------------------------------------------------- */

/* Where there are too many, of two neighbours the closer one stays. */
static void thin_moments(struct tracedat_hints *h)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < h->moments.n; i += 2) {
		const struct hint_moment *a = &h->moments.at[i], *b = a + 1;

		h->moments.at[n++] = a->after - a->before <= b->after - b->before ? *a : *b;
	}
	h->moments.n = n;
}

/*
 * Of timers that expire together only the first one comes right after the time was read; the first
 * one of all may not be the first one of those.
 */
static void hint_on_expire(struct gatherer *g, uint64_t count, const struct ring_record *r)
{
	struct place *p = &g->place;
	int64_t now = hint_value(g, g->k.now, r);

	if (p->now >= 0 && !p->is_in_expiry && now != p->now && now > 0 && now < NS_SINCE_EPOCH) {
		if (g->hints->moments.n == HINTS_MAX)
			thin_moments(g->hints);
		*vec_push(&g->hints->moments) = (struct hint_moment){p->before, count, now};
	}
	p->now = now;
}

/* ---- what ran -------------------------------------------------------------------------------- */

/* The runtimes of a thread that was not switched out in between add up: the longer, the better. */
static void end_run(struct gatherer *g)
{
	struct place *p = &g->place;

	if (p->run_ns >= RUNTIME_MIN && p->run_end > p->run_begin && g->hints->runs.n < HINTS_MAX)
		*vec_push(&g->hints->runs) =
			(struct hint_run){p->run_end - p->run_begin, p->run_ns};
	p->running = -1;
	p->run_ns = 0;
}

static void hint_on_runtime(struct gatherer *g, uint64_t count, const struct ring_record *r)
{
	struct place *p = &g->place;
	int64_t pid = hint_value(g, g->k.runtime_pid, r), ns = hint_value(g, g->k.runtime_ns, r);
	uint64_t sum;

	if (pid != p->running || ns < 0 || __builtin_add_overflow(p->run_ns, (uint64_t)ns, &sum)) {
		end_run(g);
		p->running = pid;
		p->run_begin = count;
		sum = 0;
	}
	p->run_ns = sum;
	p->run_end = count;
}

/* ---- vCPUs that wait ------------------------------------------------------------------------- */

static struct waiting *thread_at(struct place *p, int64_t tid)
{
	return &p->threads[(uint64_t)tid % THREADS];
}

static void hint_on_vmexit(struct gatherer *g, int64_t tid, uint64_t count)
{
	*thread_at(&g->place, tid) = (struct waiting){.tid = tid, .exit = count};
}

/* Return: whether the thread gave up the CPU of its own accord. */
static bool sleeps(int64_t prev_state)
{
	return (prev_state & 0xff) != 0;
}

static void hint_on_switch(struct gatherer *g, uint64_t count, const struct ring_record *r)
{
	int64_t prev = hint_value(g, g->k.prev_pid, r), next = hint_value(g, g->k.next_pid, r);
	struct waiting *out = thread_at(&g->place, prev), *in = thread_at(&g->place, next);

	if (out->tid == prev && sleeps(hint_value(g, g->k.prev_state, r))) {
		out->out = count;
		out->in = 0;
	}
	if (in->tid == next && in->out)
		in->in = count;
	end_run(g);
}

static void hint_on_wakeup(struct gatherer *g, int64_t tid, uint64_t count,
			   const struct ring_record *r)
{
	struct waiting *w = thread_at(&g->place, tid);
	int64_t ns = hint_value(g, g->k.waited_ns, r);
	bool has_waited = !g->k.waited || hint_value(g, g->k.waited, r);

	if (w->tid == tid && w->exit && ns >= WAIT_MIN && g->hints->spans.n < HINTS_MAX)
		*vec_push(&g->hints->spans) = (struct hint_span){
			.least = has_waited && w->in > w->out ? w->in - w->out : 0,
			.most = count - w->exit,
			.ns = (uint64_t)ns};
	*w = (struct waiting){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

static void hint_on_event(struct gatherer *g, uint64_t count, const struct ring_record *r)
{
	const struct ftrace_formats *fs = &g->trace->formats;
	const struct ftrace_format *f = ftrace_format_of(fs, ftrace_id_of(fs, r->at, r->size));
	const struct knowing *k = &g->k;

	/* These come between the reading of the time and the expiry. */
	if (!f || f == k->cancel || f == k->raise)
		return;
	if (f == k->expire)
		hint_on_expire(g, count, r);
	else if (f == k->vmexit)
		hint_on_vmexit(g, hint_value(g, &fs->common_pid, r), count);
	else if (f == k->switched)
		hint_on_switch(g, count, r);
	else if (f == k->wakeup)
		hint_on_wakeup(g, hint_value(g, &fs->common_pid, r), count, r);
	else if (f == k->runtime)
		hint_on_runtime(g, count, r);
	g->place.before = count;
	g->place.is_in_expiry = f == k->expire || f == k->expire_exit;
}

static void forget_place(struct gatherer *g)
{
	end_run(g);
	g->place = (struct place){.running = -1, .now = -1};
}

/* From where the cursor is, so many sub-buffers. */
static void hint_read_window(struct gatherer *g, struct tracedat_cursor *c, uint64_t n_pages)
{
	uint64_t start = c->n_pages;
	int r;

	forget_place(g);
	while ((r = tracedat_cursor_next(c)) != CURSOR_END && c->n_pages - start <= n_pages) {
		if (r == CURSOR_EVENT)
			hint_on_event(g, c->last, &c->record);
		else
			forget_place(g);
	}
	forget_place(g);
}

/* Windows that are spread over the stream, the last of its sub-buffers among them. */
static void hint_read_windows(struct gatherer *g, struct tracedat_cursor *c, size_t n_windows)
{
	const struct tracedat_stream *s = c->stream;
	size_t n = tracedat_pages_count(&c->pages),
	       n_pages = s->page_size < WINDOW ? WINDOW / s->page_size : 1;
	size_t per_window = s->is_compressed ? 1 : n_pages;

	for (size_t i = 0; i < n_windows && n > per_window; i++) {
		tracedat_pages_seek(&c->pages, (n - per_window) * i / (n_windows - 1));
		c->in_ring = c->has_ring = false;
		c->last = 0;
		hint_read_window(g, c, n_pages);
	}
}

/* A large stream is not read as a whole. */
static void hint_read_stream(struct gatherer *g, size_t stream, uint64_t budget)
{
	const struct tracedat_stream *s = &g->trace->streams.at[stream];
	struct tracedat_cursor c;

	tracedat_cursor_init(&c, g->trace, stream, INT64_MIN);
	tracedat_pages_keep(&c.pages, g->kept);
	if (s->size <= budget / (s->is_compressed ? COMPRESSED_BY : 1))
		hint_read_window(g, &c, UINT64_MAX);
	else
		hint_read_windows(g, &c, budget / WINDOW);
	tracedat_cursor_deinit(&c);
}

void tracedat_hints_gather(struct tracedat_hints *h, struct tracedat *t, uint32_t clock)
{
	struct gatherer g = {.hints = h, .trace = t, .kept = &t->kept, .k = know(t)};
	uint64_t budget = BUDGET / (t->streams.n ? t->streams.n : 1);

	*h = (struct tracedat_hints){0};
	if (t->base.decoded_size > t->base.size)
		tracedat_kept_init(&t->kept, t->base.decoded_size);
	for (size_t i = 0; i < t->streams.n; i++) {
		if (t->base.streams.at[i].clock == clock)
			hint_read_stream(&g, i, budget > BUDGET_MIN ? budget : BUDGET_MIN);
	}
}

void tracedat_hints_deinit(struct tracedat_hints *h)
{
	vec_deinit(&h->moments);
	vec_deinit(&h->spans);
	vec_deinit(&h->runs);
}
