/*
 * encode: the values of the columns of a block, packed (column.h says how).
 *
 * What is cheaply known of a column, its range and whether it has NULLs, tells which transforms can
 * pay. Of these, and of those that the caller names, the one that takes the fewest bytes is taken.
 */
#ifndef VMSCOPE_STORE_ENCODE_H
#define VMSCOPE_STORE_ENCODE_H

#include "store/column.h"
#include "store/pack.h"

/* What to try besides plain. */
enum {
	COLUMN_TRY_DICTIONARY = 1,
	COLUMN_TRY_DELTA = 2,
	COLUMN_TRY_BEFORE = 4,
	COLUMN_IS_DELTA = 8, /* and nothing else; the range need not be known */
	COLUMN_IS_TIME = 16, /* the same, for times in order, to be counted from the first */
};

/* The values of a column, and what is known of them. */
struct column_values {
	const int64_t *at;
	uint32_t n;	   /* 1 to FORMAT_BLOCK_ROWS */
	bool nulls, known; /* some are NULL; some are not */
	int64_t min, max;  /* of those that are not; 0 when there are none */
};

/* What is left of `dur` when the parts so far are taken off. */
struct column_left {
	int64_t *at;
	bool begun; /* a part has been taken off */
};

/* The transform that was the best for the last block of the same column; all zeros at first. */
struct column_hint {
	uint8_t transform;
	uint8_t uses;	  /* that are left, before all are tried again */
	uint16_t n, size; /* numbers, and bytes, when they were */
};

/* What else a column may be encoded by. */
struct column_beside {
	struct column_hint *hint; /* NULL: none */
	bool in_states;		  /* that column_begin() told; else no MASKED */
	/* The column before, of which values and range count; NULL: no COLUMN_NEIGHBOR. */
	const struct column_values *neighbor;
	struct column_left *left; /* NULL: no COLUMN_MINUS, nor TAKEN */
};

enum { COLUMN_SLOTS = 4096 }; /* far more than a block has rows */

/*
 * What lately came with a key. An entry that does not have the stamp of the whole is an empty one.
 */
struct column_slots {
	uint32_t stamp;
	uint32_t stamps[COLUMN_SLOTS];
	int64_t keys[COLUMN_SLOTS], values[COLUMN_SLOTS];
	uint16_t numbers[COLUMN_SLOTS];
};

/* Of the block that is being encoded: which rows are in which state. */
struct column_states {
	uint64_t present; /* a bit for each state that occurs */
	uint64_t bits[FORMAT_BLOCK_ROWS + KERNEL_ROOM];
	uint64_t mask;	   /* the states whose rows are not chosen */
	uint32_t n_chosen; /* rows */
	uint64_t chosen[FORMAT_BLOCK_ROWS / 64];
};

/* Working space of the encoder; all zeros at first, but for the kernels. */
struct column_encoder {
	const struct kernels *kernels;
	struct column_states states;
	struct column_slots slots;
	int64_t kept[FORMAT_BLOCK_ROWS + KERNEL_ROOM];	   /* what is not masked, */
	int64_t neighbor[FORMAT_BLOCK_ROWS + KERNEL_ROOM]; /* and beside it */
	struct packing packings[2];
	struct bytes dictionary, body;
};

void column_encoder_deinit(struct column_encoder *e);

/* Begins a block of n rows. state: of each of them; NULL: they have none. */
void column_begin(struct column_encoder *e, const int64_t *state, uint32_t n);

/*
 * Appends varint length and body of a column of the block. values: at and n are there, and get what
 * a neighbor has to have. Return: the transform that was taken.
 */
enum column_transform column_encode(struct column_encoder *e, struct column_values *values,
				    unsigned try, const struct column_beside *beside,
				    struct bytes *out);

/* The same, of values that rely on nothing else; and of n of these of which nothing is known. */
void column_encode_values(struct column_encoder *e, const struct column_values *values,
			  unsigned try, struct bytes *out);
void column_encode_alone(struct column_encoder *e, const int64_t *at, uint32_t n, unsigned try,
			 struct bytes *out);

/* The states that column_begin() was given. */
void column_encode_states(struct column_encoder *e, const int64_t *state, uint32_t n,
			  struct bytes *out);

#endif
