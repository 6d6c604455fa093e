#include "sync/bounds.h"

#include <stdlib.h>
#include <string.h>

#include "sync/limits.h"
static int compare_bounds(const void *a, const void *b)
{
	const struct sync_bound *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

void sync_bounds_sort(struct sync_bound *bounds, size_t n)
{
	if (n)
		qsort(bounds, n, sizeof(*bounds), compare_bounds);
}

static bool is_implied(const struct sync_bound *a, const struct sync_bound *b,
		       const struct sync_bound *c)
{
	int64_t sign = a->side == SYNC_UPPER ? 1 : -1;
	struct sync_point p = {a->at, sign * a->value}, q = {b->at, sign * b->value},
			  r = {c->at, sign * c->value};

	return sync_point_is_idle(&p, &q, &r);
}

/* Moves the hull of one side of bounds[0, n) to `hull`. Return: its length. */
static size_t hull_of(const struct sync_bound *bounds, size_t n, enum sync_side side,
		      struct sync_bound *hull)
{
	size_t end = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sync_bound *b = &bounds[i];

		if (b->side != side)
			continue;
		if (end && hull[end - 1].at == b->at) {
			if ((hull[end - 1].value <= b->value) == (side == SYNC_UPPER))
				continue;
			end--;
		}
		while (end >= 2 && is_implied(&hull[end - 2], &hull[end - 1], b))
			end--;
		hull[end++] = *b;
	}
	return end;
}

/* Leaves of n bounds in order only those on their hull, in order. Return: how many. */
size_t sync_bounds_thin_hull(struct sync_bound *bounds, size_t n)
{
	struct sync_bound *hull = mem_alloc(2 * n * sizeof(*hull) + 1);
	size_t lower = hull_of(bounds, n, SYNC_LOWER, hull);
	size_t all = lower + hull_of(bounds, n, SYNC_UPPER, hull + lower);

	for (size_t i = 0; i < all; i++)
		bounds[i] = hull[i];
	sync_bounds_sort(bounds, all);
	free(hull);
	return all;
}

/* The same, by groups of neighbours. */
size_t sync_bounds_thin_groups(struct sync_bound *bounds, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i += BOUNDS_TOGETHER) {
		size_t some = sync_bounds_thin_hull(
			&bounds[i], n - i < BOUNDS_TOGETHER ? n - i : BOUNDS_TOGETHER);

		memmove(&bounds[left], &bounds[i], some * sizeof(*bounds));
		left += some;
	}
	return left;
}

/* Return: how many of n bounds, of BOUNDS_KEPT_TOGETHER at most, one straight line explains. */
static size_t straight_run(struct sync_hull *h, const struct sync_bound *bounds, size_t n,
			   const struct sync_fit_options *o)
{
	size_t run = 0;

	sync_hull_reset(h, o->max_drift_ppb);
	while (run < n && run < BOUNDS_KEPT_TOGETHER &&
	       bounds[run].at - bounds[0].at <= BOUNDS_SPAN && !sync_hull_add(h, &bounds[run]))
		run++;
	return run;
}

/*
 * Where the clock bends no hull is shared: it would hide the bend. Bounds that are wider than a
 * bend allow a straight line across it, so what lies far apart shares none either.
 */
static void thin_runs(struct sync_bounds *t, const struct sync_fit_options *o)
{
	struct sync_hull hull;
	size_t n = 0, run;

	sync_hull_init(&hull, o->max_drift_ppb);
	for (size_t i = 0; i < t->at.n; i += run) {
		run = straight_run(&hull, &t->at.at[i], t->at.n - i, o);
		run = run ? run : 1;
		size_t left = sync_bounds_thin_hull(&t->at.at[i], run);

		memmove(&t->at.at[n], &t->at.at[i], left * sizeof(*t->at.at));
		n += left;
	}
	sync_hull_deinit(&hull);
	t->at.n = t->thinned = n;
}

bool sync_bounds_make_room(struct sync_bounds *b, const struct sync_fit_options *o)
{
	if (b->at.n <= BOUNDS_MAX_KEPT || b->at.n <= 2 * b->thinned)
		return false;
	thin_runs(b, o);
	return true;
}
