#include "sync/chunk.h"

#include <math.h>
#include <stdlib.h>

#include "sync/claims.h"
#include "sync/collect.h"
#include "sync/leads.h"
#include "sync/limits.h"

/* ---- rounds ---- */

/* What the rounds are to make smaller. */
static double badness(const struct sync_fit *f)
{
	return sync_fit_errors(f, SYNC_OPEN_REACH);
}

/* Replaces c->fit (or fills it, from `known`) by one from the windows. Return: 0 or SYNC_NO_FIT. */
static int fit_round(struct sync_contain *c, const struct sync_known *known,
		     const struct sync_pair *pairs, size_t n_pairs,
		     const struct sync_fit_options *o)
{
	struct sync_bounds bounds = {0};
	struct sync_fit fit;
	uint64_t seen;

	sync_collect(known, pairs, n_pairs, &bounds, &seen);
	int rc = sync_fit_init(&fit, bounds.at.at, bounds.at.n, o);
	if (rc) {
		vec_deinit(&bounds.at);
		return rc;
	}
	sync_contain_deinit(c);
	c->fit = fit;
	c->bounds = bounds.at.at;
	c->n_bounds = bounds.at.n;
	c->rounds++;
	return 0;
}

/* How to go from round to round. */
struct way {
	bool believe; /* see struct sync_known */
	/* what is added to the range in the first rounds, times its width: a bend that was */
	int first;
	int later; /* not seen takes the truth out of it. And in the later ones */
};

/* Shrinks as the lines become better. */
static int widening(unsigned int rounds, struct way way)
{
	int wide = rounds <= CHUNK_WIDE_ROUNDS ? way.first >> (2 * (rounds - 1)) : 0;

	return wide > way.later ? wide : way.later;
}

static void narrow(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		   const struct sync_fit_options *o, struct way way)
{
	double before = INFINITY, now = badness(&c->fit);

	while (c->rounds < CHUNK_MAX_ROUNDS &&
	       (c->rounds <= CHUNK_WIDE_ROUNDS + 1 || now < 0.99 * before)) {
		struct sync_known known = sync_known_fit(&c->fit);

		known.widen = widening(c->rounds, way);
		known.believe = way.believe;
		if (fit_round(c, &known, pairs, n_pairs, o))
			break;
		before = now;
		now = badness(&c->fit);
	}
}

/* How many events would be outside with the clocks apart by something else. */
static uint64_t outside_by_chance(const struct sync_contain *c, const struct sync_pair *pairs,
				  size_t n_pairs)
{
	static const int64_t shifts[CHUNK_SHIFTS] = {-2718281828, -314159265, 271828182,
						     3141592653};
	uint64_t outside = 0, all = 0, seen;

	for (size_t i = 0; i < CHUNK_SHIFTS; i++) {
		struct clock_map shifted = clock_map_copy(&c->fit.map);
		struct sync_known known = {.map = &shifted};

		for (size_t k = 0; k < shifted.n_pieces; k++) {
			shifted.pieces[k].offset += shifts[i];
			shifted.pieces[k].error = 0;
		}
		outside += sync_collect(&known, pairs, n_pairs, NULL, &seen);
		all += seen;
		clock_map_deinit(&shifted);
	}
	return all ? (uint64_t)((double)outside / (double)all * (double)c->events) : 0;
}

/* How many events the lines themselves put outside, their errors aside. */
static uint64_t count_astray(const struct sync_contain *c, const struct sync_pair *pairs,
			     size_t n_pairs)
{
	struct clock_map lines = clock_map_copy(&c->fit.map);
	struct sync_known known = {.map = &lines};
	uint64_t seen;

	for (size_t i = 0; i < lines.n_pieces; i++)
		lines.pieces[i].error = 0;
	uint64_t astray = sync_collect(&known, pairs, n_pairs, NULL, &seen);
	clock_map_deinit(&lines);
	return astray;
}

static void count_events(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs)
{
	struct sync_known known = sync_known_fit(&c->fit);

	c->outside = sync_collect(&known, pairs, n_pairs, NULL, &c->events);
	c->astray = count_astray(c, pairs, n_pairs);
}

/* Return: 0 or SYNC_NO_FIT. */
static int fit_once(struct sync_contain *c, const struct sync_known *known,
		    const struct sync_pair *pairs, size_t n_pairs, const struct sync_fit_options *o,
		    struct way way)
{
	*c = (struct sync_contain){.voted = !way.believe};
	if (fit_round(c, known, pairs, n_pairs, o))
		return SYNC_NO_FIT;
	narrow(c, pairs, n_pairs, o, way);
	count_events(c, pairs, n_pairs);
	return 0;
}

/* Whether a is a simpler hypothesis than b: fewer pieces, then fewer events that do not fit it. */
static bool is_simpler(const struct sync_contain *a, const struct sync_contain *b)
{
	if (a->fit.n_hulls != b->fit.n_hulls)
		return a->fit.n_hulls < b->fit.n_hulls;
	return a->outside + a->fit.dropped < b->outside + b->fit.dropped;
}

/* Keeps the simpler of *c and *other in *c. */
static void keep_simpler(struct sync_contain *c, struct sync_contain *other)
{
	struct sync_contain worse = *other;

	if (is_simpler(other, c)) {
		worse = *c;
		*c = *other;
	}
	sync_contain_deinit(&worse);
}

/*
 * When no window was lost, every event is to be believed, and where the line bends they know best.
 * When some were, events have to be outvoted. Which of the two it is shows in what comes out.
 * Return: 0 or SYNC_NO_FIT.
 */
static int fit_from(struct sync_contain *c, const struct sync_known *known,
		    const struct sync_pair *pairs, size_t n_pairs, const struct sync_fit_options *o)
{
	static const struct way believing = {true, 16, 1}, voting = {false, 1, 1};
	struct sync_contain voted;

	if (fit_once(c, known, pairs, n_pairs, o, believing))
		return SYNC_NO_FIT;
	if (c->outside + c->fit.dropped && !fit_once(&voted, known, pairs, n_pairs, o, voting))
		keep_simpler(c, &voted);
	return 0;
}

/* One attempt, with claims right to `reach`. Return: 0 or SYNC_NO_FIT. */
static int fit_from_claims(struct sync_contain *c, const sync_claim_vec *claims, int64_t reach,
			   const struct sync_pair *pairs, size_t n_pairs,
			   const struct sync_fit_options *o)
{
	struct clock_map map = sync_claims_map(claims, reach, (double)o->max_drift_ppb * 1e-9);
	struct sync_known known = {.map = &map, .slack = reach / CHUNK_ROUGH_PLAY};
	int rc = fit_from(c, &known, pairs, n_pairs, o);

	c->claims = claims->n;
	clock_map_deinit(&map);
	return rc;
}

/* ---- which hypothesis holds ---- */

static bool fits_well(const struct sync_contain *c)
{
	return c->outside <= c->events / 100;
}

bool sync_contain_is_straight(const struct sync_contain *c)
{
	return fits_well(c) && c->astray <= c->events / CHUNK_MANY_ASTRAY;
}

/*
 * Whether a is clearly better than b, by the events that the lines put outside, or by its errors.
 */
static bool is_better(const struct sync_contain *a, const struct sync_contain *b)
{
	uint64_t few = CHUNK_FEW_ASTRAY + (a->astray < b->astray ? a->astray : b->astray) / 4;

	if (a->astray + few < b->astray || b->astray + few < a->astray)
		return a->astray < b->astray;
	return badness(&a->fit) < badness(&b->fit);
}

void sync_contain_keep_better(struct sync_contain *c, struct sync_contain *other)
{
	struct sync_contain worse = *other;

	if (is_better(other, c)) {
		worse = *c;
		*c = *other;
	}
	sync_contain_deinit(&worse);
}

/*
 * Whether its lines are hardly better than chance. Or, where single claims led to it, whether
 * anything at all speaks against them: other differences nearly as good are to be had there.
 */
static bool is_doubtful(const struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n_pairs; i++)
		all += pairs[i].cpu->n;
	if (c->led && (c->astray > 1 + all / CHUNK_FEWEST_ASTRAY ||
		       c->events < all - all / CHUNK_MANY_UNSEEN))
		return true;
	return c->astray > CHUNK_FEW_ASTRAY && c->astray > c->by_chance / CHUNK_DOUBTFUL_PART;
}

/* What remains to be done with the hypothesis that is taken. */
static void finish(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs)
{
	c->by_chance = outside_by_chance(c, pairs, n_pairs);
	if (is_doubtful(c, pairs, n_pairs))
		sync_fit_doubt(&c->fit);
}

/*
 * Fits from marks, which are so close to the truth that nothing is to be added. Return: 0 or
 * SYNC_NO_FIT.
 */
static int fit_from_marks(struct sync_contain *c, const struct sync_marks *marks,
			  const struct sync_pair *pairs, size_t n_pairs,
			  const struct sync_fit_options *o)
{
	struct clock_map map = sync_leads_map(marks, (double)o->max_drift_ppb * 1e-9);
	struct sync_known known = {.map = &map, .slack = CHUNK_MARK_SLACK};
	struct sync_contain voted;
	int rc = fit_once(c, &known, pairs, n_pairs, o, (struct way){.believe = true});

	if (!rc && !fit_once(&voted, &known, pairs, n_pairs, o, (struct way){.believe = false}))
		sync_contain_keep_better(c, &voted);
	c->claims = marks->at.n;
	clock_map_deinit(&map);
	return rc;
}

/*
 * One attempt, from what single claims lead to, which is kept in *c if it is better (*rcp: whether
 * there is one yet). Drops the leads that it is from. Return: whether there are others to try.
 */
static bool try_marks(struct sync_contain *c, int *rcp, sync_lead_vec *leads,
		      const struct sync_view *view, const struct sync_fit_options *o)
{
	struct sync_marks marks;
	struct sync_contain led;

	sync_leads_marks(leads, view, o->begin, o->end, &marks);
	bool more = sync_leads_drop(leads, &marks);
	if (marks.at.n && !fit_from_marks(&led, &marks, view->pairs, view->n_pairs, o)) {
		led.led = true;
		led.by_chance = outside_by_chance(&led, view->pairs, view->n_pairs);
		if (*rcp)
			*c = led;
		else if (is_doubtful(c, view->pairs, view->n_pairs) ||
			 !is_doubtful(&led, view->pairs, view->n_pairs))
			sync_contain_keep_better(c, &led);
		else
			sync_contain_deinit(&led);
		*rcp = 0;
	}
	vec_deinit(&marks.at);
	return more;
}

/*
 * Keeps in *c, or makes where there is none, what single claims lead to, if it is better.
 * Return: 0, or SYNC_NO_FIT when there is still none.
 */
static int try_leads(struct sync_contain *c, int rc, const struct sync_pair *pairs, size_t n_pairs,
		     const struct sync_fit_options *o, uint64_t effort)
{
	static const size_t false_part[] = {CHUNK_HARDLY_FALSE, CHUNK_OFTEN_FALSE};

	if (!rc)
		c->by_chance = outside_by_chance(c, pairs, n_pairs);
	for (size_t i = 0; i < 2 && effort && (rc || !sync_contain_is_straight(c)); i++) {
		struct sync_view view = {pairs, n_pairs, false_part[i], &effort};
		sync_lead_vec leads = {0};
		bool more = true;

		sync_leads_find(&leads, pairs, n_pairs, SYNC_COARSE);
		sync_leads_find(&leads, pairs, n_pairs, SYNC_FINE);
		for (int k = 0; k < CHUNK_MAX_TRIES && more && (rc || !sync_contain_is_straight(c));
		     k++)
			more = try_marks(c, &rc, &leads, &view, o);
		vec_deinit(&leads);
	}
	return rc;
}

int sync_contain_init(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		      const struct sync_fit_options *o, uint64_t effort)
{
	struct sync_contain wide;
	int rc = SYNC_NO_FIT;
	sync_claim_vec agreeing = sync_claims_agreeing(pairs, n_pairs, SYNC_COARSE);

	if (agreeing.n < SYNC_MIN_CLAIMS) {
		vec_deinit(&agreeing);
		agreeing = sync_claims_agreeing(pairs, n_pairs, SYNC_FINE);
	}
	int64_t reach = CHUNK_ROUGH_PLAY * sync_claims_deviation(&agreeing);
	reach = reach < CHUNK_ROUGH_LEAST   ? CHUNK_ROUGH_LEAST
		: reach > CHUNK_ROUGH_REACH ? CHUNK_ROUGH_REACH
					    : reach;
	if (agreeing.n >= SYNC_MIN_CLAIMS)
		rc = fit_from_claims(c, &agreeing, reach, pairs, n_pairs, o);
	if (!rc && !fits_well(c) &&
	    !fit_from_claims(&wide, &agreeing, CHUNK_ROUGH_REACH, pairs, n_pairs, o))
		keep_simpler(c, &wide);
	vec_deinit(&agreeing);
	if (effort && (rc || !sync_contain_is_straight(c)))
		rc = try_leads(c, rc, pairs, n_pairs, o, effort);
	if (!rc)
		finish(c, pairs, n_pairs);
	return rc;
}

int sync_contain_init_near(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
			   const struct sync_fit_options *o, const struct clock_map *near,
			   int64_t reach)
{
	struct clock_map map = clock_map_copy(near);
	struct sync_known known = {.map = &map, .slack = reach / CHUNK_ROUGH_PLAY};

	for (size_t i = 0; i < map.n_pieces; i++)
		map.pieces[i].error = reach;
	int rc = fit_from(c, &known, pairs, n_pairs, o);
	clock_map_deinit(&map);
	if (!rc)
		finish(c, pairs, n_pairs);
	return rc;
}

void sync_contain_deinit(struct sync_contain *c)
{
	sync_fit_deinit(&c->fit);
	free(c->bounds);
	c->bounds = NULL;
	c->n_bounds = 0;
}
