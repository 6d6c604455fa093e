#include "sync/leads.h"

#include <math.h>
#include <stdlib.h>

#include "sync/claims.h"
#include "sync/limits.h"

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_taken(const sync_lead_vec *leads, int64_t difference)
{
	vec_each (l, leads) {
		if (llabs(l->difference - difference) <= 2 * SYNC_CLAIM_REACH)
			return true;
	}
	return false;
}

/* The claim that most agree with, of those that differ from the ones taken; or NULL. */
static const struct sync_candidate *next_best(const struct sync_claims *c,
					      const sync_lead_vec *taken)
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

static void add_lead(sync_lead_vec *leads, const struct sync_claims *c,
		     const struct sync_candidate *x)
{
	*vec_push(leads) = (struct sync_lead){c->ts[x->guest], x->difference};
}

/* Some of the claims that agree with the best one. */
static void add_leads(sync_lead_vec *leads, const struct sync_claims *c,
		      const struct sync_candidate *best)
{
	const struct sync_candidate *at = c->votes.candidates.at, *end = at + c->votes.candidates.n;
	const struct sync_candidate *first = best, *last = best + 1;

	while (first > at && best->difference - first[-1].difference <= SYNC_CLAIM_REACH)
		first--;
	while (last < end && last->difference - best->difference <= SYNC_CLAIM_REACH)
		last++;
	size_t n = (size_t)(last - first), step = n / LEADS_EACH + 1;

	add_lead(leads, c, best);
	for (size_t i = step / 2; i < n; i += step)
		add_lead(leads, c, &first[i]);
}

void sync_leads_find(sync_lead_vec *leads, const struct sync_pair *pairs, size_t n_pairs,
		     enum sync_grain grain)
{
	struct sync_claims claims;
	const struct sync_candidate *best;
	sync_lead_vec taken = {0};

	sync_claims_init(&claims, pairs, n_pairs, grain);
	for (size_t i = 0; i < LEADS_N && (best = next_best(&claims, &taken)); i++) {
		add_leads(leads, &claims, best);
		add_lead(&taken, &claims, best);
	}
	vec_deinit(&taken);
	sync_claims_deinit(&claims);
}

/*
 * The part of the time from begin to end that marks explain, less what they leave outside or
 * untold.
 */
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
	return (double)(to - from) / (double)(end - begin) *
	       (events - LEADS_COST_OUTSIDE * outside) / all;
}

/* Follows the leads between two guest times. marks: becomes what the best of them shows. */
static void follow_leads(const sync_lead_vec *leads, const struct sync_view *view, int64_t begin,
			 int64_t end, struct sync_marks *marks)
{
	struct sync_mark first;
	double most = 0;

	*marks = (struct sync_marks){0};
	for (size_t i = 0; i < leads->n && most < LEADS_ENOUGH_WORTH && *view->effort; i++) {
		const struct sync_lead *l = &leads->at[i];
		struct sync_marks found = {0};

		if (l->at < begin || l->at > end ||
		    sync_aim(view, l->at, l->difference, LEADS_REACH, &first))
			continue;
		sync_aim_follow(view, &first, begin, end, &found);
		double worth = worth_of(&found, begin, end);
		bool better =
			worth > most && (found.at.n >= LEADS_LEAST_MARKS || worth > LEADS_HALF);
		struct sync_marks worse = better ? *marks : found;

		most = better ? worth : most;
		*marks = better ? found : *marks;
		vec_deinit(&worse.at);
	}
}

/* Adds what can be found between two guest times: where the clock steps, on both sides of that. */
static void find_marks(const sync_lead_vec *leads, const struct sync_view *view, int64_t begin,
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

void sync_leads_marks(const sync_lead_vec *leads, const struct sync_view *view, int64_t begin,
		      int64_t end, struct sync_marks *marks)
{
	*marks = (struct sync_marks){0};
	find_marks(leads, view, begin, end, LEADS_MAX_TURNS, marks);
}

struct clock_map sync_leads_map(const struct sync_marks *marks, double max_drift)
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

/* Whether a lead says the same as one of the marks. */
static bool is_of_marks(const struct sync_lead *l, const struct sync_marks *marks)
{
	vec_each (m, &marks->at) {
		if (l->at >= m->from && l->at <= m->to &&
		    llabs(l->difference - m->low) <= SYNC_CLAIM_REACH)
			return true;
	}
	return false;
}

bool sync_leads_drop(sync_lead_vec *leads, const struct sync_marks *marks)
{
	size_t n = 0, before = leads->n;

	for (size_t i = 0; i < before; i++) {
		if (!is_of_marks(&leads->at[i], marks))
			leads->at[n++] = leads->at[i];
	}
	leads->n = n;
	return n < before;
}
