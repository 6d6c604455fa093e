#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../timeline/random.h"
#include "sync/hull.h"

/* A line through (at, value) with slope num/den. */
struct line {
	int64_t at, value, num, den;
};

static __int128 line_value_times_den(const struct line *l, int64_t t)
{
	return (__int128)l->value * l->den + ((__int128)t - l->at) * l->num;
}

static bool satisfies_all(const struct line *l, const struct sync_bound *b, size_t n, int64_t ppb)
{
	__int128 steep = (__int128)l->num * 1000000000, limit = (__int128)ppb * l->den;

	if (steep > limit || steep < -limit)
		return false;
	for (size_t i = 0; i < n; i++) {
		__int128 v = line_value_times_den(l, b[i].at), w = (__int128)b[i].value * l->den;

		if (b[i].side == SYNC_UPPER ? v > w : v < w)
			return false;
	}
	return true;
}

struct extent {
	bool any;
	double low, high;
};

static void extend(struct extent *e, const struct line *l, const struct sync_bound *b, size_t n,
		   int64_t ppb, int64_t t)
{
	if (!satisfies_all(l, b, n, ppb))
		return;
	double v = (double)line_value_times_den(l, t) / (double)l->den;
	if (!e->any || v < e->low)
		e->low = v;
	if (!e->any || v > e->high)
		e->high = v;
	e->any = true;
}

/* All corners of the set of lines: through two bounds, or through one at the greatest slope. */
static struct extent slow_range(const struct sync_bound *b, size_t n, int64_t ppb, int64_t t)
{
	struct extent e = {0};

	for (size_t i = 0; i < n; i++) {
		struct line up = {b[i].at, b[i].value, ppb, 1000000000};
		struct line down = {b[i].at, b[i].value, -ppb, 1000000000};

		extend(&e, &up, b, n, ppb, t);
		extend(&e, &down, b, n, ppb, t);
		for (size_t k = 0; k < n; k++) {
			struct line l = {b[i].at, b[i].value, b[k].value - b[i].value,
					 b[k].at - b[i].at};

			if (l.den > 0)
				extend(&e, &l, b, n, ppb, t);
		}
	}
	return e;
}

static size_t random_bounds(uint64_t *seed, struct sync_bound *b)
{
	size_t n = (size_t)random_in(seed, 2, 12);
	int64_t at = random_in(seed, -50, 50), noise = random_in(seed, 1, 40);
	int64_t drift = random_in(seed, -3, 3);

	for (size_t i = 0; i < n; i++) {
		at += random_in(seed, 0, 9);
		b[i].at = at;
		b[i].side = random_in(seed, 0, 1) ? SYNC_UPPER : SYNC_LOWER;
		b[i].value = at * drift / 2 + random_in(seed, -3, noise) * (b[i].side ? 1 : -1);
	}
	return n;
}

static void test_corridor_is_that_of_all_lines(void **state)
{
	uint64_t seed = 7, checked = 0, refused = 0;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		struct sync_bound b[12];
		size_t n = random_bounds(&seed, b), taken = 0;
		int64_t ppb = random_in(&seed, 0, 3) ? 10000000000 : 1000000000;
		struct sync_hull h;

		sync_hull_init(&h, ppb);
		while (taken < n && !sync_hull_add(&h, &b[taken]))
			taken++;
		if (taken < n) {
			assert_false(slow_range(b, taken + 1, ppb, 0).any);
			refused++;
		}
		for (int64_t t = -60; t < 170 && sync_hull_closed(&h); t += 7) {
			struct extent e = slow_range(b, taken, ppb, t);
			int64_t low, high, middle;
			double slope;

			assert_true(e.any);
			sync_hull_range(&h, t, &low, &high);
			sync_hull_middle(&h, t, &middle, &slope);
			assert_true(low == (int64_t)__builtin_floor(e.low + 1e-9) &&
				    high == (int64_t)__builtin_ceil(e.high - 1e-9));
			assert_in_range(middle - low, 0, high - low);
			checked++;
		}
		sync_hull_deinit(&h);
	}
	assert_true(checked > 100000 && refused > 1000);
}

static void test_largest_times_do_not_overflow(void **state)
{
	struct sync_bound b[] = {
		{1 - SYNC_LIMIT, SYNC_LIMIT - 1, SYNC_UPPER},
		{2 - SYNC_LIMIT, 1 - SYNC_LIMIT, SYNC_LOWER},
		{SYNC_LIMIT - 2, 1 - SYNC_LIMIT, SYNC_LOWER},
		{SYNC_LIMIT - 1, SYNC_LIMIT - 1, SYNC_UPPER},
	};
	struct sync_bound beyond = {SYNC_LIMIT, 0, SYNC_LOWER};
	int64_t low, high;
	struct sync_hull h;

	(void)state;
	sync_hull_init(&h, 999999999);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(sync_hull_add(&h, &b[i]), 0);
	assert_int_equal(sync_hull_add(&h, &beyond), SYNC_INFEASIBLE);
	sync_hull_range(&h, INT64_MIN, &low, &high);
	assert_true(low < 1 - SYNC_LIMIT && high >= SYNC_LIMIT - 1);
	sync_hull_range(&h, 0, &low, &high);
	assert_true(low <= 1 - SYNC_LIMIT && high >= SYNC_LIMIT - 1);
	sync_hull_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corridor_is_that_of_all_lines),
		cmocka_unit_test(test_largest_times_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
