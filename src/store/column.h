/*
 * column: the values of one column of a block, packed.
 *
 * The encoder tries the transforms that the caller names and takes the smallest; the decoder takes
 * whatever stands there and checks it: it reads only the bytes it is given (but may load up to
 * 9 bytes from their end on), and writes exactly n values or fails.
 */
#ifndef VMSCOPE_STORE_COLUMN_H
#define VMSCOPE_STORE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/format.h"

/* Bytes being put together. */
struct bytes {
	uint8_t *at; /* owned */
	size_t n, cap;
};

/* Return: room for `more` bytes behind the last one; the caller adds to n what it used. */
uint8_t *bytes_room(struct bytes *b, size_t more);
void bytes_put(struct bytes *b, const void *at, size_t n);
void bytes_varint(struct bytes *b, uint64_t x);
void bytes_svarint(struct bytes *b, int64_t x);
void bytes_deinit(struct bytes *b);

/* Bytes being read. */
struct slice {
	const uint8_t *at, *end;
};

/* Return: 0, or -1 when there is no sound number there. */
int slice_varint(struct slice *s, uint64_t *xp);
int slice_svarint(struct slice *s, int64_t *xp);

/* What to try besides plain. */
enum { COLUMN_TRY_DICTIONARY = 1, COLUMN_TRY_DELTA = 2, COLUMN_IS_DELTA = 4 };

/* Values of one block that others are encoded by. */
struct column_context {
	const int64_t *state; /* NULL: no MASKED */
	/*
	 * What is left of `dur` when the parts so far are taken off; NULL: no MINUS. A column that is
	 * encoded by it takes its values off.
	 */
	int64_t *rest;
};

/* Working space of the encoder; all zeros at first. */
struct column_encoder {
	struct {
		int64_t value;
		uint32_t stamp; /* that of the encoder when the slot is in use */
		uint16_t code;
	} slots[1024]; /* of distinct values */
	uint32_t stamp;
	int64_t kept[FORMAT_BLOCK_ROWS]; /* values that are not masked */
	uint64_t codes[2][FORMAT_BLOCK_ROWS];
	struct bytes dictionary, body;
};

void column_encoder_deinit(struct column_encoder *e);

/* Appends varint length and body of a column of n >= 1 values, at most FORMAT_BLOCK_ROWS. */
void column_encode(struct column_encoder *e, const int64_t *values, uint32_t n, unsigned try,
		   const struct column_context *context, struct bytes *out);

/* Return: 0 and the body of the next column in *bodyp, or -1 when the bytes end before it does. */
int column_split(struct slice *s, struct slice *bodyp);

/* Return: whether decoding this body changes context->rest, which later columns rely on. */
bool column_takes_rest(struct slice body);

/* Decodes a body to n <= FORMAT_BLOCK_ROWS values. Return: 0, or -1 when it is not sound. */
int column_decode(struct slice body, int64_t *values, uint32_t n,
		  const struct column_context *context);

#endif
