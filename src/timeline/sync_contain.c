#include "timeline/sync_contain.h"

#include <math.h>
#include <stdlib.h>

#include "timeline/sync_aim.h"
#include "timeline/sync_consensus.h"
#include "timeline/sync_gaps.h"
#include "timeline/sync_step.h"
#include "timeline/sync_vote.h"

enum {
	SEARCH_EVENTS = 4096,  /* of one CPU and cause: enough to tell what belongs together */
	MANY_CLAIMS = 65536,   /* of all CPUs that are looked at together */
	FIT_EVENTS = 32768,    /* and to follow the clocks in detail, of all CPUs of a guest */
	MAX_CLAIMS = 16,       /* for one triple: beyond, it tells nothing */
	CLAIM_REACH = 1000000, /* ns: claims as close as that agree */
	MIN_CLAIMS = 16,       /* agreeing ones, below which there is no fit */
	ROUGH_REACH = 500000,  /* ns: what a claim may be wrong by, delays and all */
	ROUGH_LEAST = 50000,   /* ns: the same on the fastest machines */
	ROUGH_PLAY = 16,       /* times what claims usually differ by, in between */
	MEDIAN_REACH = 8,      /* claims before and after one that it is compared with */
	OPEN_REACH = 5000000,  /* ns: assumed where the bounds leave a side open */
	MAX_WINDOWS = 64,      /* for one event: beyond, it tells nothing */
	BUCKET = 128,	       /* events whose bounds are thinned together */
	MANY_DISSENT = 4,      /* one event in as many */
	MANY_ASTRAY = 2000,    /* one event in as many */
	FEWEST_ASTRAY = 10000, /* the same */
	MANY_UNSEEN = 50,      /* the same, of those without windows before or after */
	FEW_ASTRAY = 16,       /* events */
	MAX_ROUNDS = 8,
	WIDE_ROUNDS = 2,
	STEP_ROUNDS = 3,
	LEADS = 6,		/* differences that are followed up, */
	LEADS_EACH = 8,		/* claims of each that are */
	LEAD_REACH = 200000,	/* ns: what a claim is wrong by at most, usually */
	MAX_TRIES = 2,		/* of different leads */
	DOUBTFUL_PART = 8,	/* of the events that chance puts outside */
	MAX_TURNS = 8,		/* of a clock that leads are looked for after */
	MAX_EFFORT = 600000000, /* for all leads together: some seconds */
	MARK_SLACK = 1000,	/* ns: by which marks close to each other may be wrong */
	HARDLY_FALSE = 512,	/* one event in as many, */
	OFTEN_FALSE = 32,	/* or where windows were lost */
	LEAST_MARKS = 3,	/* of a clock that is followed, if not for half of the time */
	N_SHIFTS = 4,
};

/* ---- claims ---- */

/*
 * The last events of one cause, and the triples that end with the newest: three in a row, or with
 * one between that has no counterpart on the other side (not all timers that are armed make an exit,
 * not all such exits are for a timer).
 */
struct recent {
	int64_t at[4];
	size_t seen;
};

enum { TRIPLES_PER_EVENT = 3 };

/* Return: how many triples; into triples. */
static size_t next_triples(struct recent *r, int64_t ts, uint32_t cause,
			   struct sync_times triples[TRIPLES_PER_EVENT])
{
	for (size_t i = 0; i < 3; i++)
		r->at[i] = r->at[i + 1];
	r->at[3] = ts;
	r->seen++;

	const int64_t *at = r->at;
	triples[0] = (struct sync_times){{at[1], at[2], at[3]}, cause};
	triples[1] = (struct sync_times){{at[0], at[1], at[3]}, cause};
	triples[2] = (struct sync_times){{at[0], at[2], at[3]}, cause};
	return r->seen >= 4 ? 3 : r->seen >= 3 ? 1 : 0;
}

static size_t count_cause(const struct sync_cpu *cpu, enum sync_cause cause)
{
	size_t n = 0;

	for (size_t i = 0; i < cpu->n; i++)
		n += cpu->events[i].cause == cause;
	return n;
}

/* Adds those of about `limit` events of each cause, numbered from `index` on. Return: how many. */
static uint32_t add_triples(struct sync_gaps *g, const struct sync_cpu *cpu, uint32_t number,
			    uint32_t index, size_t limit)
{
	struct recent recent[SYNC_N_CAUSES] = {0};
	struct sync_times triples[TRIPLES_PER_EVENT];
	size_t stride[SYNC_N_CAUSES];
	uint32_t n = 0;

	for (uint32_t c = 1; c < SYNC_N_CAUSES; c++)
		stride[c] = count_cause(cpu, c) / limit + 1;
	for (size_t i = 0; i < cpu->n; i++) {
		enum sync_cause c = cpu->events[i].cause;

		if (c == SYNC_CAUSE_NONE)
			continue;
		size_t n_triples = next_triples(&recent[c], cpu->events[i].ts, c, triples);
		for (size_t k = 0; k < n_triples && recent[c].seen % stride[c] == 0; k++)
			sync_gaps_add(g, &triples[k], number, index + n++);
	}
	return n;
}

/* What triples of one CPU, or of several with one clock, claim about the difference. */
struct claims {
	struct sync_votes votes;
	uint32_t n_guest, n_host; /* triples */
	int64_t *ts;		  /* by guest triple */
	uint8_t *n;		  /* by guest triple: claims */
};

static void claims_grow(struct claims *c, uint32_t n_guest)
{
	c->ts = mem_realloc(c->ts, (c->n_guest + n_guest) * sizeof(*c->ts) + 1);
	c->n = mem_realloc(c->n, c->n_guest + n_guest + 1);
	for (uint32_t i = 0; i < n_guest; i++)
		c->n[c->n_guest + i] = 0;
	c->n_guest += n_guest;
}

static void claims_deinit(struct claims *c)
{
	sync_votes_deinit(&c->votes);
	free(c->ts);
	free(c->n);
	*c = (struct claims){0};
}

static void claim(struct claims *c, const struct sync_triple *t, uint32_t host, int64_t host_ts)
{
	if (c->n[t->index] == MAX_CLAIMS)
		return;
	c->n[t->index]++;
	c->ts[t->index] = t->ts;
	*vec_push(&c->votes.candidates) = (struct sync_candidate){
		.difference = host_ts - t->ts, .host = host, .guest = t->index};
}

/* CPUs [begin, end) that are looked at together; as many as memory for their claims is set aside for. */
struct claimants {
	struct claims *claims; /* by CPU */
	size_t begin, end;
	size_t n; /* claims of all of them */
};

/* Leaves the last CPUs for another time, but not the first. */
static void shed_claimants(struct claimants *x)
{
	while (x->n > MANY_CLAIMS && x->end - x->begin > 1) {
		struct claims *last = &x->claims[--x->end];

		x->n -= last->votes.candidates.n;
		claims_deinit(last);
	}
}

static void look_up(const struct sync_gaps *g, const struct sync_times *t, struct claimants *x)
{
	const struct sync_triple *found[SYNC_GAPS_FOUND];
	size_t n = sync_gaps_find(g, t, found);

	for (size_t i = 0; i < n; i++) {
		struct claims *c = &x->claims[found[i]->cpu];

		if (found[i]->cpu < x->begin || found[i]->cpu >= x->end)
			continue;
		x->n -= c->votes.candidates.n;
		claim(c, found[i], c->n_host++, t->at[1]);
		x->n += c->votes.candidates.n;
	}
	if (x->n > MANY_CLAIMS)
		shed_claimants(x);
}

/* Looks up the ends of a thread's windows. */
static void find_claims(const struct sync_gaps *g, const struct sync_thread *thread,
			struct claimants *x)
{
	struct recent recent[SYNC_N_CAUSES] = {0};
	struct sync_times triples[TRIPLES_PER_EVENT];

	for (size_t i = 0; i < thread->n; i++) {
		const struct sync_window *w = &thread->windows[i];

		if (w->cause == SYNC_CAUSE_NONE)
			continue;
		size_t n = next_triples(&recent[w->cause], w->end, w->cause, triples);
		for (size_t k = 0; k < n; k++)
			look_up(g, &triples[k], x);
	}
}

/* ---- search ---- */

static struct sync_score score_claims(struct claims *c)
{
	struct sync_score score = {.claims = (uint32_t)c->votes.candidates.n};
	struct sync_support support;
	const struct sync_candidate *best =
		sync_votes_best(&c->votes, c->n_guest, CLAIM_REACH, &support);

	if (best) {
		score.agreeing = (uint32_t)(support.coarse / SYNC_VOTE_FULL);
		score.difference = best->difference;
	}
	return score;
}

void sync_contain_search(const struct sync_cpu *cpus, size_t n_cpus,
			 const struct sync_thread *threads, size_t n_threads, enum sync_grain grain,
			 struct sync_score *scores)
{
	struct sync_gaps gaps = {.grain = grain};
	struct claims *claims = mem_zalloc(n_cpus + 1, sizeof(*claims));
	uint32_t *n_triples = mem_zalloc(n_cpus + 1, sizeof(*n_triples));

	for (size_t c = 0; c < n_cpus; c++)
		n_triples[c] = add_triples(&gaps, &cpus[c], (uint32_t)c, 0, SEARCH_EVENTS);
	for (size_t t = 0; t < n_threads; t++) {
		struct claimants x = {.claims = claims};

		for (; x.begin < n_cpus; x.begin = x.end) {
			x.n = 0;
			x.end = n_cpus;
			for (size_t c = x.begin; c < x.end; c++)
				claims_grow(&claims[c], n_triples[c]);
			find_claims(&gaps, &threads[t], &x);
			for (size_t c = x.begin; c < x.end; c++) {
				scores[c * n_threads + t] = score_claims(&claims[c]);
				claims_deinit(&claims[c]);
			}
		}
	}
	sync_gaps_deinit(&gaps);
	free(claims);
	free(n_triples);
}

/* ---- bounds ---- */

typedef VEC(struct sync_bound) bound_vec;

/* The bounds of a bucket of events on one side, without those that the others imply. */
struct thinner {
	enum sync_side side;
	size_t n;
	struct sync_point points[BUCKET];
};

static void thinner_add(struct thinner *t, int64_t at, int64_t value)
{
	struct sync_point p = {at, t->side == SYNC_UPPER ? value : -value};

	if (t->n && t->points[t->n - 1].at == at) {
		if (t->points[t->n - 1].value <= p.value)
			return;
		t->n--;
	}
	while (t->n >= 2 && sync_point_is_idle(&t->points[t->n - 2], &t->points[t->n - 1], &p))
		t->n--;
	t->points[t->n++] = p;
}

static void thinner_flush(struct thinner *t, bound_vec *bounds)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct sync_point *p = &t->points[i];

		*vec_push(bounds) = (struct sync_bound){
			.at = p->at,
			.value = t->side == SYNC_UPPER ? p->value : -p->value,
			.side = t->side,
		};
	}
	t->n = 0;
}

/* What is known of the difference: a map with its errors, or (closer) the bounds of a fit. */
struct known {
	const struct clock_map *map;
	const struct sync_fit *fit; /* of that map, or NULL */
	int widen;		    /* times the width of the fit's range to add on both sides */
	int64_t slack; /* ns: of a map, what its error changes by from one event to the next */
	bool believe;  /* every event, even if most others in its bucket contradict it */
};

struct range {
	int64_t low, high; /* ns, of the difference */
};

static int64_t line_at(const struct known *k, int64_t t)
{
	return clock_map_apply(k->map, t) - t;
}

static struct range range_at(const struct known *k, int64_t t)
{
	struct range r;

	if (k->fit && !sync_fit_range(k->fit, t, &r.low, &r.high)) {
		int64_t more = k->widen * (r.high - r.low);

		return (struct range){r.low - more, r.high + more};
	}
	int64_t line = line_at(k, t), error = clock_map_piece(k->map, t)->error;
	error = error == CLOCK_ERROR_UNKNOWN ? OPEN_REACH : error;
	return (struct range){line - error, line + error};
}

/* Finds windows for times that hardly ever go back. */
struct cursor {
	const struct sync_thread *thread;
	size_t i;
};

size_t sync_first_window(const struct sync_thread *thread, int64_t t)
{
	size_t low = 0, high = thread->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (thread->windows[middle].end < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

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
	const struct known *known;
	struct cursor cursor;
	struct thinner lower, upper;
	struct sync_consensus consensus;
	bound_vec *bounds; /* NULL: only count */
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
	if (last - first > MAX_WINDOWS ||
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
	thinner_add(&c->lower, t, first->begin - t);
	thinner_add(&c->upper, t, last->end - t);
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
 * A clock that steps in a bucket makes the events on one side of the step dissent, but for some that
 * happen to lie in a window all the same. So where many do, that side is left out. Where a window was
 * lost few do.
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
	if (n * MANY_DISSENT >= b->n - first) {
		b->n = first;
	} else if (n * MANY_DISSENT >= last + 1) {
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
	thinner_add(&c->lower, b->middle, r.low);
	thinner_add(&c->upper, b->middle, r.high);
}

static void collect_bucket(struct collector *c, struct bucket *b)
{
	const struct sync_fit *fit = c->known->fit;
	const struct sync_fit_piece *p = NULL;

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
	if (!c->bounds)
		return;
	thinner_flush(&c->lower, c->bounds);
	thinner_flush(&c->upper, c->bounds);
}

/* Whether what is known is of one kind for events at both ends of a bucket, in pieces p and q. */
static bool is_uniform(const struct known *k, const struct clock_piece *p,
		       const struct clock_piece *q)
{
	return p == q || (!k->fit && p->error == q->error);
}

static void collect_pair(struct collector *c, const struct sync_pair *p)
{
	const struct sync_guest_event *e = p->cpu->events, *end = e + p->cpu->n;

	c->cursor = (struct cursor){p->thread, 0};
	while (e < end) {
		const struct clock_piece *first = clock_map_piece(c->known->map, e->ts);
		struct bucket b = {.events = e};

		while (e < end && b.n < BUCKET &&
		       (e->ts < first->to ||
			is_uniform(c->known, first, clock_map_piece(c->known->map, e->ts)))) {
			b.n++;
			e++;
		}
		collect_bucket(c, &b);
	}
}

/*
 * bounds: gets those of all events, sorted; or NULL.
 * Return: events that no window can hold; into *seenp, those that had windows around them.
 */
static uint64_t collect(const struct known *known, const struct sync_pair *pairs, size_t n_pairs,
			bound_vec *bounds, uint64_t *seenp)
{
	struct collector *c = mem_zalloc(1, sizeof(*c));

	*c = (struct collector){.known = known, .bounds = bounds};
	c->lower.side = SYNC_LOWER;
	c->upper.side = SYNC_UPPER;
	for (size_t i = 0; i < n_pairs; i++)
		collect_pair(c, &pairs[i]);
	if (bounds)
		sync_bounds_sort(bounds->at, bounds->n);
	uint64_t outside = c->outside;
	*seenp = c->seen;
	sync_consensus_deinit(&c->consensus);
	free(c);
	return outside;
}

/* ---- fit ---- */

static void claim_all(struct claims *claims, const struct sync_pair *pairs, size_t n_pairs,
		      enum sync_grain grain)
{
	for (size_t i = 0; i < n_pairs; i++) {
		struct sync_gaps gaps = {.grain = grain};
		uint32_t n =
			add_triples(&gaps, pairs[i].cpu, 0, claims->n_guest, FIT_EVENTS / n_pairs);

		struct claimants x = {.claims = claims, .end = 1};

		claims_grow(claims, n);
		find_claims(&gaps, pairs[i].thread, &x);
		sync_gaps_deinit(&gaps);
	}
	sync_votes_count(&claims->votes, claims->n_guest, CLAIM_REACH);
}

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

typedef VEC(struct sync_point) claim_vec;

static int compare_points(const void *a, const void *b)
{
	const struct sync_point *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* The claims that agree, as (guest time, difference), by time. */
static claim_vec agreeing_claims(const struct claims *c)
{
	const struct sync_candidate **chosen = mem_zalloc(c->n_guest + 1, sizeof(*chosen));
	uint64_t least = MIN_CLAIMS * SYNC_VOTE_FULL + 2 * sync_votes_by_chance(&c->votes);
	claim_vec agreeing = {0};

	sync_votes_choose(&c->votes, c->n_host, c->n_guest, least, chosen);
	for (uint32_t i = 0; i < c->n_guest; i++)
		if (chosen[i])
			*vec_push(&agreeing) = (struct sync_point){c->ts[i], chosen[i]->difference};
	if (agreeing.n)
		qsort(agreeing.at, agreeing.n, sizeof(*agreeing.at), compare_points);
	free(chosen);
	return agreeing;
}

static claim_vec find_agreeing(const struct sync_pair *pairs, size_t n_pairs, enum sync_grain grain)
{
	struct claims claims = {0};

	claim_all(&claims, pairs, n_pairs, grain);
	claim_vec agreeing = agreeing_claims(&claims);
	claims_deinit(&claims);
	return agreeing;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median difference of the claims around claim i. */
static int64_t median_around(const claim_vec *v, size_t i)
{
	size_t first = i > MEDIAN_REACH ? i - MEDIAN_REACH : 0, n = 0;
	int64_t values[2 * MEDIAN_REACH + 1];

	for (size_t k = first; k < v->n && k <= i + MEDIAN_REACH; k++)
		values[n++] = v->at[k].value;
	qsort(values, n, sizeof(*values), compare_times);
	return values[n / 2];
}

/* What the claims differ from their neighbours by, nine times in ten. */
static int64_t usual_deviation(const claim_vec *v)
{
	int64_t *deviations = mem_alloc(v->n * sizeof(*deviations) + 1), usual = 0;

	for (size_t i = 0; i < v->n; i++)
		deviations[i] = llabs(v->at[i].value - median_around(v, i));
	if (v->n) {
		qsort(deviations, v->n, sizeof(*deviations), compare_times);
		usual = deviations[v->n * 9 / 10];
	}
	free(deviations);
	return usual;
}

/*
 * A first map: straight from the median of some claims to that of the next. Where that would be too
 * steep, the clock steps somewhere between.
 */
static struct clock_map claims_map(const claim_vec *v, int64_t reach, double max_drift)
{
	VEC(struct clock_piece) pieces = {0};

	for (size_t i = 0; i < v->n; i += MEDIAN_REACH) {
		size_t next = i + MEDIAN_REACH < v->n ? i + MEDIAN_REACH : v->n - 1;
		int64_t from = v->at[i].at, to = v->at[next].at;
		int64_t offset = median_around(v, i), change = median_around(v, next) - offset;
		struct clock_piece p = {from, to, offset, 0, reach, 0, 0};

		if (to == from && pieces.n)
			continue;
		p.drift = to > from ? (double)change / (double)(to - from) : 0;
		if (fabs(p.drift) > max_drift) {
			p.drift = 0;
			p.error = llabs(change) + reach;
		}
		*vec_push(&pieces) = p;
	}
	return (struct clock_map){pieces.at, pieces.n};
}

/* The medians next to a step may be of the wrong side: lets the errors there cover it. */
static void spread_steps(struct clock_map *m, int64_t reach)
{
	int64_t before = reach;

	for (size_t i = 0; i < m->n_pieces; i++) {
		int64_t own = m->pieces[i].error;

		if (own > reach && i)
			m->pieces[i - 1].error = max(m->pieces[i - 1].error, own);
		m->pieces[i].error = max(own, before);
		before = own;
	}
}

/* The sum of the errors over time: what the rounds are to make smaller. */
static double badness(const struct sync_fit *f)
{
	double sum = 0;

	for (size_t i = 0; i < f->map.n_pieces; i++) {
		const struct clock_piece *p = &f->map.pieces[i];
		double error = p->error < 0 ? OPEN_REACH : (double)p->error;

		sum += error * (double)(p->to - p->from);
	}
	return sum;
}

/* Replaces c->fit (or fills it, from `known`) by one from the windows. Return: 0 or SYNC_NO_FIT. */
static int fit_round(struct sync_contain *c, const struct known *known,
		     const struct sync_pair *pairs, size_t n_pairs,
		     const struct sync_fit_options *o)
{
	bound_vec bounds = {0};
	struct sync_fit fit;
	uint64_t seen;

	collect(known, pairs, n_pairs, &bounds, &seen);
	int rc = sync_fit_init(&fit, bounds.at, bounds.n, o);
	if (rc) {
		vec_deinit(&bounds);
		return rc;
	}
	sync_contain_deinit(c);
	c->fit = fit;
	c->bounds = bounds.at;
	c->n_bounds = bounds.n;
	c->rounds++;
	return 0;
}

static struct known known_fit(const struct sync_fit *f)
{
	return (struct known){.fit = f, .map = &f->map};
}

/* How to go from round to round. */
struct way {
	bool believe; /* see struct known */
	int first; /* what is added to the range in the first rounds, times its width: a bend that was */
	int later; /* not seen takes the truth out of it. And in the later ones */
};

/* Shrinks as the lines become better. */
static int widening(unsigned int rounds, struct way way)
{
	int wide = rounds <= WIDE_ROUNDS ? way.first >> (2 * (rounds - 1)) : 0;

	return wide > way.later ? wide : way.later;
}

static void narrow(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		   const struct sync_fit_options *o, struct way way)
{
	double before = INFINITY, now = badness(&c->fit);

	while (c->rounds < MAX_ROUNDS && (c->rounds <= WIDE_ROUNDS + 1 || now < 0.99 * before)) {
		struct known known = known_fit(&c->fit);

		known.widen = widening(c->rounds, way);
		known.believe = way.believe;
		if (fit_round(c, &known, pairs, n_pairs, o))
			break;
		before = now;
		now = badness(&c->fit);
	}
}

/* How many events would be outside with the clocks apart by something else. */
static uint64_t outside_by_chance(const struct sync_contain *c, const struct sync_pair *pairs,
				  size_t n_pairs)
{
	static const int64_t shifts[N_SHIFTS] = {-2718281828, -314159265, 271828182, 3141592653};
	uint64_t outside = 0, all = 0, seen;

	for (size_t i = 0; i < N_SHIFTS; i++) {
		struct clock_map shifted = clock_map_copy(&c->fit.map);
		struct known known = {.map = &shifted};

		for (size_t k = 0; k < shifted.n_pieces; k++) {
			shifted.pieces[k].offset += shifts[i];
			shifted.pieces[k].error = 0;
		}
		outside += collect(&known, pairs, n_pairs, NULL, &seen);
		all += seen;
		clock_map_deinit(&shifted);
	}
	return all ? (uint64_t)((double)outside / (double)all * (double)c->events) : 0;
}

/* How many events the lines themselves put outside, their errors aside. */
static uint64_t count_astray(const struct sync_contain *c, const struct sync_pair *pairs,
			     size_t n_pairs)
{
	struct clock_map lines = clock_map_copy(&c->fit.map);
	struct known known = {.map = &lines};
	uint64_t seen;

	for (size_t i = 0; i < lines.n_pieces; i++)
		lines.pieces[i].error = 0;
	uint64_t astray = collect(&known, pairs, n_pairs, NULL, &seen);
	clock_map_deinit(&lines);
	return astray;
}

static void count_events(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs)
{
	struct known known = known_fit(&c->fit);

	c->outside = collect(&known, pairs, n_pairs, NULL, &c->events);
	c->astray = count_astray(c, pairs, n_pairs);
}

/* Return: 0 or SYNC_NO_FIT. */
static int fit_once(struct sync_contain *c, const struct known *known,
		    const struct sync_pair *pairs, size_t n_pairs, const struct sync_fit_options *o,
		    struct way way)
{
	*c = (struct sync_contain){.voted = !way.believe};
	if (fit_round(c, known, pairs, n_pairs, o))
		return SYNC_NO_FIT;
	narrow(c, pairs, n_pairs, o, way);
	count_events(c, pairs, n_pairs);
	return 0;
}

/* Whether a tells a simpler story than b: fewer pieces, then fewer events that do not fit it. */
static bool is_simpler(const struct sync_contain *a, const struct sync_contain *b)
{
	if (a->fit.n_hulls != b->fit.n_hulls)
		return a->fit.n_hulls < b->fit.n_hulls;
	return a->outside + a->fit.dropped < b->outside + b->fit.dropped;
}

/* Keeps the simpler of *c and *other in *c. */
static void keep_simpler(struct sync_contain *c, struct sync_contain *other)
{
	struct sync_contain worse = *other;

	if (is_simpler(other, c)) {
		worse = *c;
		*c = *other;
	}
	sync_contain_deinit(&worse);
}

/*
 * When no window was lost, every event is to be believed, and where the line bends they know best.
 * When some were, events have to be outvoted. Which of the two it is shows in what comes out.
 * Return: 0 or SYNC_NO_FIT.
 */
static int fit_from(struct sync_contain *c, const struct known *known,
		    const struct sync_pair *pairs, size_t n_pairs, const struct sync_fit_options *o)
{
	static const struct way believing = {true, 16, 1}, voting = {false, 1, 1};
	struct sync_contain voted;

	if (fit_once(c, known, pairs, n_pairs, o, believing))
		return SYNC_NO_FIT;
	if (c->outside + c->fit.dropped && !fit_once(&voted, known, pairs, n_pairs, o, voting))
		keep_simpler(c, &voted);
	return 0;
}

/* One attempt, with claims right to `reach`. Return: 0 or SYNC_NO_FIT. */
static int fit_from_claims(struct sync_contain *c, const claim_vec *claims, int64_t reach,
			   const struct sync_pair *pairs, size_t n_pairs,
			   const struct sync_fit_options *o)
{
	struct clock_map map = claims_map(claims, reach, (double)o->max_drift_ppb * 1e-9);
	struct known known = {.map = &map, .slack = reach / ROUGH_PLAY};

	spread_steps(&map, reach);
	int rc = fit_from(c, &known, pairs, n_pairs, o);
	c->claims = claims->n;
	clock_map_deinit(&map);
	return rc;
}

/* ---- leads ---- */

static const double HALF = 0.5;
static const double ENOUGH_WORTH = 0.999; /* of a track, to look no further */
static const double COST_OUTSIDE = 20;	  /* an event outside makes as many worthless */

/* A claim that may be true. */
struct lead {
	int64_t at, difference;
};

typedef VEC(struct lead) lead_vec;

static bool is_taken(const lead_vec *leads, int64_t difference)
{
	vec_each (l, leads) {
		if (llabs(l->difference - difference) <= 2 * CLAIM_REACH)
			return true;
	}
	return false;
}

/* The claim that most agree with, of those that differ from the ones taken; or NULL. */
static const struct sync_candidate *next_best(const struct claims *c, const lead_vec *taken)
{
	const struct sync_candidate *at = c->votes.candidates.at, *best = NULL;
	uint32_t most = 0;

	for (size_t i = 0; i < c->votes.candidates.n; i++) {
		uint32_t coarse = c->votes.support[i].coarse;

		if ((best && coarse <= most) || is_taken(taken, at[i].difference))
			continue;
		best = &at[i];
		most = coarse;
	}
	return best;
}

static void add_lead(lead_vec *leads, const struct claims *c, const struct sync_candidate *x)
{
	*vec_push(leads) = (struct lead){c->ts[x->guest], x->difference};
}

/* Some of the claims that agree with the best one. */
static void add_leads(lead_vec *leads, const struct claims *c, const struct sync_candidate *best)
{
	const struct sync_candidate *at = c->votes.candidates.at, *end = at + c->votes.candidates.n;
	const struct sync_candidate *first = best, *last = best + 1;

	while (first > at && best->difference - first[-1].difference <= CLAIM_REACH)
		first--;
	while (last < end && last->difference - best->difference <= CLAIM_REACH)
		last++;
	size_t n = (size_t)(last - first), step = n / LEADS_EACH + 1;

	add_lead(leads, c, best);
	for (size_t i = step / 2; i < n; i += step)
		add_lead(leads, c, &first[i]);
}

/* The likeliest differences first. */
static void find_leads(lead_vec *leads, const struct sync_pair *pairs, size_t n_pairs,
		       enum sync_grain grain)
{
	struct claims claims = {0};
	const struct sync_candidate *best;
	lead_vec taken = {0};

	claim_all(&claims, pairs, n_pairs, grain);
	for (size_t i = 0; i < LEADS && (best = next_best(&claims, &taken)); i++) {
		add_leads(leads, &claims, best);
		add_lead(&taken, &claims, best);
	}
	vec_deinit(&taken);
	claims_deinit(&claims);
}

/* The part of the time from begin to end that marks explain, less what they leave outside or untold. */
static double worth_of(const struct sync_marks *m, int64_t begin, int64_t end)
{
	double all = 0, events = 0, outside = 0;

	if (!m->at.n)
		return 0;
	vec_each (x, &m->at) {
		all += (double)x->all;
		events += (double)x->events;
		outside += (double)x->outside;
	}
	int64_t from = max(m->at.at[0].from, begin), to = min(m->at.at[m->at.n - 1].to, end);
	return (double)(to - from) / (double)(end - begin) * (events - COST_OUTSIDE * outside) /
	       all;
}

/* Follows the leads between two guest times. marks: becomes what the best of them shows. */
static void follow_leads(const lead_vec *leads, const struct sync_view *view, int64_t begin,
			 int64_t end, struct sync_marks *marks)
{
	struct sync_mark first;
	double most = 0;

	*marks = (struct sync_marks){0};
	for (size_t i = 0; i < leads->n && most < ENOUGH_WORTH; i++) {
		const struct lead *l = &leads->at[i];
		struct sync_marks found = {0};

		if (l->at < begin || l->at > end ||
		    sync_aim(view, l->at, l->difference, LEAD_REACH, &first))
			continue;
		sync_aim_follow(view, &first, begin, end, &found);
		double worth = worth_of(&found, begin, end);
		bool better = worth > most && (found.at.n >= LEAST_MARKS || worth > HALF);
		struct sync_marks worse = better ? *marks : found;

		most = better ? worth : most;
		*marks = better ? found : *marks;
		vec_deinit(&worse.at);
	}
}

/* Adds what can be found between two guest times: where the clock steps, on both sides of that. */
static void find_marks(const lead_vec *leads, const struct sync_view *view, int64_t begin,
		       int64_t end, int turns, struct sync_marks *all)
{
	struct sync_marks marks;

	if (begin >= end || !turns)
		return;
	follow_leads(leads, view, begin, end, &marks);
	if (marks.at.n) {
		int64_t from = marks.at.at[0].from, to = marks.at.at[marks.at.n - 1].to;

		find_marks(leads, view, begin, from, turns / 2, all);
		vec_each (m, &marks.at)
			*vec_push(&all->at) = *m;
		find_marks(leads, view, to, end, turns / 2, all);
	}
	vec_deinit(&marks.at);
}

/* Straight from mark to mark. Where that would be too steep, the clock steps somewhere between. */
static struct clock_map marks_map(const struct sync_marks *marks, double max_drift)
{
	VEC(struct clock_piece) pieces = {0};

	for (size_t i = 0; i < marks->at.n; i++) {
		const struct sync_mark *a = &marks->at.at[i];
		const struct sync_mark *b = i + 1 < marks->at.n ? a + 1 : a;
		int64_t offset = a->low + (a->high - a->low) / 2;
		int64_t change = b->low + (b->high - b->low) / 2 - offset;
		int64_t error = max(a->high - a->low, b->high - b->low);
		struct clock_piece p = {a->at, max(b->at, a->at + 1), offset, 0, error, 0, 0};

		if (a->at == b->at && pieces.n)
			continue;
		p.drift = a < b ? (double)change / (double)(b->at - a->at) : 0;
		if (fabs(p.drift) > max_drift) {
			p.drift = 0;
			p.error = llabs(change) + error;
		}
		*vec_push(&pieces) = p;
	}
	return (struct clock_map){pieces.at, pieces.n};
}

static bool fits_well(const struct sync_contain *c)
{
	return c->outside <= c->events / 100;
}

bool sync_contain_is_straight(const struct sync_contain *c)
{
	return fits_well(c) && c->astray <= c->events / MANY_ASTRAY;
}

/* Whether a is clearly better than b, by the events that the lines put outside, or by its errors. */
static bool is_better(const struct sync_contain *a, const struct sync_contain *b)
{
	uint64_t few = FEW_ASTRAY + (a->astray < b->astray ? a->astray : b->astray) / 4;

	if (a->astray + few < b->astray || b->astray + few < a->astray)
		return a->astray < b->astray;
	return badness(&a->fit) < badness(&b->fit);
}

void sync_contain_keep_better(struct sync_contain *c, struct sync_contain *other)
{
	struct sync_contain worse = *other;

	if (is_better(other, c)) {
		worse = *c;
		*c = *other;
	}
	sync_contain_deinit(&worse);
}

/*
 * Whether its lines are hardly better than chance. Or, where single claims led to it, whether anything at all
 * speaks against them: other differences nearly as good are to be had there.
 */
static bool is_doubtful(const struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n_pairs; i++)
		all += pairs[i].cpu->n;
	if (c->led && (c->astray > 1 + all / FEWEST_ASTRAY || c->events < all - all / MANY_UNSEEN))
		return true;
	return c->astray > FEW_ASTRAY && c->astray > c->by_chance / DOUBTFUL_PART;
}

/* Around a step the bounds are of one line's windows only, until both lines are known. */
static void settle_steps(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
			 const struct sync_fit_options *o)
{
	for (int i = 0; i < STEP_ROUNDS && sync_step_widen(&c->fit, pairs, n_pairs); i++) {
		struct known known = known_fit(&c->fit);

		known.widen = 1;
		known.believe = !c->voted;
		if (fit_round(c, &known, pairs, n_pairs, o))
			return;
	}
}

/* What remains to be done with the story that is taken. */
static void finish(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		   const struct sync_fit_options *o)
{
	if (fits_well(c)) {
		settle_steps(c, pairs, n_pairs, o);
		count_events(c, pairs, n_pairs);
	}
	c->by_chance = outside_by_chance(c, pairs, n_pairs);
	if (is_doubtful(c, pairs, n_pairs))
		sync_fit_doubt(&c->fit);
}

/* Fits from marks, which are so close to the truth that nothing is to be added. Return: 0 or SYNC_NO_FIT. */
static int fit_from_marks(struct sync_contain *c, const struct sync_marks *marks,
			  const struct sync_pair *pairs, size_t n_pairs,
			  const struct sync_fit_options *o)
{
	struct clock_map map = marks_map(marks, (double)o->max_drift_ppb * 1e-9);
	struct known known = {.map = &map, .slack = MARK_SLACK};
	struct sync_contain voted;
	int rc = fit_once(c, &known, pairs, n_pairs, o, (struct way){.believe = true});

	if (!rc && !fit_once(&voted, &known, pairs, n_pairs, o, (struct way){.believe = false}))
		sync_contain_keep_better(c, &voted);
	c->claims = marks->at.n;
	clock_map_deinit(&map);
	return rc;
}

/* Whether a lead says the same as one of the marks. */
static bool is_of_marks(const struct lead *l, const struct sync_marks *marks)
{
	vec_each (m, &marks->at) {
		if (l->at >= m->from && l->at <= m->to &&
		    llabs(l->difference - m->low) <= CLAIM_REACH)
			return true;
	}
	return false;
}

/* Leaves those leads that are not of the marks. Return: whether it were fewer. */
static bool drop_leads(lead_vec *leads, const struct sync_marks *marks)
{
	size_t n = 0, before = leads->n;

	for (size_t i = 0; i < before; i++) {
		if (!is_of_marks(&leads->at[i], marks))
			leads->at[n++] = leads->at[i];
	}
	leads->n = n;
	return n < before;
}

/*
 * One attempt, from what single claims lead to, which is kept in *c if it is better (*rcp: whether there
 * is one yet). Drops the leads that it is from. Return: whether there are others to try.
 */
static bool try_marks(struct sync_contain *c, int *rcp, lead_vec *leads,
		      const struct sync_view *view, const struct sync_fit_options *o)
{
	struct sync_marks marks = {0};
	struct sync_contain led;

	find_marks(leads, view, o->begin, o->end, MAX_TURNS, &marks);
	bool more = drop_leads(leads, &marks);
	if (marks.at.n && !fit_from_marks(&led, &marks, view->pairs, view->n_pairs, o)) {
		led.led = true;
		led.by_chance = outside_by_chance(&led, view->pairs, view->n_pairs);
		if (*rcp)
			*c = led;
		else if (is_doubtful(c, view->pairs, view->n_pairs) ||
			 !is_doubtful(&led, view->pairs, view->n_pairs))
			sync_contain_keep_better(c, &led);
		else
			sync_contain_deinit(&led);
		*rcp = 0;
	}
	vec_deinit(&marks.at);
	return more;
}

/*
 * Keeps in *c, or makes where there is none, what single claims lead to, if it is better.
 * Return: 0, or SYNC_NO_FIT when there is still none.
 */
static int try_leads(struct sync_contain *c, int rc, const struct sync_pair *pairs, size_t n_pairs,
		     const struct sync_fit_options *o)
{
	static const size_t false_part[] = {HARDLY_FALSE, OFTEN_FALSE};
	uint64_t effort = MAX_EFFORT;

	if (!rc)
		c->by_chance = outside_by_chance(c, pairs, n_pairs);
	for (size_t i = 0; i < 2 && (rc || !sync_contain_is_straight(c)); i++) {
		struct sync_view view = {pairs, n_pairs, false_part[i], &effort};
		lead_vec leads = {0};
		bool more = true;

		find_leads(&leads, pairs, n_pairs, SYNC_COARSE);
		find_leads(&leads, pairs, n_pairs, SYNC_FINE);
		for (int k = 0; k < MAX_TRIES && more && (rc || !sync_contain_is_straight(c)); k++)
			more = try_marks(c, &rc, &leads, &view, o);
		vec_deinit(&leads);
	}
	return rc;
}

int sync_contain_init(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		      const struct sync_fit_options *o)
{
	struct sync_contain wide;
	int rc = SYNC_NO_FIT;
	claim_vec agreeing = find_agreeing(pairs, n_pairs, SYNC_COARSE);

	if (agreeing.n < MIN_CLAIMS) {
		vec_deinit(&agreeing);
		agreeing = find_agreeing(pairs, n_pairs, SYNC_FINE);
	}
	int64_t reach = ROUGH_PLAY * usual_deviation(&agreeing);
	reach = reach < ROUGH_LEAST ? ROUGH_LEAST : reach > ROUGH_REACH ? ROUGH_REACH : reach;
	if (agreeing.n >= MIN_CLAIMS)
		rc = fit_from_claims(c, &agreeing, reach, pairs, n_pairs, o);
	if (!rc && !fits_well(c) &&
	    !fit_from_claims(&wide, &agreeing, ROUGH_REACH, pairs, n_pairs, o))
		keep_simpler(c, &wide);
	vec_deinit(&agreeing);
	if (rc || !sync_contain_is_straight(c))
		rc = try_leads(c, rc, pairs, n_pairs, o);
	if (!rc)
		finish(c, pairs, n_pairs, o);
	return rc;
}

int sync_contain_init_near(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
			   const struct sync_fit_options *o, const struct clock_map *near,
			   int64_t reach)
{
	struct clock_map map = clock_map_copy(near);
	struct known known = {.map = &map, .slack = reach / ROUGH_PLAY};

	for (size_t i = 0; i < map.n_pieces; i++)
		map.pieces[i].error = reach;
	int rc = fit_from(c, &known, pairs, n_pairs, o);
	clock_map_deinit(&map);
	if (!rc)
		finish(c, pairs, n_pairs, o);
	return rc;
}

void sync_contain_deinit(struct sync_contain *c)
{
	sync_fit_deinit(&c->fit);
	free(c->bounds);
	c->bounds = NULL;
	c->n_bounds = 0;
}
