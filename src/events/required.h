/*
 * required: which events the analysis needs of a host and of a guest, how each tracer calls them,
 * and what is lost without, and whether a recording has it.
 *
 * The one table behind `vmscope info`, which says what a recording lacks, the warnings of `vmscope
 * analyze`, and `vmscope record`, which prints how to record it.
 */
#ifndef VMSCOPE_EVENTS_REQUIRED_H
#define VMSCOPE_EVENTS_REQUIRED_H

#include <stdbool.h>
#include <stddef.h>

#include "events/role.h"

/* Programs that record. The first is the one that stock machines have. */
enum tracer {
	TRACER_TRACE_CMD,
	TRACER_PERF,
	TRACER_LTTNG,
	N_TRACERS,
};

enum need {
	NEED_CORE,   /* without it the main result is wrong or missing */
	NEED_DETAIL, /* without it a part of the report is */
	NEED_HELP,   /* makes results more exact, or another view possible */
};

enum { REQUIRED_NAMES = 4 };

struct required_event {
	/*
	 * As each tracer is asked for it, with the subsystem where it has them; '*' matches
	 * anything. Any one of them will do, the first is what is enabled. None: the tracer cannot
	 * record it, or tells the same without.
	 */
	const char *names[N_TRACERS][REQUIRED_NAMES];
	unsigned roles; /* enum role, ORed */
	enum need need;
	const char *topic;   /* what it is there for; equal ones stand together */
	const char *without; /* what is lost, as a clause: "... is not known" */
	const char
		*without_of_host; /* the same, of a host whose events name their thread; or NULL */
	/*
	 * How to enable it, for the shell, where that is not its name, or NULL. With a wildcard it
	 * is no error that a kernel lacks some of them, or that add-on modules are not loaded yet.
	 */
	const char *enable[N_TRACERS];
	bool is_rare;  /* that none was recorded says nothing */
	bool is_bulky; /* the user may want to do without */
};

extern const struct required_event required_events[];
extern const size_t n_required_events;

/* Return: "trace-cmd", "perf", "lttng". */
const char *tracer_name(enum tracer tracer);

/* Return: which tracer a recording says that it is from ("perf 6.1.187"); LTTng where it is none of
 * ours. */
enum tracer tracer_of(const char *text);

/* Return: whether it is anything that this tracer is to record. */
bool required_by(const struct required_event *r, enum tracer tracer);

/* Return: what the tracer calls it in what it recorded. Only if required_by(). */
const char *required_name(const struct required_event *r, enum tracer tracer);

/* Return: whether an event of this name, from this tracer, is one of the entry's. */
bool required_matches(const struct required_event *r, enum tracer tracer, const char *name);

/* Return: what is lost without it in a recording of this role. */
const char *required_without(const struct required_event *r, unsigned roles, bool knows_threads);

/* ---- what is missing in a recording --------------------------------------------------------- */

/* An event that a recording describes. */
struct required_seen {
	const char *name;
	bool is_recorded; /* at least once, as far as is known */
};

struct required_recording {
	enum tracer tracer;
	unsigned roles;	       /* whose events are looked for, ORed; role_to_look_for() */
	bool lists_unrecorded; /* it describes events that were not enabled */
	const struct required_seen *seen;
	size_t n_seen;
};

enum required_presence {
	REQUIRED_ABSENT, /* not described: not enabled, or kernel or tracer do not have it */
	REQUIRED_NEVER,	 /* enabled, but not one was recorded */
	REQUIRED_NONE,	 /* not one was recorded; whether it was enabled is not known */
	REQUIRED_RECORDED,
	REQUIRED_NOT_NEEDED, /* in a machine of this role, or of this tracer */
};

enum required_presence required_presence(const struct required_event *r,
					 const struct required_recording *in);

/* Return: "not described", "never recorded", "not recorded", "recorded", "not needed". */
const char *required_presence_name(enum required_presence presence);

#endif
