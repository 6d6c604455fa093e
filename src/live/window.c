#include "live/window.h"

#include <stdlib.h>

#include "model/identity.h"
#include "schema/table.h"

enum { ENDED_MAX = 1 << 14 };

/* ---- buckets --------------------------------------------------------------------------------- */

static void window_begin_bucket(const struct window *w, struct window_bucket *b, int64_t number)
{
	*b = (struct window_bucket){.number = number, .used = true};
	b->tally = tally_new(w->n_vcpus);
	b->vcpus = mem_zalloc(w->n_vcpus + 1, sizeof(*b->vcpus));
}

static void window_end_bucket(const struct window *w, struct window_bucket *b)
{
	if (!b->used)
		return;
	for (size_t i = 0; i < w->n_vcpus; i++)
		histogram_deinit(&b->vcpus[i].wakes);
	vec_each (c, &b->cpus)
		vec_deinit(&c->shares);
	vec_deinit(&b->cpus);
	free(b->vcpus);
	tally_free(b->tally);
	*b = (struct window_bucket){0};
}

static int64_t window_number(const struct window *w, int64_t ts)
{
	return ts / w->length - (ts % w->length < 0);
}

static struct window_bucket *window_place(struct window *w, int64_t number)
{
	return &w->buckets[(uint64_t)number % WINDOW_BUCKETS];
}

/* Return: the bucket to add to, or NULL: it is gone. */
static struct window_bucket *window_open(struct window *w, int64_t number)
{
	struct window_bucket *b = window_place(w, number);

	if (b->used && b->number > number)
		return NULL;
	if (!b->used || b->number != number) {
		window_end_bucket(w, b);
		window_begin_bucket(w, b, number);
	}
	w->recent = b;
	w->recent_from = number * w->length;
	w->recent_to = w->recent_from + w->length;
	return b;
}

/* Return: whether all of [begin, end) lies in the bucket that most goes into. */
static inline bool window_is_recent(const struct window *w, int64_t begin, int64_t end)
{
	return w->recent && begin >= w->recent_from && end <= w->recent_to;
}

/* The bucket of this moment, likewise. */
static struct window_bucket *window_at(struct window *w, int64_t ts)
{
	return window_is_recent(w, ts, ts + 1) ? w->recent : window_open(w, window_number(w, ts));
}

const struct window_bucket *window_bucket(const struct window *w, int64_t number)
{
	const struct window_bucket *b = &w->buckets[(uint64_t)number % WINDOW_BUCKETS];

	return b->used && b->number == number ? b : NULL;
}

/* The first bucket that a stretch to `end` adds to: those before it are gone. */
static int64_t window_first(const struct window *w, int64_t begin, int64_t end)
{
	int64_t first = window_number(w, begin), last = window_number(w, end - 1);

	return last - first >= WINDOW_BUCKETS ? last - WINDOW_BUCKETS + 1 : first;
}

/* ---- vCPUs ----------------------------------------------------------------------------------- */

static int64_t window_or_null(uint32_t id)
{
	return id == UINT32_MAX ? TABLE_NULL : (int64_t)id;
}

static void window_add_state(struct window *w, struct window_bucket *b,
			     const struct vcpu_interval *i, int64_t begin, int64_t end)
{
	const struct tally_state s = {
		.state = i->state,
		.begin = begin,
		.dur = end - begin,
		.cpu = window_or_null(i->cpu),
		.occupant = window_or_null(i->occupant.thread),
		.busy = i->occupant.busy,
		.occupant_irq = i->occupant.irq < 0 ? TABLE_NULL : i->occupant.irq,
		.occupant_handler = i->occupant.handler
					    ? labels_of_text(w->labels, i->occupant.handler)
					    : TABLE_NULL,
		.certainty = i->throttled,
	};

	b->vcpus[i->vcpu].time[i->state] += s.dur;
	tally_add_state(&b->tally->vcpus[i->vcpu], &s);
}

/* Its wait is over. */
static void window_end_wait(struct window *w, uint32_t vcpu, const struct window_wait *wait)
{
	struct window_bucket *b = window_at(w, wait->end - 1);
	int64_t ns = wait->end - wait->begin;

	if (!b)
		return;
	struct window_vcpu *v = &b->vcpus[vcpu];

	if (wait->woken)
		histogram_add(&v->wakes, ns);
	if (ns > v->stall) {
		v->stall = ns;
		v->stall_end = wait->end;
	}
}

static void window_follow_wait(struct window *w, const struct vcpu_interval *i)
{
	struct window_wait *wait = &w->waits[i->vcpu];

	if (vcpu_state_is(i->state, STATE_LOST)) {
		if (wait->begin == wait->end) {
			wait->begin = i->begin;
			wait->woken = i->state == VCPU_WAITING;
		}
		wait->end = i->end;
		return;
	}
	/* Of what became unknown nobody knows when it ended. */
	if (wait->begin != wait->end && i->state != VCPU_UNKNOWN)
		window_end_wait(w, i->vcpu, wait);
	wait->begin = wait->end = i->begin;
}

/* In each bucket that it lies in. */
static void window_cut_state(struct window *w, const struct vcpu_interval *i)
{
	for (int64_t number = window_first(w, i->begin, i->end); number * w->length < i->end;
	     number++) {
		struct window_bucket *b = window_open(w, number);
		int64_t from = number * w->length, to = from + w->length;

		if (b)
			window_add_state(w, b, i, i->begin > from ? i->begin : from,
					 i->end < to ? i->end : to);
	}
}

static void window_on_vcpu(void *ctx, const struct vcpu_interval *i)
{
	struct window *w = ctx;

	if (w->whole.used)
		window_add_state(w, &w->whole, i, i->begin, i->end);
	if (window_is_recent(w, i->begin, i->end))
		window_add_state(w, w->recent, i, i->begin, i->end);
	else
		window_cut_state(w, i);
	window_follow_wait(w, i);
}

static void window_add_exit(struct window *w, struct window_bucket *b, const struct vm_exit *x)
{
	bool ended = x->end != INT64_MIN, split = ended && x->has_parts;
	const struct tally_exit t = {
		.ts = x->begin,
		.reason = x->cause.reason == NO_EXIT ? TABLE_NULL : (int64_t)x->cause.reason,
		.isa = x->cause.isa ? x->cause.isa : TABLE_NULL,
		.name = labels_of_exit(w->labels, &x->cause),
		.dur = ended ? x->end - x->begin : TABLE_NULL,
		.early = x->early,
		.handled = split ? x->handled : TABLE_NULL,
		.userspace = split ? x->userspace : TABLE_NULL,
		.preempted = split ? x->preempted : TABLE_NULL,
		.blocked = split ? x->blocked : TABLE_NULL,
		.vector = x->vector == NO_VALUE ? TABLE_NULL : x->vector,
		.polled = split ? x->polled : TABLE_NULL,
		.detail = TABLE_NULL,
	};

	tally_add_exit(&b->tally->vcpus[x->vcpu], &t);
}

static void window_on_exit(void *ctx, const struct vm_exit *x)
{
	struct window *w = ctx;
	struct window_bucket *b = window_at(w, x->begin);

	if (w->whole.used)
		window_add_exit(w, &w->whole, x);
	if (b)
		window_add_exit(w, b, x);
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

static struct window_cpu *window_find_cpu(struct window_bucket *b, uint32_t cpu)
{
	vec_each (c, &b->cpus) {
		if (c->cpu == cpu)
			return c;
	}
	struct window_cpu *c = vec_push(&b->cpus);

	c->cpu = cpu;
	return c;
}

static struct window_share *window_find_share(struct window_cpu *c, uint32_t thread, int vcpu)
{
	struct window_share *s = c->recent < c->shares.n ? &c->shares.at[c->recent] : NULL;

	if (s && s->thread == thread && s->vcpu == vcpu)
		return s;
	for (c->recent = 0; c->recent < c->shares.n; c->recent++) {
		s = &c->shares.at[c->recent];
		if (s->thread == thread && s->vcpu == vcpu)
			return s;
	}
	s = vec_push(&c->shares);
	s->thread = thread;
	s->vcpu = vcpu;
	return s;
}

static void window_add_cpu(struct window_bucket *b, const struct cpu_interval *i, int64_t ns)
{
	struct window_cpu *c = window_find_cpu(b, i->cpu);

	c->time[i->state] += ns;
	if (i->state != CPU_IDLE && i->state != CPU_UNKNOWN)
		window_find_share(c, i->thread, i->vcpu)->ns += ns;
}

static void window_cut_cpu(struct window *w, const struct cpu_interval *i)
{
	for (int64_t number = window_first(w, i->begin, i->end); number * w->length < i->end;
	     number++) {
		struct window_bucket *b = window_open(w, number);
		int64_t from = number * w->length, to = from + w->length;

		from = i->begin > from ? i->begin : from;
		to = i->end < to ? i->end : to;
		if (b)
			window_add_cpu(b, i, to - from);
	}
}

static void window_on_cpu(void *ctx, const struct cpu_interval *i)
{
	struct window *w = ctx;

	if (w->whole.used)
		window_add_cpu(&w->whole, i, i->end - i->begin);
	if (window_is_recent(w, i->begin, i->end))
		window_add_cpu(w->recent, i, i->end - i->begin);
	else
		window_cut_cpu(w, i);
}

/* ---- threads that ended ---------------------------------------------------------------------- */

static void window_clear_ended(struct window_ended *e)
{
	vec_deinit(&e->at);
	map_deinit(&e->by_id);
	*e = (struct window_ended){0};
}

static void window_on_thread_end(void *ctx, const struct model_thread *t)
{
	struct window *w = ctx;
	struct window_ended *e = &w->ended[w->generation];

	if (e->at.n == ENDED_MAX) {
		w->generation = !w->generation;
		e = &w->ended[w->generation];
		window_clear_ended(e);
	}
	map_put(&e->by_id, t->id, e->at.n);
	*vec_push(&e->at) = *t;
}

const struct model_thread *window_thread(const struct window *w, uint32_t thread)
{
	for (int i = 0; i < 2; i++) {
		const uint64_t *at = map_get(&w->ended[i].by_id, thread);

		if (at)
			return &w->ended[i].at.at[*at];
	}
	return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void window_on_begin(void *ctx, const struct identity *identity)
{
	struct window *w = ctx;

	w->n_vcpus = identity->vcpus.n;
	w->waits = mem_zalloc(w->n_vcpus + 1, sizeof(*w->waits));
	if (w->whole.used)
		window_begin_bucket(w, &w->whole, 0);
}

void window_init(struct window *w, int64_t length, bool totals, struct labels *labels)
{
	*w = (struct window){.length = length, .labels = labels, .whole = {.used = totals}};
	w->sink = (struct model_sink){.ctx = w,
				      .begin = window_on_begin,
				      .vcpu_interval = window_on_vcpu,
				      .vm_exit = window_on_exit,
				      .cpu_interval = window_on_cpu,
				      .thread_end = window_on_thread_end};
}

void window_deinit(struct window *w)
{
	for (int i = 0; i < WINDOW_BUCKETS; i++)
		window_end_bucket(w, &w->buckets[i]);
	if (w->whole.tally)
		window_end_bucket(w, &w->whole);
	for (int i = 0; i < 2; i++)
		window_clear_ended(&w->ended[i]);
	free(w->waits);
	*w = (struct window){0};
}

const struct model_sink *window_sink(const struct window *w)
{
	return &w->sink;
}

const struct window_wait *window_wait(const struct window *w, uint32_t vcpu)
{
	return &w->waits[vcpu];
}

void window_init_aside(struct window *aside, const struct window *w)
{
	window_init(aside, w->length, false, w->labels);
	aside->n_vcpus = w->n_vcpus;
	aside->waits = mem_zalloc(w->n_vcpus + 1, sizeof(*aside->waits));
	for (size_t i = 0; i < w->n_vcpus; i++)
		aside->waits[i] = w->waits[i];
}
