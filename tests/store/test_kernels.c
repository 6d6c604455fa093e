/* Both versions of each kernel give the same, on random columns and on ugly ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "schema/table.h"
#include "store/bits.h"
#include "store/encode.h"
#include "store/format.h"
#include "store/kernels.h"

enum {
	MOST = FORMAT_BLOCK_ROWS,
	ROUNDS = 4000,
	N_SHAPES = 9,
};

/* What a kernel writes, and what it may. */
struct output {
	uint64_t numbers[MOST + KERNEL_ROOM];
	uint64_t more[MOST + KERNEL_ROOM];
	uint8_t bytes[MOST * 8 + BITS_ROOM + 32];
};

struct fixture {
	const struct kernels *plain, *fast;
	uint64_t random;
	uint32_t n;
	int64_t values[MOST + KERNEL_ROOM], others[MOST + KERNEL_ROOM];
	uint64_t bits[MOST + KERNEL_ROOM]; /* of states */
	struct output a, b;
};

static uint64_t draw(struct fixture *f)
{
	f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return f->random >> 32 ^ f->random << 17;
}

/* A value of a column of this shape. */
static int64_t draw_value(struct fixture *f, uint64_t shape)
{
	uint64_t x = draw(f);

	switch (shape) {
	case 0:
		return (int64_t)(x & 1);
	case 1:
		return (int64_t)(x & 63) - 5;
	case 2:
		return x & 3 ? TABLE_NULL : (int64_t)(x >> 8 & 1023);
	case 3:
		return TABLE_NULL;
	case 4: /* of any length */
		return (int64_t)(draw(f) * draw(f) >> (x & 63));
	case 5: /* at the edges of what there is, and next to them */
		return (int64_t)((x & 1 ? UINT64_C(1) << 63 : 0) + (x >> 1 & 3) - 2);
	case 6:
		return (int64_t)((UINT64_C(1) << (x & 63)) - (x >> 6 & 1));
	case 7:
		return x & 7 ? 0 : (int64_t)(x >> 8 & 0xffff);
	default:
		return INT64_C(1795396111443466251) + (int64_t)(x & 0xffffff);
	}
}

static void fill(struct fixture *f, int64_t *at)
{
	uint64_t shape = draw(f) % N_SHAPES;

	for (uint32_t i = 0; i < MOST + KERNEL_ROOM; i++)
		at[i] = draw_value(f, shape);
}

/* Any number of rows, often few, and often a whole number of vectors. */
static void next_round(struct fixture *f)
{
	uint32_t n = 1 + (uint32_t)(draw(f) % (draw(f) & 1 ? MOST : 70));

	f->n = draw(f) & 3 ? n : (n + 63) / 64 * 64;
	fill(f, f->values);
	fill(f, f->others);
	for (uint32_t i = 0; i < f->n; i++)
		f->others[i] = draw(f) & 7 ? f->others[i] : f->values[i];
}

static const uint64_t *codes(const struct fixture *f)
{
	return (const uint64_t *)f->values;
}

static void draw_bits(struct fixture *f)
{
	const uint64_t n_states = 1 + draw(f) % 64;
	int64_t states[MOST + KERNEL_ROOM];

	for (uint32_t i = 0; i < MOST + KERNEL_ROOM; i++)
		states[i] = (int64_t)(draw(f) % n_states);
	uint64_t a = f->plain->state_bits(states, f->n, f->bits);

	assert_int_equal(a, f->fast->state_bits(states, f->n, f->b.numbers));
	assert_memory_equal(f->bits, f->b.numbers, f->n * sizeof(*f->bits));
}

static void assert_same_numbers(const struct fixture *f, uint32_t n)
{
	assert_memory_equal(f->a.numbers, f->b.numbers, n * sizeof(*f->a.numbers));
}

static void test_known(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		struct kernel_range a = f->plain->range(f->values, f->n);
		struct kernel_range b = f->fast->range(f->values, f->n);

		assert_int_equal(a.min, b.min);
		assert_int_equal(a.max, b.max);
		assert_int_equal(a.nulls, b.nulls);
		assert_int_equal(a.known, b.known);
		assert_int_equal(a.nulls, f->plain->has_null(f->values, f->n));
		assert_int_equal(a.nulls, f->fast->has_null(f->values, f->n));
	}
}

static void test_states(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		draw_bits(f);
		uint64_t mask = draw(f) & draw(f);

		assert_int_equal(f->plain->known(f->bits, f->values, f->n),
				 f->fast->known(f->bits, f->values, f->n));
		uint32_t n = f->plain->choose(f->bits, mask, f->n, f->a.more);

		assert_int_equal(n, f->fast->choose(f->bits, mask, f->n, f->b.more));
		assert_memory_equal(f->a.more, f->b.more, (f->n + 63) / 64 * 8);
		f->plain->keep(f->values, f->a.more, f->n, (int64_t *)f->a.numbers);
		f->fast->keep(f->values, f->a.more, f->n, (int64_t *)f->b.numbers);
		assert_same_numbers(f, n);
	}
}

static void test_codes(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		uint64_t by = draw(f) << (draw(f) & 63);

		f->plain->shift(f->values, by, f->n, f->a.numbers);
		f->fast->shift(f->values, by, f->n, f->b.numbers);
		assert_same_numbers(f, f->n);
		f->plain->shift_known(f->values, by, f->n, f->a.numbers);
		f->fast->shift_known(f->values, by, f->n, f->b.numbers);
		assert_same_numbers(f, f->n);
		assert_int_equal(f->plain->times(f->values, f->n, f->a.numbers),
				 f->fast->times(f->values, f->n, f->b.numbers));
		assert_same_numbers(f, f->n - 1);
		memcpy(f->a.numbers, f->others, sizeof(f->others));
		memcpy(f->b.numbers, f->others, sizeof(f->others));
		f->plain->take_off((int64_t *)f->a.numbers, f->values, f->n);
		f->fast->take_off((int64_t *)f->b.numbers, f->values, f->n);
		assert_same_numbers(f, f->n);
	}
}

static void test_subtract(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		uint32_t n = f->n - (uint32_t)(draw(f) & 1); /* also none */
		struct kernel_span a = f->plain->subtract(f->values, f->others, n, f->a.numbers);
		struct kernel_span b = f->fast->subtract(f->values, f->others, n, f->b.numbers);

		assert_int_equal(a.min, b.min);
		assert_int_equal(a.max, b.max);
		assert_same_numbers(f, n);
	}
}

static uint64_t all_codes(const struct fixture *f)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < f->n; i++)
		all |= codes(f)[i];
	return all;
}

static void test_lengths(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		struct kernel_lengths a =
			f->plain->lengths(codes(f), all_codes(f), f->n, f->a.bytes);
		struct kernel_lengths b =
			f->fast->lengths(codes(f), all_codes(f), f->n, f->b.bytes);

		assert_int_equal(a.bits, b.bits);
		assert_int_equal(a.zeros, b.zeros);
		assert_memory_equal(f->a.bytes, f->b.bytes, f->n);
	}
}

static void test_zeros(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		uint32_t n = f->plain->nonzero(codes(f), f->n, f->a.more);

		assert_int_equal(n, f->fast->nonzero(codes(f), f->n, f->b.more));
		assert_memory_equal(f->a.more, f->b.more, (f->n + 63) / 64 * 8);
		memcpy(f->a.numbers, f->values, sizeof(f->values));
		memcpy(f->b.numbers, f->values, sizeof(f->values));
		assert_int_equal(f->plain->drop_zeros(f->a.numbers, f->a.more, f->n),
				 f->fast->drop_zeros(f->b.numbers, f->a.more, f->n));
		assert_same_numbers(f, n);
	}
}

/* Four widths up to that of the longest, which may be equal. */
static void draw_widths(struct fixture *f, unsigned longest, uint8_t *widths)
{
	widths[3] = (uint8_t)longest;
	for (int i = 2; i >= 0; i--)
		widths[i] = (uint8_t)(draw(f) % (widths[i + 1] + 1U));
}

static void test_classes(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		uint8_t widths[4], longest = 0;

		next_round(f);
		f->plain->lengths(codes(f), UINT64_MAX, f->n, f->a.bytes);
		for (uint32_t i = 0; i < f->n; i++)
			longest = f->a.bytes[i] > longest ? f->a.bytes[i] : longest;
		draw_widths(f, longest, widths);
		memcpy(f->b.bytes, f->a.bytes, f->n);
		f->plain->classify(widths, f->a.bytes, f->n, (uint8_t *)f->a.more);
		f->fast->classify(widths, f->b.bytes, f->n, (uint8_t *)f->b.more);
		assert_memory_equal(f->a.bytes, f->b.bytes, f->n);
		assert_memory_equal(f->a.more, f->b.more, (f->n + 3) / 4);
		uint8_t *a = (uint8_t *)f->a.numbers, *b = (uint8_t *)f->b.numbers;
		uint8_t *end = f->plain->put_each(a, codes(f), f->a.bytes, f->n, longest);

		assert_int_equal(end - a,
				 f->fast->put_each(b, codes(f), f->a.bytes, f->n, longest) - b);
		assert_memory_equal(a, b, (size_t)(end - a));
	}
}

static unsigned bit_of(const uint8_t *at, size_t bit)
{
	return at[bit / 8] >> bit % 8 & 1;
}

static void test_fixed(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		const unsigned width = 1 + (unsigned)(draw(f) % 64);
		const size_t size = ((size_t)width * f->n + 7) / 8;

		for (uint32_t i = 0; i < f->n; i++)
			f->a.numbers[i] = codes(f)[i] & UINT64_MAX >> (64 - width);
		assert_int_equal(f->plain->put_fixed(f->a.bytes, f->a.numbers, f->n, width) -
					 f->a.bytes,
				 size);
		assert_int_equal(f->fast->put_fixed(f->b.bytes, f->a.numbers, f->n, width) -
					 f->b.bytes,
				 size);
		assert_memory_equal(f->a.bytes, f->b.bytes, size);
		for (uint32_t i = 0; i < f->n * width; i++)
			assert_int_equal(bit_of(f->a.bytes, i),
					 f->a.numbers[i / width] >> i % width & 1);
	}
}

/* Steps forward, of any length, without and with some that stay. */
static void draw_times(struct fixture *f, int64_t *at, int64_t first)
{
	uint64_t bits = draw(f) % 20;

	for (uint32_t i = 0; i < MOST; i++) {
		at[i] = first;
		first += (int64_t)(draw(f) & ((UINT64_C(1) << bits) - 1));
	}
}

static void test_ranks(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		struct kernel_times t = {.base = f->others,
					 .n_base = 1 + (uint32_t)(draw(f) % MOST),
					 .at = f->values,
					 .n = f->n};

		draw_times(f, f->others, 1000);
		draw_times(f, f->values, 1000 + (int64_t)(draw(f) % 5000));
		assert_int_equal(f->plain->ranks(&t, (int64_t *)f->a.numbers, (int64_t *)f->a.more),
				 f->fast->ranks(&t, (int64_t *)f->b.numbers, (int64_t *)f->b.more));
		assert_same_numbers(f, f->n);
		assert_memory_equal(f->a.more, f->b.more, f->n * sizeof(*f->a.more));
		for (uint32_t i = 0; i < f->n; i++)
			assert_int_equal(f->a.numbers[i], kernel_search(t.base, t.n_base, t.at[i]));
		/* Later ones, from there on, not in order, and in place. */
		memcpy(f->bits, f->a.numbers, sizeof(f->bits));
		t.from = (const int64_t *)f->bits;
		for (uint32_t i = 0; i < f->n; i++)
			f->values[i] += (int64_t)(draw(f) % 3000);
		memcpy(f->b.numbers, f->values, sizeof(f->values));
		f->plain->ranks(&t, (int64_t *)f->a.numbers, (int64_t *)f->a.more);
		t.at = (const int64_t *)f->b.numbers;
		f->fast->ranks(&t, (int64_t *)f->b.numbers, (int64_t *)f->b.more);
		assert_same_numbers(f, f->n);
		assert_memory_equal(f->a.more, f->b.more, f->n * sizeof(*f->a.more));
	}
}

static void test_transpose(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		next_round(f);
		uint32_t width = 1 + (uint32_t)(draw(f) % 24), n = f->n % (MOST / width) + 1;
		uint32_t stride = (n + 3) / 4 * 4;

		if (stride * width > MOST)
			continue;
		f->plain->transpose(f->values, n, width, (int64_t *)f->a.numbers, stride);
		f->fast->transpose(f->values, n, width, (int64_t *)f->b.numbers, stride);
		for (uint32_t c = 0; c < width; c++)
			assert_memory_equal(f->a.numbers + c * stride, f->b.numbers + c * stride,
					    n * sizeof(*f->a.numbers));
	}
}

/* A block of a table of states with two columns, and what is left of a duration. */
static void encode_block(const struct fixture *f, struct column_encoder *e,
			 struct column_hint *hint, const int64_t *state, struct bytes *out)
{
	int64_t rest[MOST + KERNEL_ROOM];
	struct column_left left = {.at = rest};
	struct column_values first = {.at = f->values, .n = f->n};
	struct column_values second = {.at = f->others, .n = f->n};

	memcpy(rest, f->others, sizeof(rest));
	column_begin(e, state, f->n);
	column_encode_states(e, state, f->n, out);
	column_encode(e, &first, COLUMN_TRY_DICTIONARY,
		      &(struct column_beside){.hint = hint, .in_states = true}, out);
	column_encode(e, &second, COLUMN_TRY_DICTIONARY,
		      &(struct column_beside){.in_states = true, .neighbor = &first}, out);
	first = (struct column_values){.at = f->values, .n = f->n};
	column_encode(e, &first, COLUMN_TRY_DELTA, &(struct column_beside){.left = &left}, out);
}

static void test_encoder(void **state)
{
	struct fixture *f = *state;
	struct column_encoder *e = mem_zalloc(2, sizeof(*e));
	struct column_hint hints[2] = {0};
	struct bytes a = {0}, b = {0};

	e[0].kernels = f->plain;
	e[1].kernels = f->fast;
	for (int round = 0; round < ROUNDS; round++) {
		int64_t states[MOST + KERNEL_ROOM];

		next_round(f);
		for (uint32_t i = 0; i < MOST + KERNEL_ROOM; i++)
			states[i] = (int64_t)(draw(f) % 5);
		for (uint32_t i = 0; draw(f) & 1 && i < f->n; i++)
			f->values[i] = states[i] < 3 ? TABLE_NULL : f->values[i];
		a.n = b.n = 0;
		encode_block(f, &e[0], &hints[0], states, &a);
		encode_block(f, &e[1], &hints[1], states, &b);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.at, b.at, a.n);
	}
	bytes_deinit(&a);
	bytes_deinit(&b);
	column_encoder_deinit(&e[0]);
	column_encoder_deinit(&e[1]);
	free(e);
}

static int setup(void **state)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	f->plain = kernels_plain();
	f->fast = kernels_best();
	f->random = 1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	  cmocka_unit_test(test_states),
		cmocka_unit_test(test_codes),	  cmocka_unit_test(test_subtract),
		cmocka_unit_test(test_lengths),	  cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_classes),	  cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_ranks),	  cmocka_unit_test(test_encoder),
		cmocka_unit_test(test_transpose),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
