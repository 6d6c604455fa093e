/*
 * estimate: what each way of finding a clock found of one machine's, and what the user wants.
 */
#ifndef VMSCOPE_SYNC_ESTIMATE_H
#define VMSCOPE_SYNC_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "sync/count.h"
#include "sync/fit.h"
#include "sync/tsc.h"
#include "timeline/clock_map.h"

enum sync_method {
	SYNC_REFERENCE,	  /* it is the reference, or a machine without a host */
	SYNC_VMSYNC,	  /* vmsync's pairs */
	SYNC_CONTAINMENT, /* guest events inside the windows of their vCPUs */
	SYNC_TSC,	  /* TSC offset and scale, for traces whose clock is the TSC */
	SYNC_AGENT,	  /* what the recorder's agent in the guest says */
	SYNC_GIVEN,	  /* an offset by the user */
	SYNC_AS_IS,	  /* nothing to go by: the clocks as they are */
	SYNC_N_METHODS,
};

enum { SYNC_AUTO = SYNC_N_METHODS };

/* A clock offset given by the user: reference = t + offset_ns + (t - first event) * drift. */
struct sync_given {
	const char *machine; /* as sync_machine_named() takes it */
	int64_t offset_ns;
	double drift;
};

/* What the host's debugfs says of the machine's TSC. */
struct sync_tsc {
	const char *machine;
	struct tsc_scale scale;
};

struct sync_options {
	const struct sync_given *given;
	size_t n_given;
	const struct sync_tsc *tsc;
	size_t n_tsc;
	int method; /* SYNC_AUTO, or the enum sync_method that is forced */
};

/* Options that leave everything to us. */
#define SYNC_OPTIONS_AUTO ((struct sync_options){.method = SYNC_AUTO})

/* What is left of the difference, reference - machine; ns. Not known: low > high. */
struct sync_range {
	int64_t low, high;
};

/* What is known of one piece of an estimate's map, beside what the piece says. */
struct sync_piece {
	struct sync_range begin, middle, end; /* at the piece's first time, half-way, at its last */
	uint64_t outside;		      /* see struct sync_estimate */
};

/* What one estimator found, against the machine's own host. */
struct sync_estimate {
	bool present;
	struct clock_map map;
	int64_t error;		   /* ns, greatest of all pieces, or CLOCK_ERROR_UNKNOWN */
	uint64_t constraints;	   /* bounds used */
	uint64_t violations;	   /* of them, those that the map breaks */
	uint64_t decoys;	   /* vmsync events that belong to no exchange */
	uint64_t lost;		   /* vmsync events whose partner is missing */
	struct sync_piece *pieces; /* owned; map.n_pieces of them */
	/*
	 * The check that needs no trust: guest events that this map puts outside every window of
	 * their vCPU, of n_events that it puts between the first and the last window.
	 */
	uint64_t n_events, outside;
	/*
	 * SYNC_AGENT: how far it is from what containment allows; INT64_MIN: not known. See
	 * sync/agent.h.
	 */
	int64_t excess;
};

/* The clock of one CPU, against the machine's own host, by containment. */
struct sync_cpu_clock {
	uint32_t cpu;
	size_t group;		       /* those of one share a clock; the first is 0 */
	struct sync_estimate estimate; /* not present: nothing is known of it */
	struct clock_map map;	       /* to the reference; no pieces: likewise */
};

typedef VEC(struct sync_cpu_clock) sync_cpu_clocks;

/* A map whose pieces are of several estimates. */
struct sync_mixed {
	struct clock_map map;	   /* no pieces: there is none */
	enum sync_method *methods; /* owned; by piece */
};

struct machine_sync {
	enum sync_method method; /* the one taken, for most of the time */
	struct sync_mixed mixed; /* against the same, if others are taken for the rest of it */
	int against;		 /* machine that it was aligned with, IDENT_NONE for a reference */
	struct clock_map map;	 /* to the reference */
	struct sync_estimate estimates[SYNC_N_METHODS];
	uint64_t disagreements; /* pairs of estimates that cannot both be right */
	/*
	 * Where the machine's CPUs do not share a clock, those of each; else none. Then `map` is
	 * that of the first.
	 */
	sync_cpu_clocks cpus;
};

/* What follows from the estimate's map, which is made. */
void sync_estimate_take_map(struct sync_estimate *e);

/* Makes the estimate of a fit. */
void sync_estimate_take_fit(struct sync_estimate *e, const struct sync_fit *fit);

/* Adds what was counted by its map. */
void sync_estimate_take_count(struct sync_estimate *e, const struct sync_count *c);

void sync_estimate_deinit(struct sync_estimate *e);

#endif
