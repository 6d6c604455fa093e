/*
 * tsc_offset: a guest's clock exactly, where both traces count TSC cycles and it is known how the
 * guest's TSC is made of the host's (sync/tsc.h): from the host's kvm_write_tsc_offset events, or
 * from the user.
 */
#ifndef VMSCOPE_SYNC_TSC_OFFSET_H
#define VMSCOPE_SYNC_TSC_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

#include "input/input.h"
#include "model/identity.h"
#include "timeline/clock_map.h"
#include "sync/tsc.h"

/* Return: whether the times of the trace are a TSC's cycles; then *clockp says how. */
bool sync_tsc_clock(const struct recording *trace, struct tsc_clock *clockp);

/*
 * The map of a machine that is VM `vm`, from what its host's trace recorded, for machine times in
 * [first, last]; constraints counts the events that it is from. *m is empty when none is made.
 * Return: false when that does not settle it: there are no such events, vCPUs
 * differ, the TSC was changed while the machine was recorded, or its speed is not the host's.
 */
bool sync_tsc_recorded(struct clock_map *m, const struct identity *id,
		       struct recording *const *traces, int vm, int64_t first, int64_t last);

#endif
