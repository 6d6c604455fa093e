/*
 * agent: a guest's clock by the word of the recorder's agent in it.
 *
 * `trace-cmd record -A` lets an agent in the guest exchange messages with the host, or reads KVM's
 * TSC offset, and saves how the guest's counts become the host's (struct recording_shift). How well
 * it knows is not saved, so nothing is built on it unchecked.
 */
#ifndef VMSCOPE_SYNC_AGENT_H
#define VMSCOPE_SYNC_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "input/input.h"
#include "timeline/clock_map.h"
#include "sync/fit.h"

/*
 * The map from the guest's times to the host's, of unknown error, from what the guest's recording
 * says of its peer. constraints counts the exchanges. Return: false with *m empty when it says
 * nothing of this host.
 */
bool sync_agent_map(struct clock_map *m, const struct recording *host,
		    const struct recording *guest);

/*
 * How far a map is from what facts allow, at worst, for times in [first, last]: negative, it is so
 * far inside; positive, so far outside. Return: ns; INT64_MIN when the facts bound nothing there.
 */
int64_t sync_agent_excess(const struct clock_map *m, const struct sync_fit *facts, int64_t first,
			  int64_t last);

#endif
