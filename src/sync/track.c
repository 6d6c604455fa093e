#include "sync/bounds.h"
#include "sync/limits.h"
#include "sync/track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sync_track_init(struct sync_track *t, const struct sync_fit_options *o)
{
	*t = (struct sync_track){.options = *o};
}

static void forget_before(struct sync_track *t)
{
	if (t->following)
		sync_fit_deinit(&t->before);
	t->following = false;
}

void sync_track_deinit(struct sync_track *t)
{
	forget_before(t);
	vec_deinit(&t->kept.at);
	vec_deinit(&t->chunks);
	vec_deinit(&t->recent);
}

/* ---- what is kept ---- */

static void keep(struct sync_track *t, struct sync_contain *c)
{
	if (sync_bounds_make_room(&t->kept, &t->options))
		t->recent.n = 0;
	*vec_push(&t->recent) = t->kept.at.n;
	if (t->recent.n > TRACK_RECENT) {
		for (size_t i = 1; i < t->recent.n; i++)
			t->recent.at[i - 1] = t->recent.at[i];
		t->recent.n--;
	}
	for (size_t i = 0; i < c->n_bounds; i++)
		*vec_push(&t->kept.at) = c->bounds[i];
}

/* What the next chunk may go by. */
static void look_back(struct sync_track *t)
{
	size_t all = t->kept.at.n, some = all < TRACK_FEW_BOUNDS ? all : TRACK_FEW_BOUNDS;
	size_t first = t->recent.n ? t->recent.at[0] : all - some;
	struct sync_fit fit;

	if (sync_fit_init(&fit, &t->kept.at.at[first], t->kept.at.n - first, &t->options))
		return;
	forget_before(t);
	t->before = fit;
	t->following = true;
}

/* Forgets what is kept of guest times from `from` on, and which chunks did not fit. */
static void forget_since(struct sync_track *t, int64_t from)
{
	while (t->kept.at.n && t->kept.at.at[t->kept.at.n - 1].at >= from)
		t->kept.at.n--;
	while (t->recent.n && t->recent.at[t->recent.n - 1] >= t->kept.at.n)
		t->recent.n--;
	vec_each (chunk, &t->chunks) {
		if (chunk->from >= from) {
			chunk->outside = 0;
			chunk->lost = false;
		}
	}
}

static int accept(struct sync_track *t, struct sync_chunk *chunk, struct sync_contain *c)
{
	chunk->outside = c->outside;
	*vec_push(&t->chunks) = *chunk;
	keep(t, c);
	sync_contain_deinit(c);
	look_back(t);
	return 0;
}

/* ---- events near an edge ---- */

/* Where the difference is during a chunk: straight lines over and under. */
struct guard {
	int64_t from; /* guest ns */
	int64_t low, high;
	double low_rise, high_rise;
};

int sync_track_range(const struct sync_track *t, int64_t at, int64_t *lowp, int64_t *highp)
{
	if (!t->following || sync_fit_range(&t->before, at, lowp, highp))
		return SYNC_NO_FIT;
	int64_t known = t->kept.at.at[t->kept.at.n - 1].at, width = *highp - *lowp;
	int64_t since = at > known ? at - known : 0;
	int64_t more = TRACK_WIDEN * width + TRACK_LEAST_PLAY +
		       (int64_t)((double)since * TRACK_WANDER_PPB * 1e-9);

	*lowp -= more;
	*highp += more;
	return 0;
}

static void guard_set(struct guard *g, const struct sync_chunk *chunk, int64_t low, int64_t high)
{
	int64_t span = chunk->to - chunk->from;

	g->from = chunk->from;
	g->low_rise = span ? (double)(low - g->low) / (double)span : 0;
	g->high_rise = span ? (double)(high - g->high) / (double)span : 0;
}

/* Return: 0, or SYNC_NO_FIT when nothing is known. */
static int guard_init(struct guard *g, const struct sync_track *t, const struct sync_chunk *chunk)
{
	int64_t low, high;

	if (sync_track_range(t, chunk->from, &g->low, &g->high) ||
	    sync_track_range(t, chunk->to, &low, &high))
		return SYNC_NO_FIT;
	guard_set(g, chunk, low, high);
	return 0;
}

/* The chords of the corridor, whose edges bend inwards. fit: clean. */
static void guard_of_fit(struct guard *g, const struct sync_fit *fit,
			 const struct sync_chunk *chunk)
{
	int64_t low, high;

	sync_fit_range(fit, chunk->from, &g->low, &g->high);
	sync_fit_range(fit, chunk->to, &low, &high);
	guard_set(g, chunk, low, high);
	g->low -= TRACK_LEAST_PLAY;
	g->high += TRACK_LEAST_PLAY;
}

typedef VEC(struct sync_guest_event) event_vec;

/* What the events of a chunk that are near an edge say. */
struct collection {
	event_vec *near; /* per pair: events that some difference inside the guard puts outside */
	struct sync_bounds bounds;
	uint64_t outside;
	/* The windows that gave the last bound of either side, and where the upper one stands. */
	const struct sync_window *lower, *upper;
	size_t at_upper;
};

static bool is_deep_inside(const struct sync_window *w, int64_t first, int64_t last)
{
	return w->begin <= first && last <= w->end;
}

/*
 * The event at t happened in [first, last], in w or a later window. Of a window's events the first
 * says most of when the window began, and the last of when it ended.
 */
static void collect_event(struct collection *c, const struct sync_window *w,
			  const struct sync_window *end, int64_t t, int64_t first, int64_t last)
{
	if (w->begin > last) {
		c->outside++;
		return;
	}
	if (w->begin > first && w != c->lower) {
		sync_bounds_put(&c->bounds, t, w->begin - t, SYNC_LOWER);
		c->lower = w;
	}
	while (w + 1 < end && w[1].begin <= last)
		w++;
	if (w->end >= last)
		return;
	if (w == c->upper) {
		c->bounds.at.at[c->at_upper].at = t;
		c->bounds.at.at[c->at_upper].value = w->end - t;
		return;
	}
	c->upper = w;
	c->at_upper = c->bounds.at.n;
	sync_bounds_put(&c->bounds, t, w->end - t, SYNC_UPPER);
}

/* When the guest's time t may have been, host ns. */
static int64_t first_time(const struct guard *g, int64_t t)
{
	return t + g->low + (int64_t)((double)(t - g->from) * g->low_rise);
}

static int64_t last_time(const struct guard *g, int64_t t)
{
	return t + g->high + (int64_t)((double)(t - g->from) * g->high_rise);
}

/* Before a thread's first window and after its last it may have run all the same, untraced. */
static void collect_pair(struct collection *c, const struct sync_cpu *cpu,
			 const struct sync_thread *thread, const struct guard *g, event_vec *near)
{
	if (!cpu->n || !thread->n)
		return;
	const struct sync_window *w = thread->windows, *end = w + thread->n;

	c->lower = c->upper = NULL;
	w += sync_first_window(thread, first_time(g, cpu->events[0].ts));
	for (size_t i = 0; i < cpu->n && w < end; i++) {
		int64_t t = cpu->events[i].ts;
		int64_t first = first_time(g, t), last = last_time(g, t);

		while (w < end && w->end < first)
			w++;
		if (w == end || is_deep_inside(w, first, last) ||
		    first < thread->windows[0].begin || last > end[-1].end)
			continue;
		collect_event(c, w, end, t, first, last);
		if (near)
			*vec_push(near) = cpu->events[i];
	}
}

/* The bounds of all pairs, each pair's thinned, in order. keep: what is near becomes c->near. */
static void collect(struct collection *c, const struct sync_pair *pairs, size_t n_pairs,
		    const struct guard *g, bool keep)
{
	c->bounds.at.n = 0;
	c->outside = 0;
	for (size_t i = 0; i < n_pairs; i++) {
		struct sync_cpu near = {c->near[i].at, c->near[i].n};
		size_t first = c->bounds.at.n;

		collect_pair(c, keep ? pairs[i].cpu : &near, pairs[i].thread, g,
			     keep ? &c->near[i] : NULL);
		if (c->bounds.at.n > first)
			c->bounds.at.n = first + sync_bounds_thin_groups(&c->bounds.at.at[first],
									 c->bounds.at.n - first);
	}
	sync_bounds_sort(c->bounds.at.at, c->bounds.at.n);
}

/* How many events near an edge no window holds by the map, its errors aside. */
static size_t count_astray(const struct collection *c, const struct sync_pair *pairs,
			   size_t n_pairs, const struct clock_map *map)
{
	size_t astray = 0;

	for (size_t i = 0; i < n_pairs; i++) {
		const struct sync_thread *thread = pairs[i].thread;
		size_t w = 0;

		vec_each (e, &c->near[i]) {
			int64_t at = clock_map_apply(map, e->ts);

			if (e == c->near[i].at)
				w = sync_first_window(thread, at);
			while (w && thread->windows[w - 1].end >= at)
				w--;
			while (w < thread->n && thread->windows[w].end < at)
				w++;
			astray += w == thread->n || thread->windows[w].begin > at;
		}
	}
	return astray;
}

/* Whether all agree on one line. */
static bool is_clean(const struct collection *c, const struct sync_fit *fit,
		     const struct sync_fit_options *o, const struct sync_chunk *chunk)
{
	size_t spans = (size_t)((chunk->to - chunk->from) / o->max_span);

	return !c->outside && !fit->violations && fit->n_hulls <= 1 + spans &&
	       sync_hull_closed(&fit->hulls[0]);
}

/* Fits what was collected. Return: 0, or SYNC_NO_FIT when it contradicts itself. */
static int fit_collected(const struct collection *c, struct sync_fit *fit,
			 const struct sync_fit_options *o, const struct sync_chunk *chunk)
{
	if (sync_fit_init(fit, c->bounds.at.at, c->bounds.at.n, o))
		return SYNC_NO_FIT;
	if (is_clean(c, fit, o, chunk))
		return 0;
	sync_fit_deinit(fit);
	return SYNC_NO_FIT;
}

/*
 * Twice: with the range made narrow by the chunk itself, an event is near fewer windows. A range
 * that is still so wide that several may hold an event contradicts nothing: then the line has to
 * hold by itself.
 * Return: 0, with *fit made and the bounds collected, or SYNC_NO_FIT when they contradict.
 */
static int fit_twice(struct sync_track *t, const struct sync_chunk *chunk,
		     const struct sync_pair *pairs, size_t n_pairs, struct collection *c,
		     struct sync_fit *fit)
{
	struct guard guard;

	if (guard_init(&guard, t, chunk))
		return SYNC_NO_FIT;
	collect(c, pairs, n_pairs, &guard, true);
	if (fit_collected(c, fit, &t->options, chunk))
		return SYNC_NO_FIT;
	guard_of_fit(&guard, fit, chunk);
	sync_fit_deinit(fit);
	collect(c, pairs, n_pairs, &guard, false);
	if (fit_collected(c, fit, &t->options, chunk))
		return SYNC_NO_FIT;
	if (count_astray(c, pairs, n_pairs, &fit->map) <= chunk->events / TRACK_MANY_ASTRAY)
		return 0;
	sync_fit_deinit(fit);
	return SYNC_NO_FIT;
}

/* Return: 0 with *c made from the events near an edge, SYNC_NO_FIT when these contradict. */
static int fit_near(struct sync_track *t, const struct sync_chunk *chunk,
		    const struct sync_pair *pairs, size_t n_pairs, struct sync_contain *c)
{
	struct collection collection = {.near = mem_zalloc(n_pairs, sizeof(*collection.near))};

	*c = (struct sync_contain){.events = chunk->events};
	int rc = fit_twice(t, chunk, pairs, n_pairs, &collection, &c->fit);

	if (rc) {
		vec_deinit(&collection.bounds.at);
	} else {
		c->bounds = collection.bounds.at.at;
		c->n_bounds = collection.bounds.at.n;
	}
	for (size_t i = 0; i < n_pairs; i++)
		vec_deinit(&collection.near[i]);
	free(collection.near);
	return rc;
}

/* ---- parts of a chunk ------------------------------------------------------------------------ */

struct parts {
	struct sync_cpu *cpus;	 /* owned */
	struct sync_pair *pairs; /* owned */
};

/* The pairs with their events in guest ns [from, to] only. */
static void parts_init(struct parts *p, const struct sync_pair *pairs, size_t n_pairs, int64_t from,
		       int64_t to)
{
	p->cpus = mem_zalloc(n_pairs, sizeof(*p->cpus));
	p->pairs = mem_zalloc(n_pairs, sizeof(*p->pairs));
	for (size_t i = 0; i < n_pairs; i++) {
		const struct sync_cpu *cpu = pairs[i].cpu;
		size_t first = sync_first_event(cpu, from);

		p->cpus[i].n = sync_first_event(cpu, to + 1) - first;
		p->cpus[i].events = p->cpus[i].n ? &cpu->events[first] : NULL;
		p->pairs[i] = (struct sync_pair){&p->cpus[i], pairs[i].thread};
	}
}

static void parts_deinit(struct parts *p)
{
	free(p->cpus);
	free(p->pairs);
}

/* ---- a chunk ---- */

static bool fits_well(const struct sync_contain *c)
{
	return !c->fit.doubtful && c->outside <= c->events / TRACK_FEW_OUTSIDE;
}

/* Makes *c, if what is made fits well. Return: 0 or SYNC_NO_FIT. */
static int fit_near_known(struct sync_track *t, const struct sync_pair *pairs, size_t n_pairs,
			  struct sync_contain *c)
{
	if (!t->following || sync_contain_init_near(c, pairs, n_pairs, &t->options, &t->before.map,
						    TRACK_NEAR_REACH))
		return SYNC_NO_FIT;
	if (fits_well(c))
		return 0;
	sync_contain_deinit(c);
	return SYNC_NO_FIT;
}

/* What following single claims up may cost. */
static uint64_t search_effort(const struct sync_track *t)
{
	int part = t->following ? TRACK_FOLLOWING_PART : t->hasty ? TRACK_HASTY_PART : 1;

	return SYNC_EFFORT / (t->vain ? part * TRACK_VAIN_PART : part);
}

/*
 * Likewise. It takes seconds where there is nothing to be found, so a track that is followed has
 * few of these.
 */
static int fit_anywhere(struct sync_track *t, const struct sync_pair *pairs, size_t n_pairs,
			uint64_t effort, struct sync_contain *c)
{
	if (t->following && t->fruitless == TRACK_MAX_FRUITLESS)
		return SYNC_NO_FIT;
	if (!sync_contain_init(c, pairs, n_pairs, &t->options, effort)) {
		if (fits_well(c))
			return 0;
		sync_contain_deinit(c);
	}
	t->fruitless += t->following;
	return SYNC_NO_FIT;
}

/*
 * Fits events as if they were all there is: near what was known, but elsewhere if that explains
 * more of them. That is searched for once only, and not for long: of a clock that is slewed all the
 * time many chunks are not straight. Return: 0 or SYNC_NO_FIT.
 */
static int fit_alone(struct sync_track *t, const struct sync_pair *pairs, size_t n_pairs,
		     struct sync_contain *c)
{
	struct sync_contain other;

	if (fit_near_known(t, pairs, n_pairs, c))
		return fit_anywhere(t, pairs, n_pairs, search_effort(t), c);
	if (sync_contain_is_straight(c) || t->second_looks == TRACK_MAX_SECOND_LOOKS)
		return 0;
	t->second_looks++;
	if (!fit_anywhere(t, pairs, n_pairs, SYNC_EFFORT / TRACK_HASTY_PART, &other))
		sync_contain_keep_better(c, &other);
	return 0;
}

static struct sync_chunk chunk_of(const struct sync_pair *pairs, size_t n_pairs)
{
	struct sync_chunk c = {.from = INT64_MAX, .to = INT64_MIN};

	for (size_t i = 0; i < n_pairs; i++) {
		const struct sync_cpu *cpu = pairs[i].cpu;

		if (!cpu->n)
			continue;
		c.from = cpu->events[0].ts < c.from ? cpu->events[0].ts : c.from;
		c.to = cpu->events[cpu->n - 1].ts > c.to ? cpu->events[cpu->n - 1].ts : c.to;
		c.events += cpu->n;
	}
	return c;
}

/*
 * The same when they contradict what was known, with the chunk before first. Where both fit
 * nowhere, one is not searched for elsewhere: if the clock was set between them, the next chunk
 * finds that with this one.
 */
static int fit_contradicting(struct sync_track *t, const struct sync_pair *pairs,
			     const struct sync_pair *longer, size_t n_pairs, struct sync_contain *c)
{
	if (!longer)
		return fit_alone(t, pairs, n_pairs, c);
	if (fit_alone(t, longer, n_pairs, c))
		return fit_near_known(t, pairs, n_pairs, c);
	forget_since(t, chunk_of(longer, n_pairs).from);
	return 0;
}

static bool fit_halves(struct sync_track *t, const struct sync_chunk *chunk,
		       const struct sync_pair *pairs, size_t n_pairs);

/* The events in guest ns [from, to]: near the known line as a whole, or by halves. */
static bool fit_part(struct sync_track *t, const struct sync_pair *pairs, size_t n_pairs,
		     int64_t from, int64_t to)
{
	struct sync_contain c;
	struct parts p;

	parts_init(&p, pairs, n_pairs, from, to);
	struct sync_chunk part = chunk_of(p.pairs, n_pairs);
	bool fits = !part.events;

	if (!fits && !fit_near(t, &part, p.pairs, n_pairs, &c))
		fits = !accept(t, &part, &c);
	fits = fits || fit_halves(t, &part, p.pairs, n_pairs);
	parts_deinit(&p);
	return fits;
}

/*
 * Where a clock that is slewed changes its rate, no one line holds in the chunk, but shorter ones
 * do: so it is halved before anything is searched for.
 */
static bool fit_halves(struct sync_track *t, const struct sync_chunk *chunk,
		       const struct sync_pair *pairs, size_t n_pairs)
{
	int64_t middle = chunk->from + (chunk->to - chunk->from) / 2;

	return chunk->events >= TRACK_LEAST_HALVED &&
	       fit_part(t, pairs, n_pairs, chunk->from, middle) &&
	       fit_part(t, pairs, n_pairs, middle + 1, chunk->to);
}

/* The same of a whole chunk; if it does not hold, nothing of it is kept. */
static bool fit_slewed(struct sync_track *t, const struct sync_chunk *chunk,
		       const struct sync_pair *pairs, size_t n_pairs)
{
	size_t n = t->chunks.n, recent[TRACK_RECENT], n_recent = t->recent.n;

	for (size_t i = 0; i < n_recent; i++)
		recent[i] = t->recent.at[i];
	if (fit_halves(t, chunk, pairs, n_pairs))
		return true;
	if (t->chunks.n == n)
		return false;
	t->chunks.n = n;
	forget_since(t, chunk->from);
	t->recent.n = 0;
	for (size_t i = 0; i < n_recent && recent[i] < t->kept.at.n; i++)
		*vec_push(&t->recent) = recent[i];
	look_back(t);
	return false;
}

int sync_track_chunk(struct sync_track *t, const struct sync_pair *pairs,
		     const struct sync_pair *longer, size_t n_pairs)
{
	struct sync_chunk chunk = chunk_of(pairs, n_pairs);
	struct sync_contain c;

	if (!chunk.events)
		return 0;
	if (t->following && !fit_near(t, &chunk, pairs, n_pairs, &c)) {
		t->quick++;
		return accept(t, &chunk, &c);
	}
	if (t->following && fit_slewed(t, &chunk, pairs, n_pairs))
		return 0;
	if (!fit_contradicting(t, pairs, t->following ? longer : NULL, n_pairs, &c))
		return accept(t, &chunk, &c);
	if (t->following)
		sync_track_skip(t, chunk.from, chunk.to, chunk.events);
	return SYNC_NO_FIT;
}

int sync_track_anew(struct sync_track *t, const struct sync_pair *pairs, size_t n_pairs)
{
	struct sync_chunk chunk = chunk_of(pairs, n_pairs);
	struct sync_contain c;

	if (!chunk.events)
		return 0;
	if (!fit_anywhere(t, pairs, n_pairs, search_effort(t), &c))
		return accept(t, &chunk, &c);
	sync_track_skip(t, chunk.from, chunk.to, chunk.events);
	return SYNC_NO_FIT;
}

void sync_track_skip(struct sync_track *t, int64_t from, int64_t to, uint64_t events)
{
	*vec_push(&t->chunks) = (struct sync_chunk){from, to, events, events, true};
}

bool sync_track_is_lost(const struct sync_track *t, uint64_t events)
{
	uint64_t outside = 0;

	vec_each (chunk, &t->chunks) {
		outside += chunk->outside;
		events += chunk->events;
	}
	return outside > events / TRACK_FEW_OUTSIDE;
}

int sync_track_finish(struct sync_track *t, struct sync_fit *fit)
{
	if (sync_fit_init(fit, t->kept.at.at, t->kept.at.n, &t->options))
		return SYNC_NO_FIT;
	vec_each (chunk, &t->chunks) {
		if (chunk->lost)
			sync_fit_doubt_between(fit, chunk->from, chunk->to);
	}
	return 0;
}

/* ---- a second look --------------------------------------------------------------------------- */

/* Adds the bounds of the events in one piece of the fit, which is of one line. */
static void refine_piece(struct sync_track *t, const struct sync_fit *fit,
			 const struct clock_piece *p, const struct sync_chunk *chunk,
			 const struct sync_pair *pairs, size_t n_pairs)
{
	struct collection c = {.near = mem_zalloc(n_pairs, sizeof(*c.near))};
	struct sync_chunk part = {.from = p->from > chunk->from ? p->from : chunk->from,
				  .to = p->to <= chunk->to ? p->to - 1 : chunk->to};
	struct parts parts;
	struct guard guard;

	parts_init(&parts, pairs, n_pairs, part.from, part.to);
	guard_of_fit(&guard, fit, &part);
	collect(&c, parts.pairs, n_pairs, &guard, true);
	vec_each (b, &c.bounds.at)
		*vec_push(&t->kept.at) = *b;
	for (size_t i = 0; i < n_pairs; i++)
		vec_deinit(&c.near[i]);
	vec_deinit(&c.bounds.at);
	free(c.near);
	parts_deinit(&parts);
}

/* Whether no difference at t is one of both hulls. */
static bool is_apart(const struct sync_hull *a, const struct sync_hull *b, int64_t t)
{
	int64_t low_a, high_a, low_b, high_b;

	if (!sync_hull_closed(a) || !sync_hull_closed(b))
		return true;
	sync_hull_range(a, t, &low_a, &high_a);
	sync_hull_range(b, t, &low_b, &high_b);
	return high_a < low_b || high_b < low_a;
}

bool sync_track_can_refine(const struct sync_fit *fit)
{
	for (size_t i = 1; i < fit->map.n_pieces; i++) {
		size_t a = fit->pieces[i - 1].hull, b = fit->pieces[i].hull;

		if (a != b && is_apart(&fit->hulls[a], &fit->hulls[b], fit->map.pieces[i].from))
			return false;
	}
	return true;
}

void sync_track_refine(struct sync_track *t, const struct sync_fit *fit,
		       const struct sync_pair *pairs, size_t n_pairs)
{
	struct sync_chunk chunk = chunk_of(pairs, n_pairs);

	for (size_t i = 0; chunk.events && i < fit->map.n_pieces; i++) {
		const struct clock_piece *p = &fit->map.pieces[i];

		if (p->from <= chunk.to && p->to > chunk.from &&
		    fit->pieces[i].hull == fit->pieces[i].other &&
		    p->error != CLOCK_ERROR_UNKNOWN &&
		    sync_hull_closed(&fit->hulls[fit->pieces[i].hull]))
			refine_piece(t, fit, p, &chunk, pairs, n_pairs);
	}
}

bool sync_track_finish_again(struct sync_track *t, struct sync_fit *fit)
{
	struct sync_fit better;

	sync_bounds_sort(t->kept.at.at, t->kept.at.n);
	if (sync_track_finish(t, &better))
		return false;
	bool holds = better.n_hulls <= fit->n_hulls && better.violations <= fit->violations;
	bool narrower = holds && sync_fit_errors(&better, INFINITY) <
					 TRACK_ENOUGH_NARROWER * sync_fit_errors(fit, INFINITY);
	struct sync_fit worse = holds ? *fit : better;

	*fit = holds ? better : *fit;
	sync_fit_deinit(&worse);
	return narrower;
}
