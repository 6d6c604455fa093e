#include "input/tracedat/rate.h"

#include <math.h>
#include <stdlib.h>

#include "input/tracedat/hint.h"

enum {
	MOMENTS_MIN = 8,
	RUNS_MIN = 16,
	HALVINGS = 100, /* of a search; more than a double has bits */
};

#define FAR_NS 1e6 /* a moment this far from the others is by another clock */
/* ns: what every wait may take besides, which cannot be told from the rate */
#define OVERHEAD   2e4
#define RATE_MIN   1e-4 /* counts per ns */
#define RATE_MAX   1e3
#define ERROR_MAX  0.05 /* part of a rate */
#define VAGUE	   0.01 /* part of a rate: bounds further apart than this are no use */
#define RUNS_ERROR 1e-4 /* as runs are off where the rate is known otherwise, at most */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that a part `q` of them are below; n is not 0. Sorts. */
static double quantile(double *values, size_t n, double q)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[(size_t)(q * (double)(n - 1))];
}

/* ---- by moments ------------------------------------------------------------------------------ */

/*
 * A moment's counts and ns, from those of one in the middle on. A line ns = slope * count + c has
 * to pass not above it where its counts begin, and not below it where they end.
 */
struct point {
	double begin, end, ns;
};

static int by_after(const void *a, const void *b)
{
	const struct hint_moment *x = a, *y = b;

	return (x->after > y->after) - (x->after < y->after);
}

static double difference(uint64_t a, uint64_t b)
{
	return a >= b ? (double)(a - b) : -(double)(b - a);
}

static struct point *points_of(struct tracedat_hints *h)
{
	size_t n = h->moments.n;
	struct point *points = mem_alloc(n * sizeof(*points));

	qsort(h->moments.at, n, sizeof(*h->moments.at), by_after);
	const struct hint_moment middle = h->moments.at[n / 2];

	for (size_t i = 0; i < n; i++) {
		const struct hint_moment *m = &h->moments.at[i];

		points[i] = (struct point){difference(m->before, middle.after),
					   difference(m->after, middle.after),
					   (double)(m->ns - middle.ns)};
	}
	return points;
}

/*
 * The slope between each point and the one half of all behind it; of those the middle one. Return:
 * 0 where there is none.
 */
static double rough_slope(const struct point *points, size_t n)
{
	double *slopes = mem_alloc(n * sizeof(*slopes)), slope;
	size_t used = 0;

	for (size_t i = 0; i + n / 2 < n; i++) {
		const struct point *a = &points[i], *b = &points[i + n / 2];

		if (b->end > a->end && b->ns > a->ns)
			slopes[used++] = (b->ns - a->ns) / (b->end - a->end);
	}
	slope = used ? quantile(slopes, used, 0.5) : 0;
	free(slopes);
	return slope;
}

/* Leaves out what another clock than most of them says. Return: how many are left. */
static size_t drop_far(struct point *points, size_t n, double slope)
{
	double *rests = mem_alloc(n * sizeof(*rests)), middle;
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		rests[i] = points[i].ns - slope * points[i].end;
	middle = quantile(rests, n, 0.5);
	for (size_t i = 0; i < n; i++) {
		if (fabs(points[i].ns - slope * points[i].end - middle) < FAR_NS)
			points[left++] = points[i];
	}
	free(rests);
	return left;
}

/*
 * How much room is left for a line of this slope, in ns; below 0: so much is missing. Has one
 * maximum.
 */
static double slope_room(const struct point *points, size_t n, double slope)
{
	double upper = INFINITY, lower = -INFINITY;

	for (size_t i = 0; i < n; i++) {
		double over = points[i].ns - slope * points[i].begin;
		double under = points[i].ns - slope * points[i].end;

		upper = over < upper ? over : upper;
		lower = under > lower ? under : lower;
	}
	return upper - lower;
}

/* The slope with most room between low and high. */
static double best_slope(const struct point *points, size_t n, double low, double high)
{
	for (int i = 0; i < HALVINGS; i++) {
		double a = low + (high - low) / 3, b = high - (high - low) / 3;

		if (slope_room(points, n, a) < slope_room(points, n, b))
			low = a;
		else
			high = b;
	}
	return low + (high - low) / 2;
}

/* The last slope from `inside` towards `outside` for which there is room. */
static double last_slope(const struct point *points, size_t n, double inside, double outside,
			 double missing)
{
	for (int i = 0; i < HALVINGS / 2; i++) {
		double middle = inside + (outside - inside) / 2;

		if (slope_room(points, n, middle) + missing >= 0)
			inside = middle;
		else
			outside = middle;
	}
	return outside;
}

static bool by_points(struct point *points, size_t n, struct tracedat_rate *ratep)
{
	double slope = rough_slope(points, n);

	n = slope > 0 ? drop_far(points, n, slope) : 0;
	if (n < MOMENTS_MIN)
		return false;
	double best = best_slope(points, n, slope / 2, slope * 2),
	       most = slope_room(points, n, best);
	/* Where the clocks do not run evenly no line fits: by how much is the error. */
	double missing = most < 0 ? -2 * most : 0;
	double low = last_slope(points, n, best, slope / 2, missing);
	double high = last_slope(points, n, best, slope * 2, missing);

	*ratep = (struct tracedat_rate){.per_ns = 2 / (low + high),
					.error = (high - low) / (high + low),
					.by = "hrtimer_expire_entry"};
	return true;
}

static bool by_moments(struct tracedat_hints *h, struct tracedat_rate *ratep)
{
	if (h->moments.n < MOMENTS_MIN)
		return false;
	struct point *points = points_of(h);
	bool is_found = by_points(points, h->moments.n, ratep);

	free(points);
	return is_found;
}

/* ---- by spans -------------------------------------------------------------------------------- */

/* The smallest of the rates that spans allow at most; *nsp is that span's length. */
static double highest_rate(const struct tracedat_hints *h, double *nsp)
{
	double rate = INFINITY;

	vec_each (s, &h->spans) {
		if ((double)s->most / (double)s->ns < rate) {
			rate = (double)s->most / (double)s->ns;
			*nsp = (double)s->ns;
		}
	}
	return rate;
}

/*
 * The greatest of those that they allow at least. What contradicts `high` comes from a thread that
 * waited elsewhere in between, which is not seen.
 */
static double lowest_rate(const struct tracedat_hints *h, double high)
{
	double rate = 0;

	vec_each (s, &h->spans) {
		double least = (double)s->least / (double)s->ns;

		if (least <= high)
			rate = fmax(rate, least);
	}
	return rate;
}

/*
 * What most waits take besides, in ns, more than that with the least: where it is not known when
 * the thread was switched out it is what the rate may be lower by.
 */
static double usual_overhead(const struct tracedat_hints *h, double rate)
{
	double *overheads = mem_alloc(h->spans.n * sizeof(*overheads)), usual;

	for (size_t i = 0; i < h->spans.n; i++)
		overheads[i] = (double)h->spans.at[i].most / rate - (double)h->spans.at[i].ns;
	usual = quantile(overheads, h->spans.n, 0.5);
	free(overheads);
	return usual;
}

static bool by_spans(const struct tracedat_hints *h, struct tracedat_rate *ratep)
{
	double ns = 0, high, low;

	if (h->spans.n < MOMENTS_MIN)
		return false;
	high = highest_rate(h, &ns);
	low = lowest_rate(h, high);
	if (low < high * (1 - VAGUE))
		low = high * (1 - (2 * usual_overhead(h, high) + OVERHEAD) / ns);
	*ratep = (struct tracedat_rate){.per_ns = (low + high) / 2,
					.error = (high - low) / (high + low) + 1e-9,
					.by = "kvm_vcpu_wakeup"};
	return low > 0;
}

/* ---- by runs --------------------------------------------------------------------------------- */

static int by_ratio(const void *a, const void *b)
{
	const struct hint_run *x = a, *y = b;
	double p = (double)x->counts / (double)x->ns, q = (double)y->counts / (double)y->ns;

	return (p > q) - (p < q);
}

/* The rate that so much of the time is below. */
static double run_quantile(const struct tracedat_hints *h, double total, double q)
{
	double sum = 0, rate = 0;

	for (size_t i = 0; i < h->runs.n && sum < q * total; i++) {
		sum += (double)h->runs.at[i].ns;
		rate = (double)h->runs.at[i].counts / (double)h->runs.at[i].ns;
	}
	return rate;
}

static bool by_runs(struct tracedat_hints *h, struct tracedat_rate *ratep)
{
	double total = 0, usual;

	if (h->runs.n < RUNS_MIN)
		return false;
	qsort(h->runs.at, h->runs.n, sizeof(*h->runs.at), by_ratio);
	vec_each (r, &h->runs)
		total += (double)r->ns;
	usual = run_quantile(h, total, 0.5);
	*ratep = (struct tracedat_rate){
		.per_ns = usual,
		.error = (run_quantile(h, total, 0.75) - run_quantile(h, total, 0.25)) / usual +
			 RUNS_ERROR,
		.by = "sched_stat_runtime"};
	return true;
}

/* Return: whether a clock can be like this, and something is known of it. */
static bool is_plausible(const struct tracedat_rate *r)
{
	return r->per_ns > RATE_MIN && r->per_ns < RATE_MAX && r->error >= 0 &&
	       r->error < ERROR_MAX;
}

bool tracedat_find_rate(struct tracedat *t, uint32_t clock, struct tracedat_rate *ratep)
{
	struct tracedat_hints hints;
	struct tracedat_rate found[3];
	size_t n = 0;
	bool is_found = false;

	tracedat_hints_gather(&hints, t, clock);
	n += by_moments(&hints, &found[n]);
	n += by_spans(&hints, &found[n]);
	n += by_runs(&hints, &found[n]);
	tracedat_hints_deinit(&hints);
	for (size_t i = 0; i < n; i++) {
		if (is_plausible(&found[i]) && (!is_found || found[i].error < ratep->error)) {
			*ratep = found[i];
			is_found = true;
		}
	}
	return is_found;
}
