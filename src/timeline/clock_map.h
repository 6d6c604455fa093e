/*
 * clock_map: from one machine's clock to the reference clock, in pieces.
 *
 * For machine time t (ns since the Epoch by that trace's own clock) in [from, to):
 *
 *	reference time = t + offset + (t - from) * drift
 *
 * right to +-error. Never slope * t: a double has no room for ns since the Epoch, but t - from
 * times a drift of some ppm has room to spare.
 */
#ifndef VMSCOPE_TIMELINE_CLOCK_MAP_H
#define VMSCOPE_TIMELINE_CLOCK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLOCK_ERROR_UNKNOWN = -1 };

struct clock_piece {
	int64_t from, to;     /* machine ns, [from, to) */
	int64_t offset;	      /* ns, at `from` */
	double drift;	      /* ns per ns, above -1; 1e-9 is one ppb */
	int64_t error;	      /* ns, or CLOCK_ERROR_UNKNOWN */
	uint64_t constraints; /* that the estimator used here */
	uint64_t violations;  /* of them that this piece does not satisfy */
};

/*
 * Pieces in time order, each beginning where the one before ends. Every machine time has one: what
 * lies before the first belongs to it too, what lies after the last to that (their errors are
 * vouched for inside [from, to) only).
 */
struct clock_map {
	struct clock_piece *pieces; /* owned */
	size_t n_pieces;	    /* at least 1 */
};

/* One piece from `origin` on, where the offset is offset_ns. */
void clock_map_init_offset(struct clock_map *m, int64_t offset_ns, double drift, int64_t origin,
			   int64_t error_ns);
struct clock_map clock_map_copy(const struct clock_map *m);
void clock_map_deinit(struct clock_map *m);

/* Return: the piece that holds machine time t. */
const struct clock_piece *clock_map_piece(const struct clock_map *m, int64_t t);

/* Reference time of machine time t. Saturates where int64_t ends. */
int64_t clock_piece_apply(const struct clock_piece *p, int64_t t);
int64_t clock_map_apply(const struct clock_map *m, int64_t t);

/*
 * Machine time of a reference time: the earliest one that maps to it or to what follows. Where a
 * step makes two of them, the earlier; where it makes none, the time of the step.
 */
int64_t clock_map_invert(const struct clock_map *m, int64_t reference);

/* ---- many times ----
 *
 * Times in order lie in one piece, mostly, and there where nothing overflows and a double is exact.
 * A cursor keeps that stretch of the last one; what lies in it is mapped without a search and
 * without checks.
 */
struct clock_cursor {
	const struct clock_map *map; /* borrowed */
	int64_t low;		     /* the stretch is [low, low + length] */
	uint64_t length;
	int64_t from, offset; /* of its piece */
	double drift;
	bool drifts;
};

void clock_cursor_init(struct clock_cursor *c, const struct clock_map *map);

/* The same as clock_cursor_apply(), which calls it for what lies elsewhere. */
int64_t clock_cursor_move(struct clock_cursor *c, int64_t t);

/*
 * Added to what is smaller by far, it leaves no room for fractions: a double of this size counts by
 * ones.
 */
#define CLOCK_NO_FRACTION 0x1.8p52

/* Return: x as rint() rounds it, without the call; x must be smaller than 2^51. */
static inline int64_t clock_round(double x)
{
	return (int64_t)(x + CLOCK_NO_FRACTION - CLOCK_NO_FRACTION);
}

/* Return: what clock_map_apply() does. */
static inline int64_t clock_cursor_apply(struct clock_cursor *c, int64_t t)
{
	if ((uint64_t)t - (uint64_t)c->low > c->length)
		return clock_cursor_move(c, t);
	return t + c->offset + (c->drifts ? clock_round((double)(t - c->from) * c->drift) : 0);
}

#endif
