#include "input/gap.h"

#include <stdlib.h>

enum { GAPS_MAX = 4096 };

void gaps_add(struct gaps *g, int64_t from, int64_t to, bool is_step)
{
	struct gap *last = g->at.n ? &g->at.at[g->at.n - 1] : NULL;

	if (from > to)
		return;
	if (last && (g->at.n == GAPS_MAX || (from >= last->from && from <= last->to))) {
		last->from = from < last->from ? from : last->from;
		last->to = to > last->to ? to : last->to;
		last->is_step &= is_step;
	} else {
		*vec_push(&g->at) = (struct gap){from, to, is_step};
	}
}

static int gap_by_from(const void *a, const void *b)
{
	const struct gap *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* Sorts them and joins those that meet. */
static void gaps_settle(struct gaps *g)
{
	struct gaps joined = {0};

	if (!g->at.n)
		return;
	qsort(g->at.at, g->at.n, sizeof(*g->at.at), gap_by_from);
	vec_each (gap, &g->at)
		gaps_add(&joined, gap->from, gap->to, gap->is_step);
	gaps_deinit(g);
	*g = joined;
}

static bool gaps_hold(const struct gaps *g, const struct gap *gap)
{
	vec_each (own, &g->at) {
		if (own->from <= gap->from && gap->to <= own->to)
			return true;
	}
	return false;
}

bool gaps_absorb(struct gaps *g, struct gaps *from)
{
	bool any = false;

	gaps_settle(from);
	vec_each (gap, &from->at)
		any |= !gaps_hold(g, gap);
	vec_each (gap, &from->at)
		*vec_push(&g->at) = *gap;
	gaps_settle(g);
	gaps_deinit(from);
	return any;
}

void gaps_deinit(struct gaps *g)
{
	vec_deinit(&g->at);
}
