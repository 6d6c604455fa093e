#include "sync/choose.h"

#include <stdbool.h>

#include "base/mem.h"
#include "sync/limits.h"

/* An unknown bound is greater than any other. */
static bool is_smaller(int64_t a, int64_t b)
{
	if (a == CLOCK_ERROR_UNKNOWN || b == CLOCK_ERROR_UNKNOWN)
		return a != CLOCK_ERROR_UNKNOWN;
	return a < b;
}

/* Return: the bound at t; *lastp: lowered to the last time that it holds for. */
static int64_t bound_at(const struct clock_map *m, int64_t t, int64_t *lastp)
{
	const struct clock_piece *p = clock_map_piece(m, t);

	if (p < &m->pieces[m->n_pieces - 1] && p->to <= *lastp)
		*lastp = p->to - 1;
	return p->error;
}

/* Return: ns in [first, last] that a's bound is the smaller one for, less those that b's is. */
static double time_ahead(const struct clock_map *a, const struct clock_map *b, int64_t first,
			 int64_t last)
{
	double ahead = 0;

	for (int64_t t = first, until; t <= last; t = until + 1) {
		until = last;

		int64_t x = bound_at(a, t, &until), y = bound_at(b, t, &until);
		double length = (double)until - (double)t + 1;

		ahead += is_smaller(x, y) ? length : is_smaller(y, x) ? -length : 0;
		if (until == last)
			break;
	}
	return ahead;
}

static bool is_better(const struct sync_estimate *a, const struct sync_estimate *b, int64_t first,
		      int64_t last)
{
	double ahead = time_ahead(&a->map, &b->map, first, last);

	return ahead != 0 ? ahead > 0 : is_smaller(a->error, b->error);
}

static bool is_refuted(const struct machine_sync *s, const struct sync_estimate *e)
{
	for (enum sync_method m = SYNC_VMSYNC; m <= SYNC_AGENT; m++) {
		const struct sync_estimate *other = &s->estimates[m];

		if (other->n_events && e->outside / CHOOSE_REFUTED_FACTOR > other->outside &&
		    e->outside - other->outside > other->n_events / CHOOSE_REFUTED_SHARE)
			return true;
	}
	return false;
}

enum sync_method sync_choose(const struct machine_sync *s, int forced, int64_t first, int64_t last)
{
	enum sync_method best = SYNC_AS_IS;

	if (s->estimates[SYNC_GIVEN].present)
		return SYNC_GIVEN;
	for (enum sync_method m = SYNC_VMSYNC; m <= SYNC_AGENT; m++) {
		const struct sync_estimate *e = &s->estimates[m];
		bool may = forced == SYNC_AUTO ? !is_refuted(s, e) : forced == (int)m;

		if (e->present && may &&
		    (best == SYNC_AS_IS || is_better(e, &s->estimates[best], first, last)))
			best = m;
	}
	return best;
}

/* ---- piece by piece -------------------------------------------------------------------------- */

/* Return: the widest bound in [first, last]. */
static int64_t widest_bound(const struct clock_map *m, int64_t first, int64_t last)
{
	int64_t widest = 0;

	for (int64_t t = first, until; t <= last; t = until + 1) {
		until = last;

		int64_t bound = bound_at(m, t, &until);

		widest = is_smaller(widest, bound) ? bound : widest;
		if (until == last)
			break;
	}
	return widest;
}

/* Return: whose pieces are taken in [first, last], where s->method's bound is `bound`. */
static enum sync_method method_between(const struct machine_sync *s, int64_t bound, int64_t first,
				       int64_t last)
{
	enum sync_method best = s->method;

	for (enum sync_method m = SYNC_VMSYNC; m <= SYNC_AGENT && first <= last; m++) {
		const struct sync_estimate *e = &s->estimates[m];

		if (!e->present || m == s->method || is_refuted(s, e))
			continue;
		int64_t other = widest_bound(&e->map, first, last);

		if (other == CLOCK_ERROR_UNKNOWN ||
		    (bound != CLOCK_ERROR_UNKNOWN && other >= bound / CHOOSE_FAR_WIDER))
			continue;
		best = m;
		bound = other * CHOOSE_FAR_WIDER;
	}
	return best;
}

/* The pieces of a mixed map, as they are added. */
struct mixing {
	VEC(struct clock_piece) pieces;
	VEC(enum sync_method) methods;
};

/* Adds what a map says of machine time [from, to). */
static void mixing_add(struct mixing *x, enum sync_method method, const struct clock_map *map,
		       int64_t from, int64_t to)
{
	for (int64_t t = from; t < to;) {
		int64_t last = to - 1;
		struct clock_piece p = *clock_map_piece(map, t);

		bound_at(map, t, &last);
		if (t != p.from)
			p.offset = clock_piece_apply(&p, t) - t;
		p.from = t;
		p.to = last == to - 1 ? to : last + 1;
		*vec_push(&x->pieces) = p;
		*vec_push(&x->methods) = method;
		t = p.to;
	}
}

void sync_mix(struct machine_sync *s, int64_t first, int64_t last)
{
	const struct clock_map *own = &s->estimates[s->method].map;
	struct mixing x = {0};
	bool mixed = false;

	for (size_t i = 0; i < own->n_pieces; i++) {
		const struct clock_piece *p = &own->pieces[i];
		int64_t from = p->from > first ? p->from : first;
		enum sync_method m =
			method_between(s, p->error, from, p->to <= last ? p->to - 1 : last);

		mixing_add(&x, m, &s->estimates[m].map, p->from, p->to);
		mixed |= m != s->method;
	}
	if (mixed) {
		s->mixed = (struct sync_mixed){{x.pieces.at, x.pieces.n}, x.methods.at};
		return;
	}
	vec_deinit(&x.pieces);
	vec_deinit(&x.methods);
}

static bool differ_at(const struct clock_map *a, const struct clock_map *b, int64_t t)
{
	const struct clock_piece *p = clock_map_piece(a, t), *q = clock_map_piece(b, t);

	if (p->error == CLOCK_ERROR_UNKNOWN || q->error == CLOCK_ERROR_UNKNOWN)
		return false;
	__int128 apart = (__int128)clock_piece_apply(p, t) - clock_piece_apply(q, t);

	return (apart < 0 ? -apart : apart) > (__int128)p->error + q->error;
}

/* Straight lines differ most at their ends. */
static bool differ_at_ends(const struct clock_map *a, const struct clock_map *b, int64_t first,
			   int64_t last)
{
	for (size_t i = 0; i < a->n_pieces; i++) {
		const struct clock_piece *p = &a->pieces[i];
		int64_t from = p->from > first ? p->from : first;
		int64_t to = p->to <= last ? p->to - 1 : last;

		if (from <= to && (differ_at(a, b, from) || differ_at(a, b, to)))
			return true;
	}
	return false;
}

uint64_t sync_disagreements(const struct machine_sync *s, int64_t first, int64_t last)
{
	uint64_t n = 0;

	for (int x = 0; x < SYNC_N_METHODS; x++) {
		for (int y = x + 1; y < SYNC_N_METHODS; y++) {
			const struct clock_map *a = &s->estimates[x].map, *b = &s->estimates[y].map;

			n += a->n_pieces && b->n_pieces &&
			     (differ_at_ends(a, b, first, last) ||
			      differ_at_ends(b, a, first, last));
		}
	}
	return n;
}
