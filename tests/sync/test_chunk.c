#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vcpu_maker.h"
#include "sync/chunk.h"
#include "sync/limits.h"

#define EPOCH  INT64_C(1795396653061998529)
#define SECOND INT64_C(1000000000)
#define DAY    (86400 * SECOND)

static struct vcpu_options options(const struct clock_map *truth, int64_t span)
{
	return (struct vcpu_options){
		.begin = EPOCH,
		.end = EPOCH + span,
		.trace_begin = EPOCH + span / 5,
		.trace_end = EPOCH + span / 5 * 4,
		.truth = truth,
	};
}

static struct sync_fit_options fit_options(const struct made_vcpu *v)
{
	return sync_fit_defaults(v->events.at[0].ts, v->events.at[v->events.n - 1].ts);
}

/* Return: how many of 1000 times in the trace the error does not cover. */
static int wrong_per_1000(const struct sync_contain *c, const struct clock_map *truth,
			  const struct made_vcpu *v)
{
	int64_t begin = v->events.at[0].ts, end = v->events.at[v->events.n - 1].ts;
	int wrong = 0;

	for (int64_t i = 0; i <= 1000; i++) {
		int64_t t = begin + (int64_t)((__int128)(end - begin) * i / 1000);
		const struct clock_piece *p = clock_map_piece(&c->fit.map, t);
		int64_t off = llabs(clock_map_apply(&c->fit.map, t) - clock_map_apply(truth, t));

		wrong += p->error != CLOCK_ERROR_UNKNOWN && off > p->error;
	}
	return wrong;
}

static int64_t median_error(const struct sync_contain *c)
{
	return c->fit.map.pieces[c->fit.map.n_pieces / 2].error;
}

static void test_difference_of_any_size_is_found(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint64_t r = seed * 1000;
		struct clock_map truth;
		struct sync_contain c;

		clock_map_init_offset(&truth, random_in(&r, -40 * DAY, 40 * DAY),
				      (double)random_in(&r, -100000, 100000) * 1e-9, EPOCH, 0);
		struct vcpu_options o = options(&truth, 4 * SECOND);
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_cpu cpu = made_cpu(&v);
		struct sync_thread thread = made_thread(&v);
		struct sync_pair pair = {&cpu, &thread};
		struct sync_fit_options fo = fit_options(&v);
		assert_int_equal(sync_contain_init(&c, &pair, 1, &fo, SYNC_EFFORT), 0);
		assert_int_equal(wrong_per_1000(&c, &truth, &v), 0);
		assert_int_equal(c.outside, 0);
		assert_true(c.by_chance > c.events / 10);
		assert_int_equal(c.fit.map.n_pieces, 1);
		assert_in_range(median_error(&c), 1, 2000);
		sync_contain_deinit(&c);
		made_deinit(&v);
		clock_map_deinit(&truth);
	}
}

/* Both vCPUs' events bound the same clock: the error is at most that of either alone. */
static void test_two_cpus_are_fitted_together(void **state)
{
	struct clock_map truth;
	struct sync_contain both, alone[2];
	struct made_vcpu v[2];
	struct sync_cpu cpu[2];
	struct sync_thread thread[2];
	struct sync_pair pair[2];

	(void)state;
	clock_map_init_offset(&truth, -3 * DAY, 30e-6, EPOCH, 0);
	struct vcpu_options o = options(&truth, 5 * SECOND);
	for (int i = 0; i < 2; i++) {
		v[i] = make_vcpu(17 + (uint64_t)i, &o);
		cpu[i] = made_cpu(&v[i]);
		thread[i] = made_thread(&v[i]);
		pair[i] = (struct sync_pair){&cpu[i], &thread[i]};
	}
	struct sync_fit_options fo = fit_options(&v[0]);
	assert_int_equal(sync_contain_init(&both, pair, 2, &fo, SYNC_EFFORT), 0);
	assert_int_equal(wrong_per_1000(&both, &truth, &v[0]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sync_contain_init(&alone[i], &pair[i], 1, &fo, SYNC_EFFORT), 0);
		assert_true(median_error(&both) <= median_error(&alone[i]) + 2);
		sync_contain_deinit(&alone[i]);
		made_deinit(&v[i]);
	}
	assert_int_equal(both.events, cpu[0].n + cpu[1].n);
	sync_contain_deinit(&both);
	clock_map_deinit(&truth);
}

static void test_lost_windows_and_events(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct clock_map truth;
		struct sync_contain c;

		clock_map_init_offset(&truth, (int64_t)seed * DAY, -20e-6, EPOCH, 0);
		struct vcpu_options o = options(&truth, 5 * SECOND);
		o.lost_windows = 50;
		o.lost_events = 200;
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_cpu cpu = made_cpu(&v);
		struct sync_thread thread = made_thread(&v);
		struct sync_pair pair = {&cpu, &thread};
		struct sync_fit_options fo = fit_options(&v);
		assert_int_equal(sync_contain_init(&c, &pair, 1, &fo, SYNC_EFFORT), 0);
		assert_int_equal(wrong_per_1000(&c, &truth, &v), 0);
		assert_in_range(c.outside * 100 / c.events, 1, 9);
		assert_in_range(median_error(&c), 1, 10000);
		sync_contain_deinit(&c);
		made_deinit(&v);
		clock_map_deinit(&truth);
	}
}

/* The rate changes as NTP changes it, and once the clock steps. */
static void test_slew_and_step(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		uint64_t r = seed;
		struct clock_piece pieces[4];
		struct clock_map truth = {pieces, 4};
		struct sync_contain c;
		int64_t at = EPOCH - 5 * DAY, offset = 5 * DAY;

		for (int i = 0; i < 4; i++) {
			pieces[i] = (struct clock_piece){
				.from = at,
				.to = at + 10 * SECOND,
				.offset = offset,
				.drift = (double)random_in(&r, -200000, 200000) * 1e-9,
			};
			offset += (int64_t)(pieces[i].drift * 10e9);
			offset -= i == 1 ? random_in(&r, SECOND / 100, SECOND) : 0;
			at += 10 * SECOND;
		}
		struct vcpu_options o = options(&truth, 40 * SECOND);
		struct made_vcpu v = make_vcpu(seed, &o);
		struct sync_cpu cpu = made_cpu(&v);
		struct sync_thread thread = made_thread(&v);
		struct sync_pair pair = {&cpu, &thread};
		struct sync_fit_options fo = fit_options(&v);
		assert_int_equal(sync_contain_init(&c, &pair, 1, &fo, SYNC_EFFORT), 0);
		assert_int_equal(wrong_per_1000(&c, &truth, &v), 0);
		assert_true(c.outside * 1000 < c.events);
		assert_true(c.fit.n_hulls >= 4 && c.fit.n_hulls < 12);
		sync_contain_deinit(&c);
		made_deinit(&v);
	}
}

/* A trace of some other machine must not be given a clock. */
static void test_stranger_has_no_fit(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct clock_map truth;
		struct sync_contain c;

		clock_map_init_offset(&truth, DAY, 0, EPOCH, 0);
		struct vcpu_options o = options(&truth, 4 * SECOND);
		struct made_vcpu a = make_vcpu(seed, &o), b = make_vcpu(seed + 1000, &o);
		struct sync_cpu cpu = made_cpu(&a);
		struct sync_thread thread = made_thread(&b);
		struct sync_pair pair = {&cpu, &thread};
		struct sync_fit_options fo = fit_options(&a);
		assert_int_equal(sync_contain_init(&c, &pair, 1, &fo, SYNC_EFFORT), SYNC_NO_FIT);
		made_deinit(&a);
		made_deinit(&b);
		clock_map_deinit(&truth);
	}
}

static void test_near_a_known_map(void **state)
{
	struct clock_map truth, near;
	struct sync_contain c;

	(void)state;
	clock_map_init_offset(&truth, -DAY, 40e-6, EPOCH, 0);
	clock_map_init_offset(&near, -DAY + 150000, 40e-6, EPOCH, 0);
	struct vcpu_options o = options(&truth, 4 * SECOND);
	struct made_vcpu v = make_vcpu(3, &o);
	for (size_t i = 0; i < v.events.n; i++)
		v.events.at[i].cause = SYNC_CAUSE_NONE; /* nothing to search with */
	struct sync_cpu cpu = made_cpu(&v);
	struct sync_thread thread = made_thread(&v);
	struct sync_pair pair = {&cpu, &thread};
	struct sync_fit_options fo = fit_options(&v);
	assert_int_equal(sync_contain_init(&c, &pair, 1, &fo, SYNC_EFFORT), SYNC_NO_FIT);
	assert_int_equal(sync_contain_init_near(&c, &pair, 1, &fo, &near, 200000), 0);
	assert_int_equal(wrong_per_1000(&c, &truth, &v), 0);
	assert_in_range(median_error(&c), 1, 2000);
	sync_contain_deinit(&c);
	made_deinit(&v);
	clock_map_deinit(&truth);
	clock_map_deinit(&near);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_difference_of_any_size_is_found),
		cmocka_unit_test(test_two_cpus_are_fitted_together),
		cmocka_unit_test(test_lost_windows_and_events),
		cmocka_unit_test(test_slew_and_step),
		cmocka_unit_test(test_stranger_has_no_fit),
		cmocka_unit_test(test_near_a_known_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
