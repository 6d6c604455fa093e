#include "timeline/merge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctf/cursor.h"

struct source {
	struct ctf_cursor cursor;
	const struct clock_map *clock;
	const struct clock_piece *piece; /* of the last event: the next one has the same, mostly */
	struct event event;
};

struct merge {
	struct source *sources;
	size_t n_sources;
	struct ctf_plan **plans;
	size_t n_plans;
	/* Binary heap of the sources that have an event, by its time, then by their order. */
	struct source **heap;
	size_t n_heap;
	bool started;
};

static int64_t to_reference(struct source *s, int64_t t)
{
	if (t == INT64_MAX)
		return t;
	if (t < s->piece->from || t >= s->piece->to)
		s->piece = clock_map_piece(s->clock, t);
	return clock_piece_apply(s->piece, t);
}

/* Return: whether there is one more event, then in s->event. */
static bool advance(struct source *s)
{
	int64_t before = s->event.ts;
	int r = ctf_cursor_next(&s->cursor, &s->event);

	if (r == CTF_CURSOR_END)
		return false;
	int64_t ts = to_reference(s, s->cursor.ns);

	s->event.ts = ts > before ? ts : before;
	if (r == CTF_CURSOR_LOST) {
		s->event.id = EV_LOST;
		s->event.lost.to = to_reference(s, s->cursor.lost_to_ns);
		s->event.lost.count = (int64_t)s->cursor.lost;
	} else {
		s->event.id = s->cursor.tag == CTF_TAG_ANY ? (uint16_t)EV_OTHER : s->cursor.tag;
	}
	return true;
}

static bool is_before(const struct source *a, const struct source *b)
{
	return a->event.ts != b->event.ts ? a->event.ts < b->event.ts : a < b;
}

static void sift_down(struct merge *m, size_t i)
{
	struct source *s = m->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= m->n_heap)
			break;
		if (child + 1 < m->n_heap && is_before(m->heap[child + 1], m->heap[child]))
			child++;
		if (!is_before(m->heap[child], s))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = s;
}

static void start(struct merge *m)
{
	for (size_t i = 0; i < m->n_sources; i++) {
		if (advance(&m->sources[i]))
			m->heap[m->n_heap++] = &m->sources[i];
	}
	for (size_t i = m->n_heap / 2; i-- > 0;)
		sift_down(m, i);
	m->started = true;
}

/* The event given out last stays in its source until the next one is asked for. */
static void replace_top(struct merge *m)
{
	if (!advance(m->heap[0]))
		m->heap[0] = m->heap[--m->n_heap];
	if (m->n_heap)
		sift_down(m, 0);
}

static void add_source(struct merge *m, const struct merge_input *in,
		       const struct ctf_stream *stream, const struct ctf_plan *plan)
{
	struct source *s = &m->sources[m->n_sources++];

	ctf_cursor_init(&s->cursor, in->trace, stream, plan, false,
			in->skip_before ? in->skip_before : INT64_MIN);
	s->clock = in->clock;
	s->piece = in->clock->pieces;
	s->event = (struct event){.ts = INT64_MIN, .machine = in->machine, .cpu = stream->cpu};
}

struct merge *merge_new(const struct merge_input *inputs, size_t n)
{
	struct merge *m = mem_zalloc(1, sizeof(*m));
	size_t n_streams = 0;

	for (size_t i = 0; i < n; i++)
		n_streams += inputs[i].trace->streams.n;
	m->sources = mem_zalloc(n_streams, sizeof(*m->sources));
	m->heap = mem_zalloc(n_streams, sizeof(struct source *));
	m->plans = mem_zalloc(n, sizeof(struct ctf_plan *));
	m->n_plans = n;
	for (size_t i = 0; i < n; i++) {
		m->plans[i] = layout_plan(&inputs[i].trace->type, inputs[i].wanted);
		vec_each (s, &inputs[i].trace->streams)
			add_source(m, &inputs[i], s, m->plans[i]);
	}
	return m;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_sources; i++)
		ctf_cursor_deinit(&m->sources[i].cursor);
	for (size_t i = 0; i < m->n_plans; i++)
		ctf_plan_free(m->plans[i]);
	free(m->sources);
	free(m->heap);
	free(m->plans);
	free(m);
}

const struct event *merge_next(struct merge *m)
{
	if (!m->started)
		start(m);
	else if (m->n_heap)
		replace_top(m);
	return m->n_heap ? &m->heap[0]->event : NULL;
}

uint64_t merge_events_read(const struct merge *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_sources; i++)
		n += m->sources[i].cursor.n_events;
	return n;
}

void merge_diags(const struct merge *m, uint16_t machine, struct diag_list *list)
{
	for (size_t i = 0; i < m->n_sources; i++) {
		if (m->sources[i].event.machine == machine)
			diag_merge(list, &m->sources[i].cursor.diags);
	}
}
