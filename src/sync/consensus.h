/*
 * consensus: what most of many intervals agree on (Marzullo 1984).
 *
 * Some of them may be false. Where all agree, the answer is their intersection. Where they cannot,
 * it is everything that nearly as many agree on as at best do, for one cannot know which are false.
 *
 * Votes are counted in cells of the range that is known, so what comes out can be too wide by a
 * cell at each end, never too narrow.
 */
#ifndef VMSCOPE_SYNC_CONSENSUS_H
#define VMSCOPE_SYNC_CONSENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONSENSUS_CELLS = 1024 };

struct sync_consensus {
	int64_t low;  /* where the first cell begins */
	int64_t cell; /* its length */
	int32_t steps[CONSENSUS_CELLS +
		      1]; /* by how many votes a cell has more than the one before */
	size_t n;	  /* voters */
	size_t n_all;	  /* of them, those that allow everything */
	int64_t reached;  /* last cell that the voter has voted for */
};

/* No voters yet; all intervals will lie in [low, high]. */
void sync_consensus_begin(struct sync_consensus *c, int64_t low, int64_t high);

/* One voter; its intervals, which must not overlap, follow in order with sync_consensus_allow(). */
void sync_consensus_voter(struct sync_consensus *c);
void sync_consensus_allow(struct sync_consensus *c, int64_t low, int64_t high);

/* One voter that allows everything. */
void sync_consensus_abstain(struct sync_consensus *c);

/*
 * Narrows [*lowp, *highp], the range it began with. Return: whether all voters agree on what is
 * left.
 */
bool sync_consensus_take(struct sync_consensus *c, int64_t *lowp, int64_t *highp);

#endif
