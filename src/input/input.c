#include "input/format.h"

#include <stdlib.h>
#include <string.h>

void recording_free(struct recording *r)
{
	if (!r)
		return;
	r->ops->free(r);
	free(r->name);
	free(r->path);
	free(r->note);
	free(r->nothing);
	vec_deinit(&r->clocks);
	vec_each (s, &r->streams)
		gaps_deinit(&s->gaps);
	vec_deinit(&r->streams);
	vec_deinit(&r->events);
	vec_deinit(&r->env);
	vec_deinit(&r->guests);
	vec_deinit(&r->threads);
	vec_deinit(&r->lost_cpus);
	arena_deinit(&r->arena);
	free(r);
}

char *recording_symbol(const struct recording *r, uint64_t address)
{
	return r->ops->symbol ? r->ops->symbol(r, address) : NULL;
}

enum clock_origin recording_stream_origin(const struct recording *r,
					  const struct recording_stream *s)
{
	return s->clock < r->clocks.n ? r->clocks.at[s->clock].origin : CLOCK_ORIGIN_UNKNOWN;
}

enum clock_origin recording_origin(const struct recording *r)
{
	enum clock_origin origin = CLOCK_ORIGIN_UNKNOWN;

	vec_each (s, &r->streams) {
		enum clock_origin own = recording_stream_origin(r, s);

		if (s != r->streams.at && own != origin)
			return CLOCK_ORIGIN_UNKNOWN;
		origin = own;
	}
	return origin;
}

int64_t recording_clock_ns(const struct recording_clock *c, uint64_t count)
{
	unsigned __int128 product = (unsigned __int128)count * (c->mult ? c->mult : 1000000000);
	unsigned __int128 scaled = c->mult ? product >> c->shift : product / c->frequency;
	__int128 ns = (__int128)scaled + c->offset_ns;

	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

struct event_set recording_described(const struct recording *r)
{
	struct event_set s = {0};

	vec_each (e, &r->events) {
		if (e->id != EV_N)
			s.bits |= UINT64_C(1) << e->id;
	}
	return s;
}

struct input_plan *input_plan_new(const struct recording *r, struct event_set wanted, bool every)
{
	return r->ops->plan_new(r, wanted, every);
}

void input_plan_free(const struct recording *r, struct input_plan *plan)
{
	if (plan)
		r->ops->plan_free(plan);
}

static struct event *new_room(size_t room, uint16_t machine, uint32_t cpu)
{
	struct event *events = mem_zalloc(room, sizeof(*events));

	for (size_t i = 0; i < room; i++) {
		events[i].machine = machine;
		events[i].cpu = cpu;
		events[i].tid = events[i].pid = NO_VALUE;
	}
	return events;
}

struct event *reader_room(const struct reader *r, size_t room)
{
	return new_room(room + r->gaps->at.n, r->events->machine, r->events->cpu);
}

struct reader *reader_new(const struct recording *rec, size_t stream, const struct input_plan *plan,
			  uint16_t machine, int64_t skip_before_ns)
{
	struct reader *r = rec->ops->reader_new(rec, stream, plan, skip_before_ns);

	r->recording = rec;
	r->doubled = rec->streams.at[stream].doubled;
	r->gaps = &rec->streams.at[stream].gaps;
	r->tid = NO_VALUE;
	r->n = 0;
	r->room = READER_FEW;
	r->events = new_room(r->room + r->gaps->at.n, machine, rec->streams.at[stream].cpu);
	return r;
}

bool recording_can_share(const struct recording *r)
{
	return r->ops->reader_share && r->decoded_size > r->size;
}

void reader_share(struct reader *r, struct worker *helper)
{
	if (helper && recording_can_share(r->recording))
		r->recording->ops->reader_share(r, helper);
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	r->recording->ops->reader_free(r);
	free(r->events);
	free(r);
}

static void drop_doubled(struct reader *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		enum event_id id = (enum event_id)r->events[i].id;

		if (id >= EV_N || !event_set_has(r->doubled, id))
			r->events[n++] = r->events[i];
	}
	r->n = n;
}

/* ---- gaps ------------------------------------------------------------------------------------ */

static const struct gap *reader_gap(const struct reader *r)
{
	return r->next_gap < r->gaps->at.n ? &r->gaps->at.at[r->next_gap] : NULL;
}

/* Puts the loss of the next gap behind the events that are kept. */
static void reader_tell_gap(struct reader *r)
{
	const struct gap *g = reader_gap(r);
	int64_t begin = r->recording->first_ns;

	if (!r->is_gap_told && g->to >= begin)
		r->events[r->n++] = (struct event){.id = EV_LOST,
						   .machine = r->events->machine,
						   .cpu = r->events->cpu,
						   .tid = NO_VALUE,
						   .pid = NO_VALUE,
						   .ts = g->from < begin ? begin : g->from,
						   .lost = {.to = g->to}};
	r->is_gap_told = true;
}

static void reader_pass_gap(struct reader *r)
{
	reader_tell_gap(r);
	r->tells_tid = reader_gap(r)->is_step;
	r->tid = r->tells_tid ? r->tid : NO_VALUE;
	r->is_gap_told = false;
	r->next_gap++;
}

/* Return: whether the event is in none. */
static bool reader_pass_gaps(struct reader *r, const struct event *e)
{
	const struct gap *g;

	while ((g = reader_gap(r)) && g->to < e->ts)
		reader_pass_gap(r);
	if (!g || e->ts < g->from)
		return true;
	reader_tell_gap(r);
	return e->id == EV_LOST;
}

/*
 * After a step of the clock it is known who is on the CPU, for nothing is missing: events until the
 * next switch say it.
 */
static void reader_follow_thread(struct reader *r, struct event *e, bool is_kept)
{
	if (e->id == EV_LOST) {
		r->tid = NO_VALUE;
	} else if (e->id == EV_SCHED_SWITCH) {
		r->tid = e->sched_switch.next_tid;
		r->tells_tid &= !is_kept;
	} else if (r->tells_tid && e->tid == NO_VALUE) {
		e->tid = r->tid;
	}
}

/*
 * The events have as much more room as there are gaps: they begin behind it, and move to the front.
 */
static void reader_leave_gaps(struct reader *r)
{
	size_t n = r->n, n_gaps = r->gaps->at.n;

	memmove(r->events + n_gaps, r->events, n * sizeof(*r->events));
	r->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct event e = r->events[n_gaps + i];

		bool is_kept = reader_pass_gaps(r, &e);

		reader_follow_thread(r, &e, is_kept);
		if (is_kept)
			r->events[r->n++] = e;
	}
	while (r->ended && reader_gap(r))
		reader_pass_gap(r);
}

bool reader_read(struct reader *r)
{
	r->n = 0;
	r->waits = false;
	while (!r->ended && !r->waits && !r->n) {
		r->recording->ops->reader_fill(r);
		if (r->doubled.bits)
			drop_doubled(r);
		if (r->gaps->at.n)
			reader_leave_gaps(r);
	}
	return r->n > 0;
}

struct walk *walk_new(const struct recording *r, size_t stream, int64_t from_ns)
{
	struct walk *w = r->ops->walk_new(r, stream, from_ns);

	w->recording = r;
	w->stream = &r->streams.at[stream];
	return w;
}

void walk_free(struct walk *w)
{
	if (!w)
		return;
	w->recording->ops->walk_free(w);
	free(w);
}

int walk_next(struct walk *w)
{
	return w->recording->ops->walk_next(w);
}

void walk_visit(const struct walk *w, enum field_scope scope, const struct field_visitor *v,
		void *ctx)
{
	w->recording->ops->walk_visit(w, scope, v, ctx);
}
