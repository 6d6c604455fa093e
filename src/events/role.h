/*
 * role: what a machine is, by the events that were recorded on it.
 *
 * KVM's own events happen on a host only, vmsync's guest side in a guest only; a guest that runs
 * guests itself has both. That a guest is one can also be found out later, by other evidence.
 */
#ifndef VMSCOPE_EVENTS_ROLE_H
#define VMSCOPE_EVENTS_ROLE_H

#include <stdint.h>

#include "events/event.h"

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_HOST = 1,
	ROLE_GUEST = 2,
	ROLE_BOTH = ROLE_HOST | ROLE_GUEST,
};

/* Return: "host", "guest", "host+guest", "unknown". */
const char *role_name(enum role role);

/* By how often each event was recorded. */
enum role role_of_counts(const uint64_t n[EV_N]);

/* Return: the evidence for that, as a part of a sentence; the caller's to free. */
char *role_why(const uint64_t n[EV_N]);

/* Return: whose events to look for in it, ORed: a host's are what a machine of unknown role does
 * not have. */
unsigned role_to_look_for(enum role role);

#endif
