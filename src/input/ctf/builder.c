#include "input/ctf/builder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void ctf_builder_deinit(struct ctf_builder *b)
{
	vec_deinit(&b->clocks);
	vec_deinit(&b->streams);
	vec_deinit(&b->events);
	vec_deinit(&b->env);
}

struct ctf_clock *ctf_builder_find_clock(const struct ctf_builder *b, const char *name)
{
	for (size_t i = 0; i < b->clocks.n; i++) {
		if (!strcmp(b->clocks.at[i]->name, name))
			return b->clocks.at[i];
	}
	return NULL;
}

struct ctf_stream_class *ctf_builder_find_stream(const struct ctf_builder *b, uint64_t id)
{
	for (size_t i = 0; i < b->streams.n; i++) {
		if (b->streams.at[i]->id == id)
			return b->streams.at[i];
	}
	return NULL;
}

/* ---- events of one stream with the same id: damage, of which neighbours mostly tell what was  */

/* The events of one stream, in the order in which the metadata has them. */
struct numbering {
	struct ctf_trace_type *t;
	struct ctf_event_class **events; /* NULL: left out */
	size_t n_events;
	int direction;
	VEC(uint64_t) ids; /* ascending */
};

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t first_with(const struct numbering *n, uint64_t id)
{
	size_t lo = 0, hi = n->ids.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (n->ids.at[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t count_of(const struct numbering *n, uint64_t id)
{
	size_t first = first_with(n, id), i = first;

	while (i < n->ids.n && n->ids.at[i] == id)
		i++;
	return i - first;
}

/* Return: whether there is an event at i; then *idp is its id. */
static bool id_at(const struct numbering *n, size_t i, uint64_t *idp)
{
	if (i >= n->n_events || !n->events[i])
		return false;
	*idp = n->events[i]->id;
	return true;
}

/*
 * Tracers number their events upwards or downwards by one. Return: 1, -1, or 0 if this one does
 * not.
 */
static int find_direction(const struct numbering *n)
{
	size_t up = 0, down = 0;

	for (size_t i = 1; i < n->n_events; i++) {
		up += n->events[i]->id == n->events[i - 1]->id + 1;
		down += n->events[i]->id + 1 == n->events[i - 1]->id;
	}
	return (up > down) - (up < down);
}

/*
 * Return: whether the event at i has to have an id by its neighbour on one side; then *idp is it.
 */
static bool id_by(const struct numbering *n, size_t i, int side, uint64_t *idp)
{
	if (!n->direction || !id_at(n, i + (size_t)side, idp))
		return false;
	*idp -= (uint64_t)(side * n->direction);
	return true;
}

static int count_agreeing(const struct numbering *n, size_t i)
{
	uint64_t id;
	int agreeing = 0;

	for (int side = -1; side <= 1; side += 2)
		agreeing += id_by(n, i, side, &id) && id == n->events[i]->id;
	return agreeing;
}

/* Return: whether the neighbours of the event at i agree on an id for it; then *idp is it. */
static bool expected_id(const struct numbering *n, size_t i, uint64_t *idp)
{
	uint64_t before, after;
	bool has_before = id_by(n, i, -1, &before), has_after = id_by(n, i, 1, &after);

	if (!has_before && !has_after)
		return false;
	*idp = has_before ? before : after;
	return !has_before || !has_after || before == after;
}

/* The event at i has an id that is not its own. */
static void correct_id(struct numbering *n, size_t i)
{
	struct ctf_event_class *e = n->events[i];
	struct error err = {0};
	uint64_t id;

	error_set(&err, "%s %" PRIu32 ": event '%s' has the id %" PRIu64 " of another event",
		  n->t->major == 2 ? "fragment" : "line", e->where, e->name, e->id);
	if (expected_id(n, i, &id) && !count_of(n, id)) {
		e->id = id;
		ctf_trace_type_mended(n->t, &err);
		return;
	}
	n->events[i] = NULL;
	ctf_trace_type_left_out(n->t, &err);
}

/*
 * Of the events with the id of the one at i, the one that its neighbours agree with most is right.
 * Where that is none or several, nothing can be told, but of those that are one and the same.
 */
static void settle_id(struct numbering *n, size_t i)
{
	uint64_t id = n->events[i]->id;
	size_t right = SIZE_MAX;
	int most = 0;

	for (size_t k = i; k < n->n_events; k++) {
		const struct ctf_event_class *e = n->events[k];

		if (!e || e->id != id)
			continue;
		if (k != i && !strcmp(e->name, n->events[i]->name)) {
			correct_id(n, k);
			continue;
		}
		int agreeing = count_agreeing(n, k);

		right = agreeing > most ? k : agreeing == most ? SIZE_MAX : right;
		most = agreeing > most ? agreeing : most;
	}
	for (size_t k = i; right != SIZE_MAX && k < n->n_events; k++) {
		if (k != right && n->events[k] && n->events[k]->id == id)
			correct_id(n, k);
	}
}

/* Bounds the work that metadata of nothing but contradictions asks for. */
enum { MAX_SETTLED = 64 };

static void settle_stream(struct numbering *n, struct ctf_stream_class *s)
{
	size_t settled = 0;
	uint32_t kept = 0;

	n->events = s->events;
	n->n_events = s->n_events;
	n->direction = find_direction(n);
	n->ids.n = 0;
	for (uint32_t i = 0; i < s->n_events; i++)
		*vec_push(&n->ids) = s->events[i]->id;
	if (n->ids.n)
		qsort(n->ids.at, n->ids.n, sizeof(*n->ids.at), by_id);
	for (size_t i = 0; i < n->n_events && settled < MAX_SETTLED; i++) {
		if (n->events[i] && count_of(n, n->events[i]->id) > 1) {
			settle_id(n, i);
			settled++;
		}
	}
	for (uint32_t i = 0; i < s->n_events; i++) {
		if (s->events[i])
			s->events[kept++] = s->events[i];
	}
	s->n_events = kept;
}

static void settle_ids(const struct ctf_builder *b, struct ctf_trace_type *t)
{
	struct numbering n = {.t = t};

	for (size_t i = 0; i < b->streams.n; i++)
		settle_stream(&n, b->streams.at[i]);
	vec_deinit(&n.ids);
}

static void move_events(const struct ctf_builder *b, struct ctf_trace_type *t)
{
	for (size_t i = 0; i < b->events.n; i++)
		b->events.at[i]->stream->n_events++;
	for (size_t i = 0; i < b->streams.n; i++) {
		struct ctf_stream_class *s = b->streams.at[i];

		s->events = arena_array(&t->arena, struct ctf_event_class *, s->n_events);
		s->n_events = 0;
	}
	for (size_t i = 0; i < b->events.n; i++) {
		struct ctf_stream_class *s = b->events.at[i]->stream;

		s->events[s->n_events++] = b->events.at[i];
	}
}

/* Return: a copy of `size` bytes, NULL for none. */
static void *keep(struct arena *a, const void *p, size_t size)
{
	return size ? arena_memdup(a, p, size) : NULL;
}

int ctf_builder_finish(const struct ctf_builder *b, struct ctf_trace_type *t, struct error *err)
{
	t->n_clocks = (uint32_t)b->clocks.n;
	t->clocks = keep(&t->arena, b->clocks.at, sizeof(*b->clocks.at) * b->clocks.n);
	t->n_streams = (uint32_t)b->streams.n;
	t->streams = keep(&t->arena, b->streams.at, sizeof(*b->streams.at) * b->streams.n);
	t->n_env = (uint32_t)b->env.n;
	t->env = keep(&t->arena, b->env.at, sizeof(*b->env.at) * b->env.n);
	move_events(b, t);
	settle_ids(b, t);
	return ctf_trace_type_finish(t, err);
}
