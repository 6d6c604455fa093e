/*
 * rowid: what rows of all outputs are called.
 *
 * One number per thing, the same in every output, so that a client can follow a thread from a table
 * to a graph. They fit 31 bits, as clients of the protocol need.
 */
#ifndef VMSCOPE_SERVER_ROWID_H
#define VMSCOPE_SERVER_ROWID_H

#include <stdbool.h>
#include <stdint.h>

enum row_kind {
	ROW_MACHINE,
	ROW_VCPU,
	ROW_THREAD,
	ROW_CPU,
	ROW_PROCESS,
	ROW_EXITS, /* of one vCPU for one reason */
	ROW_ALL,   /* the whole experiment */
	ROW_CONTAINER,
	ROW_N_KINDS,
};

enum { ROW_INDEX_BITS = 26, ROW_INDEX_END = 1 << ROW_INDEX_BITS };

static inline int32_t row_id(enum row_kind kind, int64_t index)
{
	return (int32_t)kind << ROW_INDEX_BITS | (int32_t)index;
}

/* Return: may be none of the kinds, for a number that a client made up. */
static inline int row_kind(int32_t id)
{
	return id < 0 ? ROW_N_KINDS : id >> ROW_INDEX_BITS;
}

static inline int64_t row_index(int32_t id)
{
	return id & (ROW_INDEX_END - 1);
}

#endif
