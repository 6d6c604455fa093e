/*
 * claims: what successive exits and successive guest events claim about the difference of two
 * clocks.
 *
 * Nothing is known of the difference yet. Three successive windows that ended for the same cause,
 * and three successive guest events of that cause, with the same two gaps between them, claim one
 * (sync/vote.h). Chance claims this and that; the truth is claimed again and again. So claims tell
 * which guest CPU ran on which thread, and roughly where the clocks are.
 */
#ifndef VMSCOPE_SYNC_CLAIMS_H
#define VMSCOPE_SYNC_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "timeline/clock_map.h"
#include "sync/pair.h"
#include "sync/gaps.h"
#include "sync/hull.h"
#include "sync/vote.h"

/* How well a guest CPU and a thread fit, before any clock is known. */
struct sync_score {
	uint32_t agreeing; /* claims that agree on one difference */
	uint32_t claims;   /* of all */
	int64_t difference;
};

/*
 * Compares each guest CPU (of any number of guests) with each thread (of any number of VMs).
 * scores: n_cpus rows of n_threads, to be filled. grain: see sync/gaps.h.
 */
void sync_claims_search(const struct sync_cpu *cpus, size_t n_cpus,
			const struct sync_thread *threads, size_t n_threads, enum sync_grain grain,
			struct sync_score *scores);

/* What triples of one CPU, or of several with one clock, claim about the difference. */
struct sync_claims {
	struct sync_votes votes;
	uint32_t n_guest, n_host; /* triples */
	int64_t *ts;		  /* owned; by guest triple */
	uint8_t *n;		  /* owned; by guest triple: claims */
};

/* All claims of a guest, counted; pairs: its CPUs. */
void sync_claims_init(struct sync_claims *c, const struct sync_pair *pairs, size_t n_pairs,
		      enum sync_grain grain);
void sync_claims_deinit(struct sync_claims *c);

/* (guest ns, difference) */
typedef VEC(struct sync_point) sync_claim_vec;

/* Return: the claims of a guest that agree, by time; the caller's. */
sync_claim_vec sync_claims_agreeing(const struct sync_pair *pairs, size_t n_pairs,
				    enum sync_grain grain);

/* Return: ns that the claims differ from their neighbours by, nine times in ten. */
int64_t sync_claims_deviation(const sync_claim_vec *v);

/*
 * A first map: straight from the median of some claims to that of the next. Where that would be
 * steeper than max_drift (ns per ns), the clock steps somewhere between. reach: its error
 * elsewhere, ns.
 */
struct clock_map sync_claims_map(const sync_claim_vec *v, int64_t reach, double max_drift);

#endif
