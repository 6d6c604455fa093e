/*
 * track: containment (sync/chunk.h) of traces that are too long to be held in memory.
 *
 * The events and windows of a guest come in chunks, by time. What is known from the chunks before
 * says where the difference is now, so nearly all events lie so deep inside a window that they say
 * nothing; only those near an edge are fitted. When nothing is known yet, the chunk is fitted like
 * a trace of its own. So is it, together with the chunk before it, when its events contradict what
 * was
 * known: the clock may have been set in either, for the events behind a step can lie in windows by
 * the old line as well, by chance.
 *
 *	SEARCHING --a chunk that fits--> FOLLOWING --a chunk that fits nowhere--> FOLLOWING, from
 *	                                                           what was known before it
 *
 * A fit whose own bound is in doubt is none. Where chunks fitted nowhere no bound is stated.
 *
 * Of each chunk's bounds, those on the hulls of some neighbours are kept, and of very many, those
 * on the hulls of more, but never across a bend. They are all true, so one fit over what is kept
 * (sync/fit.h) is the result.
 */
#ifndef VMSCOPE_SYNC_TRACK_H
#define VMSCOPE_SYNC_TRACK_H

#include <stdbool.h>

#include "base/mem.h"
#include "sync/bounds.h"
#include "sync/chunk.h"

/* What became of a chunk. */
struct sync_chunk {
	int64_t from, to; /* guest ns, first and last event */
	uint64_t events;
	uint64_t
		outside; /* of them, those that no window can hold; all, if the chunk did not fit */
	bool lost;	 /* it did not fit */
};

struct sync_track {
	struct sync_fit_options options;
	struct sync_bounds kept; /* by time */
	VEC(struct sync_chunk) chunks;
	struct sync_fit before; /* of what the last chunks left */
	bool following;		/* there is `before` */
	bool hasty;		/* by its user: while searching, more events are to come */
	bool vain; /* likewise: of the host's CPUs some are missing, so that little can fit */
	VEC(size_t) recent; /* where the last chunks begin in `kept` */
	uint64_t quick;	    /* chunks that needed only the events near an edge */
	int fruitless;	    /* searches while following that found nothing */
	int second_looks;   /* searches for something better than what fits well */
};

void sync_track_init(struct sync_track *t, const struct sync_fit_options *o);
void sync_track_deinit(struct sync_track *t);

/*
 * Takes the next events of the guest, all later than those before. longer: the same pairs with the
 * events of the chunk before as well, or NULL when there are none. The threads' windows have to
 * reach around all of them.
 * Return: 0, or SYNC_NO_FIT when the chunk fits nowhere. Then while searching it is not counted:
 * the same events may be given again, with more, or be lost for good by sync_track_skip().
 */
int sync_track_chunk(struct sync_track *t, const struct sync_pair *pairs,
		     const struct sync_pair *longer, size_t n_pairs);

/*
 * The same for events of which is known that the clock was set before them: what was known before
 * is not looked at.
 */
int sync_track_anew(struct sync_track *t, const struct sync_pair *pairs, size_t n_pairs);

/* Counts events in [from, to] that fitted nowhere, although there were windows around them. */
void sync_track_skip(struct sync_track *t, int64_t from, int64_t to, uint64_t events);

/*
 * The range that the difference is in at guest time at, behind the chunks so far.
 * Return: 0, or SYNC_NO_FIT while searching.
 */
int sync_track_range(const struct sync_track *t, int64_t at, int64_t *lowp, int64_t *highp);

/* Return: whether too many events fitted nowhere, even if `events` more come that all do. */
bool sync_track_is_lost(const struct sync_track *t, uint64_t events);

/*
 * Fits all chunks.
 * Return: 0, or SYNC_NO_FIT when none fitted: nothing is made then.
 */
int sync_track_finish(struct sync_track *t, struct sync_fit *fit);

/*
 * Return: whether a second look is safe. Where a clock was set, events behind that lie in windows
 * by the old line as well, by chance: they would say that it went on.
 */
bool sync_track_can_refine(const struct sync_fit *fit);

/*
 * A second look at a chunk's events, when all are fitted: in the narrow range that is known now an
 * event can be in fewer windows, so it says more. What it says is kept, too; at the end
 * sync_track_finish_again() replaces the fit if all that holds. Return of that: whether it became
 * so much narrower that still another look may be worth it.
 */
void sync_track_refine(struct sync_track *t, const struct sync_fit *fit,
		       const struct sync_pair *pairs, size_t n_pairs);
bool sync_track_finish_again(struct sync_track *t, struct sync_fit *fit);

#endif
