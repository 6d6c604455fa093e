#include "sync/bounds.h"
#include "sync/collect.h"

#include <math.h>
#include <stdlib.h>

#include "sync/consensus.h"
#include "sync/limits.h"

struct range {
	int64_t low, high; /* ns, of the difference */
};

static int64_t line_at(const struct sync_known *k, int64_t t)
{
	return clock_map_apply(k->map, t) - t;
}

static struct range range_at(const struct sync_known *k, int64_t t)
{
	struct range r;

	if (k->fit && !sync_fit_range(k->fit, t, &r.low, &r.high)) {
		int64_t more = k->widen * (r.high - r.low);

		return (struct range){r.low - more, r.high + more};
	}
	int64_t line = line_at(k, t), error = clock_map_piece(k->map, t)->error;
	error = error == CLOCK_ERROR_UNKNOWN ? SYNC_OPEN_REACH : error;
	return (struct range){line - error, line + error};
}

/* Finds windows for times that hardly ever go back. */
struct cursor {
	const struct sync_thread *thread;
	size_t i;
};

/* Return: the first window that ends at t or later, or NULL. */
static const struct sync_window *window_at(struct cursor *c, int64_t t)
{
	const struct sync_window *w = c->thread->windows;

	while (c->i > 0 && w[c->i - 1].end >= t)
		c->i--;
	while (c->i < c->thread->n && w[c->i].end < t)
		c->i++;
	return c->i < c->thread->n ? &w[c->i] : NULL;
}

struct collector {
	const struct sync_known *known;
	struct cursor cursor;
	struct sync_consensus consensus;
	struct sync_bounds *bounds; /* NULL: only count */
	uint64_t seen, outside;
};

/*
 * What a bucket of events knows: with the known line for origin, the difference lies in [low, high]
 * at `middle`, and moves away from there by at most `slack` and `play` per ns.
 */
struct bucket {
	const struct sync_guest_event *events;
	size_t n;
	int64_t low, high; /* ns from the line */
	int64_t middle;	   /* guest ns */
	int64_t slack;	   /* ns */
	double play;
	bool agreed; /* no event contradicts the others */
};

static int64_t play_at(const struct bucket *b, int64_t t)
{
	return b->slack + (int64_t)ceil(fabs((double)(t - b->middle)) * b->play);
}

/* The part of [low, high] around the line that event e may use. */
static struct range bucket_range(const struct collector *c, const struct bucket *b, int64_t t)
{
	int64_t line = line_at(c->known, t), play = play_at(b, t);

	return (struct range){line + b->low - play, line + b->high + play};
}

/* Return: the last window that begins by `until`, or `first` when that does not. */
static const struct sync_window *last_window(const struct collector *c,
					     const struct sync_window *first, int64_t until)
{
	const struct sync_window *end = c->cursor.thread->windows + c->cursor.thread->n;
	const struct sync_window *last = first;

	while (last + 1 < end && last[1].begin <= until)
		last++;
	return last;
}

/* Before the first window and after the last, the thread may have run all the same, untraced. */
static bool may_be_unseen(const struct collector *c, int64_t t, struct range r)
{
	const struct sync_thread *thread = c->cursor.thread;

	return !thread->n || t + r.low < thread->windows[0].begin ||
	       t + r.high > thread->windows[thread->n - 1].end;
}

/* Event at t votes for the differences from the line that its windows allow. */
static void vote(struct collector *c, const struct bucket *b, int64_t t)
{
	struct range r = bucket_range(c, b, t);
	int64_t play = play_at(b, t), origin = t + line_at(c->known, t);
	int64_t reached = INT64_MIN;

	if (may_be_unseen(c, t, r)) {
		sync_consensus_abstain(&c->consensus);
		return;
	}
	const struct sync_window *first = window_at(&c->cursor, t + r.low);
	const struct sync_window *last = last_window(c, first, t + r.high);
	if (last - first > COLLECT_MAX_WINDOWS ||
	    (first == last && first->begin <= t + r.low && first->end >= t + r.high)) {
		sync_consensus_abstain(&c->consensus);
		return;
	}
	sync_consensus_voter(&c->consensus);
	for (const struct sync_window *w = first; w <= last; w++) {
		int64_t low = w->begin - origin - play, high = w->end - origin + play;

		low = low > reached ? low : reached + 1;
		low = low > b->low ? low : b->low;
		high = high < b->high ? high : b->high;
		if (low > high)
			continue;
		sync_consensus_allow(&c->consensus, low, high);
		reached = high;
	}
}

/* One guest event at t lies in a window that [t + low, t + high] touches. */
static void collect_event(struct collector *c, int64_t t, struct range r)
{
	if (may_be_unseen(c, t, r))
		return;
	const struct sync_window *first = window_at(&c->cursor, t + r.low);
	c->seen++;
	if (first->begin > t + r.high) {
		c->outside++;
		return;
	}
	if (!c->bounds)
		return;
	const struct sync_window *last = last_window(c, first, t + r.high);
	sync_bounds_put(c->bounds, t, first->begin - t, SYNC_LOWER);
	sync_bounds_put(c->bounds, t, last->end - t, SYNC_UPPER);
}

/* The part of the known range that most events of the bucket agree on. */
static void agree(struct collector *c, struct bucket *b)
{
	int64_t from = b->events[0].ts, to = b->events[b->n - 1].ts;
	struct range first = range_at(c->known, from), last = range_at(c->known, to);
	int64_t a = line_at(c->known, from), z = line_at(c->known, to);

	b->low = first.low - a < last.low - z ? first.low - a : last.low - z;
	b->high = first.high - a > last.high - z ? first.high - a : last.high - z;
	b->middle = from + (to - from) / 2;
	sync_consensus_begin(&c->consensus, b->low, b->high);
	for (size_t i = 0; i < b->n; i++)
		vote(c, b, b->events[i].ts);
	b->agreed = sync_consensus_take(&c->consensus, &b->low, &b->high);
}

/* Around a bend or step two lines may hold, or little is known: each event for itself. */
static void collect_each(struct collector *c, const struct bucket *b)
{
	for (size_t i = 0; i < b->n; i++) {
		int64_t t = b->events[i].ts;

		collect_event(c, t, range_at(c->known, t));
	}
}

/* Whether the event at t leaves no room, play aside, to some of what most others agree on. */
static bool dissents(struct collector *c, const struct bucket *b, int64_t t)
{
	struct range r = bucket_range(c, b, t);
	int64_t play = play_at(b, t);

	if (may_be_unseen(c, t, r))
		return false;
	const struct sync_window *first = window_at(&c->cursor, t + r.low);
	if (first->begin > t + r.high)
		return true;
	const struct sync_window *last = last_window(c, first, t + r.high);
	return first->begin - 2 * play > t + r.low || last->end + 2 * play < t + r.high;
}

/*
 * A clock that steps in a bucket makes the events on one side of the step dissent, but for some
 * that happen to lie in a window all the same. So where many do, that side is left out. Where a
 * window was lost few do.
 */
static void leave_out_dissent(struct collector *c, struct bucket *b)
{
	size_t first = b->n, last = 0, n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (!dissents(c, b, b->events[i].ts))
			continue;
		first = i < first ? i : first;
		last = i;
		n++;
	}
	if (n * COLLECT_MANY_DISSENT >= b->n - first) {
		b->n = first;
	} else if (n * COLLECT_MANY_DISSENT >= last + 1) {
		b->events += last + 1;
		b->n -= last + 1;
	}
}

static void collect_together(struct collector *c, struct bucket *b)
{
	agree(c, b);
	if (!b->agreed)
		leave_out_dissent(c, b);
	for (size_t i = 0; i < b->n; i++) {
		int64_t t = b->events[i].ts;

		if (b->agreed || !dissents(c, b, t))
			collect_event(c, t, bucket_range(c, b, t));
	}
}

/* While little is known, the bucket's range is one bound on either side. */
static void collect_range(struct collector *c, struct bucket *b)
{
	agree(c, b);
	struct range r = bucket_range(c, b, b->middle);
	sync_bounds_put(c->bounds, b->middle, r.low, SYNC_LOWER);
	sync_bounds_put(c->bounds, b->middle, r.high, SYNC_UPPER);
}

static void collect_bucket(struct collector *c, struct bucket *b)
{
	const struct sync_fit *fit = c->known->fit;
	const struct sync_fit_piece *p = NULL;
	size_t before = c->bounds ? c->bounds->at.n : 0;

	if (fit)
		p = &fit->pieces[clock_map_piece(&fit->map, b->events[0].ts) - fit->map.pieces];
	if (!c->bounds || c->known->believe ||
	    (p && (p->hull != p->other || !sync_hull_closed(&fit->hulls[p->hull])))) {
		collect_each(c, b);
	} else if (p) {
		b->play = sync_hull_play(&fit->hulls[p->hull]);
		collect_together(c, b);
	} else {
		b->slack = c->known->slack;
		collect_range(c, b);
	}
	if (c->bounds && c->bounds->at.n > before)
		c->bounds->at.n = before + sync_bounds_thin_hull(&c->bounds->at.at[before],
								 c->bounds->at.n - before);
}

/* Whether what is known is of one kind for events at both ends of a bucket, in pieces p and q. */
static bool is_uniform(const struct sync_known *k, const struct clock_piece *p,
		       const struct clock_piece *q)
{
	return p == q || (!k->fit && p->error == q->error);
}

static void collect_pair(struct collector *c, const struct sync_pair *p)
{
	const struct sync_guest_event *e = p->cpu->events, *end = e ? e + p->cpu->n : NULL;

	c->cursor = (struct cursor){p->thread, 0};
	while (e < end) {
		const struct clock_piece *first = clock_map_piece(c->known->map, e->ts);
		struct bucket b = {.events = e};

		while (e < end && b.n < COLLECT_BUCKET &&
		       (e->ts < first->to ||
			is_uniform(c->known, first, clock_map_piece(c->known->map, e->ts)))) {
			b.n++;
			e++;
		}
		collect_bucket(c, &b);
	}
}

uint64_t sync_collect(const struct sync_known *known, const struct sync_pair *pairs, size_t n_pairs,
		      struct sync_bounds *bounds, uint64_t *seenp)
{
	struct collector *c = mem_zalloc(1, sizeof(*c));

	*c = (struct collector){.known = known, .bounds = bounds};
	for (size_t i = 0; i < n_pairs; i++)
		collect_pair(c, &pairs[i]);
	if (bounds)
		sync_bounds_sort(bounds->at.at, bounds->at.n);
	uint64_t outside = c->outside;
	*seenp = c->seen;
	free(c);
	return outside;
}

struct sync_known sync_known_fit(const struct sync_fit *f)
{
	return (struct sync_known){.fit = f, .map = &f->map};
}
