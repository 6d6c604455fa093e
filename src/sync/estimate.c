#include "sync/estimate.h"

#include <stdlib.h>

#include "base/mem.h"

static int64_t worst_error(const struct clock_map *map)
{
	int64_t worst = 0;

	for (size_t i = 0; i < map->n_pieces; i++) {
		if (map->pieces[i].error == CLOCK_ERROR_UNKNOWN)
			return CLOCK_ERROR_UNKNOWN;
		worst = map->pieces[i].error > worst ? map->pieces[i].error : worst;
	}
	return worst;
}

/* The range of the difference that a piece of the map vouches for. */
static struct sync_range range_of_piece(const struct clock_piece *p, int64_t t)
{
	int64_t difference = clock_piece_apply(p, t) - t;

	if (p->error == CLOCK_ERROR_UNKNOWN)
		return (struct sync_range){.low = 0, .high = -1};
	return (struct sync_range){difference - p->error, difference + p->error};
}

/* The same from the bounds themselves, if there is a fit. */
static struct sync_range range_at(const struct clock_piece *p, const struct sync_fit *fit,
				  int64_t t)
{
	struct sync_range r;

	return fit && !sync_fit_range(fit, t, &r.low, &r.high) ? r : range_of_piece(p, t);
}

/* fit: of the estimate's map, or NULL. */
static void find_ranges(struct sync_estimate *e, const struct sync_fit *fit)
{
	e->pieces = mem_zalloc(e->map.n_pieces, sizeof(*e->pieces));
	for (size_t i = 0; i < e->map.n_pieces; i++) {
		const struct clock_piece *p = &e->map.pieces[i];
		int64_t last = p->to > p->from ? p->to - 1 : p->from;
		int64_t middle = p->from + (int64_t)(((uint64_t)last - (uint64_t)p->from) / 2);

		e->pieces[i].begin = range_at(p, fit, p->from);
		e->pieces[i].middle = range_at(p, fit, middle);
		e->pieces[i].end = range_at(p, fit, last);
	}
}

void sync_estimate_take_map(struct sync_estimate *e)
{
	e->present = true;
	e->error = worst_error(&e->map);
	for (size_t i = 0; i < e->map.n_pieces; i++)
		e->constraints += e->map.pieces[i].constraints;
	find_ranges(e, NULL);
}

void sync_estimate_take_fit(struct sync_estimate *e, const struct sync_fit *fit)
{
	e->present = true;
	e->map = clock_map_copy(&fit->map);
	e->error = worst_error(&e->map);
	e->constraints = fit->constraints;
	e->violations = fit->violations;
	find_ranges(e, fit);
}

void sync_estimate_take_count(struct sync_estimate *e, const struct sync_count *c)
{
	e->n_events = c->n_events;
	for (size_t i = 0; i < e->map.n_pieces; i++) {
		e->pieces[i].outside = c->outside[i];
		e->outside += c->outside[i];
	}
}

void sync_estimate_deinit(struct sync_estimate *e)
{
	clock_map_deinit(&e->map);
	free(e->pieces);
}
