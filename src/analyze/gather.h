/*
 * gather: what containment (timeline/sync_contain.h) compares: when each vCPU's thread was in guest mode,
 * by the host, and when each CPU of each machine did something, by itself.
 */
#ifndef VMSCOPE_ANALYZE_GATHER_H
#define VMSCOPE_ANALYZE_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "ctf/trace.h"
#include "model/evidence.h"
#include "model/identity.h"
#include "timeline/sync_contain.h"

struct gathered_windows {
	VEC(struct sync_window) at; /* by time, none overlapping another */
};

struct gathered_cpu {
	uint32_t cpu;
	VEC(struct sync_guest_event) at; /* by time */
};

/* Of one machine. */
struct gathered_machine {
	VEC(struct gathered_cpu) cpus;
};

/*
 * Adds the windows of the vCPUs that machine `host` runs to windows[vcpu of the identity]. Where events
 * were lost, every one of its vCPUs may have run: such a stretch is a window of each.
 */
void gather_windows(const struct ctf_trace *trace, const struct identity *identity, int host,
		    struct gathered_windows *windows);

void gather_events(const struct ctf_trace *trace, struct gathered_machine *machine);

void gathered_machine_deinit(struct gathered_machine *m);

#endif
