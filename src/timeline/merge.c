#include "timeline/merge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctf/cursor.h"

/* Events of a stream that are read at once. */
enum { AT_ONCE = 64 };

struct source {
	struct ctf_cursor cursor;
	const struct clock_map *clock;
	const struct clock_piece *piece; /* of the last event: the next one has the same, mostly */
	int64_t last;			 /* reference ns: of the last event that was read */
	struct event *events;		 /* AT_ONCE of them */
	size_t n, next;
	uint16_t machine;
	bool ended; /* nothing follows these */
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

struct merge {
	struct source *sources;
	size_t n_sources;
	struct ctf_plan **plans;
	size_t n_plans;
	/* Leaf i of the tree is node n_sources + i, the father of node i is i / 2. */
	struct player *losers; /* of nodes 1 to n_sources - 1 */
	struct player winner;
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

/* What the cursor found becomes an event whose time is still the machine's. Return: false at the end. */
static bool read_next(struct source *s, struct event *e)
{
	int r = ctf_cursor_next(&s->cursor, e);

	e->ts = s->cursor.ns;
	e->id = s->cursor.tag;
	if (r == CTF_CURSOR_LOST) {
		e->id = EV_LOST;
		e->lost.to = s->cursor.lost_to_ns;
		e->lost.count = (int64_t)s->cursor.lost;
	}
	return r != CTF_CURSOR_END;
}

static void place_on_reference(struct source *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct event *e = &s->events[i];
		int64_t ts = to_reference(s, e->ts);

		s->last = ts > s->last ? ts : s->last;
		e->ts = s->last;
		if (e->id == CTF_TAG_ANY)
			e->id = EV_OTHER;
		else if (e->id == EV_LOST)
			e->lost.to = to_reference(s, e->lost.to);
	}
}

static void read_events(struct source *s)
{
	s->n = s->next = 0;
	while (s->n < AT_ONCE && !s->ended) {
		s->n += ctf_cursor_run(&s->cursor, s->events + s->n, sizeof(*s->events),
				       AT_ONCE - s->n);
		if (s->n == AT_ONCE)
			break;
		if (read_next(s, &s->events[s->n]))
			s->n++;
		else
			s->ended = true;
	}
	place_on_reference(s);
}

static struct player player_of(const struct merge *m, uint32_t source)
{
	struct source *s = &m->sources[source];

	if (s->next == s->n && !s->ended)
		read_events(s);
	if (s->next == s->n)
		return (struct player){INT64_MAX, source + (uint32_t)m->n_sources, source};
	return (struct player){s->events[s->next].ts, source, source};
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

static void add_source(struct merge *m, const struct merge_input *in,
		       const struct ctf_stream *stream, const struct ctf_plan *plan)
{
	struct source *s = &m->sources[m->n_sources++];

	ctf_cursor_init(&s->cursor, in->trace, stream, plan, false,
			in->skip_before ? in->skip_before : INT64_MIN);
	s->clock = in->clock;
	s->piece = in->clock->pieces;
	s->last = INT64_MIN;
	s->machine = in->machine;
	s->events = mem_zalloc(AT_ONCE, sizeof(*s->events));
	for (size_t i = 0; i < AT_ONCE; i++) {
		s->events[i].machine = in->machine;
		s->events[i].cpu = stream->cpu;
	}
}

struct merge *merge_new(const struct merge_input *inputs, size_t n)
{
	struct merge *m = mem_zalloc(1, sizeof(*m));
	size_t n_streams = 0;

	for (size_t i = 0; i < n; i++)
		n_streams += inputs[i].trace->streams.n;
	m->sources = mem_zalloc(n_streams, sizeof(*m->sources));
	m->losers = mem_zalloc(n_streams, sizeof(*m->losers));
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
	for (size_t i = 0; i < m->n_sources; i++) {
		ctf_cursor_deinit(&m->sources[i].cursor);
		free(m->sources[i].events);
	}
	for (size_t i = 0; i < m->n_plans; i++)
		ctf_plan_free(m->plans[i]);
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
		n += m->sources[i].cursor.n_events;
	return n;
}

void merge_diags(const struct merge *m, uint16_t machine, struct diag_list *list)
{
	for (size_t i = 0; i < m->n_sources; i++) {
		if (m->sources[i].machine == machine)
			diag_merge(list, &m->sources[i].cursor.diags);
	}
}
