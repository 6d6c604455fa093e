/*
 * survey: reads a trace once to collect the evidence of who is who (model/evidence.h).
 */
#ifndef VMSCOPE_ANALYZE_SURVEY_H
#define VMSCOPE_ANALYZE_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "input/input.h"
#include "model/evidence.h"

/* How often each event was read from one stream, of a CPU that has several. */
struct survey_counts {
	uint64_t n[EV_N];
};

/*
 * A user can have the same event recorded in several channels or instances. Marks it in all streams but those of the channel that
 * has most of it as doubled (struct recording_stream), so that it is read once.
 * Return: whether there is any; then what was found out before this was called counts some things twice.
 */
bool survey_find_doubled(struct recording *trace, const struct survey_counts *counts);

/*
 * Adds what the trace's events say to e, to counts (owned by the caller, one per stream) how often each event was read, and to diags what was wrong with its streams. The plan is the
 * trace's.
 */
void survey_trace(struct evidence *e, struct diag_list *diags, const struct recording *trace,
		  const struct input_plan *plan, struct survey_counts *counts);

#endif
