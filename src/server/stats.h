/*
 * stats: statistics of a stretch of time, as tables.
 */
#ifndef VMSCOPE_SERVER_STATS_H
#define VMSCOPE_SERVER_STATS_H

#include "server/dataset.h"
#include "server/stats_table.h"

enum stats_kind {
	STATS_VCPUS,
	STATS_THREADS,
	STATS_CPUS,
	STATS_EXITS,
	STATS_STEAL,
	STATS_SPLIT,
	STATS_DETAILS,
	STATS_N_KINDS,
};

/* Return: the kind of this name, or STATS_N_KINDS. */
enum stats_kind stats_find(const char *name);

/* Computes what was in [from, to). Return: 0, or ERR with err set; deinitialize in every case. */
int stats_init(struct stats *s, struct dataset *d, enum stats_kind kind, int64_t from, int64_t to,
	       struct error *err);

#endif
