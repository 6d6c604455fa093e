#include "input/joined.h"

#include <stdlib.h>
#include <string.h>

#include "input/format.h"

/* ---- of one machine -------------------------------------------------------------------------- */

/*
 * Each session measures anew what the time of day is when its clock counts 0. Between two of them
 * NTP turns that by 43 s a day at most, and mostly by far less; another boot is another time.
 */
static const int64_t OFFSETS_APART_NS = 60 * INT64_C(1000000000);

/* Return: that of its streams, NULL if they have none or several. */
static const struct recording_clock *joined_clock(const struct recording *r)
{
	uint32_t clock = r->streams.n ? r->streams.at[0].clock : RECORDING_NO_CLOCK;

	vec_each (s, &r->streams) {
		if (s->clock != clock)
			return NULL;
	}
	return clock < r->clocks.n ? &r->clocks.at[clock] : NULL;
}

static bool joined_equal(const char *a, const char *b)
{
	return a && b && *a && !strcmp(a, b);
}

static bool joined_same_clock(const struct recording_clock *a, const struct recording_clock *b)
{
	int64_t apart;

	return joined_equal(a->name, b->name) && a->frequency == b->frequency &&
	       a->mult == b->mult && a->shift == b->shift && a->origin == b->origin &&
	       !__builtin_sub_overflow(a->offset_ns, b->offset_ns, &apart) &&
	       apart <= OFFSETS_APART_NS && apart >= -OFFSETS_APART_NS;
}

/* Whether each of its streams says when it begins and ends. */
static bool joined_tells_times(const struct recording *r)
{
	for (size_t i = 0; i < r->streams.n; i++) {
		if (r->streams.at[i].begin_ns == INT64_MAX || r->ops->stream_end(r, i) == INT64_MIN)
			return false;
	}
	return true;
}

bool joined_same_machine(const struct recording *a, const struct recording *b)
{
	const struct recording_clock *x = joined_clock(a), *y = joined_clock(b);

	if (a->is_named && b->is_named && strcmp(a->name, b->name) != 0)
		return false;
	if (!x || !y || !a->ops->stream_end || !b->ops->stream_end)
		return false;
	if (a->is_user_space || b->is_user_space)
		return false;
	return joined_equal(a->hostname, b->hostname) && joined_same_clock(x, y) &&
	       (joined_equal(a->boot_id, b->boot_id) || joined_equal(x->uuid, y->uuid)) &&
	       joined_tells_times(a) && joined_tells_times(b);
}

/* ---- when which events are recorded ---------------------------------------------------------- */

struct joined_part {
	struct recording *r; /* owned */
	int64_t shift;	     /* ns to be added to its times */
	int64_t begin, end;  /* of all its streams; begin > end: it is empty */
	struct event_set described;
	uint32_t first_event; /* its events stand from here on in the whole's */
};

/* Stream `stream` of a part is one of the whole. */
struct joined_stream {
	uint32_t cpu;
	size_t part, stream;
};

/* From `from` on events are missing, until `to`; the same: more is unknown from there on. */
struct joined_gap {
	int64_t from, to;
};

struct joined {
	struct recording base;
	VEC(struct joined_part) parts;
	VEC(struct joined_stream) streams; /* as base.streams */
	VEC(struct joined_gap) gaps;	   /* by time */
};

static const struct joined *joined_of(const struct recording *r)
{
	return (const struct joined *)r;
}

static int64_t joined_shifted(int64_t ns, int64_t shift)
{
	int64_t sum;

	if (ns == INT64_MIN || ns == INT64_MAX || __builtin_add_overflow(ns, shift, &sum))
		return ns;
	return sum;
}

static void joined_find_span(struct joined_part *p)
{
	for (size_t i = 0; i < p->r->streams.n; i++) {
		int64_t begin = joined_shifted(p->r->streams.at[i].begin_ns, p->shift);
		int64_t end = joined_shifted(p->r->ops->stream_end(p->r, i), p->shift);

		p->begin = begin < p->begin ? begin : p->begin;
		p->end = end > p->end ? end : p->end;
	}
}

/* Return: the events that parts record at ns. */
static struct event_set joined_recorded(const struct joined *j, int64_t ns)
{
	struct event_set set = {0};

	vec_each (p, &j->parts) {
		if (p->begin <= ns && ns <= p->end)
			set.bits |= p->described.bits;
	}
	return set;
}

/* Return: when after ns a part begins or has ended, INT64_MAX: none does. */
static int64_t joined_next_change(const struct joined *j, int64_t ns)
{
	int64_t next = INT64_MAX;

	vec_each (p, &j->parts) {
		if (p->begin > p->end)
			continue;
		if (p->begin > ns && p->begin < next)
			next = p->begin;
		if (p->end >= ns && p->end < next - 1)
			next = p->end + 1;
	}
	return next;
}

static void joined_add_gap(struct joined *j, int64_t from, int64_t to)
{
	struct joined_gap *last = j->gaps.n ? &j->gaps.at[j->gaps.n - 1] : NULL;

	if (last && last->to == from)
		last->to = to;
	else
		*vec_push(&j->gaps) = (struct joined_gap){from, to};
}

/*
 * Without the switches nobody knows who is on a CPU, so of whom other events are. Where KVM's end,
 * what vCPUs do is not known from there on; all else is, and they are again from their next event.
 */
static void joined_find_gaps(struct joined *j)
{
	static const enum event_id kvm_ids[] = {EV_KVM_ENTRY, EV_KVM_EXIT};
	const uint64_t kvm = event_set_of(kvm_ids, 2).bits;
	bool has_switches = event_set_has(recording_described(&j->base), EV_SCHED_SWITCH);
	int64_t at = joined_next_change(j, INT64_MIN), next;
	uint64_t before = 0;

	/* After the last part has ended the recording has. */
	for (; (next = joined_next_change(j, at)) != INT64_MAX; at = next) {
		struct event_set now = joined_recorded(j, at);

		if (has_switches && !event_set_has(now, EV_SCHED_SWITCH))
			joined_add_gap(j, at, next);
		else if (before & ~now.bits & kvm)
			joined_add_gap(j, at, at);
		before = now.bits;
	}
}

/* ---- what it says of itself ------------------------------------------------------------------ */

static int joined_by_cpu(const void *a, const void *b)
{
	const struct joined_stream *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

static void joined_shift_gaps(struct gaps *to, const struct gaps *from, int64_t shift)
{
	vec_each (g, &from->at)
		gaps_add(to, joined_shifted(g->from, shift), joined_shifted(g->to, shift),
			 g->is_step);
}

static void joined_list_streams(struct joined *j)
{
	for (size_t p = 0; p < j->parts.n; p++) {
		const struct recording *r = j->parts.at[p].r;

		for (size_t i = 0; i < r->streams.n; i++)
			*vec_push(&j->streams) = (struct joined_stream){
				.cpu = r->streams.at[i].cpu, .part = p, .stream = i};
	}
	if (j->streams.n)
		qsort(j->streams.at, j->streams.n, sizeof(*j->streams.at), joined_by_cpu);
}

/* Return: a number above those of all channels of the recording. */
static uint32_t joined_group_end(const struct recording *r)
{
	uint32_t end = 0;

	vec_each (s, &r->streams)
		end = s->group >= end ? s->group + 1 : end;
	return end;
}

/* What is missing of a stream is left out once, by the times of the whole. */
static struct gaps joined_take_gaps(const struct joined_part *p, size_t stream)
{
	struct recording_stream *s = &p->r->streams.at[stream];
	struct gaps gaps = {0};

	joined_shift_gaps(&gaps, &s->gaps, p->shift);
	gaps_deinit(&s->gaps);
	return gaps;
}

static void joined_describe_streams(struct joined *j)
{
	uint32_t *first_group = mem_zalloc(j->parts.n + 1, sizeof(*first_group));

	for (size_t p = 0; p < j->parts.n; p++)
		first_group[p + 1] = first_group[p] + joined_group_end(j->parts.at[p].r);
	vec_each (at, &j->streams) {
		const struct joined_part *p = &j->parts.at[at->part];
		struct recording_stream *s = vec_push(&j->base.streams);

		*s = p->r->streams.at[at->stream];
		s->gaps = joined_take_gaps(p, at->stream);
		s->part = (uint32_t)at->part;
		s->group += first_group[at->part];
		s->begin_ns = joined_shifted(s->begin_ns, p->shift);
		s->clock = 0;
	}
	free(first_group);
}

/* What all parts say together. */
static void joined_add_part(struct joined *j, struct joined_part *p)
{
	struct recording *to = &j->base;
	const struct recording *r = p->r;

	p->first_event = (uint32_t)to->events.n;
	vec_each (e, &r->events)
		*vec_push(&to->events) = *e;
	vec_each (t, &r->threads)
		*vec_push(&to->threads) = *t;
	vec_each (g, &r->guests)
		*vec_push(&to->guests) = *g;
	to->size += r->size;
	to->decoded_size += r->decoded_size;
	to->knows_threads &= r->knows_threads;
	to->knows_processes &= r->knows_processes;
	to->lists_unrecorded |= r->lists_unrecorded;
	to->cpus_apart |= r->cpus_apart;
	to->is_partial |= r->is_partial;
	vec_each (cpu, &r->lost_cpus)
		*vec_push(&to->lost_cpus) = *cpu;
	diag_merge(&to->diags, &r->diags);
}

/* What the first part says for all. */
static void joined_begin(struct joined *j, const struct recording *first)
{
	struct recording *to = &j->base;

	to->path = mem_strdup(first->path);
	to->hostname = first->hostname;
	to->system = first->system;
	to->kernel = first->kernel;
	to->boot_id = first->boot_id;
	to->tracer = first->tracer;
	to->packet_word = first->packet_word;
	to->packets_word = first->packets_word;
	to->trace_id = first->trace_id;
	to->peer = first->peer;
	to->knows_threads = to->knows_processes = true;
	*vec_push(&to->clocks) = *joined_clock(first);
	vec_each (e, &first->env)
		*vec_push(&to->env) = *e;
}

/* The name that the user gave, or that all parts have, or the host name. */
static char *joined_name(const struct joined *j)
{
	const char *name = j->parts.at[0].r->name;

	vec_each (p, &j->parts) {
		if (p->r->is_named)
			return mem_strdup(p->r->name);
		if (strcmp(p->r->name, name) != 0)
			name = j->base.hostname;
	}
	return mem_strdup(name);
}

static bool joined_is_named(const struct joined *j)
{
	vec_each (p, &j->parts) {
		if (p->r->is_named)
			return true;
	}
	return false;
}

/* ---- readers --------------------------------------------------------------------------------- */

struct joined_plan {
	VEC(struct {
		const struct recording *r;
		struct input_plan *plan;
	})
	parts;
};

static struct input_plan *joined_plan_new(const struct recording *r, struct event_set wanted,
					  bool every)
{
	const struct joined *j = joined_of(r);
	struct joined_plan *plan = mem_zalloc(1, sizeof(*plan));

	vec_each (p, &j->parts) {
		__typeof__(plan->parts.at) part = vec_push(&plan->parts);

		part->r = p->r;
		part->plan = input_plan_new(p->r, wanted, every);
	}
	return (struct input_plan *)plan;
}

static void joined_plan_free(struct input_plan *plan)
{
	struct joined_plan *p = (struct joined_plan *)plan;

	vec_each (part, &p->parts)
		input_plan_free(part->r, part->plan);
	vec_deinit(&p->parts);
	free(p);
}

/* A part's stream, and what is missing in all. */
struct joined_reader {
	struct reader base;
	const struct joined *whole;
	size_t part;
	struct reader *inner;
	size_t at;	 /* in the inner one's events */
	bool tells_gaps; /* it is the first stream of its CPU */
	size_t gap;	 /* the next one, in the whole's */
	struct gaps damaged;
};

static struct reader *joined_reader_new(const struct recording *rec, size_t stream,
					const struct input_plan *plan, int64_t skip_before_ns)
{
	const struct joined *j = joined_of(rec);
	const struct joined_plan *p = (const struct joined_plan *)plan;
	const struct joined_stream *s = &j->streams.at[stream];
	const struct joined_part *part = &j->parts.at[s->part];
	struct joined_reader *r = mem_zalloc(1, sizeof(*r));

	r->whole = j;
	r->part = s->part;
	r->inner = reader_new(part->r, s->stream, p->parts.at[s->part].plan, 0,
			      joined_shifted(skip_before_ns, -part->shift));
	r->tells_gaps = !stream || j->streams.at[stream - 1].cpu != s->cpu;
	r->base.diags = r->inner->diags;
	r->base.damaged = &r->damaged;
	return &r->base;
}

static void joined_reader_free(struct reader *base)
{
	struct joined_reader *r = (struct joined_reader *)base;

	reader_free(r->inner);
	gaps_deinit(&r->damaged);
}

static void joined_reader_share(struct reader *base, struct worker *helper)
{
	reader_share(((struct joined_reader *)base)->inner, helper);
}

/*
 * Whether a part before this one has the event, too. Only a session that begins tells what is there
 * then.
 */
static bool joined_is_doubled(const struct joined *j, size_t part, enum event_id id, int64_t ns)
{
	bool can_be = id < EV_N && id != EV_STATEDUMP_PROCESS_STATE && id != EV_STATEDUMP_PID_NS;

	for (size_t i = 0; i < part && can_be; i++) {
		const struct joined_part *p = &j->parts.at[i];

		if (p->begin <= ns && ns <= p->end && event_set_has(p->described, id))
			return true;
	}
	return false;
}

/* Return: the next event of the part's stream, NULL: none is there before it is read on. */
static const struct event *joined_head(const struct joined_reader *r)
{
	return r->at < r->inner->n ? &r->inner->events[r->at] : NULL;
}

static void joined_tell(struct joined_reader *r, const struct event *e)
{
	struct event *to = &r->base.events[r->base.n++];
	uint16_t machine = to->machine;

	*to = *e;
	to->machine = machine;
}

static void joined_tell_gap(struct joined_reader *r)
{
	const struct joined_gap *g = &r->whole->gaps.at[r->gap++];
	struct event lost = {.id = EV_LOST,
			     .cpu = r->base.events->cpu,
			     .ts = g->from,
			     .tid = NO_VALUE,
			     .pid = NO_VALUE};

	lost.lost.to = g->to;
	joined_tell(r, &lost);
}

/* What is to be told first: a gap, or the part's next event. */
static void joined_step(struct joined_reader *r)
{
	const struct joined *j = r->whole;
	const struct event *next = joined_head(r);
	int64_t shift = j->parts.at[r->part].shift;
	struct event e;

	if (r->tells_gaps && r->gap < j->gaps.n &&
	    (!next || j->gaps.at[r->gap].from <= joined_shifted(next->ts, shift))) {
		joined_tell_gap(r);
		return;
	}
	e = *next;
	e.ts = joined_shifted(e.ts, shift);
	if (e.id == EV_LOST)
		e.lost.to = joined_shifted(e.lost.to, shift);
	r->at++;
	if (!joined_is_doubled(j, r->part, (enum event_id)e.id, e.ts))
		joined_tell(r, &e);
}

static void joined_reader_fill(struct reader *base)
{
	struct joined_reader *r = (struct joined_reader *)base;
	size_t n_gaps = r->tells_gaps ? r->whole->gaps.n : 0;

	base->n = 0;
	if (!joined_head(r) && !r->inner->ended) {
		reader_read(r->inner);
		r->at = 0;
	}
	while (base->n < base->room && (joined_head(r) || (r->inner->ended && r->gap < n_gaps)))
		joined_step(r);
	base->ended = r->inner->ended && !joined_head(r) && r->gap >= n_gaps;
	if (base->ended && r->inner->damaged)
		joined_shift_gaps(&r->damaged, r->inner->damaged,
				  r->whole->parts.at[r->part].shift);
	base->totals = r->inner->totals;
	if (base->totals.first_ns <= base->totals.last_ns) {
		int64_t shift = r->whole->parts.at[r->part].shift;

		base->totals.first_ns = joined_shifted(base->totals.first_ns, shift);
		base->totals.last_ns = joined_shifted(base->totals.last_ns, shift);
	}
}

/* ---- every event ----------------------------------------------------------------------------- */

struct joined_walk {
	struct walk base;
	const struct joined_part *part;
	struct walk *inner;
};

static struct walk *joined_walk_new(const struct recording *rec, size_t stream, int64_t from_ns)
{
	const struct joined *j = joined_of(rec);
	const struct joined_stream *s = &j->streams.at[stream];
	struct joined_walk *w = mem_zalloc(1, sizeof(*w));

	w->part = &j->parts.at[s->part];
	w->inner = walk_new(w->part->r, s->stream, joined_shifted(from_ns, -w->part->shift));
	w->base.diags = w->inner->diags;
	w->base.totals = w->inner->totals;
	return &w->base;
}

static int joined_walk_next(struct walk *base)
{
	struct joined_walk *w = (struct joined_walk *)base;
	const struct walk *inner = w->inner;
	int64_t shift = w->part->shift;
	int r = walk_next(w->inner);

	base->ns = joined_shifted(inner->ns, shift);
	base->event = w->part->first_event + inner->event;
	base->scopes = inner->scopes;
	base->packet_has_more = inner->packet_has_more;
	base->has_cpu = inner->has_cpu;
	base->cpu = inner->cpu;
	base->lost_to_ns = joined_shifted(inner->lost_to_ns, shift);
	base->lost = inner->lost;
	base->totals = inner->totals;
	base->totals.first_ns = joined_shifted(inner->totals.first_ns, shift);
	base->totals.last_ns = joined_shifted(inner->totals.last_ns, shift);
	return r;
}

static void joined_walk_visit(const struct walk *base, enum field_scope scope,
			      const struct field_visitor *v, void *ctx)
{
	walk_visit(((const struct joined_walk *)base)->inner, scope, v, ctx);
}

static void joined_walk_free(struct walk *base)
{
	walk_free(((struct joined_walk *)base)->inner);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void joined_free(struct recording *r)
{
	struct joined *j = (struct joined *)r;

	vec_each (p, &j->parts)
		recording_free(p->r);
	vec_deinit(&j->parts);
	vec_deinit(&j->streams);
	vec_deinit(&j->gaps);
}

static const struct recording_ops joined_ops = {.free = joined_free,
						.plan_new = joined_plan_new,
						.plan_free = joined_plan_free,
						.reader_new = joined_reader_new,
						.reader_fill = joined_reader_fill,
						.reader_free = joined_reader_free,
						.reader_share = joined_reader_share,
						.walk_new = joined_walk_new,
						.walk_next = joined_walk_next,
						.walk_visit = joined_walk_visit,
						.walk_free = joined_walk_free};

struct recording *joined_new(struct recording *const *parts, size_t n)
{
	struct joined *j = mem_zalloc(1, sizeof(*j));
	int64_t offset = joined_clock(parts[0])->offset_ns;

	j->base.ops = &joined_ops;
	j->base.first_ns = INT64_MIN;
	joined_begin(j, parts[0]);
	for (size_t i = 0; i < n; i++) {
		struct joined_part *p = vec_push(&j->parts);

		*p = (struct joined_part){.r = parts[i],
					  .shift = offset - joined_clock(parts[i])->offset_ns,
					  .begin = INT64_MAX,
					  .end = INT64_MIN,
					  .described = recording_described(parts[i])};
		joined_find_span(p);
		joined_add_part(j, p);
	}
	joined_list_streams(j);
	joined_describe_streams(j);
	joined_find_gaps(j);
	j->base.name = joined_name(j);
	j->base.is_named = joined_is_named(j);
	return &j->base;
}
