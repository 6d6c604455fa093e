/*
 * fit: from bounds on the difference of two clocks to a clock map whose error is guaranteed.
 *
 * One pass over the bounds takes them into a hull (sync/hull.h) until no straight line satisfies
 * them; there a new piece begins. Where two pieces meet, the bend or step may lie anywhere in the
 * stretch that both lines explain: found by running back from the end of the later piece. The
 * bounds in it count for neither line (they may belong to the other), and both lines count for the
 * error in it.
 *
 *	|---- line 1 ----|~~ either ~~|----- line 2 -----|
 *	                 ^            ^
 *	 line 2 explains |            | line 1 explains all bounds
 *	 all from here on               up to here
 *
 * The error of a piece covers, at every time in it, all lines that satisfy the bounds. So it holds
 * the truth if the bounds are true and the true difference is straight between two bends. A clock
 * may also turn too little to contradict any bound. So the error covers, besides, all that the
 * bounds near a time leave to a clock which leaves the line at some ppm, and, if it was seen to
 * bend, the width of the corridor. Where a clock goes straight for seconds, its corridor is given
 * without that.
 */
#ifndef VMSCOPE_SYNC_FIT_H
#define VMSCOPE_SYNC_FIT_H

#include "timeline/clock_map.h"
#include "sync/hull.h"

struct sync_fit_options {
	int64_t begin, end;    /* machine ns: the error is to be right in [begin, end] */
	int64_t max_drift_ppb; /* no clock drifts faster against the other; > 0, < 10^9 */
	int64_t max_span;      /* ns: no clock stays straight for longer */
	bool drop_false;       /* leave out lone bounds that contradict all others around them */
};

/* Options that suit clocks which NTP may slew, for a machine that has events in [begin, end]. */
struct sync_fit_options sync_fit_defaults(int64_t begin, int64_t end);

/*
 * Which hulls the error of a piece of the map is from, and how many ns are to be added to the
 * corridor of each, for turns that were not seen.
 */
struct sync_fit_piece {
	size_t hull, other; /* the same, but for a stretch that two lines explain */
	int64_t unseen, other_unseen;
};

struct sync_fit {
	struct clock_map map;
	struct sync_fit_piece *pieces; /* owned; map.n_pieces of them */
	struct sync_hull *hulls;       /* owned */
	size_t n_hulls;
	uint64_t constraints;
	uint64_t violations; /* bounds that the map does not satisfy, those left out included */
	uint64_t dropped;    /* bounds left out by drop_false */
	bool doubtful;	     /* all of it */
};

enum { SYNC_NO_FIT = 1 };

/*
 * bounds: sorted by time, times and values inside +-SYNC_LIMIT, as begin and end have to be.
 * Return: 0, or SYNC_NO_FIT when no stretch of them has bounds on both sides: nothing is made.
 */
int sync_fit_init(struct sync_fit *f, const struct sync_bound *bounds, size_t n,
		  const struct sync_fit_options *o);
void sync_fit_deinit(struct sync_fit *f);

/* The bounds may be false: the lines stay, but nothing is known of their errors any more. */
void sync_fit_doubt(struct sync_fit *f);

/* The same of the pieces that hold machine times in [from, to] only. */
void sync_fit_doubt_between(struct sync_fit *f, int64_t from, int64_t to);

/*
 * The least and the greatest difference that the bounds leave at machine time t.
 * Return: 0, or SYNC_NO_FIT where one side is open, or the bounds are in doubt.
 */
int sync_fit_range(const struct sync_fit *f, int64_t t, int64_t *lowp, int64_t *highp);

/* Return: high - low of sync_fit_range(), or CLOCK_ERROR_UNKNOWN. */
int64_t sync_fit_width(const struct sync_fit *f, int64_t t);

/* Return: the errors of its pieces, each times its length; an unknown one is `unknown` ns. */
double sync_fit_errors(const struct sync_fit *f, double unknown);

#endif
