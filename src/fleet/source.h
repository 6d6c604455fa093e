/*
 * source: all rows that a fleet has of a recording: those of its results file, the sums of each
 * minute (minutes.h), its findings.
 */
#ifndef VMSCOPE_FLEET_SOURCE_H
#define VMSCOPE_FLEET_SOURCE_H

#include "fleet/wanted.h"

/*
 * Hands all rows that are wanted to the sink: of each table in order, those of different tables in
 * any. Return: 0, or ERR with err set.
 */
int fleet_source_run(struct fleet_source *s, fleet_sink_fn *sink, void *ctx, struct error *err);

#endif
