/*
 * listing: every event of any number of traces, decoded and printed in the order of time.
 *
 *	session -> a walk per stream -> merge by time -> printer (text or JSON lines)
 *
 * Each trace's times are by its own clock: this is what the traces say, before any synchronization.
 *Traces whose times are since boot come before those with a wall clock.
 */
#ifndef VMSCOPE_INSPECT_LISTING_H
#define VMSCOPE_INSPECT_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock_text.h"
#include "base/error.h"
#include "input/input.h"

struct listing_options {
	bool json;
	struct clock_text clock;    /* how times are printed and read; what 0 is the traces say */
	const char *const *filters; /* event names, with * ? [] as in the shell; none: all */
	size_t n_filters;
	const char *begin, *end; /* inclusive; NULL: no limit */
	struct input_options input;
};

enum { LISTING_DAMAGED = 1, LISTING_NO_TIME = 2 };

/*
 * Prints to `data`; says to `messages` what was wrong with the traces. Stops early, without an
 * error, when `data` takes no more.
 * Return: 0; LISTING_DAMAGED when it is done but something was lost or damaged; LISTING_NO_TIME
 * with err set, and nothing printed, when begin or end is a time of day that one of the traces does
 * not know, or no trace has anything between them; ERR with err set.
 */
int listing_run(char *const *traces, size_t n_traces, const struct listing_options *options,
		FILE *data, FILE *messages, struct error *err);

#endif
