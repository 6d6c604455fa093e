/*
 * sums: how long a lane was in each state, between any two times, exact.
 *
 * What lies between is taken from the index; only the blocks at both ends are decoded.
 */
#ifndef VMSCOPE_STORE_SUMS_H
#define VMSCOPE_STORE_SUMS_H

#include "store/reader.h"

/* Adds ns per state to sums. Return: 0, or ERR with err set. */
int sums_add(const struct store *s, enum table_id table, size_t lane, int64_t from, int64_t to,
	     uint64_t sums[FORMAT_MAX_SUMS], struct error *err);

#endif
