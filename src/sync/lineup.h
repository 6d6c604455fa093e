/*
 * lineup: which guest trace is which VM, and which of its CPUs ran on which thread.
 *
 * Decided from the scores of sync_claims_search(). All CPUs of a guest share one clock, so a
 * process is judged by what its threads and the guest's CPUs claim together about one difference.
 */
#ifndef VMSCOPE_SYNC_LINEUP_H
#define VMSCOPE_SYNC_LINEUP_H

#include "sync/claims.h"

enum sync_verdict {
	SYNC_FOREIGN,	/* no process fits: ran elsewhere, or left too little to tell */
	SYNC_AMBIGUOUS, /* two fit alike; `process` is the better one */
	SYNC_FOUND,
};

enum { SYNC_NOBODY = -1 };

struct sync_identity {
	enum sync_verdict verdict;
	int64_t process;    /* as given, or SYNC_NOBODY */
	int64_t difference; /* ns, host - guest, to some ms */
	uint32_t score;	    /* claims that agree, all CPUs' together */
	uint32_t runner_up; /* those of the next best process */
	uint32_t by_chance; /* the most that a thread which does not belong got */
};

struct sync_lineup {
	const struct sync_score *scores;  /* n_cpus rows of n_threads */
	const uint32_t *guest_of_cpu;	  /* guest number of each row */
	const int64_t *process_of_thread; /* >= 0 */
	size_t n_cpus, n_threads, n_guests;
};

/*
 * identities: n_guests, to be filled.
 * thread_of_cpu: n_cpus; becomes the index of the thread that each CPU ran on, or SYNC_NOBODY.
 */
void sync_identify(const struct sync_lineup *l, struct sync_identity *identities,
		   int64_t *thread_of_cpu);

#endif
