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

/* Times of the base, ascending; the first is not later than the block's. */
struct times_base {
	const int64_t *at;
	uint32_t n;
};

/* Working space; all zeros at first. */
struct times_encoder {
	struct bytes plain, based;
	int64_t ranks[FORMAT_BLOCK_ROWS]; /* of the block's ts */
	int64_t first[FORMAT_BLOCK_ROWS], second[FORMAT_BLOCK_ROWS];
};

void times_encoder_deinit(struct times_encoder *t);

/*
 * Appends ts, n times in order, the way that takes fewer bytes. base: NULL for none.
 * Return: whether it is by base.
 */
bool times_encode_ts(struct times_encoder *t, struct column_encoder *e, const int64_t *ts,
		     uint32_t n, const struct times_base *base, struct bytes *out);

/* The same for the durations that belong to these ts; base only where ts are by base. */
bool times_encode_dur(struct times_encoder *t, struct column_encoder *e, const int64_t *ts,
		      const int64_t *dur, uint32_t n, const struct times_base *base,
		      struct bytes *out);

#endif
