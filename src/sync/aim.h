/*
 * aim: from a difference that is known to some hundred us to one known to a few.
 *
 * With the true difference each event of a stretch lies in a window, with any other one some do
 * not. So differences close by are tried, and speeds as well, for the clocks may drift by more than
 * a gap between windows in the time of the stretch:
 *
 *	events   | || |   |    |||      stretches become longer until few differences are left
 *	windows ----- ----    ------
 *	          -----  ----    ------
 *
 * From there the clock is followed to both sides, a stretch after the other, as long as it goes on.
 */
#ifndef VMSCOPE_SYNC_AIM_H
#define VMSCOPE_SYNC_AIM_H

#include <stdbool.h>

#include "base/mem.h"
#include "sync/fit.h"
#include "sync/pair.h"

/* At guest time `at` the difference is in [low, high], by the events from `from` to `to`. */
struct sync_mark {
	int64_t at;
	int64_t low, high;
	int64_t from, to;
	size_t all; /* events there */
	size_t events,
		outside; /* those between the first window and the last; of them, outside any */
};

/* The CPUs of a guest, and how far their events are to be believed. */
struct sync_view {
	const struct sync_pair *pairs;
	size_t n_pairs;
	size_t false_part; /* one event in as many may be outside of all windows all the same */
	/* Left: differences and events to try; without, every search fails. */
	uint64_t *effort;
};

/*
 * difference: known to `reach` ns at guest time `at`, in which there should be few windows.
 * Return: 0, or SYNC_NO_FIT when none or too many differences are left.
 */
int sync_aim(const struct sync_view *v, int64_t at, int64_t difference, int64_t reach,
	     struct sync_mark *mark);

/* By time. */
struct sync_marks {
	VEC(struct sync_mark) at;
};

/*
 * Follows the clock from a mark to both sides while it goes straight on, but not before guest time
 * `begin` or after `end`. marks: empty, gets all there are, the first among them.
 */
void sync_aim_follow(const struct sync_view *v, const struct sync_mark *first, int64_t begin,
		     int64_t end, struct sync_marks *marks);

#endif
