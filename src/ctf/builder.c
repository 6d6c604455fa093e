#include "ctf/builder.h"

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
	return ctf_trace_type_finish(t, err);
}
