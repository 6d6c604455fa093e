/*
 * sync: every machine's clock onto the reference clock, that of the outermost host.
 *
 * A guest is aligned with its host first; a nested guest goes through all hosts above it. What the
 * user says wins; otherwise vmsync's pairs; otherwise the clocks are taken as they are, which can
 * be wrong by any amount, and the result says so.
 */
#ifndef VMSCOPE_ANALYZE_SYNC_H
#define VMSCOPE_ANALYZE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/identity.h"
#include "timeline/clock_map.h"

enum sync_method {
	SYNC_REFERENCE, /* it is the reference, or a machine without a host */
	SYNC_VMSYNC,
	SYNC_GIVEN, /* by the user */
	SYNC_AS_IS, /* nothing to go by: the clocks as they are */
	SYNC_N_METHODS,
};

/* A clock offset given by the user: reference = t + offset_ns + (t - first event) * drift. */
struct sync_given {
	const char *machine; /* name */
	int64_t offset_ns;
	double drift;
};

struct sync_options {
	const struct sync_given *given;
	size_t n_given;
	bool ignore_vmsync;
};

struct machine_sync {
	enum sync_method method;
	int against;	      /* machine that it was aligned with, IDENT_NONE for a reference */
	struct clock_map map; /* to the reference */
	int64_t error; /* ns, greatest of all pieces, against `against`; or CLOCK_ERROR_UNKNOWN */
	uint64_t constraints; /* vmsync: pairs */
	uint64_t violations;
	uint64_t decoys; /* vmsync events that belong to no exchange */
	uint64_t lost;	 /* vmsync events whose partner is missing */
};

/*
 * Fills out[i] for machine i of the identity.
 * Return: 0, or ERR with err set when an option names no machine.
 */
int sync_machines(const struct identity *id, const struct sync_options *options,
		  struct machine_sync *out, struct error *err);
void machine_sync_deinit(struct machine_sync *s);

const char *sync_method_name(enum sync_method method);

#endif
