#include "input/format.h"

#include <stdlib.h>

void recording_free(struct recording *r)
{
	if (!r)
		return;
	r->ops->free(r);
	free(r->name);
	free(r->path);
	free(r->note);
	vec_deinit(&r->clocks);
	vec_deinit(&r->streams);
	vec_deinit(&r->events);
	vec_deinit(&r->env);
	vec_deinit(&r->guests);
	vec_deinit(&r->threads);
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
	return new_room(room, r->events->machine, r->events->cpu);
}

struct reader *reader_new(const struct recording *rec, size_t stream, const struct input_plan *plan,
			  uint16_t machine, int64_t skip_before_ns)
{
	struct reader *r = rec->ops->reader_new(rec, stream, plan, skip_before_ns);

	r->recording = rec;
	r->doubled = rec->streams.at[stream].doubled;
	r->n = 0;
	r->room = READER_FEW;
	r->events = new_room(r->room, machine, rec->streams.at[stream].cpu);
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

bool reader_read(struct reader *r)
{
	r->n = 0;
	while (!r->ended && !r->n) {
		r->recording->ops->reader_fill(r);
		if (r->doubled.bits)
			drop_doubled(r);
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
