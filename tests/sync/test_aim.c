#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "vcpu_maker.h"
#include "sync/aim.h"

#define EPOCH	INT64_C(1795396653061998529)
#define SECOND	INT64_C(1000000000)
#define DAY	(86400 * SECOND)
#define UNKNOWN INT64_C(150000) /* ns: what the difference is given wrong by at most */

enum { STRICT = 512, N_TIMES = 9, PLENTY = 2000000000 };

struct made {
	struct made_vcpu vcpu;
	struct sync_cpu cpu;
	struct sync_thread thread;
	struct sync_pair pair;
	struct sync_view view;
	uint64_t effort;
};

static void make(struct made *m, uint64_t seed, const struct clock_map *truth)
{
	struct vcpu_options o = {.begin = EPOCH,
				 .end = EPOCH + 2 * SECOND,
				 .trace_begin = EPOCH + SECOND / 2,
				 .trace_end = EPOCH + SECOND * 3 / 2,
				 .truth = truth};

	m->vcpu = make_vcpu(seed, &o);
	m->cpu = made_cpu(&m->vcpu);
	m->thread = made_thread(&m->vcpu);
	m->pair = (struct sync_pair){&m->cpu, &m->thread};
	m->effort = PLENTY;
	m->view = (struct sync_view){&m->pair, 1, STRICT, &m->effort};
}

/* The guest's time after i of N_TIMES + 1 parts of its events. */
static int64_t time_of(const struct made *m, size_t i)
{
	return m->cpu.events[m->cpu.n * i / (N_TIMES + 1)].ts;
}

static void assert_holds(const struct sync_mark *mark, const struct clock_map *truth)
{
	int64_t true_difference = clock_map_apply(truth, mark->at) - mark->at;

	assert_in_range(true_difference - mark->low, 0, mark->high - mark->low);
}

static void test_finds_the_difference(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t r = seed * 77;
		struct clock_map truth;
		struct sync_mark mark;
		struct made m;

		clock_map_init_offset(&truth, random_in(&r, -40 * DAY, 40 * DAY),
				      (double)random_in(&r, -150000, 150000) * 1e-9, EPOCH, 0);
		make(&m, seed, &truth);
		for (size_t i = 1; i <= N_TIMES; i++) {
			int64_t at = time_of(&m, i);
			int64_t about =
				clock_map_apply(&truth, at) - at + random_in(&r, -UNKNOWN, UNKNOWN);

			assert_int_equal(sync_aim(&m.view, at, about, 200000, &mark), 0);
			assert_holds(&mark, &truth);
			assert_true(mark.high - mark.low < 10000);
			assert_int_equal(mark.outside, 0);
		}
		made_deinit(&m.vcpu);
		clock_map_deinit(&truth);
	}
}

static void test_follows_to_both_ends(void **state)
{
	struct clock_map truth;
	struct sync_mark first;
	struct sync_marks marks = {0};
	struct made m;

	(void)state;
	clock_map_init_offset(&truth, 3 * DAY, 60e-6, EPOCH, 0);
	make(&m, 9, &truth);
	int64_t begin = m.cpu.events[0].ts, end = m.cpu.events[m.cpu.n - 1].ts, at = time_of(&m, 5);

	assert_int_equal(sync_aim(&m.view, at, clock_map_apply(&truth, at) - at, 200000, &first),
			 0);
	sync_aim_follow(&m.view, &first, begin, end, &marks);
	assert_true(marks.at.at[0].from <= begin && marks.at.at[marks.at.n - 1].to >= end);
	vec_each (mark, &marks.at)
		assert_holds(mark, &truth);
	vec_deinit(&marks.at);
	made_deinit(&m.vcpu);
	clock_map_deinit(&truth);
}

/* The clock is set by 7 ms: no mark behind that says what was before. */
static void test_stops_at_a_step(void **state)
{
	struct clock_piece pieces[2] = {
		{.from = EPOCH - DAY, .to = EPOCH - DAY + SECOND, .offset = DAY},
		{.from = EPOCH - DAY + SECOND, .to = EPOCH, .offset = DAY - 7000000},
	};
	struct clock_map truth = {pieces, 2};
	struct sync_mark first;
	struct sync_marks marks = {0};
	struct made m;

	(void)state;
	make(&m, 4, &truth);
	int64_t at = time_of(&m, 2), end = m.cpu.events[m.cpu.n - 1].ts;

	assert_true(at < pieces[1].from && end > pieces[1].from + SECOND / 4);
	assert_int_equal(sync_aim(&m.view, at, DAY, 200000, &first), 0);
	sync_aim_follow(&m.view, &first, m.cpu.events[0].ts, end, &marks);
	vec_each (mark, &marks.at)
		assert_holds(mark, &truth);
	assert_true(marks.at.at[marks.at.n - 1].at < pieces[1].from);
	vec_deinit(&marks.at);
	made_deinit(&m.vcpu);
}

static void test_stranger_is_not_followed_far(void **state)
{
	struct clock_map truth;
	struct made a, b;
	int64_t most = 0;

	(void)state;
	clock_map_init_offset(&truth, DAY, 0, EPOCH, 0);
	make(&a, 1, &truth);
	make(&b, 2, &truth);
	a.pair.thread = &b.thread;
	for (size_t i = 1; i <= N_TIMES; i++) {
		struct sync_marks marks = {0};
		struct sync_mark first;
		int64_t at = time_of(&a, i);

		if (sync_aim(&a.view, at, DAY, 200000, &first))
			continue;
		sync_aim_follow(&a.view, &first, a.cpu.events[0].ts, a.cpu.events[a.cpu.n - 1].ts,
				&marks);
		int64_t time = marks.at.at[marks.at.n - 1].to - marks.at.at[0].from;

		most = time > most ? time : most;
		vec_deinit(&marks.at);
	}
	assert_true(most < SECOND / 4);
	made_deinit(&a.vcpu);
	made_deinit(&b.vcpu);
	clock_map_deinit(&truth);
}

/* However long the trace, what it costs is bounded. */
static void test_ends_with_its_effort(void **state)
{
	struct sync_marks all = {0}, some = {0};
	struct sync_mark first;
	struct clock_map truth;
	struct made m;

	(void)state;
	clock_map_init_offset(&truth, 3 * DAY, 60e-6, EPOCH, 0);
	make(&m, 9, &truth);
	int64_t end = m.cpu.events[m.cpu.n - 1].ts, at = time_of(&m, 1);
	int64_t about = clock_map_apply(&truth, at) - at;

	assert_int_equal(sync_aim(&m.view, at, about, 200000, &first), 0);
	m.effort = PLENTY;
	sync_aim_follow(&m.view, &first, first.at, end, &all);
	m.effort = (PLENTY - m.effort) / 2;
	sync_aim_follow(&m.view, &first, first.at, end, &some);
	assert_true(some.at.n > 1 && some.at.n < all.at.n);
	assert_int_equal(m.effort, 0);
	assert_int_equal(sync_aim(&m.view, at, about, 200000, &first), SYNC_NO_FIT);
	vec_deinit(&all.at);
	vec_deinit(&some.at);
	made_deinit(&m.vcpu);
	clock_map_deinit(&truth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_difference),
		cmocka_unit_test(test_follows_to_both_ends),
		cmocka_unit_test(test_stops_at_a_step),
		cmocka_unit_test(test_stranger_is_not_followed_far),
		cmocka_unit_test(test_ends_with_its_effort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
