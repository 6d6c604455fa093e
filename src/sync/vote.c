#include "sync/vote.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sync/limits.h"
enum {
	DIGIT_BITS = 11, /* of a difference that candidates are sorted by at a time */
	DIGITS = 1 << DIGIT_BITS,
};

static void weigh(struct sync_votes *v, size_t n_guest)
{
	v->weights = mem_realloc(v->weights, (n_guest + 1) * sizeof(*v->weights));
	for (size_t g = 0; g < n_guest; g++)
		v->weights[g] = 0;
	vec_each (c, &v->candidates)
		v->weights[c->guest] += v->weights[c->guest] < SYNC_VOTE_FULL;
	for (size_t g = 0; g < n_guest; g++)
		v->weights[g] = v->weights[g] ? SYNC_VOTE_FULL / v->weights[g] : 0;
}

/* ---- order ---- */

/* Return: how many bits the differences, counted from `least`, have. */
static unsigned int difference_bits(const struct sync_candidate *c, size_t n, int64_t *leastp)
{
	int64_t least = c[0].difference, most = least;

	for (size_t i = 1; i < n; i++) {
		least = c[i].difference < least ? c[i].difference : least;
		most = c[i].difference > most ? c[i].difference : most;
	}
	*leastp = least;
	return 64 - (unsigned int)__builtin_clzll(((uint64_t)most - (uint64_t)least) | 1);
}

/* Moves `from` to `to` in the order of some bits of the differences; equal ones stay in order. */
static void sort_by_bits(const struct sync_candidate *from, struct sync_candidate *to, size_t n,
			 int64_t least, unsigned int shift)
{
	size_t place[DIGITS + 1] = {0};

	for (size_t i = 0; i < n; i++)
		place[(((uint64_t)from[i].difference - (uint64_t)least) >> shift) % DIGITS + 1]++;
	for (size_t i = 1; i <= DIGITS; i++)
		place[i] += place[i - 1];
	for (size_t i = 0; i < n; i++) {
		uint64_t rest = ((uint64_t)from[i].difference - (uint64_t)least) >> shift;

		to[place[rest % DIGITS]++] = from[i];
	}
}

static void sort(struct sync_votes *v)
{
	size_t n = v->candidates.n;
	struct sync_candidate *a = v->candidates.at, *b = mem_alloc(n * sizeof(*b));
	int64_t least;
	unsigned int bits = difference_bits(a, n, &least);

	for (unsigned int shift = 0; shift < bits; shift += DIGIT_BITS) {
		struct sync_candidate *from = a;

		sort_by_bits(a, b, n, least, shift);
		a = b;
		b = from;
	}
	v->candidates.at = a;
	v->candidates.cap = n;
	free(b);
}

/* ---- counting ---- */

/*
 * The weight of the candidates that are no further than `reach` from one; it moves along with that
 * one.
 */
struct tally {
	int64_t reach;
	size_t low, high;
	uint64_t votes;
};

static uint32_t tally_at(struct tally *t, const struct sync_votes *v, size_t i)
{
	const struct sync_candidate *c = v->candidates.at;

	while (t->high < v->candidates.n && c[t->high].difference - c[i].difference <= t->reach)
		t->votes += v->weights[c[t->high++].guest];
	while (c[i].difference - c[t->low].difference > t->reach)
		t->votes -= v->weights[c[t->low++].guest];
	return t->votes < UINT32_MAX ? (uint32_t)t->votes : UINT32_MAX;
}

static void prepare(struct sync_votes *v, size_t n_guest, int64_t reach)
{
	v->reach = reach;
	weigh(v, n_guest);
	sort(v);
}

void sync_votes_count(struct sync_votes *v, size_t n_guest, int64_t reach)
{
	struct tally coarse = {.reach = reach}, fine = {.reach = VOTE_FINE_REACH};
	size_t n = v->candidates.n;

	v->reach = reach;
	if (!n)
		return;
	prepare(v, n_guest, reach);
	v->support = mem_realloc(v->support, n * sizeof(*v->support));
	for (size_t i = 0; i < n; i++)
		v->support[i] =
			(struct sync_support){tally_at(&coarse, v, i), tally_at(&fine, v, i)};
}

static bool is_likelier(const struct sync_support *x, const struct sync_support *y)
{
	if (x->coarse / 2 > y->coarse || y->coarse / 2 > x->coarse)
		return x->coarse > y->coarse;
	return x->fine > y->fine;
}

const struct sync_candidate *sync_votes_best(struct sync_votes *v, size_t n_guest, int64_t reach,
					     struct sync_support *supportp)
{
	struct tally coarse = {.reach = reach}, fine = {.reach = VOTE_FINE_REACH};
	const struct sync_candidate *best = NULL;

	if (!v->candidates.n)
		return NULL;
	prepare(v, n_guest, reach);
	for (size_t i = 0; i < v->candidates.n; i++) {
		struct sync_support x = {tally_at(&coarse, v, i), tally_at(&fine, v, i)};

		if (best && !is_likelier(&x, supportp))
			continue;
		best = &v->candidates.at[i];
		*supportp = x;
	}
	return best;
}

static const struct sync_support *support_of(const struct sync_votes *v,
					     const struct sync_candidate *c)
{
	return &v->support[c - v->candidates.at];
}

static void find_likeliest(const struct sync_votes *v, const struct sync_candidate **best,
			   size_t n_guest)
{
	for (size_t g = 0; g < n_guest; g++)
		best[g] = NULL;
	if (!v->candidates.n)
		return;
	vec_each (c, &v->candidates)
		if (!best[c->guest] || is_likelier(support_of(v, c), support_of(v, best[c->guest])))
			best[c->guest] = c;
}

/* What a candidate for guest event g needs: a fair part of what those of its neighbours have. */
static uint64_t least_votes(const struct sync_votes *v, const struct sync_candidate **best,
			    size_t n_guest, size_t g)
{
	size_t end = g + VOTE_NEIGHBOURS < n_guest ? g + VOTE_NEIGHBOURS : n_guest;
	uint64_t most = 0;

	for (size_t i = g > VOTE_NEIGHBOURS ? g - VOTE_NEIGHBOURS : 0; i < end; i++)
		if (best[i] && support_of(v, best[i])->coarse > most)
			most = support_of(v, best[i])->coarse;
	return most / VOTE_FAIR_PART;
}

uint64_t sync_votes_by_chance(const struct sync_votes *v)
{
	const struct sync_candidate *c = v->candidates.at;
	double weight = 0;

	if (v->candidates.n < 2)
		return 0;
	vec_each (e, &v->candidates)
		weight += v->weights[e->guest];
	double range = (double)c[v->candidates.n - 1].difference - (double)c[0].difference;
	return (uint64_t)(weight * fmin(1, 2 * (double)v->reach / fmax(range, 1)));
}

void sync_votes_choose(const struct sync_votes *v, size_t n_host, size_t n_guest, uint64_t least,
		       const struct sync_candidate **chosen)
{
	const struct sync_candidate **best = mem_zalloc(n_guest + 1, sizeof(*best));
	uint8_t *taken = mem_zalloc(n_host + 1, 1);

	find_likeliest(v, best, n_guest);
	for (size_t g = 0; g < n_guest; g++) {
		const struct sync_candidate *c = best[g];

		chosen[g] = NULL;
		if (!c || support_of(v, c)->coarse < least ||
		    support_of(v, c)->coarse < least_votes(v, best, n_guest, g) || taken[c->host])
			continue;
		chosen[g] = c;
		taken[c->host] = 1;
	}
	free(best);
	free(taken);
}

void sync_votes_deinit(struct sync_votes *v)
{
	vec_deinit(&v->candidates);
	free(v->support);
	free(v->weights);
	v->support = NULL;
	v->weights = NULL;
}
