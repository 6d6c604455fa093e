/*
 * recording: a results file as part of a fleet: whose it is and what it is called there.
 *
 * The id is made of the host's boot id, or its name where that was not recorded, and of when the
 * recording began: the same recording has the same id whoever loads it, however often. The digest
 * tells two analyses of one recording apart.
 */
#ifndef VMSCOPE_FLEET_RECORDING_H
#define VMSCOPE_FLEET_RECORDING_H

#include <stdint.h>

#include "base/clock_origin.h"
#include "base/error.h"
#include "fleet/rows.h"
#include "store/reader.h"

struct fleet_recording {
	struct store *store; /* owned */
	const char *path;    /* borrowed */
	char id[FLEET_ID_SIZE + 1], digest[FLEET_ID_SIZE + 1];
	uint16_t day;
	const char *host, *boot_id, *kernel; /* borrowed; the last two may be NULL */
	int64_t begin, end;		     /* ns */
	enum clock_origin origin;
};

/*
 * host: what the host is called, instead of what the recording says; or NULL. path and host must
 * outlive it. Return: 0, or ERR with err set; deinitialize after 0.
 */
int fleet_recording_init(struct fleet_recording *r, const char *path, const char *host,
			 struct error *err);
void fleet_recording_deinit(struct fleet_recording *r);

/*
 * Hands the rows of a table of the results file to the sink, all but the first `skip`.
 * Return: 0, or ERR with err set.
 */
int fleet_recording_rows(const struct fleet_recording *r, const struct fleet_table *t,
			 uint64_t skip, fleet_sink_fn *sink, void *ctx, struct error *err);

#endif
