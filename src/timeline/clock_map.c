#include "timeline/clock_map.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define NEAR  (INT64_C(1) << 53) /* ns: a double holds every one of them */
#define SMALL 0x1p50		 /* ns, what clock_round() has room for */

static int64_t saturate(__int128 x)
{
	return x > INT64_MAX ? INT64_MAX : x < INT64_MIN ? INT64_MIN : (int64_t)x;
}

void clock_map_init_offset(struct clock_map *m, int64_t offset_ns, double drift, int64_t origin,
			   int64_t error_ns)
{
	m->pieces = mem_zalloc(1, sizeof(*m->pieces));
	m->n_pieces = 1;
	m->pieces[0] = (struct clock_piece){
		.from = origin,
		.to = INT64_MAX,
		.offset = offset_ns,
		.drift = drift,
		.error = error_ns,
	};
}

struct clock_map clock_map_copy(const struct clock_map *m)
{
	struct clock_map copy = {mem_alloc(m->n_pieces * sizeof(*m->pieces)), m->n_pieces};

	for (size_t i = 0; i < m->n_pieces; i++)
		copy.pieces[i] = m->pieces[i];
	return copy;
}

void clock_map_deinit(struct clock_map *m)
{
	free(m->pieces);
	*m = (struct clock_map){0};
}

const struct clock_piece *clock_map_piece(const struct clock_map *m, int64_t t)
{
	size_t low = 0, high = m->n_pieces - 1;

	while (low < high) {
		size_t middle = (low + high + 1) / 2;

		if (m->pieces[middle].from <= t)
			low = middle;
		else
			high = middle - 1;
	}
	return &m->pieces[low];
}

/* The same in 128 bits, for what an int64_t or a double has no room for. */
static int64_t apply_far(const struct clock_piece *p, int64_t t)
{
	double since = (double)((__int128)t - p->from);

	return saturate((__int128)t + p->offset + (__int128)rint(since * p->drift));
}

int64_t clock_piece_apply(const struct clock_piece *p, int64_t t)
{
	int64_t since, sum;

	if (__builtin_add_overflow(t, p->offset, &sum))
		return apply_far(p, t);
	if (p->drift == 0)
		return sum;
	if (__builtin_sub_overflow(t, p->from, &since) || since > NEAR || since < -NEAR)
		return apply_far(p, t);
	double moved = (double)since * p->drift;

	if (!(fabs(moved) < SMALL) || __builtin_add_overflow(sum, clock_round(moved), &sum))
		return apply_far(p, t);
	return sum;
}

int64_t clock_map_apply(const struct clock_map *m, int64_t t)
{
	return clock_piece_apply(clock_map_piece(m, t), t);
}

/* The earliest t that p maps to `reference` or later, as if p had no ends. */
static int64_t piece_invert(const struct clock_piece *p, int64_t reference)
{
	if (reference == INT64_MIN)
		return INT64_MIN;

	double target = (double)((__int128)reference - p->from - p->offset);
	int64_t t = saturate((__int128)reference - p->offset -
			     (__int128)rint(target * p->drift / (1 + p->drift)));

	while (t < INT64_MAX && clock_piece_apply(p, t) < reference)
		t++;
	while (t > INT64_MIN && clock_piece_apply(p, t - 1) >= reference)
		t--;
	return t;
}

int64_t clock_map_invert(const struct clock_map *m, int64_t reference)
{
	size_t last = m->n_pieces - 1;

	for (size_t i = 0; i <= last; i++) {
		const struct clock_piece *p = &m->pieces[i];

		if (i < last && clock_piece_apply(p, p->to - 1) < reference)
			continue;
		int64_t t = piece_invert(p, reference);
		return i && t < p->from ? p->from : t;
	}
	return reference; /* no pieces: the clock as it is */
}

/* ---- many times ------------------------------------------------------------------------------ */

/* ns: nothing overflows that is added up of these and of what clock_round() has room for. */
#define LARGEST_TIME   (INT64_C(1) << 62)
#define LARGEST_OFFSET (INT64_C(1) << 61)

/* Times NEAR, it leaves clock_round() room; a clock that is off by that much is none. */
#define LARGEST_DRIFT 0x1p-4

void clock_cursor_init(struct clock_cursor *c, const struct clock_map *map)
{
	*c = (struct clock_cursor){.map = map, .offset = clock_map_apply(map, 0)};
}

static int64_t clock_larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t clock_smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Return: whether p maps some times without checks; then [*lowp, *highp]. */
static bool clock_find_unchecked(const struct clock_map *m, const struct clock_piece *p,
				 int64_t *lowp, int64_t *highp)
{
	bool drifts = p->drift != 0;

	*lowp = p == m->pieces ? -LARGEST_TIME : clock_larger(p->from, -LARGEST_TIME);
	*highp = p == &m->pieces[m->n_pieces - 1] ? LARGEST_TIME
						  : clock_smaller(p->to - 1, LARGEST_TIME);
	if (p->offset > LARGEST_OFFSET || p->offset < -LARGEST_OFFSET)
		return false;
	if (drifts && (p->from > LARGEST_TIME || p->from < -LARGEST_TIME ||
		       !(fabs(p->drift) <= LARGEST_DRIFT)))
		return false;
	if (drifts) {
		*lowp = clock_larger(*lowp, p->from - NEAR);
		*highp = clock_smaller(*highp, p->from + NEAR);
	}
	return *lowp <= *highp;
}

int64_t clock_cursor_move(struct clock_cursor *c, int64_t t)
{
	const struct clock_piece *p = clock_map_piece(c->map, t);
	int64_t low, high;

	if (clock_find_unchecked(c->map, p, &low, &high) && t >= low && t <= high)
		*c = (struct clock_cursor){.map = c->map,
					   .low = low,
					   .length = (uint64_t)high - (uint64_t)low,
					   .from = p->from,
					   .offset = p->offset,
					   .drift = p->drift,
					   .drifts = p->drift != 0};
	return clock_piece_apply(p, t);
}
