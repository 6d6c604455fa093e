#include "sync/consensus.h"

#include <math.h>
#include <string.h>

void sync_consensus_begin(struct sync_consensus *c, int64_t low, int64_t high)
{
	c->low = low;
	c->cell = (high - low) / CONSENSUS_CELLS + 1;
	c->n = c->n_all = 0;
	c->reached = -1;
	memset(c->steps, 0, sizeof(c->steps));
}

void sync_consensus_voter(struct sync_consensus *c)
{
	c->n++;
	c->reached = -1;
}

void sync_consensus_allow(struct sync_consensus *c, int64_t low, int64_t high)
{
	int64_t from = (low - c->low) / c->cell, to = (high - c->low) / c->cell;

	/* Two intervals of a voter in one cell are one vote. */
	from = from > c->reached ? from : c->reached + 1;
	if (from > to)
		return;
	c->steps[from]++;
	c->steps[to + 1]--;
	c->reached = to;
}

void sync_consensus_abstain(struct sync_consensus *c)
{
	c->n++;
	c->n_all++;
}

static size_t most_votes(const struct sync_consensus *c)
{
	int32_t votes = 0, most = 0;

	for (size_t i = 0; i < CONSENSUS_CELLS; i++) {
		votes += c->steps[i];
		most = votes > most ? votes : most;
	}
	return (size_t)most + c->n_all;
}

/* From the first to the last cell with at least `enough` votes. */
static void span_of(const struct sync_consensus *c, size_t enough, int64_t *lowp, int64_t *highp)
{
	size_t votes = c->n_all, first = CONSENSUS_CELLS, last = 0;

	for (size_t i = 0; i < CONSENSUS_CELLS; i++) {
		votes += (size_t)c->steps[i];
		if (votes < enough)
			continue;
		first = first < i ? first : i;
		last = i;
	}
	int64_t low = c->low + (int64_t)first * c->cell;
	int64_t high = c->low + (int64_t)(last + 1) * c->cell - 1;

	*lowp = low > *lowp ? low : *lowp;
	*highp = high < *highp ? high : *highp;
}

bool sync_consensus_take(struct sync_consensus *c, int64_t *lowp, int64_t *highp)
{
	size_t most = most_votes(c), missing = c->n - most;
	size_t slack = missing ? 1 + (size_t)sqrt((double)missing) : 0;

	if (most > slack + c->n_all)
		span_of(c, most - slack, lowp, highp);
	return !missing;
}
