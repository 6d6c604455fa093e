/*
 * required: which events the analysis needs of a host and of a guest, and what is lost without.
 *
 * The one table behind `vmscope info`, which says what a recording lacks, and `vmscope record`,
 * which prints how to record it.
 */
#ifndef VMSCOPE_EVENTS_REQUIRED_H
#define VMSCOPE_EVENTS_REQUIRED_H

#include <stdbool.h>
#include <stddef.h>

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_HOST = 1,
	ROLE_GUEST = 2,
	ROLE_BOTH = ROLE_HOST | ROLE_GUEST, /* a guest that runs guests of its own */
};

enum need {
	NEED_CORE,   /* without it the main result is wrong or missing */
	NEED_DETAIL, /* without it a part of the report is */
	NEED_HELP,   /* makes results more exact, or another view possible */
};

enum { REQUIRED_NAMES = 4 };

struct required_event {
	/* As tracers write it; '*' matches anything. Any one of them will do. The first is LTTng's. */
	const char *names[REQUIRED_NAMES];
	unsigned roles; /* enum role, ORed */
	enum need need;
	const char *topic;   /* what it is there for; equal ones stand together */
	const char *without; /* what is lost, as a clause: "... is not known" */
	/*
	 * How to enable it, for the shell, where that is more than its name, or NULL. With a wildcard it
	 * is no error that a kernel lacks some of them, or that add-on modules are not loaded yet.
	 */
	const char *enable;
	bool is_rare; /* that none was recorded says nothing */
};

extern const struct required_event required_events[];
extern const size_t n_required_events;

/* Return: "host", "guest", "host+guest", "unknown". */
const char *role_name(enum role role);

/* Return: whether a tracer's event of this name is one of the entry's. */
bool required_matches(const struct required_event *r, const char *name);

/* Return: whether the event tells that the machine is a host (KVM's own) or a guest (vmsync's). */
enum role role_told_by(const char *name);

#endif
