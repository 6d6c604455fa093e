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

#endif
