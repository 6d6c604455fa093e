/*
 * consensus: what most of many intervals agree on (Marzullo 1984).
 *
 * Some of them may be false. Where all agree, the answer is their intersection. Where they cannot,
 * it is everything that nearly as many agree on as at best do, for one cannot know which are false.
 */
#ifndef VMSCOPE_SYNC_CONSENSUS_H
#define VMSCOPE_SYNC_CONSENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct sync_end {
	int64_t at;
	int32_t step; /* 1 where an interval begins, -1 behind its end */
};

struct sync_consensus {
	VEC(struct sync_end) ends;
	size_t n;     /* voters */
	size_t n_all; /* of them, those that allow everything */
};

/* One voter; its intervals, which must not overlap, follow with sync_consensus_allow(). */
void sync_consensus_voter(struct sync_consensus *c);
void sync_consensus_allow(struct sync_consensus *c, int64_t low, int64_t high);

/* One voter that allows everything. */
void sync_consensus_abstain(struct sync_consensus *c);

/*
 * Narrows [*lowp, *highp], which holds all intervals, and forgets the voters.
 * Return: whether all voters agree on what is left.
 */
bool sync_consensus_take(struct sync_consensus *c, int64_t *lowp, int64_t *highp);

void sync_consensus_deinit(struct sync_consensus *c);

#endif
