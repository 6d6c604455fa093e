/*
 * search: who is whose guest, and whose clock is where, from containment alone.
 *
 * Every machine's CPUs are compared with the vCPU threads of every other machine that is a host. A
 * machine that fits one VM belongs to it. A nested guest fits twice, in the VM of its own host and, since that
 * host is a guest too, in the VM around it: the inner one is its own.
 *
 * Short traces are held in memory as a whole. Of long ones parts tell who is who, and one pass over all
 * tells where the clocks are (sync/follow.h).
 */
#ifndef VMSCOPE_SYNC_SEARCH_H
#define VMSCOPE_SYNC_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/gather.h"
#include "input/input.h"
#include "model/identity.h"
#include "sync/chunk.h"
#include "sync/fit.h"
#include "sync/track.h"

/* Where the clock of one machine is. */
struct contained {
	uint32_t agreeing;  /* coincidences that agree on `difference`; 0: none */
	int64_t difference; /* ns, host - guest, somewhere in the trace */
	bool present;
	struct sync_contain fit;       /* if present; owned */
	VEC(struct sync_chunk) chunks; /* that it is of, where the clock was followed */
};

struct containment {
	struct recording *const *traces; /* borrowed */
	bool whole;			 /* all is held in memory */
	size_t n_machines;
	struct contained *fits;		   /* owned; per machine */
	struct gathered_machine *machines; /* owned */
	struct gathered_windows *windows;  /* owned; per vCPU of the identity */
	size_t n_vcpus;
	unsigned threads;      /* that may be used */
	struct worker *helper; /* one of them; or NULL */
};

/* traces[i] is machine i of the identity; they and the helper must outlive the containment. */
void containment_init(struct containment *c, struct recording *const *traces,
		      const struct identity *identity, unsigned threads, struct worker *helper);
void containment_deinit(struct containment *c);

/*
 * Ties machines that are no VM yet to the VMs that they fit, and says in the identity's `why` what
 * could not be told. The vCPUs of VMs that are tied, now or before, learn which guest CPU they are.
 */
void containment_identify(struct containment *c, struct identity *identity);

/* Fits all machines that are VMs, each to its host's clock. */
void containment_follow(struct containment *c, const struct identity *identity);

/* Return: the fit of machine `guest`, or NULL when there is none. */
const struct sync_fit *containment_fit(const struct containment *c, int guest);

/*
 * Counts the guest's events that `map` puts outside every window of their vCPU: *n_eventsp is how many
 * it puts between the first and the last window, of those the ones outside any are added to
 * outside_of_piece[piece of the map].
 */
void containment_count_outside(const struct containment *c, const struct identity *identity,
			       int guest, const struct clock_map *map, uint64_t *n_eventsp,
			       uint64_t *outside_of_piece);

/*
 * The same for the map of containment_fit(): where the clock was followed, the events outside have been
 * counted on the way (then each counts for the piece in which most of its neighbours are).
 */
void containment_count_own(const struct containment *c, const struct identity *identity, int guest,
			   const struct clock_map *map, uint64_t *n_eventsp,
			   uint64_t *outside_of_piece);

#endif
