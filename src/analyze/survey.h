/*
 * survey: reads a trace once to collect the evidence of who is who (model/evidence.h).
 */
#ifndef VMSCOPE_ANALYZE_SURVEY_H
#define VMSCOPE_ANALYZE_SURVEY_H

#include "base/diag.h"
#include "input/input.h"
#include "model/evidence.h"

/*
 * Adds what the trace's events say to e, and to diags what was wrong with its streams. The plan is the
 * trace's.
 */
void survey_trace(struct evidence *e, struct diag_list *diags, const struct recording *trace,
		  const struct input_plan *plan);

#endif
