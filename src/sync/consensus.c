#include "sync/consensus.h"

#include <math.h>
#include <stdlib.h>

void sync_consensus_voter(struct sync_consensus *c)
{
	c->n++;
}

void sync_consensus_allow(struct sync_consensus *c, int64_t low, int64_t high)
{
	*vec_push(&c->ends) = (struct sync_end){low, 1};
	*vec_push(&c->ends) = (struct sync_end){high, -1};
}

void sync_consensus_abstain(struct sync_consensus *c)
{
	c->n++;
	c->n_all++;
}

/* Both ends belong to an interval: at one time, begins come before ends. */
static int compare_ends(const void *a, const void *b)
{
	const struct sync_end *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->step < y->step) - (x->step > y->step);
}

static size_t most_votes(const struct sync_consensus *c)
{
	size_t votes = c->n_all, most = votes;

	vec_each (e, &c->ends) {
		votes += (size_t)e->step;
		most = votes > most ? votes : most;
	}
	return most;
}

/* The first and the last place with at least `enough` votes. */
static void span_of(const struct sync_consensus *c, size_t enough, int64_t *lowp, int64_t *highp)
{
	size_t votes = c->n_all;
	bool found = false;

	if (votes >= enough)
		return;
	vec_each (e, &c->ends) {
		bool was = votes >= enough;

		votes += (size_t)e->step;
		if (was && votes < enough)
			*highp = e->at;
		if (!found && votes >= enough) {
			*lowp = e->at;
			found = true;
		}
	}
}

bool sync_consensus_take(struct sync_consensus *c, int64_t *lowp, int64_t *highp)
{
	size_t most = c->n_all, missing, play;

	if (c->ends.n) {
		qsort(c->ends.at, c->ends.n, sizeof(*c->ends.at), compare_ends);
		most = most_votes(c);
	}
	missing = c->n - most;
	play = missing ? 1 + (size_t)sqrt((double)missing) : 0;
	if (c->ends.n && most > play)
		span_of(c, most - play, lowp, highp);
	c->ends.n = c->n = c->n_all = 0;
	return !missing;
}

void sync_consensus_deinit(struct sync_consensus *c)
{
	vec_deinit(&c->ends);
}
