/*
 * kernels: the loops over the values of a block that the encoder consists of.
 *
 * Each is there twice: plain, for every machine, and with AVX2, where the processor has it. Both
 * give the same, to the bit; tests/store/test_kernels.c compares them. A caller takes them from
 * kernels_best() and does not ask which they are.
 *
 * Arrays hold at most FORMAT_BLOCK_ROWS values. Numbers of 64 bits may be read and written up to
 * KERNEL_ROOM behind the last one, and bits and codes be read up to the next multiple of 64.
 */
#ifndef VMSCOPE_STORE_KERNELS_H
#define VMSCOPE_STORE_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

enum { KERNEL_ROOM = 8 };

struct kernel_range {
	int64_t min, max;  /* of those that are not NULL; 0 when there are none */
	bool nulls, known; /* some are NULL; some are not */
};

struct kernel_span {
	int64_t min, max; /* 0 of nothing */
};

struct kernel_lengths {
	uint32_t bits;	/* of all numbers together */
	uint32_t zeros; /* numbers that have none */
};

/* Times that are looked for among others, which ascend. */
struct kernel_times {
	const int64_t *base;
	uint32_t n_base; /* at least 1 */
	const int64_t *at;
	/* By time: a number of the base that its own is not below. NULL: they are in order. */
	const int64_t *from;
	uint32_t n;
};

struct kernels {
	/* Makes n rows of `width` values to columns that begin `stride` values apart. */
	void (*transpose)(const int64_t *rows, uint32_t n, uint32_t width, int64_t *columns,
			  uint32_t stride);

	/* What is known of values. n is at least 1. */
	struct kernel_range (*range)(const int64_t *at, uint32_t n);
	bool (*has_null)(const int64_t *at, uint32_t n);

	/* A bit for the state of each row, all below 64. Return: those of all rows. */
	uint64_t (*state_bits)(const int64_t *state, uint32_t n, uint64_t *bits);
	/* Return: the bits of the states in which some values are not NULL. */
	uint64_t (*known)(const uint64_t *bits, const int64_t *at, uint32_t n);
	/* Chooses rows in no state of the mask: a bit each, 64 in a number. Return: how many. */
	uint32_t (*choose)(const uint64_t *bits, uint64_t mask, uint32_t n, uint64_t *chosen);
	/* Takes the values of the rows that were chosen of n. */
	void (*keep)(const int64_t *at, const uint64_t *chosen, uint32_t n, int64_t *kept);

	/* codes = at + by; and 0 where at is NULL. */
	void (*shift)(const int64_t *at, uint64_t by, uint32_t n, uint64_t *codes);
	void (*shift_known)(const int64_t *at, uint64_t by, uint32_t n, uint64_t *codes);
	/* codes = a - b. Return: the least and the largest of them. */
	struct kernel_span (*subtract)(const int64_t *a, const int64_t *b, uint32_t n,
				       uint64_t *codes);
	/* codes = at - the one before, n - 1 of them. Return: all bits of them. */
	uint64_t (*times)(const int64_t *at, uint32_t n, uint64_t *codes);
	/* a -= b */
	void (*take_off)(int64_t *a, const int64_t *b, uint32_t n);

	/* Lengths of codes, in bits. top has the bits of all codes, or more. */
	struct kernel_lengths (*lengths)(const uint64_t *codes, uint64_t top, uint32_t n,
					 uint8_t *lengths);
	/* A bit for each code that is not 0, 64 in a number. Return: how many. */
	uint32_t (*nonzero)(const uint64_t *codes, uint32_t n, uint64_t *nonzero);
	/* Leaves those of n codes that have a bit, each less 1. Return: all bits of these. */
	uint64_t (*drop_zeros)(uint64_t *codes, const uint64_t *nonzero, uint32_t n);
	/*
	 * Makes each length the least of four widths that has room for it. They ascend, and the
	 * last has room for all. selectors: which of them, four in a byte.
	 */
	void (*classify)(const uint8_t *widths, uint8_t *lengths, uint32_t n, uint8_t *selectors);
	/* Puts codes of one width, and of a width each; bits.h says how. Return: where they end. */
	uint8_t *(*put_fixed)(uint8_t *at, const uint64_t *codes, uint32_t n, unsigned width);
	uint8_t *(*put_each)(uint8_t *at, const uint64_t *codes, const uint8_t *widths, uint32_t n,
			     unsigned widest);

	/*
	 * ranks: the number of the last of the base that is not later, or 0; may be where the
	 * times are. rest: by how much the time is later. Return: all bits of rest.
	 */
	uint64_t (*ranks)(const struct kernel_times *times, int64_t *ranks, int64_t *rest);
	/* Return: how many of the times are exactly one of the base's. */
	uint32_t (*exact)(const struct kernel_times *times);
};

/* Return: the fastest that this machine has. */
const struct kernels *kernels_best(void);

const struct kernels *kernels_plain(void);
/* Return: NULL: this machine has no AVX2. */
const struct kernels *kernels_avx2(void);

/* Return: the number of the last of n >= 1 times that is not later than t; 0 if there is none. */
static inline uint32_t kernel_search(const int64_t *at, uint32_t n, int64_t t)
{
	uint32_t first = 0;

	for (uint32_t half; n > 1; n -= half) {
		half = n / 2;
		first += half & -(uint32_t)(at[first + half] <= t);
	}
	return first;
}

#endif
