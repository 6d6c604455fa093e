#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../timeline/random.h"
#include "sync/bounds.h"
#include "sync/fit.h"

#define EPOCH  INT64_C(1795396653061998529)
#define SECOND INT64_C(1000000000)

/* The true difference: straight, but for up to 8 bends, each with a step. */
struct truth {
	struct {
		int64_t from, value;
		double drift;
	} at[8];
	size_t n;
};

static int64_t truth_at(const struct truth *truth, int64_t t)
{
	size_t i = truth->n - 1;

	while (i > 0 && truth->at[i].from > t)
		i--;
	return truth->at[i].value +
	       (int64_t)__builtin_rint((double)(t - truth->at[i].from) * truth->at[i].drift);
}

static void truth_bend(struct truth *truth, int64_t at, int64_t step, double drift)
{
	int64_t value = truth->n ? truth_at(truth, at) + step : step;

	truth->at[truth->n].from = at;
	truth->at[truth->n].value = value;
	truth->at[truth->n++].drift = drift;
}

struct sample {
	struct sync_bound *bounds;
	size_t n;
	int64_t begin, end;
};

/* Bounds as traces give them: now and then tight (to about 2 us), mostly loose. */
static struct sample sample_truth(const struct truth *truth, uint64_t *seed, size_t n, int64_t span)
{
	struct sample s = {calloc(n, sizeof(*s.bounds)), n, EPOCH, EPOCH + span};

	for (size_t i = 0; i < n; i++) {
		struct sync_bound *b = &s.bounds[i];
		int64_t slack = random_exp(seed, random_in(seed, 0, 9) ? 300000 : 2000);

		b->at = random_in(seed, s.begin, s.end);
		b->side = random_in(seed, 0, 1) ? SYNC_UPPER : SYNC_LOWER;
		b->value = truth_at(truth, b->at) + (b->side == SYNC_UPPER ? slack : -slack);
	}
	sync_bounds_sort(s.bounds, s.n);
	return s;
}

static void expect_truth_inside(const struct sync_fit *f, const struct truth *truth,
				const struct sample *s)
{
	for (int64_t i = 0; i <= 1000; i++) {
		int64_t t = s->begin + (int64_t)((__int128)(s->end - s->begin) * i / 1000), low,
			high;
		const struct clock_piece *p = clock_map_piece(&f->map, t);
		int64_t is = truth_at(truth, t), said = clock_map_apply(&f->map, t) - t;

		if (p->error == CLOCK_ERROR_UNKNOWN)
			continue;
		if (llabs(is - said) > p->error)
			fail_msg("at %.3f s: true %ld, said %ld +- %ld",
				 (double)(t - s->begin) * 1e-9, (long)is, (long)said,
				 (long)p->error);
		assert_int_equal(sync_fit_range(f, t, &low, &high), 0);
		assert_true(low <= is && is <= high);
		assert_true(high - low <= 2 * p->error);
	}
}

static void expect_pieces_in_order(const struct sync_fit *f, const struct sample *s)
{
	uint64_t constraints = 0, violations = 0;

	for (size_t i = 0; i < f->map.n_pieces; i++) {
		const struct clock_piece *p = &f->map.pieces[i];

		assert_true(p->from < p->to);
		if (i)
			assert_int_equal(p->from, p[-1].to);
		constraints += p->constraints;
		violations += p->violations;
	}
	assert_true(f->map.pieces[0].from <= s->begin);
	assert_true(f->map.pieces[f->map.n_pieces - 1].to > s->end);
	assert_int_equal(constraints, s->n);
	assert_int_equal(constraints, f->constraints);
	assert_int_equal(violations, f->violations);
}

static void test_straight_clock(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t r = seed;
		struct truth truth = {.n = 0};
		struct sync_fit f;

		truth_bend(&truth, EPOCH, random_in(&r, -EPOCH / 2, EPOCH / 2),
			   (double)random_in(&r, -200000, 200000) * 1e-9);
		struct sample s = sample_truth(&truth, &r, 2000, 30 * SECOND);
		struct sync_fit_options o = sync_fit_defaults(s.begin, s.end);
		assert_int_equal(sync_fit_init(&f, s.bounds, s.n, &o), 0);
		assert_int_equal(f.map.n_pieces, 1);
		assert_int_equal(f.violations, 0);
		assert_in_range(f.map.pieces[0].error, 0, 3000);
		expect_truth_inside(&f, &truth, &s);
		expect_pieces_in_order(&f, &s);
		sync_fit_deinit(&f);
		free(s.bounds);
	}
}

/* The rate changes by what NTP does, the clock steps both ways; nobody says when. */
static void test_bends_and_steps(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t r = seed;
		struct truth truth = {.n = 0};
		struct sync_fit f;
		int64_t at = EPOCH;

		for (int i = 0; i < 6; i++) {
			int64_t step = random_in(&r, 0, 1) ? 0 : random_in(&r, -SECOND, SECOND);

			truth_bend(&truth, at, step, (double)random_in(&r, -500000, 500000) * 1e-9);
			at += random_in(&r, 8 * SECOND, 12 * SECOND);
		}
		struct sample s = sample_truth(&truth, &r, 20000, 60 * SECOND);
		struct sync_fit_options o = sync_fit_defaults(s.begin, s.end);
		assert_int_equal(sync_fit_init(&f, s.bounds, s.n, &o), 0);
		assert_true(f.n_hulls <= 7);
		assert_true(f.dropped <= 3 * f.n_hulls);
		expect_truth_inside(&f, &truth, &s);
		expect_pieces_in_order(&f, &s);
		sync_fit_deinit(&f);
		free(s.bounds);
	}
}

static void test_false_bounds_are_left_out(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint64_t r = seed;
		struct truth truth = {.n = 0};
		struct sync_fit f;

		truth_bend(&truth, EPOCH, 12345678, 50e-6);
		struct sample s = sample_truth(&truth, &r, 10000, 30 * SECOND);
		for (size_t i = 100; i + 1000 < s.n; i += 500) {
			struct sync_bound *b = &s.bounds[i];
			int64_t wrong = random_in(&r, 100000, 10000000);

			b->value =
				truth_at(&truth, b->at) + (b->side == SYNC_UPPER ? -wrong : wrong);
		}
		struct sync_fit_options o = sync_fit_defaults(s.begin, s.end);
		assert_int_equal(sync_fit_init(&f, s.bounds, s.n, &o), 0);
		assert_int_equal(f.map.n_pieces, 1);
		assert_int_equal(f.dropped, 18);
		assert_int_equal(f.violations, 18);
		expect_truth_inside(&f, &truth, &s);
		sync_fit_deinit(&f);
		free(s.bounds);
	}
}

static void test_one_sided_bounds_give_nothing(void **state)
{
	struct sync_bound b[] = {{EPOCH, 5, SYNC_UPPER}, {EPOCH + 1, 4, SYNC_UPPER}};
	struct sync_fit_options o = sync_fit_defaults(EPOCH, EPOCH + 1);
	struct sync_fit f;

	(void)state;
	assert_int_equal(sync_fit_init(&f, b, 2, &o), SYNC_NO_FIT);
	assert_int_equal(sync_fit_init(&f, NULL, 0, &o), SYNC_NO_FIT);
}

/* Bounds that nothing satisfies and extreme values must neither hang nor crash. */
static void test_nonsense_ends(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		uint64_t r = seed;
		struct sync_bound b[400];
		struct sync_fit f;

		for (size_t i = 0; i < 400; i++) {
			int64_t limit = random_in(&r, 0, 1) ? SYNC_LIMIT - 1 : 1000;

			b[i].at = random_in(&r, -limit, limit);
			b[i].value = random_in(&r, -limit, limit);
			b[i].side = random_in(&r, 0, 1) ? SYNC_UPPER : SYNC_LOWER;
		}
		sync_bounds_sort(b, 400);
		struct sync_fit_options o = sync_fit_defaults(b[0].at, b[399].at);
		o.drop_false = seed % 2;
		if (!sync_fit_init(&f, b, 400, &o)) {
			assert_int_equal(f.constraints, 400);
			sync_fit_deinit(&f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straight_clock),
		cmocka_unit_test(test_bends_and_steps),
		cmocka_unit_test(test_false_bounds_are_left_out),
		cmocka_unit_test(test_one_sided_bounds_give_nothing),
		cmocka_unit_test(test_nonsense_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
