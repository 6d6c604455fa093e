/*
 * interest: the plan (plan.h) that fills struct events (events/event.h).
 */
#ifndef VMSCOPE_INPUT_CTF_INTEREST_H
#define VMSCOPE_INPUT_CTF_INTEREST_H

#include "input/ctf/plan.h"
#include "input/ctf/type.h"
#include "input/input.h"

/*
 * As input_plan_new() in input/input.h; all that is delivered besides has tag CTF_TAG_ANY. events:
 * of t, by the index of their classes. knows_threads: what the function below says.
 */
struct ctf_plan *ctf_interest_plan(const struct ctf_trace_type *t,
				   const struct recording_event *events, bool knows_threads,
				   struct event_set wanted, bool every);

/* Return: whether any event says in which thread it happened; of which process that is. */
bool ctf_interest_knows_threads(const struct ctf_trace_type *t);
bool ctf_interest_knows_processes(const struct ctf_trace_type *t);

#endif
