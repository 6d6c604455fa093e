/*
 * layout: which of a trace's event classes are events of ours, and where their fields go.
 */
#ifndef VMSCOPE_EVENTS_LAYOUT_H
#define VMSCOPE_EVENTS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "ctf/plan.h"
#include "ctf/type.h"
#include "events/event.h"

/* Bit set of enum event_id. */
struct event_set {
	uint64_t bits;
};

static inline bool event_set_has(struct event_set s, enum event_id id)
{
	return s.bits >> id & 1;
}

struct event_set event_set_all(void);
struct event_set event_set_of(const enum event_id *ids, unsigned n);

/* Return: the event that a tracer calls `name`, or EV_N when it is none of ours. */
enum event_id layout_event_of(const char *name);

/* Which events the metadata describes: what could have been recorded. */
struct event_set layout_described(const struct ctf_trace_type *t);

/*
 * Compiles t so that the events in `wanted` fill a struct event (all but ts, machine and cpu).
 * After a kvm_entry, the next event is delivered whichever it is (tag CTF_TAG_ANY), since it is
 * where the guest's time ends.
 */
struct ctf_plan *layout_plan(const struct ctf_trace_type *t, struct event_set wanted);

/* The same, but all other events are delivered as well, each with tag CTF_TAG_ANY. */
struct ctf_plan *layout_plan_every(const struct ctf_trace_type *t, struct event_set wanted);

#endif
