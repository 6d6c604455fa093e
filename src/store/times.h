/*
 * times: the times of a block, encoded by themselves or by those of another lane.
 *
 * A thread changes its state when its CPU does, a vCPU when the host's CPU does: most times stand
 * in several lanes, and a time takes most of the bits of a row. So a block may count on the times
 * at which rows of a lane of cpu_state begin, its base: a time is then the number of the last of
 * these that is not later, and what it is more than that, mostly nothing.
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

/* Appends all that a block says of its times. base: NULL: by themselves. */
void times_encode(struct times_encoder *t, struct column_encoder *e, const struct times *times,
		  const struct times_base *base, struct bytes *out);

enum { TIMES_SAMPLES = 64 };

/* Times that tell what all of a block are like. */
struct times_samples {
	uint32_t n;
	int64_t at[TIMES_SAMPLES];
};

/* Takes them from n rows of `width` values, the first of which is ts. */
void times_sample(struct times_samples *s, const int64_t *rows, uint32_t n, uint32_t width);

/* Return: how many of the samples are exactly one of the base's. */
uint32_t times_exact(const struct times_samples *s, const struct times_base *base,
		     const struct kernels *k);

/*
 * Numbers of the base's times take less than the times themselves if more than a part of these is
 * exactly there. A part of this size was found to be where it turns; spans have their ends there,
 * too.
 * Return: the number of samples with which it still does not pay.
 */
uint32_t times_too_few(const struct times_samples *s, bool spans);

#endif
