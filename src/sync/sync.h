/*
 * sync: every machine's clock onto the reference clock, that of the outermost host.
 *
 * A guest is aligned with its host; a nested guest goes through all hosts above it. Every estimator
 * that has something to go by makes its map. The one whose error bound is the smallest for most of
 * the time is taken, and others where its bound is bad, unless the user forces one (sync/choose.h).
 * What the user gives wins over all. Without any, the clocks are taken as they are, which can be
 * wrong by any amount, and the result says so.
 */
#ifndef VMSCOPE_SYNC_SYNC_H
#define VMSCOPE_SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "input/input.h"
#include "model/identity.h"
#include "sync/estimate.h"
#include "sync/observed.h"

/*
 * The machine that the user calls so: by its name, or by its host name where no other has that.
 * Return: its number; or ERR with err set.
 */
int sync_machine_named(const struct identity *id, const char *name, struct error *err);

/* What there is to go by, all borrowed. */
struct sync_input {
	struct recording *const *traces; /* by machine of the identity */
	const struct observed *observed; /* NULL: neither containment nor vmsync is to be used */
	bool contain;			 /* containment is */
	unsigned threads;		 /* that may be used */
};

/*
 * Finds out who is whose guest where only clocks tell, and fills out[i] for machine i of the
 * identity.
 * Return: 0, or ERR with err set when an option names no machine or cannot be used.
 */
int sync_machines(struct identity *id, const struct sync_input *in,
		  const struct sync_options *options, struct machine_sync *out, struct error *err);
void machine_sync_deinit(struct machine_sync *s);

/* Return: the map of one CPU's times to the reference, NULL: its clock is not known. */
const struct clock_map *machine_sync_map(const struct machine_sync *s, uint32_t cpu);

/* Return: the method of the estimate that was taken for machine time t. */
enum sync_method machine_sync_method(const struct machine_sync *s, int64_t t);

/* Return: the estimate that was taken, for most of the time. */
const struct sync_estimate *machine_sync_taken(const struct machine_sync *s);

/* What speaks against the clocks that were taken; see struct sync_estimate. */
struct sync_against {
	uint64_t violations, n_events, outside;
};

struct sync_against machine_sync_against(const struct machine_sync *s);

const char *sync_method_name(enum sync_method method);

#endif
