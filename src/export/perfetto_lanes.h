/*
 * perfetto_lanes: the slices and counters of a Perfetto trace.
 */
#ifndef VMSCOPE_EXPORT_PERFETTO_LANES_H
#define VMSCOPE_EXPORT_PERFETTO_LANES_H

#include "export/perfetto.h"

/* Writes all lanes of a table of states. Return: 0, or ERR with p->err set. */
int perfetto_write_lanes(struct perfetto *p, enum table_id table);

/* Writes what is counted for each vCPU. Return: 0, or ERR with p->err set. */
int perfetto_write_counters(struct perfetto *p);

#endif
