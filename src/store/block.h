/*
 * block: data blocks, verified and decoded.
 *
 * What they hold can be relied on: times are in order, lie in [first, end] of the entry and do not
 * overflow, and states are below n_sums.
 */
#ifndef VMSCOPE_STORE_BLOCK_H
#define VMSCOPE_STORE_BLOCK_H

#include "store/base.h"

struct block {
	uint32_t n;					  /* rows */
	int64_t at[TABLE_MAX_COLUMNS][FORMAT_BLOCK_ROWS]; /* by our columns */

	/* Of use while it is decoded. */
	int64_t left[FORMAT_BLOCK_ROWS], ranks[FORMAT_BLOCK_ROWS], ends[FORMAT_BLOCK_ROWS];
	int64_t spare[2][FORMAT_BLOCK_ROWS];
	struct base base;
};

/* Return: room for one block after the other, to be freed by free(). */
struct block *block_new(void);

/*
 * Decodes the data block of `entry`, of a lane with these keys: ts, dur and state where the table
 * has them, and the columns that `columns` has a bit for. Return: 0, or ERR with err set.
 */
int block_read(const struct store *s, enum table_id table, const int64_t *keys,
	       const struct entry *entry, uint32_t columns, struct block *block, struct error *err);

#endif
