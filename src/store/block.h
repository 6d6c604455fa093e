/*
 * block: pieces of the file, verified and decoded: data blocks and index nodes.
 *
 * What they return can be relied on: within a block times are in order, lie in [first, end] and do
 * not overflow, and states are below n_sums.
 */
#ifndef VMSCOPE_STORE_BLOCK_H
#define VMSCOPE_STORE_BLOCK_H

#include "store/reader.h"

struct block {
	uint32_t n;					  /* rows */
	int64_t at[TABLE_MAX_COLUMNS][FORMAT_BLOCK_ROWS]; /* by our columns */
};

struct node {
	uint32_t n;
	struct entry entries[FORMAT_NODE_ENTRIES];
};

/*
 * Decodes the data block of `entry`, of a lane with these keys: ts, dur and state where the table
 * has them, and the columns that `columns` has a bit for. Return: 0, or ERR with err set.
 */
int block_read(const struct store *s, enum table_id table, const int64_t *keys,
	       const struct entry *entry, uint32_t columns, struct block *block, struct error *err);

/* Decodes the index node of `entry`. Return: 0, or ERR with err set. */
int node_read(const struct store *s, enum table_id table, const struct entry *entry,
	      struct node *node, struct error *err);

#endif
