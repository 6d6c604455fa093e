/*
 * follow: a guest's clock, followed through what was observed of it and its host, side by side,
 * whatever its length.
 *
 * Windows and events are taken as they come and forgotten when they have been compared, so what
 * is held in memory depends on the number of vCPUs, not on the length of the traces.
 */
#ifndef VMSCOPE_SYNC_FOLLOW_H
#define VMSCOPE_SYNC_FOLLOW_H

#include <stdint.h>

#include "sync/fit.h"
#include "sync/observed.h"
#include "sync/track.h"

/* What became of a guest's events, some thousand at a time. */
struct sync_followed {
	VEC(struct sync_chunk) chunks;
};

/*
 * Follows a guest; difference: ns, host - guest, roughly and somewhere in the trace.
 * followed: empty, owned by the caller; gets its chunks if it is long. Of a short one each event
 * can be looked at once more (sync/count.h).
 * Return: 0 with *fit made, or SYNC_NO_FIT.
 */
int sync_follow(const struct observed_guest *guest, int64_t difference, struct sync_fit *fit,
		struct sync_followed *followed);

#endif
