/*
 * column: the values of one column of a block, packed.
 *
 * Values become codes by one of several transforms (below), codes become bits by one of several
 * packings (pack.h). encode.h is the encoder. The decoder takes whatever stands there and checks
 * it: it reads only the bytes it is given (but may load up to 9 bytes from their end on), and
 * writes exactly n values or fails.
 */
#ifndef VMSCOPE_STORE_COLUMN_H
#define VMSCOPE_STORE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
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

/* Values of one block that others are decoded by. */
struct column_context {
	const int64_t *state;	 /* NULL: no MASKED */
	const int64_t *neighbor; /* the column before; NULL: no COLUMN_NEIGHBOR */
	int64_t *left; /* of `dur`, when parts are taken off; NULL: no COLUMN_MINUS, nor TAKEN */
};

/* Return: 0 and the body of the next column in *bodyp, or -1 when the bytes end before it does. */
int column_split(struct slice *s, struct slice *bodyp);

/* Return: whether this body needs context->neighbor; whether decoding it changes context->left. */
bool column_needs_neighbor(struct slice body);
bool column_is_taken(struct slice body);

/* Decodes a body to n <= FORMAT_BLOCK_ROWS values. Return: 0, or -1 when it is not sound. */
int column_decode(struct slice body, int64_t *values, uint32_t n,
		  const struct column_context *context);

#endif
