#include "timeline/merge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct source {
	struct reader *reader;
	struct event *events; /* the reader's; or read ahead of it, then owned */
	size_t n, next;
	struct worker_task reading; /* of the reader's next events */
	const struct clock_map *clock;
	const struct clock_piece *piece; /* of the last event: the next one has the same, mostly */
	int64_t last;			 /* reference ns: of the last event that was read */
};

/*
 * A player of the tournament: which source's event is the next one. They meet in a tree, whose inner
 * nodes keep the losers; when the winner has a new event only the players on its way up are met again.
 */
struct player {
	int64_t ts;
	uint32_t
		rank; /* of equal times: the source's number, behind all others when it has ended */
	uint32_t source;
};

struct merge_plan {
	const struct recording *recording;
	struct input_plan *plan;
};

struct merge {
	struct source *sources;
	size_t n_sources;
	struct merge_plan *plans;
	size_t n_plans;
	/* Leaf i of the tree is node n_sources + i, the father of node i is i / 2. */
	struct player *losers; /* of nodes 1 to n_sources - 1 */
	struct player winner;
	bool started;
	struct worker *helper; /* reads ahead; or NULL */
};

static int64_t to_reference(struct source *s, int64_t t)
{
	if (t == INT64_MAX)
		return t;
	if (t < s->piece->from || t >= s->piece->to)
		s->piece = clock_map_piece(s->clock, t);
	return clock_piece_apply(s->piece, t);
}

static void place_on_reference(struct source *s)
{
	for (size_t i = 0; i < s->reader->n; i++) {
		struct event *e = &s->reader->events[i];
		int64_t ts = to_reference(s, e->ts);

		s->last = ts > s->last ? ts : s->last;
		e->ts = s->last;
		if (e->id == EV_LOST)
			e->lost.to = to_reference(s, e->lost.to);
	}
}

static void read_source(void *source)
{
	struct source *s = source;

	reader_read(s->reader);
	place_on_reference(s);
}

/* The events that were read ahead are the next ones; those behind them are read ahead in place of the last. */
static void take_ahead(struct source *s, struct worker *helper)
{
	struct event *used = s->events;

	worker_finish(helper, &s->reading);
	s->events = s->reader->events;
	s->n = s->reader->n;
	s->reader->events = used;
	if (s->n)
		worker_begin(helper, &s->reading);
}

static void take_next(struct source *s, struct worker *helper)
{
	s->next = 0;
	if (helper) {
		take_ahead(s, helper);
		return;
	}
	read_source(s);
	s->events = s->reader->events;
	s->n = s->reader->n;
}

/* Return: the next event of the source, or NULL. */
static const struct event *peek(struct source *s, struct worker *helper)
{
	if (s->next == s->n)
		take_next(s, helper);
	return s->next < s->n ? &s->events[s->next] : NULL;
}

static struct player player_of(const struct merge *m, uint32_t source)
{
	const struct event *e = peek(&m->sources[source], m->helper);

	if (!e)
		return (struct player){INT64_MAX, source + (uint32_t)m->n_sources, source};
	return (struct player){e->ts, source, source};
}

static inline bool is_before(const struct player *a, const struct player *b)
{
	return a->ts < b->ts || (a->ts == b->ts && a->rank < b->rank);
}

/* Lets p meet the losers from `node` up. */
static inline void play(struct merge *m, struct player p, size_t node)
{
	for (; node; node /= 2) {
		struct player *l = &m->losers[node];

		if (is_before(l, &p)) {
			struct player other = *l;

			*l = p;
			p = other;
		}
	}
	m->winner = p;
}

/* Return: the winner below `node`. */
static struct player start(struct merge *m, size_t node)
{
	if (node >= m->n_sources)
		return player_of(m, (uint32_t)(node - m->n_sources));
	struct player a = start(m, 2 * node), b = start(m, 2 * node + 1);
	bool first = is_before(&a, &b);

	m->losers[node] = first ? b : a;
	return first ? a : b;
}

static void add_source(struct merge *m, const struct merge_input *in, size_t stream,
		       const struct input_plan *plan)
{
	struct source *s = &m->sources[m->n_sources++];

	s->reader = reader_new(in->recording, stream, plan, in->machine,
			       in->skip_before ? in->skip_before : INT64_MIN);
	s->clock = in->clock;
	s->piece = in->clock->pieces;
	s->last = INT64_MIN;
	s->reading = (struct worker_task){.run = read_source, .ctx = s};
}

struct merge *merge_new(const struct merge_input *inputs, size_t n)
{
	struct merge *m = mem_zalloc(1, sizeof(*m));
	size_t n_streams = 0;

	for (size_t i = 0; i < n; i++)
		n_streams += inputs[i].recording->streams.n;
	m->sources = mem_zalloc(n_streams, sizeof(*m->sources));
	m->losers = mem_zalloc(n_streams, sizeof(*m->losers));
	m->plans = mem_zalloc(n, sizeof(*m->plans));
	m->n_plans = n;
	for (size_t i = 0; i < n; i++) {
		const struct recording *r = inputs[i].recording;

		m->plans[i] = (struct merge_plan){r, input_plan_new(r, inputs[i].wanted, false)};
		for (size_t s = 0; s < r->streams.n; s++)
			add_source(m, &inputs[i], s, m->plans[i].plan);
	}
	return m;
}

static void use_larger_room(struct source *s)
{
	struct event *first = reader_room(s->reader, READER_MANY);

	s->events = reader_room(s->reader, READER_MANY);
	free(s->reader->events);
	s->reader->events = first;
	s->reader->room = READER_MANY;
}

void merge_use_worker(struct merge *m, struct worker *helper)
{
	m->helper = helper;
	for (size_t i = 0; helper && i < m->n_sources; i++) {
		struct source *s = &m->sources[i];

		use_larger_room(s);
		worker_begin(helper, &s->reading);
	}
}

static void free_source(struct source *s, struct worker *helper)
{
	if (helper) {
		worker_cancel(helper, &s->reading);
		free(s->events);
	}
	reader_free(s->reader);
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_sources; i++)
		free_source(&m->sources[i], m->helper);
	for (size_t i = 0; i < m->n_plans; i++)
		input_plan_free(m->plans[i].recording, m->plans[i].plan);
	free(m->sources);
	free(m->losers);
	free(m->plans);
	free(m);
}

const struct event *merge_next(struct merge *m)
{
	if (!m->n_sources)
		return NULL;
	if (!m->started)
		m->winner = start(m, 1);
	else
		play(m, player_of(m, m->winner.source), (m->winner.source + m->n_sources) / 2);
	m->started = true;
	struct source *s = &m->sources[m->winner.source];

	return s->next < s->n ? &s->events[s->next++] : NULL;
}

uint64_t merge_events_read(const struct merge *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_sources; i++)
		n += m->sources[i].reader->totals.n_events;
	return n;
}

void merge_diags(const struct merge *m, uint16_t machine, struct diag_list *list)
{
	for (size_t i = 0; i < m->n_sources; i++) {
		if (m->sources[i].reader->events->machine == machine)
			diag_merge(list, m->sources[i].reader->diags);
	}
}
