/*
 * column: the values of one column of a block, packed.
 *
 * Values become codes by one of several transforms (below), codes become bits by one of several
 * packings (pack.h). The encoder tries what the caller names and takes the smallest; the decoder
 * takes whatever stands there and checks it: it reads only the bytes it is given (but may load up to
 * 9 bytes from their end on), and writes exactly n values or fails.
 */
#ifndef VMSCOPE_STORE_COLUMN_H
#define VMSCOPE_STORE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/bytes.h"
#include "store/format.h"

enum column_transform {
	COLUMN_PLAIN,	   /* counted from the least value */
	COLUMN_DELTA,	   /* difference from the value before */
	COLUMN_MINUS,	   /* difference from what is left of `dur` */
	COLUMN_DICTIONARY, /* number in a list of the distinct values */
	COLUMN_BEFORE,	   /* as lately after the same value, or plain */
	COLUMN_NEIGHBOR,   /* as lately beside the same value of the column before, or plain */
	COLUMN_N_TRANSFORMS,
};

/* A body's first byte: packing, transform, and these. */
enum {
	TAG_TRANSFORM_SHIFT = 2,
	TAG_NULLS = 32,	 /* code 0 is NULL, others are one more */
	TAG_MASKED = 64, /* rows in some states are NULL and have no code */
	TAG_TAKEN = 128, /* values are taken off what is left of `dur` */
};

enum { COLUMN_BEFORE_VALUES = 64 }; /* COLUMN_BEFORE is for values from 0 to below this */

/* What to try besides plain. */
enum {
	COLUMN_TRY_DICTIONARY = 1,
	COLUMN_TRY_DELTA = 2,
	COLUMN_TRY_BEFORE = 4,
	COLUMN_IS_DELTA = 8, /* and nothing else */
	COLUMN_IS_TIME = 16, /* the same, for times in order that seldom are close */
};

/* The values of a column, with the range that they are in, in which NULL is the least value. */
struct column_values {
	const int64_t *at;
	uint32_t n; /* 1 to FORMAT_BLOCK_ROWS */
	int64_t least, most;
};

/* What is left of `dur` when the parts so far are taken off. */
struct column_left {
	int64_t *at;
	bool begun; /* a part has been taken off */
};

/* Values of one block that others are encoded by. */
struct column_context {
	const int64_t *state;	  /* NULL: no MASKED */
	const int64_t *neighbor;  /* the column before; NULL: no COLUMN_NEIGHBOR */
	struct column_left *left; /* NULL: no COLUMN_MINUS, nor TAKEN */
};

/* Working space of the encoder; all zeros at first. */
struct column_encoder {
	struct {
		int64_t value;
		uint32_t stamp; /* that of the encoder when the slot is in use */
		uint16_t code;
	} slots[1024]; /* of distinct values */
	uint32_t stamp;
	int64_t kept[FORMAT_BLOCK_ROWS], neighbor[FORMAT_BLOCK_ROWS]; /* what is not masked */
	uint64_t codes[2][FORMAT_BLOCK_ROWS];
	struct bytes dictionary, body;
};

void column_encoder_deinit(struct column_encoder *e);

static inline struct column_values column_values(const int64_t *at, uint32_t n)
{
	struct column_values v = {at, n, INT64_MAX, INT64_MIN};

	for (uint32_t i = 0; i < n; i++) {
		v.least = at[i] < v.least ? at[i] : v.least;
		v.most = at[i] > v.most ? at[i] : v.most;
	}
	return v;
}

/* Appends varint length and body of a column. Return: the transform that was taken. */
enum column_transform column_encode(struct column_encoder *e, const struct column_values *values,
				    unsigned try, const struct column_context *context,
				    struct bytes *out);

/* The same, of values whose range is not known yet, that rely on nothing else. */
void column_encode_alone(struct column_encoder *e, const int64_t *at, uint32_t n, unsigned try,
			 struct bytes *out);

/* Return: 0 and the body of the next column in *bodyp, or -1 when the bytes end before it does. */
int column_split(struct slice *s, struct slice *bodyp);

/* Return: whether this body needs context->neighbor; whether decoding it changes context->left. */
bool column_needs_neighbor(struct slice body);
bool column_is_taken(struct slice body);

/* Decodes a body to n <= FORMAT_BLOCK_ROWS values. Return: 0, or -1 when it is not sound. */
int column_decode(struct slice body, int64_t *values, uint32_t n,
		  const struct column_context *context);

/* --- for the two of them --- */

/* Which value was lately seen beside a key; 0 when none was. */
struct column_memory {
	int64_t keys[2 * FORMAT_BLOCK_ROWS], values[2 * FORMAT_BLOCK_ROWS];
	uint8_t used[2 * FORMAT_BLOCK_ROWS]; /* zeros at first */
};

static inline int64_t *column_recall(struct column_memory *m, int64_t key)
{
	const uint32_t mask = sizeof(m->used) - 1;
	uint32_t i = (uint32_t)((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15) >> 40) & mask;

	while (m->used[i] && m->keys[i] != key)
		i = (i + 1) & mask;
	if (!m->used[i]) {
		m->used[i] = 1;
		m->keys[i] = key;
		m->values[i] = 0;
	}
	return &m->values[i];
}

#endif
