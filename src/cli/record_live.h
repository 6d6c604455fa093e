/*
 * record_live: `vmscope record` at work: records this host and its guests, then analyzes what was
 * recorded.
 */
#ifndef VMSCOPE_CLI_RECORD_LIVE_H
#define VMSCOPE_CLI_RECORD_LIVE_H

#include <stdbool.h>

#include "cli/command.h"
#include "cli/record_guests.h"
#include "cli/record_watch.h"
#include "record/recorder.h"

/* What records the host. */
enum record_backend {
	RECORD_AUTO,
	RECORD_TRACEFS, /* we ourselves */
	RECORD_TRACE_CMD,
	RECORD_PERF,
	RECORD_LTTNG,
};

struct record_request {
	struct recorder_options recorder;
	struct record_guests guests;
	enum record_backend backend;
	const char *dir;		   /* NULL: one that is named after the time */
	double for_s;			   /* 0: until Ctrl-C */
	VEC(struct record_condition) when; /* a flight is saved then */
	bool no_analysis;
};

/* Return: an exit status. */
int record_live(const struct command *cmd, struct record_request *q);

/* Says all that record_live() would do, and what is missing for it. Return: an exit status. */
int record_live_dry(const struct command *cmd, struct record_request *q);

/* Asks flight recorders that run to save. Return: an exit status. */
int record_live_ask_to_save(const struct command *cmd);

#endif
