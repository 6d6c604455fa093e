/*
 * hull: all straight lines that satisfy bounds which arrive in time order.
 *
 * A bound says that at machine time `at` the difference (reference - machine) is at most, or at
 * least, `value`. The lines between lower and upper bounds form a corridor; its two edges are fully
 * described by the hull points that some line can still touch, kept in two chains:
 *
 *	      \_                 _/   upper edge: the least steep line, the chain of upper
 *	        \__o___o_____o__/     bounds, the steepest line
 *	         _o______o__
 *	       _/            \_       lower edge, likewise with the roles of the lines swapped
 *
 * Adding a bound is O(1) on average (O'Rourke 1981, fitting lines between data ranges), and exact:
 * whether a bound still leaves a line is decided in 128-bit integers.
 *
 * Invariants: a chain is convex, and its first and last points are where the least steep and the
 * steepest line touch it.
 */
#ifndef VMSCOPE_SYNC_HULL_H
#define VMSCOPE_SYNC_HULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sync_side { SYNC_LOWER, SYNC_UPPER };

enum { SYNC_INFEASIBLE = 1 };

/* Times and values have to stay inside (-SYNC_LIMIT, SYNC_LIMIT): 146 years around the Epoch. */
#define SYNC_LIMIT (INT64_C(1) << 62)

struct sync_bound {
	int64_t at;    /* machine ns */
	int64_t value; /* ns, of reference - machine */
	enum sync_side side;
};

struct sync_point {
	int64_t at, value;
};

/* Whether upper bound b, in time between a and c, is implied by these. */
bool sync_point_is_idle(const struct sync_point *a, const struct sync_point *b,
			const struct sync_point *c);

/* The lower chain holds its values negated, so that both are chains of upper bounds. */
struct sync_chain {
	struct sync_point *points; /* owned */
	size_t first, end, cap;
	int64_t rise_num, rise_den; /* the steepest slope (of the negated lines in the lower one) */
};

struct sync_hull {
	struct sync_chain chain[2]; /* by side */
};

/* max_drift_ppb: no line is steeper than this, up or down. */
void sync_hull_init(struct sync_hull *h, int64_t max_drift_ppb);
void sync_hull_deinit(struct sync_hull *h);

/* Forgets all bounds, keeps the memory. */
void sync_hull_reset(struct sync_hull *h, int64_t max_drift_ppb);

/*
 * Adds a bound that is not earlier than those before it.
 * Return: 0, or SYNC_INFEASIBLE when no line would be left (the bound is then not taken).
 */
int sync_hull_add(struct sync_hull *h, const struct sync_bound *b);

/* Return: whether there are bounds on both sides, so that the corridor has a width. */
bool sync_hull_closed(const struct sync_hull *h);

/*
 * The least and the greatest value that any of the lines has at machine time t, rounded outwards.
 * Only of a closed hull. t may lie anywhere, before and after the bounds too.
 */
void sync_hull_range(const struct sync_hull *h, int64_t t, int64_t *lowp, int64_t *highp);

/* Half of what the slopes of the steepest and the least steep line differ by. */
double sync_hull_play(const struct sync_hull *h);

/*
 * The middle line: the mean of the extreme ones, so itself one of the lines.
 * value: at t, rounded. Of a closed hull only.
 */
void sync_hull_middle(const struct sync_hull *h, int64_t t, int64_t *valuep, double *slopep);

#endif
