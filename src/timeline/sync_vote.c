#include "timeline/sync_vote.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	FINE_REACH = 100000, /* ns: undelayed pairs agree better than this */
	NEIGHBOURS = 8,	     /* guest events on each side that show what votes are to be had */
	FAIR_PART = 4,
};

static void weigh(struct sync_votes *v, size_t n_guest)
{
	uint32_t *n = mem_zalloc(n_guest + 1, sizeof(*n));

	vec_each (c, &v->candidates)
		n[c->guest]++;
	vec_each (c, &v->candidates) {
		uint32_t weight = SYNC_VOTE_FULL / n[c->guest];

		c->weight = weight ? weight : 1;
	}
	free(n);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct sync_candidate *x = a, *y = b;

	if (x->difference != y->difference)
		return x->difference < y->difference ? -1 : 1;
	return (x->guest > y->guest) - (x->guest < y->guest);
}

static void count_within(struct sync_votes *v, int64_t reach, bool fine)
{
	struct sync_candidate *c = v->candidates.at;
	size_t low = 0, high = 0, n = v->candidates.n;
	uint64_t votes = 0;

	for (size_t i = 0; i < n; i++) {
		while (high < n && c[high].difference - c[i].difference <= reach)
			votes += c[high++].weight;
		while (c[i].difference - c[low].difference > reach)
			votes -= c[low++].weight;
		*(fine ? &c[i].fine : &c[i].coarse) = votes;
	}
}

void sync_votes_count(struct sync_votes *v, size_t n_guest, int64_t reach)
{
	v->reach = reach;
	if (!v->candidates.n)
		return;
	weigh(v, n_guest);
	qsort(v->candidates.at, v->candidates.n, sizeof(*v->candidates.at), compare_candidates);
	count_within(v, reach, false);
	count_within(v, FINE_REACH, true);
}

static bool is_likelier(const struct sync_candidate *x, const struct sync_candidate *y)
{
	if (x->coarse / 2 > y->coarse || y->coarse / 2 > x->coarse)
		return x->coarse > y->coarse;
	return x->fine > y->fine;
}

const struct sync_candidate *sync_votes_best(const struct sync_votes *v)
{
	const struct sync_candidate *best = NULL;

	if (!v->candidates.n)
		return NULL;
	vec_each (c, &v->candidates)
		if (!best || is_likelier(c, best))
			best = c;
	return best;
}

static void find_likeliest(const struct sync_votes *v, const struct sync_candidate **best,
			   size_t n_guest)
{
	for (size_t g = 0; g < n_guest; g++)
		best[g] = NULL;
	if (!v->candidates.n)
		return;
	vec_each (c, &v->candidates)
		if (!best[c->guest] || is_likelier(c, best[c->guest]))
			best[c->guest] = c;
}

/* What a candidate for guest event g needs: a fair part of what those of its neighbours have. */
static uint64_t least_votes(const struct sync_candidate **best, size_t n_guest, size_t g)
{
	size_t end = g + NEIGHBOURS < n_guest ? g + NEIGHBOURS : n_guest;
	uint64_t most = 0;

	for (size_t i = g > NEIGHBOURS ? g - NEIGHBOURS : 0; i < end; i++)
		if (best[i] && best[i]->coarse > most)
			most = best[i]->coarse;
	return most / FAIR_PART;
}

uint64_t sync_votes_by_chance(const struct sync_votes *v)
{
	const struct sync_candidate *c = v->candidates.at;
	double weight = 0;

	if (v->candidates.n < 2)
		return 0;
	vec_each (e, &v->candidates)
		weight += e->weight;
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
		if (!c || c->coarse < least || c->coarse < least_votes(best, n_guest, g) ||
		    taken[c->host])
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
}
