/*
 * base: the times at which rows of a lane of cpu_state begin, for blocks of other lanes that count
 * on them (times.h).
 */
#ifndef VMSCOPE_STORE_BASE_H
#define VMSCOPE_STORE_BASE_H

#include "store/piece.h"

/*
 * Blocks that are read one after another mostly go on where the last one was, so the way to it and
 * the last piece of it are kept. All zeros at first.
 */
struct base {
	const struct lane_info *lane; /* NULL: none yet */
	struct {
		uint64_t offset; /* of the node; 0: none */
		uint32_t at;	 /* the entry that the way goes through */
		struct node node;
	} way[FORMAT_MAX_LEVEL + 1]; /* by level; 0 is not used */
	uint64_t leaf;		     /* offset of the block that leaf_ts is of; 0: none */
	uint32_t leaf_n;
	int64_t leaf_ts[FORMAT_BLOCK_ROWS];

	int64_t times[FORMAT_BASE_TIMES];
	uint64_t blocks_read, nodes_read;
};

/*
 * Finds the first n of these times of the CPU with these keys: the last one not later than `first`
 * and those that follow, up to the end of its last row. n <= FORMAT_BASE_TIMES.
 * offset: of the block that asks, for messages.
 * Return: 0 and them in b->times, or ERR with err set.
 */
int base_read(struct base *b, const struct store *s, const int64_t *keys, int64_t first, uint32_t n,
	      uint64_t offset, struct error *err);

#endif
