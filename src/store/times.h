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

#include "store/column.h"

/* What is to be encoded. */
struct times {
	const int64_t *ts;
	const int64_t *dur; /* NULL where dur is not stored */
	uint32_t n;
};

/* Times of the base, ascending; the first is not later than the block's. */
struct times_base {
	const int64_t *at;
	uint32_t n;
};

/* Working space; all zeros at first. */
struct times_encoder {
	struct bytes scratch;
	int64_t ranks[FORMAT_BLOCK_ROWS]; /* of the block's ts */
	int64_t first[FORMAT_BLOCK_ROWS], second[FORMAT_BLOCK_ROWS];
};

void times_encoder_deinit(struct times_encoder *t);

/* Makes of `out` the whole of what a block says of its times, by themselves. */
void times_encode(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		  struct bytes *out);

/* The same, ts by the base's times, and dur as well if that is shorter; keys: of the base. */
void times_encode_by_base(struct times_encoder *t, struct column_encoder *e,
			  const struct times *times, const struct times_base *base,
			  const int64_t *keys, struct bytes *out);

#endif
