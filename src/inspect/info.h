/*
 * info: what is in each trace, and what is missing from it.
 */
#ifndef VMSCOPE_INSPECT_INFO_H
#define VMSCOPE_INSPECT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/error.h"
#include "base/mem.h"
#include "events/required.h"
#include "input/session.h"

/* How often an event of this name was recorded, whatever its channel. */
struct info_event {
	const char *name; /* borrowed from the trace */
	uint64_t count;	  /* 0: described in the metadata, never recorded */
};

struct info_machine {
	const struct recording *trace; /* borrowed from the session */
	enum tracer tracer;
	VEC(struct info_event) events; /* the most frequent first, then by name */
	uint64_t n_events, n_packets, n_lost;
	bool has_span;
	int64_t first_ns, last_ns; /* by its own clock */
	VEC(uint32_t) cpus;	   /* ascending, none twice */
	enum role role;
	char *why;			  /* owned; the evidence for the role */
	enum required_presence *required; /* one per required_events[] */
	struct diag_list diags;
};

struct info {
	struct session session;
	VEC(struct info_machine) machines;
	int worst; /* enum diag_severity, or -1: nothing was wrong */
};

/* Reads the traces from end to end. Return: 0, or ERR with err set; deinitialize in every case. */
int info_init(struct info *info, char *const *traces, size_t n_traces,
	      const struct input_options *options, struct error *err);
void info_deinit(struct info *info);

/* For people; `top` is how many of the most frequent events are listed. */
void info_print_text(const struct info *info, size_t top, FILE *f);

/* One JSON object on a line of its own. */
void info_print_json(const struct info *info, FILE *f);

/* Return: whether something of this kind could not be read, of which nobody counted the events. */
bool info_is_unreadable(const struct info_machine *m, enum diag_id id);

/* Return: what is lost without this event in this machine. */
const char *info_without(const struct info_machine *m, const struct required_event *r);

#endif
