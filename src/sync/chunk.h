/*
 * chunk: the difference of a guest's and its host's clock, from what every trace holds.
 *
 * A guest event on a vCPU can only happen while the host has that vCPU's thread in guest mode: in
 * one of its windows, from kvm_entry to the first host event after it. Some guest events (arming
 * the timer, going idle) make a window end, at once.
 *
 * 1. Search: nothing is known of the difference yet. What agrees of the many claims about it
 *    (sync/claims.h), or else single ones that are followed up (sync/leads.h), tell a range.
 * 2. Fit: each guest event lies in one of the few windows that the range allows. The bounds that
 *    follow (sync/collect.h) are fitted (sync/fit.h), the range becomes narrower, and so on until
 *    it no longer does.
 * 3. Judge: of several hypotheses the one is taken that leaves fewest events outside; if chance
 *    could have told it as well, its errors are said to be unknown.
 */
#ifndef VMSCOPE_SYNC_CHUNK_H
#define VMSCOPE_SYNC_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/fit.h"
#include "sync/pair.h"

struct sync_contain {
	struct sync_fit fit;
	uint64_t claims;  /* agreeing ones, that the fit began from */
	uint64_t events;  /* of the guest, on the CPUs given, that have windows before and after */
	uint64_t outside; /* of them, those that no window can hold, within the error of the fit */
	uint64_t astray;  /* events outside by the lines themselves, their errors aside */
	uint64_t by_chance; /* as `outside`, of as many events moved by some other difference */
	bool led;	    /* single claims led to it, not many that agree */
	bool voted;	    /* events were outvoted that contradict most others */
	unsigned int rounds;
	struct sync_bound *bounds; /* owned; by time: what the fit is of */
	size_t n_bounds;
};

/*
 * Fits one guest; pairs: its CPUs whose threads are known. effort: differences and events to try
 * where single claims are followed up; SYNC_EFFORT takes some seconds.
 * Return: 0, or SYNC_NO_FIT when nothing agrees: nothing is made then.
 */
int sync_contain_init(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
		      const struct sync_fit_options *o, uint64_t effort);

/*
 * The same from a known map instead of a search: each time's difference is within `reach` ns of
 * what the map says.
 */
int sync_contain_init_near(struct sync_contain *c, const struct sync_pair *pairs, size_t n_pairs,
			   const struct sync_fit_options *o, const struct clock_map *near,
			   int64_t reach);
void sync_contain_deinit(struct sync_contain *c);

/* Return: whether its lines hold, not only its errors, which may be wide. */
bool sync_contain_is_straight(const struct sync_contain *c);

/* Keeps in *c what fits the same events better, and makes an end of the other one. */
void sync_contain_keep_better(struct sync_contain *c, struct sync_contain *other);

#endif
