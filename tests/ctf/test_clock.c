/*
 * Cycles to ns: the exact time, rounded down once, whatever the frequency and the offset.
 *
 * Checked by multiplication: ns is right if it is the last one that does not exceed
 * offset + cycles / frequency.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "input/ctf/trace.h"
#include "random_type.h"

#define NS_PER_S 1000000000

enum { ROUNDS = 200000 };

static void check(const struct ctf_clock *c, uint64_t cycles)
{
	__int128 ns = (__int128)ctf_clock_ns(c, cycles) - (__int128)c->offset_s * NS_PER_S;
	__int128 exact = ((__int128)c->offset_cycles + cycles) * NS_PER_S; /* in 1/frequency ns */

	assert_true(ns * c->frequency <= exact);
	assert_true(exact < (ns + 1) * c->frequency);
}

/* That of a trace of Score-P, whose clock is the CPU's cycles. */
static void test_cycles_of_a_cpu(void **state)
{
	struct ctf_clock c = {
		.frequency = 2800130166, .offset_s = 1651437635, .offset_cycles = 370127861};

	(void)state;
	assert_int_equal(ctf_clock_ns(&c, 0), 1651437635132182376);
	for (uint64_t cycles = 4536688456365976; cycles < 4536688456365976 + 10000; cycles++)
		check(&c, cycles);
}

static void test_any_clock(void **state)
{
	uint64_t rng = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct ctf_clock c = {
			.frequency = 1 + (random_next(&rng) >> (24 + random_below(&rng, 40))),
			.offset_s = (int64_t)random_below(&rng, 4000000000) - 2000000000};
		uint64_t most = c.frequency > UINT64_MAX >> 31 ? UINT64_MAX : c.frequency << 31;

		c.offset_cycles = random_below(&rng, 2) ? random_below(&rng, most) : 0;
		check(&c, random_below(&rng, most));
	}
}

static void test_nanoseconds(void **state)
{
	struct ctf_clock c = {.frequency = NS_PER_S, .offset_s = -3, .offset_cycles = 5};

	(void)state;
	assert_int_equal(ctf_clock_ns(&c, 0), -3 * INT64_C(1000000000) + 5);
	assert_int_equal(ctf_clock_ns(&c, 3000000001), 6);
	assert_int_equal(ctf_clock_ns(NULL, 77), 77);
}

/* What int64_t cannot hold is its last value. */
static void test_out_of_range(void **state)
{
	struct ctf_clock late = {.frequency = 1000, .offset_s = INT64_MAX / NS_PER_S};
	struct ctf_clock early = {.frequency = 1000, .offset_s = INT64_MIN / 2};

	(void)state;
	assert_int_equal(ctf_clock_ns(&late, 1000), INT64_MAX);
	assert_int_equal(ctf_clock_ns(&late, UINT64_MAX), INT64_MAX);
	assert_int_equal(ctf_clock_ns(&early, 1000), INT64_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycles_of_a_cpu),
		cmocka_unit_test(test_any_clock),
		cmocka_unit_test(test_nanoseconds),
		cmocka_unit_test(test_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
