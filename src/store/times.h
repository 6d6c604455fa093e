/*
 * times: the times of a block, encoded by themselves or by those of another lane.
 *
 * A thread changes its state when its CPU does, a vCPU when the host's CPU does: most times stand in
 * several lanes, and a time takes most of the bits of a row. So a block may count on the times at
 * which rows of a lane of cpu_state begin, its base: a time is then the number of the last of these
 * that is not later, and what it is more than that, mostly nothing.
 */
#ifndef VMSCOPE_STORE_TIMES_H
#define VMSCOPE_STORE_TIMES_H

#include "schema/table.h"
#include "store/encode.h"

/* What is to be encoded. */
struct times {
	const int64_t *ts;
	const int64_t *dur; /* NULL where dur is not stored */
	uint32_t n;
};

/* Times of another lane, ascending; the first is not later than the block's. */
struct times_base {
	int64_t keys[TABLE_MAX_KEYS]; /* of the lane */
	const int64_t *at;
	uint32_t n;
};

/* Working space; all zeros at first. */
struct times_encoder {
	struct bytes scratch;
	int64_t ranks[FORMAT_BLOCK_ROWS + KERNEL_ROOM]; /* of the block's ts */
	int64_t first[FORMAT_BLOCK_ROWS + KERNEL_ROOM], second[FORMAT_BLOCK_ROWS + KERNEL_ROOM];
};

void times_encoder_deinit(struct times_encoder *t);

/* Appends all that a block says of its times: by the base that has most of them, or by themselves. */
void times_encode(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		  const struct times_base *bases, uint32_t n_bases, struct bytes *out);

#endif
