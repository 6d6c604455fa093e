/*
 * vote: which event of one machine belongs to which of the other.
 *
 * A candidate pairs a host event with a guest event that might be its other half. Every candidate
 * claims a difference of the clocks. The true ones agree with each other, but for delays and drift;
 * the false ones claim this and that. So each guest event gets the candidate that most others agree
 * with, or none if what it has convinces far fewer than what its neighbours have. Neighbours are
 * all that is compared: after a step of a clock, another difference wins.
 */
#ifndef VMSCOPE_SYNC_VOTE_H
#define VMSCOPE_SYNC_VOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct sync_candidate {
	int64_t difference;   /* ns, host - guest; inside +-SYNC_LIMIT */
	uint32_t host, guest; /* indexes of the events */
};

/*
 * Weight of the candidates that agree with one, within less and less; UINT32_MAX: as much or more.
 */
struct sync_support {
	uint32_t coarse, fine;
};

struct sync_votes {
	VEC(struct sync_candidate) candidates;
	struct sync_support *support; /* owned, by candidate; NULL: not counted */
	uint16_t *weights; /* owned, by guest event: of each of its candidates; NULL: not counted */
	int64_t reach;
};

/*
 * Weighs, sorts (by difference) and counts the candidates.
 * n_guest: guest events there are, all candidates' are below it.
 * reach: ns; candidates as close as that agree. Delays, and some drift, have to fit in.
 */
void sync_votes_count(struct sync_votes *v, size_t n_guest, int64_t reach);

/*
 * Weighs and sorts the candidates, likewise, but keeps no count of each: of very many that would be
 * much.
 * Return: the candidate that most agree with, *supportp being what does, or NULL when there are
 * none.
 */
const struct sync_candidate *sync_votes_best(struct sync_votes *v, size_t n_guest, int64_t reach,
					     struct sync_support *supportp);

/* After counting. Return: the weight that agrees with a difference picked at random. */
uint64_t sync_votes_by_chance(const struct sync_votes *v);

/*
 * After counting: chosen, n_guest long, becomes each guest event's candidate or NULL. No host event
 * (there are n_host) is in two of them. least: weight that has to agree, however little there is
 * elsewhere.
 */
void sync_votes_choose(const struct sync_votes *v, size_t n_host, size_t n_guest, uint64_t least,
		       const struct sync_candidate **chosen);

void sync_votes_deinit(struct sync_votes *v);

#endif
