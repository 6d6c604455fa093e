#include "sync/claims.h"

#include <math.h>
#include <stdlib.h>

#include "sync/limits.h"
/* ---- claims ---- */

/*
 * The last events of one cause, and the triples that end with the newest: three in a row, or with
 * one between that has no counterpart on the other side (not all timers that are armed make an
 * exit, not all such exits are for a timer).
 */
struct recent {
	int64_t at[4];
	size_t seen;
};

/* Return: how many triples; into triples. */
static size_t next_triples(struct recent *r, int64_t ts, uint32_t cause,
			   struct sync_times triples[CLAIMS_TRIPLES])
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
	struct sync_times triples[CLAIMS_TRIPLES];
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

static void claims_grow(struct sync_claims *c, uint32_t n_guest)
{
	c->ts = mem_realloc(c->ts, (c->n_guest + n_guest) * sizeof(*c->ts) + 1);
	c->n = mem_realloc(c->n, c->n_guest + n_guest + 1);
	for (uint32_t i = 0; i < n_guest; i++)
		c->n[c->n_guest + i] = 0;
	c->n_guest += n_guest;
}

void sync_claims_deinit(struct sync_claims *c)
{
	sync_votes_deinit(&c->votes);
	free(c->ts);
	free(c->n);
	*c = (struct sync_claims){0};
}

static void claim(struct sync_claims *c, const struct sync_triple *t, uint32_t host,
		  int64_t host_ts)
{
	if (c->n[t->index] == CLAIMS_MAX)
		return;
	c->n[t->index]++;
	c->ts[t->index] = t->ts;
	*vec_push(&c->votes.candidates) = (struct sync_candidate){
		.difference = host_ts - t->ts, .host = host, .guest = t->index};
}

/*
 * CPUs [begin, end) that are looked at together; as many as memory for their claims is set aside
 * for.
 */
struct batch {
	struct sync_claims *claims; /* by CPU */
	size_t begin, end;
	size_t n; /* claims of all of them */
};

/* Leaves the last CPUs for another time, but not the first. */
static void shed_batch(struct batch *x)
{
	while (x->n > CLAIMS_MANY && x->end - x->begin > 1) {
		struct sync_claims *last = &x->claims[--x->end];

		x->n -= last->votes.candidates.n;
		sync_claims_deinit(last);
	}
}

static void look_up(const struct sync_gaps *g, const struct sync_times *t, struct batch *x)
{
	const struct sync_triple *found[SYNC_GAPS_FOUND];
	size_t n = sync_gaps_find(g, t, found);

	for (size_t i = 0; i < n; i++) {
		struct sync_claims *c = &x->claims[found[i]->cpu];

		if (found[i]->cpu < x->begin || found[i]->cpu >= x->end)
			continue;
		x->n -= c->votes.candidates.n;
		claim(c, found[i], c->n_host++, t->at[1]);
		x->n += c->votes.candidates.n;
	}
	if (x->n > CLAIMS_MANY)
		shed_batch(x);
}

/* Looks up the ends of a thread's windows. */
static void find_claims(const struct sync_gaps *g, const struct sync_thread *thread,
			struct batch *x)
{
	struct recent recent[SYNC_N_CAUSES] = {0};
	struct sync_times triples[CLAIMS_TRIPLES];

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

static struct sync_score score_claims(struct sync_claims *c)
{
	struct sync_score score = {.claims = (uint32_t)c->votes.candidates.n};
	struct sync_support support;
	const struct sync_candidate *best =
		sync_votes_best(&c->votes, c->n_guest, SYNC_CLAIM_REACH, &support);

	if (best) {
		score.agreeing = (uint32_t)(support.coarse / SYNC_VOTE_FULL);
		score.difference = best->difference;
	}
	return score;
}

void sync_claims_search(const struct sync_cpu *cpus, size_t n_cpus,
			const struct sync_thread *threads, size_t n_threads, enum sync_grain grain,
			struct sync_score *scores)
{
	struct sync_gaps gaps = {.grain = grain};
	struct sync_claims *claims = mem_zalloc(n_cpus + 1, sizeof(*claims));
	uint32_t *n_triples = mem_zalloc(n_cpus + 1, sizeof(*n_triples));

	for (size_t c = 0; c < n_cpus; c++)
		n_triples[c] = add_triples(&gaps, &cpus[c], (uint32_t)c, 0, CLAIMS_SEARCH_EVENTS);
	for (size_t t = 0; t < n_threads; t++) {
		struct batch x = {.claims = claims};

		for (; x.begin < n_cpus; x.begin = x.end) {
			x.n = 0;
			x.end = n_cpus;
			for (size_t c = x.begin; c < x.end; c++)
				claims_grow(&claims[c], n_triples[c]);
			find_claims(&gaps, &threads[t], &x);
			for (size_t c = x.begin; c < x.end; c++) {
				scores[c * n_threads + t] = score_claims(&claims[c]);
				sync_claims_deinit(&claims[c]);
			}
		}
	}
	sync_gaps_deinit(&gaps);
	free(claims);
	free(n_triples);
}

/* ---- those that agree ---- */

void sync_claims_init(struct sync_claims *claims, const struct sync_pair *pairs, size_t n_pairs,
		      enum sync_grain grain)
{
	*claims = (struct sync_claims){0};
	for (size_t i = 0; i < n_pairs; i++) {
		struct sync_gaps gaps = {.grain = grain};
		uint32_t n = add_triples(&gaps, pairs[i].cpu, 0, claims->n_guest,
					 CLAIMS_FIT_EVENTS / n_pairs);

		struct batch x = {.claims = claims, .end = 1};

		claims_grow(claims, n);
		find_claims(&gaps, pairs[i].thread, &x);
		sync_gaps_deinit(&gaps);
	}
	sync_votes_count(&claims->votes, claims->n_guest, SYNC_CLAIM_REACH);
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int compare_points(const void *a, const void *b)
{
	const struct sync_point *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* The claims that agree, as (guest time, difference), by time. */
static sync_claim_vec agreeing_claims(const struct sync_claims *c)
{
	const struct sync_candidate **chosen = mem_zalloc(c->n_guest + 1, sizeof(*chosen));
	uint64_t least = SYNC_MIN_CLAIMS * SYNC_VOTE_FULL + 2 * sync_votes_by_chance(&c->votes);
	sync_claim_vec agreeing = {0};

	sync_votes_choose(&c->votes, c->n_host, c->n_guest, least, chosen);
	for (uint32_t i = 0; i < c->n_guest; i++)
		if (chosen[i])
			*vec_push(&agreeing) = (struct sync_point){c->ts[i], chosen[i]->difference};
	if (agreeing.n)
		qsort(agreeing.at, agreeing.n, sizeof(*agreeing.at), compare_points);
	free(chosen);
	return agreeing;
}

sync_claim_vec sync_claims_agreeing(const struct sync_pair *pairs, size_t n_pairs,
				    enum sync_grain grain)
{
	struct sync_claims claims;

	sync_claims_init(&claims, pairs, n_pairs, grain);
	sync_claim_vec agreeing = agreeing_claims(&claims);
	sync_claims_deinit(&claims);
	return agreeing;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median difference of the claims around claim i. */
static int64_t median_around(const sync_claim_vec *v, size_t i)
{
	size_t first = i > CLAIMS_MEDIAN_REACH ? i - CLAIMS_MEDIAN_REACH : 0, n = 0;
	int64_t values[2 * CLAIMS_MEDIAN_REACH + 1];

	for (size_t k = first; k < v->n && k <= i + CLAIMS_MEDIAN_REACH; k++)
		values[n++] = v->at[k].value;
	qsort(values, n, sizeof(*values), compare_times);
	return values[n / 2];
}

int64_t sync_claims_deviation(const sync_claim_vec *v)
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

struct clock_map sync_claims_map(const sync_claim_vec *v, int64_t reach, double max_drift)
{
	VEC(struct clock_piece) pieces = {0};

	for (size_t i = 0; i < v->n; i += CLAIMS_MEDIAN_REACH) {
		size_t next = i + CLAIMS_MEDIAN_REACH < v->n ? i + CLAIMS_MEDIAN_REACH : v->n - 1;
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
	struct clock_map map = {pieces.at, pieces.n};
	spread_steps(&map, reach);
	return map;
}
