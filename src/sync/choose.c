#include "sync/choose.h"

#include <stdbool.h>

/*
 * Refuted is who leaves so many times more events outside, and so large a share of all more: 1 %.
 */
enum { REFUTED_FACTOR = 10, REFUTED_SHARE = 100 };

/* Whether a's error is the smaller one; an unknown one is greater than any other. */
static bool is_better(const struct sync_estimate *a, const struct sync_estimate *b)
{
	if (a->error == CLOCK_ERROR_UNKNOWN || b->error == CLOCK_ERROR_UNKNOWN)
		return a->error != CLOCK_ERROR_UNKNOWN;
	return a->error < b->error;
}

static bool is_refuted(const struct machine_sync *s, const struct sync_estimate *e)
{
	for (enum sync_method m = SYNC_VMSYNC; m <= SYNC_AGENT; m++) {
		const struct sync_estimate *other = &s->estimates[m];

		if (other->n_events && e->outside / REFUTED_FACTOR > other->outside &&
		    e->outside - other->outside > other->n_events / REFUTED_SHARE)
			return true;
	}
	return false;
}

enum sync_method sync_choose(const struct machine_sync *s, int forced)
{
	enum sync_method best = SYNC_AS_IS;

	if (s->estimates[SYNC_GIVEN].present)
		return SYNC_GIVEN;
	for (enum sync_method m = SYNC_VMSYNC; m <= SYNC_AGENT; m++) {
		const struct sync_estimate *e = &s->estimates[m];
		bool may = forced == SYNC_AUTO ? !is_refuted(s, e) : forced == (int)m;

		if (e->present && may && (best == SYNC_AS_IS || is_better(e, &s->estimates[best])))
			best = m;
	}
	return best;
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
