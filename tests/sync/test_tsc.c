#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../timeline/random.h"
#include "sync/tsc.h"

#define EPOCH INT64_C(1795396653061998529)

static void test_unscaled(void **state)
{
	struct tsc_scale s = {-34626428554, 1, 0};

	(void)state;
	/* host and guest counts read at one time in the one-guest recording, to a few us */
	assert_int_equal(tsc_host_to_guest(&s, 126981255174), 92354826620);
	assert_int_equal(tsc_guest_to_host(&s, 92354826620), 126981255174);
	s.offset = 1000;
	assert_int_equal(tsc_guest_to_host(&s, 999), 0);
	assert_int_equal(tsc_host_to_guest(&s, UINT64_MAX), 999); /* counters wrap */
}

/* Intel scales with 48 fractional bits, AMD with 32. 2.6 GHz shown as 2.5 GHz. */
static void test_scaled_both_ways(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct tsc_scale s = {.frac = i % 2 ? 48 : 32};

		s.offset = random_in(&seed, -EPOCH, EPOCH);
		s.ratio = (uint64_t)random_in(&seed, INT64_C(1) << (s.frac - 2),
					      INT64_C(1) << (s.frac + 2));
		uint64_t host = random_next(&seed) >> random_in(&seed, 4, 30);
		uint64_t guest = tsc_host_to_guest(&s, host);
		if (guest > (uint64_t)INT64_MAX)
			continue; /* before the guest's count began */
		uint64_t back = tsc_guest_to_host(&s, guest);
		assert_true(back <= host);
		assert_int_equal(tsc_host_to_guest(&s, back), guest);
		if (back)
			assert_int_not_equal(tsc_host_to_guest(&s, back - 1), guest);
	}
}

static void test_128_bits_are_needed(void **state)
{
	struct tsc_scale s = {0, UINT64_C(3) << 47, 48}; /* 1.5 */

	(void)state;
	assert_int_equal(tsc_host_to_guest(&s, UINT64_C(1) << 62), UINT64_C(3) << 61);
	assert_int_equal(tsc_guest_to_host(&s, UINT64_C(3) << 61), UINT64_C(1) << 62);
	s.ratio = 1; /* absurd, but not to be divided wrongly */
	assert_int_equal(tsc_guest_to_host(&s, UINT64_MAX), UINT64_MAX);
}

static void test_ns(void **state)
{
	struct tsc_clock c = {2599975980, EPOCH};
	uint64_t seed = 9;

	(void)state;
	assert_int_equal(tsc_to_ns(&c, 0), EPOCH);
	assert_int_equal(tsc_to_ns(&c, 2599975980), EPOCH + 1000000000);
	assert_int_equal(tsc_from_ns(&c, EPOCH - 1), 0);
	for (int i = 0; i < 10000; i++) {
		uint64_t count = random_next(&seed) >> 6;
		int64_t ns = tsc_to_ns(&c, count);

		assert_true(tsc_from_ns(&c, ns) <= count);
		assert_true(tsc_from_ns(&c, ns + 1) > count);
	}
	c.offset = INT64_MAX;
	assert_int_equal(tsc_to_ns(&c, UINT64_MAX), INT64_MAX);
}

/* The map equals the counters' own arithmetic all along a day. */
static void test_clock_map(void **state)
{
	struct tsc_scale s = {-34626428554, (UINT64_C(25) << 48) / 26, 48};
	struct tsc_clock host = {2600000000, EPOCH}, guest = {2499990000, EPOCH / 2};
	const int64_t day = INT64_C(86400000000000);
	struct clock_map m;

	(void)state;
	int64_t begin = tsc_to_ns(&guest, 1000000000000);
	tsc_clock_map_init(&m, &s, &guest, &host, begin, begin + day);
	assert_in_range(m.pieces[0].error, 0, 5);
	for (int64_t t = begin; t <= begin + day; t += day / 997) {
		uint64_t count = tsc_guest_to_host(&s, tsc_from_ns(&guest, t));
		int64_t exact = tsc_to_ns(&host, count);

		assert_in_range(llabs(clock_map_apply(&m, t) - exact), 0, m.pieces[0].error);
	}
	clock_map_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unscaled),
		cmocka_unit_test(test_scaled_both_ways),
		cmocka_unit_test(test_128_bits_are_needed),
		cmocka_unit_test(test_ns),
		cmocka_unit_test(test_clock_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
