#include "timeline/merge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct source {
	struct reader *reader;
	struct event *events; /* the reader's; or read ahead of it, then owned */
	struct event *next, *end;
	struct worker_task reading; /* of the reader's next events */
	struct clock_cursor clock;
	int64_t last; /* reference ns: of the last event that was read */
	bool lost;    /* its clock is not known: `last` is from when on its events are lost */
};

/*
 * A player of the tournament: which source's event is the next one. They meet in a tree, whose
 * inner nodes keep the losers; when the winner has a new event only the players on its way up are
 * met again.
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
	/*
	 * The winner's next events; as long as they are not later than `until`, it stays the
	 * winner.
	 */
	struct event *next, *end;
	int64_t until;
	bool started;
	struct worker *helper; /* reads ahead; or NULL */
	int64_t last;	       /* of merge_next_before(): the time of its last event */
	uint64_t n_late;
};

/* What was read cannot be placed: one loss instead of it, and no more. */
static void place_nowhere(struct source *s)
{
	struct event *e = &s->reader->events[0];

	if (!s->reader->n)
		return;
	e->id = EV_LOST;
	e->ts = s->last;
	e->lost.to = INT64_MAX;
	s->reader->n = 1;
	s->reader->ended = true;
}

static void place_on_reference(struct source *s)
{
	for (size_t i = 0; i < s->reader->n; i++) {
		struct event *e = &s->reader->events[i];
		int64_t ts = clock_cursor_apply(&s->clock, e->ts);

		s->last = ts > s->last ? ts : s->last;
		e->ts = s->last;
		if (e->id == EV_LOST && e->lost.to != INT64_MAX)
			e->lost.to = clock_cursor_apply(&s->clock, e->lost.to);
	}
}

static void read_source(void *source)
{
	struct source *s = source;

	reader_read(s->reader);
	if (s->lost)
		place_nowhere(s);
	else
		place_on_reference(s);
}

/*
 * The events that were read ahead are the next ones; those behind them are read ahead in place of
 * the last.
 */
static void take_ahead(struct source *s, struct worker *helper)
{
	struct event *used = s->events;

	worker_finish(helper, &s->reading);
	s->events = s->reader->events;
	s->end = s->events + s->reader->n;
	s->reader->events = used;
	if (s->reader->n)
		worker_begin(helper, &s->reading);
}

static void take_next(struct source *s, struct worker *helper)
{
	if (helper) {
		take_ahead(s, helper);
	} else {
		read_source(s);
		s->events = s->reader->events;
		s->end = s->events + s->reader->n;
	}
	s->next = s->events;
}

static struct player player_of(const struct merge *m, uint32_t source)
{
	struct source *s = &m->sources[source];

	if (s->next == s->end)
		take_next(s, m->helper);
	if (s->next == s->end)
		return (struct player){INT64_MAX, source + (uint32_t)m->n_sources, source};
	return (struct player){s->next->ts, source, source};
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
	const struct clock_map *clock = in->clocks ? in->clocks[stream] : in->clock;

	s->reader = reader_new(in->recording, stream, plan, in->machine,
			       in->skip_before ? in->skip_before : INT64_MIN);
	if (clock)
		clock_cursor_init(&s->clock, clock);
	s->lost = !clock;
	s->last = clock ? INT64_MIN : in->lost_from;
	s->reading = (struct worker_task){.run = read_source, .ctx = s};
}

struct merge *merge_new(const struct merge_input *inputs, size_t n)
{
	struct merge *m = mem_zalloc(1, sizeof(*m));
	size_t n_streams = 0;

	for (size_t i = 0; i < n; i++)
		n_streams += inputs[i].recording->streams.n;
	m->last = INT64_MIN;
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

static void use_room(struct source *s, size_t room)
{
	struct event *first = reader_room(s->reader, room);

	s->events = reader_room(s->reader, room);
	free(s->reader->events);
	s->reader->events = first;
	s->reader->room = room;
}

/* Of events read ahead, of all sources; twice as many have room. */
enum { MERGE_AHEAD = 32 * READER_MANY };

/*
 * Return: the room of each source. The larger it is, the less often threads have to wait for each
 * other.
 */
static size_t merge_room(const struct merge *m)
{
	size_t share = MERGE_AHEAD / (m->n_sources + 1);

	return share > READER_MANY ? READER_MANY : share < READER_FEW ? READER_FEW : share;
}

void merge_use_worker(struct merge *m, struct worker *helper)
{
	size_t room = merge_room(m);

	m->helper = helper;
	for (size_t i = 0; helper && i < m->n_sources; i++) {
		struct source *s = &m->sources[i];

		use_room(s, room);
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

/*
 * Return: up to when events of the winner come before all others: the best loser of those that it
 * met says it.
 */
static int64_t merge_find_until(const struct merge *m)
{
	struct player best = {.ts = INT64_MAX, .rank = UINT32_MAX};

	for (size_t node = (m->winner.source + m->n_sources) / 2; node; node /= 2) {
		if (is_before(&m->losers[node], &best))
			best = m->losers[node];
	}
	return m->winner.rank < best.rank ? best.ts : best.ts - 1;
}

/*
 * Another source's event may be the next one, or there are no more events at hand. Apart, so that
 * merge_next() stays short.
 */
__attribute__((noinline)) static bool merge_change_winner(struct merge *m)
{
	if (!m->n_sources)
		return false;
	if (m->started) {
		m->sources[m->winner.source].next = m->next;
		play(m, player_of(m, m->winner.source), (m->winner.source + m->n_sources) / 2);
	} else {
		m->winner = start(m, 1);
		m->started = true;
	}
	m->next = m->sources[m->winner.source].next;
	m->end = m->sources[m->winner.source].end;
	m->until = merge_find_until(m);
	return m->next < m->end;
}

const struct event *merge_next(struct merge *m)
{
	if (m->next < m->end && m->next->ts <= m->until)
		return m->next++;
	return merge_change_winner(m) ? m->next++ : NULL;
}

const struct event *merge_next_before(struct merge *m, int64_t limit)
{
	bool has = (m->next < m->end && m->next->ts <= m->until) || merge_change_winner(m);

	if (!has || m->next->ts >= limit)
		return NULL;
	if (m->next->ts < m->last) {
		m->next->ts = m->last;
		m->n_late++;
	}
	m->last = m->next->ts;
	return m->next++;
}

void merge_resume(struct merge *m)
{
	if (m->started)
		m->sources[m->winner.source].next = m->next;
	m->next = m->end = NULL;
	m->started = false;
}

uint64_t merge_late(const struct merge *m)
{
	return m->n_late;
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
