#include "timeline/sync_contain.h"

#include <math.h>
#include <stdlib.h>

#include "timeline/sync_gaps.h"
#include "timeline/sync_vote.h"

enum {
	SEARCH_TRIPLES = 8192, /* of one CPU and cause: enough to tell what belongs together */
	FIT_TRIPLES = 65536,   /* and to follow the clocks in detail */
	MAX_CLAIMS = 16,       /* for one triple: beyond, it tells nothing */
	MIN_CLAIMS = 8,	       /* agreeing ones, below which there is no fit */
	ROUGH_REACH = 500000,  /* ns: what a claim may be wrong by, delays and all */
	MEDIAN_REACH = 8,      /* claims before and after one that it is compared with */
	OPEN_REACH = 5000000,  /* ns: assumed where the bounds leave a side open */
	BLOCK = 64,	       /* events that share one look at the range */
	BUCKET = 512,	       /* events whose bounds are thinned together */
	MAX_ROUNDS = 8,
	N_SHIFTS = 4,
};

/* ---- claims ---- */

/* Steps through the triples of one cause in a stream of times. */
struct triples {
	struct sync_times last;
	size_t seen;
};

/* Return: whether ts completes a triple. */
static bool next_triple(struct triples *t, int64_t ts)
{
	t->last.at[0] = t->last.at[1];
	t->last.at[1] = t->last.at[2];
	t->last.at[2] = ts;
	return ++t->seen >= 3;
}

static size_t count_cause(const struct sync_cpu *cpu, enum sync_cause cause)
{
	size_t n = 0;

	for (size_t i = 0; i < cpu->n; i++)
		n += cpu->events[i].cause == cause;
	return n;
}

/* Adds at most `limit` triples of each cause, numbered from `index` on. Return: how many. */
static uint32_t add_triples(struct sync_gaps *g, const struct sync_cpu *cpu, uint32_t number,
			    uint32_t index, size_t limit)
{
	struct triples triples[SYNC_N_CAUSES] = {0};
	size_t stride[SYNC_N_CAUSES];
	uint32_t n = 0;

	for (uint32_t c = 1; c < SYNC_N_CAUSES; c++) {
		triples[c].last.cause = c;
		stride[c] = count_cause(cpu, c) / limit + 1;
	}
	for (size_t i = 0; i < cpu->n; i++) {
		enum sync_cause c = cpu->events[i].cause;

		if (c == SYNC_CAUSE_NONE || !next_triple(&triples[c], cpu->events[i].ts))
			continue;
		if (triples[c].seen % stride[c] == 0)
			sync_gaps_add(g, &triples[c].last, number, index + n++);
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

/* Looks up the ends of a thread's windows. claims: by CPU. */
static void find_claims(const struct sync_gaps *g, const struct sync_thread *thread,
			struct claims *claims)
{
	struct triples triples[SYNC_N_CAUSES] = {0};
	const struct sync_triple *found[SYNC_GAPS_FOUND];

	for (uint32_t c = 1; c < SYNC_N_CAUSES; c++)
		triples[c].last.cause = c;
	for (size_t i = 0; i < thread->n; i++) {
		const struct sync_window *w = &thread->windows[i];
		struct triples *t = &triples[w->cause];

		if (w->cause == SYNC_CAUSE_NONE || !next_triple(t, w->end))
			continue;
		size_t n = sync_gaps_find(g, &t->last, found);
		for (size_t k = 0; k < n; k++) {
			struct claims *c = &claims[found[k]->cpu];

			claim(c, found[k], c->n_host++, t->last.at[1]);
		}
	}
}

/* ---- search ---- */

static struct sync_score score_claims(struct claims *c)
{
	struct sync_score score = {.claims = (uint32_t)c->votes.candidates.n};

	sync_votes_count(&c->votes, c->n_guest);
	const struct sync_candidate *best = sync_votes_best(&c->votes);
	if (best) {
		score.agreeing = (uint32_t)(best->coarse / SYNC_VOTE_FULL);
		score.difference = best->difference;
	}
	return score;
}

void sync_contain_search(const struct sync_cpu *cpus, size_t n_cpus,
			 const struct sync_thread *threads, size_t n_threads,
			 struct sync_score *scores)
{
	struct sync_gaps gaps = {0};
	struct claims *claims = mem_zalloc(n_cpus + 1, sizeof(*claims));
	uint32_t *n_triples = mem_zalloc(n_cpus + 1, sizeof(*n_triples));

	for (size_t c = 0; c < n_cpus; c++)
		n_triples[c] = add_triples(&gaps, &cpus[c], (uint32_t)c, 0, SEARCH_TRIPLES);
	for (size_t t = 0; t < n_threads; t++) {
		for (size_t c = 0; c < n_cpus; c++)
			claims_grow(&claims[c], n_triples[c]);
		find_claims(&gaps, &threads[t], claims);
		for (size_t c = 0; c < n_cpus; c++) {
			scores[c * n_threads + t] = score_claims(&claims[c]);
			claims_deinit(&claims[c]);
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

/* What is known of the difference: a fit so far, or a given map. */
struct known {
	const struct sync_fit *fit; /* NULL: the map */
	const struct clock_map *map;
	int64_t reach; /* of the map, in ns */
};

struct range {
	int64_t low, high; /* ns, of the difference */
};

static struct range range_at(const struct known *k, int64_t t)
{
	struct range r;

	if (k->fit && !sync_fit_range(k->fit, t, &r.low, &r.high))
		return r;
	int64_t middle = clock_map_apply(k->map, t) - t;
	return (struct range){middle - k->reach, middle + k->reach};
}

/* The range of all times in [from, to]: inside a piece its edges bend outwards only at the ends. */
static struct range range_over(const struct known *k, int64_t from, int64_t to)
{
	struct range a = range_at(k, from), b = range_at(k, to);

	return (struct range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

static bool in_one_piece(const struct known *k, int64_t from, int64_t to)
{
	return clock_map_piece(k->map, from) == clock_map_piece(k->map, to);
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
	const struct known *known;
	struct cursor cursor;
	struct thinner lower, upper;
	bound_vec *bounds; /* NULL: only count */
	uint64_t outside;
};

/* One guest event at t lies in a window that [t + low, t + high] touches. */
static void collect_event(struct collector *c, int64_t t, struct range r)
{
	const struct sync_window *end = c->cursor.thread->windows + c->cursor.thread->n;
	const struct sync_window *first = window_at(&c->cursor, t + r.low), *last = first;

	if (!first || first->begin > t + r.high) {
		c->outside++;
		return;
	}
	if (!c->bounds)
		return;
	while (last + 1 < end && last[1].begin <= t + r.high)
		last++;
	thinner_add(&c->lower, t, first->begin - t);
	thinner_add(&c->upper, t, last->end - t);
}

static void collect_block(struct collector *c, const struct sync_guest_event *e, size_t n)
{
	bool whole = in_one_piece(c->known, e[0].ts, e[n - 1].ts);
	struct range r = range_over(c->known, e[0].ts, e[n - 1].ts);

	for (size_t i = 0; i < n; i++) {
		if (!whole)
			r = range_at(c->known, e[i].ts);
		collect_event(c, e[i].ts, r);
	}
}

static void collect_pair(struct collector *c, const struct sync_pair *p)
{
	c->cursor = (struct cursor){p->thread, 0};
	for (size_t i = 0; i < p->cpu->n; i += BLOCK) {
		size_t left = p->cpu->n - i;

		collect_block(c, &p->cpu->events[i], left < BLOCK ? left : BLOCK);
		if (c->bounds && (i / BLOCK) % (BUCKET / BLOCK) == BUCKET / BLOCK - 1) {
			thinner_flush(&c->lower, c->bounds);
			thinner_flush(&c->upper, c->bounds);
		}
	}
	if (c->bounds) {
		thinner_flush(&c->lower, c->bounds);
		thinner_flush(&c->upper, c->bounds);
	}
}

/* Return: events outside of all windows. bounds: gets those of the others, sorted; or NULL. */
static uint64_t collect(const struct known *known, const struct sync_pair *pairs, size_t n_pairs,
			bound_vec *bounds)
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
	free(c);
	return outside;
}

/* ---- fit ---- */

static void claim_all(struct claims *claims, const struct sync_pair *pairs, size_t n_pairs)
{
	for (size_t i = 0; i < n_pairs; i++) {
		struct sync_gaps gaps = {0};
		uint32_t n = add_triples(&gaps, pairs[i].cpu, 0, claims->n_guest, FIT_TRIPLES);

		claims_grow(claims, n);
		find_claims(&gaps, pairs[i].thread, claims);
		sync_gaps_deinit(&gaps);
	}
	sync_votes_count(&claims->votes, claims->n_guest);
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
	uint64_t least = MIN_CLAIMS * SYNC_VOTE_FULL + 4 * sync_votes_by_chance(&c->votes);
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

/* Return: claims that agree, also with their neighbours; two bounds for each into bounds, sorted. */
static size_t rough_bounds(const struct claims *c, bound_vec *bounds)
{
	claim_vec v = agreeing_claims(c);

	for (size_t i = 0; i < v.n; i++) {
		int64_t at = v.at[i].at, d = v.at[i].value;

		if (llabs(d - median_around(&v, i)) > ROUGH_REACH)
			continue;
		*vec_push(bounds) = (struct sync_bound){at, d - ROUGH_REACH, SYNC_LOWER};
		*vec_push(bounds) = (struct sync_bound){at, d + ROUGH_REACH, SYNC_UPPER};
	}
	vec_deinit(&v);
	return bounds->n / 2;
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

	collect(known, pairs, n_pairs, &bounds);
	int rc = sync_fit_init(&fit, bounds.at, bounds.n, o);
	vec_deinit(&bounds);
	if (rc)
		return rc;
	sync_fit_deinit(&c->fit);
	c->fit = fit;
	c->rounds++;
	return 0;
}

static struct known known_fit(const struct sync_fit *f)
{
	return (struct known){.fit = f, .map = &f->map, .reach = OPEN_REACH};
}

static void narrow(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		   const struct sync_fit_options *o)
{
	double before = INFINITY, now = badness(&c->fit);

	while (c->rounds < MAX_ROUNDS && now < 0.99 * before) {
		struct known known = known_fit(&c->fit);

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
	uint64_t sum = 0;

	for (size_t i = 0; i < N_SHIFTS; i++) {
		struct clock_map shifted = {
			mem_alloc(c->fit.map.n_pieces * sizeof(struct clock_piece)),
			c->fit.map.n_pieces};
		struct known known = {.map = &shifted};

		for (size_t k = 0; k < shifted.n_pieces; k++) {
			shifted.pieces[k] = c->fit.map.pieces[k];
			shifted.pieces[k].offset += shifts[i];
		}
		sum += collect(&known, pairs, n_pairs, NULL);
		clock_map_deinit(&shifted);
	}
	return sum / N_SHIFTS;
}

static void count_events(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs)
{
	struct known known = known_fit(&c->fit);

	for (size_t i = 0; i < n_pairs; i++)
		c->events += pairs[i].cpu->n;
	c->outside = collect(&known, pairs, n_pairs, NULL);
	c->by_chance = outside_by_chance(c, pairs, n_pairs);
}

int sync_contain_init(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		      const struct sync_fit_options *o)
{
	struct claims claims = {0};
	bound_vec bounds = {0};
	int rc = SYNC_NO_FIT;

	*c = (struct sync_contain){0};
	claim_all(&claims, pairs, n_pairs);
	c->claims = rough_bounds(&claims, &bounds);
	if (c->claims >= MIN_CLAIMS)
		rc = sync_fit_init(&c->fit, bounds.at, bounds.n, o);
	claims_deinit(&claims);
	vec_deinit(&bounds);
	if (rc)
		return rc;
	narrow(c, pairs, n_pairs, o);
	count_events(c, pairs, n_pairs);
	return 0;
}

int sync_contain_init_near(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
			   const struct sync_fit_options *o, const struct clock_map *near,
			   int64_t reach)
{
	struct known known = {.map = near, .reach = reach};

	*c = (struct sync_contain){0};
	if (fit_round(c, &known, pairs, n_pairs, o))
		return SYNC_NO_FIT;
	narrow(c, pairs, n_pairs, o);
	count_events(c, pairs, n_pairs);
	return 0;
}

void sync_contain_deinit(struct sync_contain *c)
{
	sync_fit_deinit(&c->fit);
}
