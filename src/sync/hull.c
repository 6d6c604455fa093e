#include "sync/hull.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef __int128 wide;

static void chain_reset(struct sync_chain *c, int64_t max_drift_ppb)
{
	c->first = c->end = 0;
	c->rise_num = max_drift_ppb;
	c->rise_den = 1000000000;
}

void sync_hull_init(struct sync_hull *h, int64_t max_drift_ppb)
{
	*h = (struct sync_hull){0};
	sync_hull_reset(h, max_drift_ppb);
}

void sync_hull_deinit(struct sync_hull *h)
{
	free(h->chain[SYNC_LOWER].points);
	free(h->chain[SYNC_UPPER].points);
	*h = (struct sync_hull){0};
}

void sync_hull_reset(struct sync_hull *h, int64_t max_drift_ppb)
{
	chain_reset(&h->chain[SYNC_LOWER], max_drift_ppb);
	chain_reset(&h->chain[SYNC_UPPER], max_drift_ppb);
}

static size_t chain_length(const struct sync_chain *c)
{
	return c->end - c->first;
}

static const struct sync_point *chain_front(const struct sync_chain *c)
{
	return &c->points[c->first];
}

static const struct sync_point *chain_back(const struct sync_chain *c)
{
	return &c->points[c->end - 1];
}

/* The order of value and the line through p with slope num/den, at `at`: below 0 is under it. */
static int compare_to_line(int64_t at, int64_t value, const struct sync_point *p, int64_t num,
			   int64_t den)
{
	wide left = ((wide)value - p->value) * den;
	wide right = ((wide)at - p->at) * num;

	return left < right ? -1 : left > right;
}

bool sync_point_is_idle(const struct sync_point *a, const struct sync_point *b,
			const struct sync_point *c)
{
	return ((wide)b->value - a->value) * ((wide)c->at - a->at) >=
	       ((wide)c->value - a->value) * ((wide)b->at - a->at);
}

static void chain_push(struct sync_chain *c, struct sync_point p)
{
	if (chain_length(c) && chain_back(c)->at == p.at)
		c->end--;
	while (chain_length(c) >= 2 &&
	       sync_point_is_idle(&c->points[c->end - 2], chain_back(c), &p))
		c->end--;
	if (c->end == c->cap && c->first > c->cap / 2) {
		memmove(c->points, c->points + c->first, chain_length(c) * sizeof(p));
		c->end -= c->first;
		c->first = 0;
	}
	c->points = mem_vec_grow(c->points, &c->cap, c->end, sizeof(p));
	c->points[c->end++] = p;
}

/* After a push on c: while lines as flat as possible (-num/den) touch a later point, move on. */
static void chain_advance(struct sync_chain *c, int64_t num, int64_t den)
{
	while (chain_length(c) >= 2) {
		const struct sync_point *next = chain_front(c) + 1;

		if (compare_to_line(next->at, next->value, chain_front(c), -num, den) >= 0)
			break;
		c->first++;
	}
}

/*
 * The steepest line of `own` has to pass under its new last point p and still over the other
 * chain (whose values are negated): turn it until it touches both.
 */
static void turn_steepest(struct sync_chain *own, struct sync_chain *other, struct sync_point p)
{
	const struct sync_point *o = chain_front(other);
	struct sync_point over = {o->at, -o->value};

	if (o->at == p.at ||
	    compare_to_line(p.at, p.value, &over, own->rise_num, own->rise_den) >= 0)
		return;
	while (chain_length(other) >= 2) {
		const struct sync_point *next = chain_front(other) + 1;
		struct sync_point q = {next->at, -next->value};

		if (q.at >= p.at)
			break;
		over = (struct sync_point){chain_front(other)->at, -chain_front(other)->value};
		if (compare_to_line(p.at, p.value, &q, p.value - over.value, p.at - over.at) > 0)
			break;
		other->first++;
	}
	o = chain_front(other);
	own->rise_num = p.value + o->value;
	own->rise_den = p.at - o->at;
}

static bool in_limits(int64_t x)
{
	return x > -SYNC_LIMIT && x < SYNC_LIMIT;
}

int sync_hull_add(struct sync_hull *h, const struct sync_bound *b)
{
	struct sync_chain *own = &h->chain[b->side], *other = &h->chain[!b->side];
	struct sync_point p = {b->at, b->side == SYNC_UPPER ? b->value : -b->value};

	if (!in_limits(p.at) || !in_limits(p.value))
		return SYNC_INFEASIBLE;
	if (chain_length(other) && compare_to_line(p.at, -p.value, chain_back(other),
						   other->rise_num, other->rise_den) > 0)
		return SYNC_INFEASIBLE;
	if (chain_length(own) &&
	    compare_to_line(p.at, p.value, chain_back(own), own->rise_num, own->rise_den) >= 0)
		return 0;
	chain_push(own, p);
	chain_advance(own, other->rise_num, other->rise_den);
	if (chain_length(other))
		turn_steepest(own, other, p);
	return 0;
}

bool sync_hull_closed(const struct sync_hull *h)
{
	return chain_length(&h->chain[SYNC_LOWER]) && chain_length(&h->chain[SYNC_UPPER]);
}

static int64_t clamp_time(int64_t t)
{
	return t >= SYNC_LIMIT ? SYNC_LIMIT - 1 : t <= -SYNC_LIMIT ? 1 - SYNC_LIMIT : t;
}

static wide floor_div(wide a, wide b)
{
	return a / b - (a % b < 0);
}

static int64_t saturate(wide x)
{
	return x > INT64_MAX ? INT64_MAX : x < INT64_MIN ? INT64_MIN : (int64_t)x;
}

/* p's value plus (t - p's time) * num/den, rounded up. */
static wide line_at(const struct sync_point *p, int64_t num, int64_t den, int64_t t)
{
	return p->value - floor_div(-((wide)t - p->at) * num, den);
}

/* The edge of the corridor at t, rounded up; flat: the other chain, which knows the flattest line.
 */
static wide edge_at(const struct sync_chain *c, const struct sync_chain *flat, int64_t t)
{
	size_t low = c->first, high = c->end - 1;

	if (t <= c->points[low].at)
		return line_at(&c->points[low], -flat->rise_num, flat->rise_den, t);
	if (t >= c->points[high].at)
		return line_at(&c->points[high], c->rise_num, c->rise_den, t);
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (c->points[middle].at <= t)
			low = middle;
		else
			high = middle;
	}
	const struct sync_point *a = &c->points[low], *b = &c->points[high];
	return line_at(a, b->value - a->value, b->at - a->at, t);
}

void sync_hull_range(const struct sync_hull *h, int64_t t, int64_t *lowp, int64_t *highp)
{
	const struct sync_chain *lower = &h->chain[SYNC_LOWER], *upper = &h->chain[SYNC_UPPER];

	t = clamp_time(t);
	*lowp = saturate(-edge_at(lower, upper, t));
	*highp = saturate(edge_at(upper, lower, t));
}

static double steepest(const struct sync_chain *c)
{
	return (double)c->rise_num / (double)c->rise_den;
}

double sync_hull_play(const struct sync_hull *h)
{
	return (steepest(&h->chain[SYNC_UPPER]) + steepest(&h->chain[SYNC_LOWER])) / 2;
}

void sync_hull_middle(const struct sync_hull *h, int64_t t, int64_t *valuep, double *slopep)
{
	const struct sync_chain *lower = &h->chain[SYNC_LOWER], *upper = &h->chain[SYNC_UPPER];
	wide sum = 0;

	t = clamp_time(t);
	sum += line_at(chain_front(upper), -lower->rise_num, lower->rise_den, t);
	sum += line_at(chain_back(upper), upper->rise_num, upper->rise_den, t);
	sum -= line_at(chain_front(lower), -upper->rise_num, upper->rise_den, t);
	sum -= line_at(chain_back(lower), lower->rise_num, lower->rise_den, t);
	*valuep = saturate(floor_div(sum + 2, 4));
	*slopep = (steepest(upper) - steepest(lower)) / 2;
}
