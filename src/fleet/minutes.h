/*
 * minutes: findings, and what each vCPU did in each minute, added up.
 *
 * Minutes are whole ones of the recording's time line. An interval counts to each minute as far as
 * it lies in it, exits and wake-ups to the one in which they begin: so sums of minutes are those of
 * the intervals, to the ns. What time is counted as is decided where reports do it (results/).
 */
#ifndef VMSCOPE_FLEET_MINUTES_H
#define VMSCOPE_FLEET_MINUTES_H

#include "fleet/wanted.h"

/* Hands those rows that `s` wants to the sink. Return: 0, or ERR with err set. */
int fleet_minutes_run(struct fleet_source *s, fleet_sink_fn *sink, void *ctx, struct error *err);

#endif
