#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"
#include "timeline/clock_map.h"

#define EPOCH INT64_C(1795396653061998529)

static void test_offset_is_exact_far_from_zero(void **state)
{
	struct clock_map m;

	(void)state;
	clock_map_init_offset(&m, 18663829251, 0, EPOCH, 100);
	assert_int_equal(clock_map_apply(&m, EPOCH + 12345), EPOCH + 12345 + 18663829251);
	assert_int_equal(clock_map_apply(&m, -7), 18663829244);
	assert_int_equal(clock_map_invert(&m, EPOCH + 18663829251), EPOCH);
	clock_map_deinit(&m);
}

static void test_drift_counts_from_the_origin(void **state)
{
	struct clock_map m;

	(void)state;
	clock_map_init_offset(&m, 1000, 100e-6, EPOCH, 0);
	assert_int_equal(clock_map_apply(&m, EPOCH), EPOCH + 1000);
	assert_int_equal(clock_map_apply(&m, EPOCH + 3600 * INT64_C(1000000000)),
			 EPOCH + 3600 * INT64_C(1000000000) + 1000 + 360000000);
	assert_int_equal(clock_map_apply(&m, EPOCH - 1000000), EPOCH - 1000000 + 1000 - 100);
	clock_map_deinit(&m);
}

static void test_ends_of_int64_saturate(void **state)
{
	struct clock_map m;

	(void)state;
	clock_map_init_offset(&m, INT64_MAX, 1e-3, EPOCH, 0);
	assert_int_equal(clock_map_apply(&m, INT64_MAX), INT64_MAX);
	assert_int_equal(clock_map_invert(&m, INT64_MIN), INT64_MIN);
	clock_map_deinit(&m);
	clock_map_init_offset(&m, INT64_MIN, -1e-3, EPOCH, 0);
	assert_int_equal(clock_map_apply(&m, INT64_MIN), INT64_MIN);
	assert_int_equal(clock_map_invert(&m, INT64_MAX), INT64_MAX);
	clock_map_deinit(&m);
}

static void test_piece_borders_and_beyond(void **state)
{
	struct clock_piece p[3] = {
		{.from = 0, .to = 100, .offset = 10},
		{.from = 100, .to = 200, .offset = 50},
		{.from = 200, .to = 300, .offset = -40},
	};
	struct clock_map m = {p, 3};

	(void)state;
	assert_ptr_equal(clock_map_piece(&m, -5), &p[0]);
	assert_ptr_equal(clock_map_piece(&m, 99), &p[0]);
	assert_ptr_equal(clock_map_piece(&m, 100), &p[1]);
	assert_ptr_equal(clock_map_piece(&m, 299), &p[2]);
	assert_ptr_equal(clock_map_piece(&m, 5000), &p[2]);

	assert_int_equal(clock_map_invert(&m, 109), 99);
	assert_int_equal(clock_map_invert(&m, 120), 100); /* a forward step skips 110..149 */
	assert_int_equal(clock_map_invert(&m, 150), 100);
	assert_int_equal(clock_map_invert(&m, 200), 150); /* a backward step has 160..249 twice */
	assert_int_equal(clock_map_invert(&m, 255), 295);
	assert_int_equal(clock_map_invert(&m, 1000), 1040);
}

static void test_invert_undoes_apply(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		double drift = (double)random_in(&seed, -90000000, 90000000) * 1e-9;
		int64_t origin = random_in(&seed, -EPOCH, EPOCH);
		int64_t t = origin + random_in(&seed, -1000000000000, 1000000000000);
		struct clock_map m;

		clock_map_init_offset(&m, random_in(&seed, -EPOCH / 2, EPOCH / 2), drift, origin,
				      0);
		int64_t r = clock_map_apply(&m, t), back = clock_map_invert(&m, r);
		assert_true(back <= t && t - back <= 1); /* a slow clock has two times for some */
		assert_int_equal(clock_map_apply(&m, back), r);
		clock_map_deinit(&m);
	}
}

/* What the header says, in 128 bits and without any short cut. */
static int64_t exact(const struct clock_map *m, int64_t t)
{
	const struct clock_piece *p = m->pieces;

	for (size_t i = 1; i < m->n_pieces; i++)
		p = t >= m->pieces[i].from ? &m->pieces[i] : p;

	double moved = rint((double)((__int128)t - p->from) * p->drift);
	__int128 sum = (__int128)t + p->offset + (__int128)moved;

	return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

/* Times around those where a piece, or what needs no checks, begins and ends. */
static int64_t some_time(uint64_t *seed, const struct clock_map *m)
{
	const struct clock_piece *p = &m->pieces[random_in(seed, 0, (int64_t)m->n_pieces - 1)];
	const int64_t near[] = {
		p->from, p->to, (int64_t)1 << 62, -((int64_t)1 << 62), INT64_MIN, INT64_MAX,
		EPOCH,	 0};
	int64_t at = near[random_in(seed, 0, 7)], t;
	int64_t by = random_in(seed, 0, 1) ? random_in(seed, -2, 2)
					   : random_in(seed, -(1ll << 54), 1ll << 54);

	return __builtin_add_overflow(at, by, &t) ? at : t;
}

static int64_t some_offset(uint64_t *seed)
{
	int64_t bits = random_in(seed, 0, 62);

	return random_in(seed, -((int64_t)1 << bits), (int64_t)1 << bits);
}

static void fill_map(uint64_t *seed, struct clock_piece *pieces, size_t n)
{
	static const double drifts[] = {0, 0, 20e-6, -20e-6, 3e-9, 0.09, -0.5};
	int64_t from = random_in(seed, 0, 1) ? 0 : some_offset(seed) / 2;

	for (size_t i = 0; i < n; i++) {
		int64_t to = from + random_in(seed, 1, 1ll << 55);

		pieces[i] = (struct clock_piece){.from = from,
						 .to = i + 1 < n ? to : INT64_MAX,
						 .offset = some_offset(seed),
						 .drift = drifts[random_in(seed, 0, 6)]};
		from = to;
	}
}

static void test_many_times(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct clock_piece pieces[3];
		struct clock_map m = {pieces, (size_t)random_in(&seed, 1, 3)};
		struct clock_cursor c;

		fill_map(&seed, pieces, m.n_pieces);
		clock_cursor_init(&c, &m);
		for (int k = 0; k < 40; k++) {
			int64_t t = some_time(&seed, &m), expected = exact(&m, t);

			if (clock_cursor_apply(&c, t) != expected ||
			    clock_map_apply(&m, t) != expected)
				fail_msg("map %d, time %lld: %lld and %lld, not %lld", i,
					 (long long)t, (long long)clock_cursor_apply(&c, t),
					 (long long)clock_map_apply(&m, t), (long long)expected);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offset_is_exact_far_from_zero),
		cmocka_unit_test(test_drift_counts_from_the_origin),
		cmocka_unit_test(test_ends_of_int64_saturate),
		cmocka_unit_test(test_piece_borders_and_beyond),
		cmocka_unit_test(test_invert_undoes_apply),
		cmocka_unit_test(test_many_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
