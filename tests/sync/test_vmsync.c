#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../timeline/random.h"
#include "sync/fit.h"
#include "sync/vmsync.h"

#define GUEST_EPOCH INT64_C(1795396653061998529)
#define OFFSET	    (-INT64_C(86400000000000) * 3)
#define DRIFT	    40e-6
#define MS	    INT64_C(1000000)

struct exchanges {
	struct sync_vmsync_event host[8000], guest[8000];
	size_t n_host, n_guest;
};

static int64_t host_time(int64_t t)
{
	return t + OFFSET + (int64_t)((double)(t - GUEST_EPOCH) * DRIFT);
}

static void push(struct sync_vmsync_event *events, size_t *n, int64_t ts, uint64_t cnt,
		 bool to_guest)
{
	events[(*n)++] = (struct sync_vmsync_event){ts, cnt, to_guest};
}

/* Exchanges as the modules make them: counts from 0, and again from 0 after `reload` of them. */
static void exchange(struct exchanges *x, uint64_t seed, int n, int reload, int lost_percent)
{
	int64_t t = GUEST_EPOCH;

	for (int i = 0; i < n; i++) {
		uint64_t cnt = (uint64_t)(i % reload);
		int64_t gh = t += random_in(&seed, 5 * MS, 80 * MS);
		int64_t h1 = (t += random_exp(&seed, 20000));
		int64_t h2 = (t += random_exp(&seed, 3000));
		int64_t hg = (t += random_exp(&seed, 20000));

		if (random_in(&seed, 0, 99) >= lost_percent)
			push(x->guest, &x->n_guest, gh, cnt, false);
		if (random_in(&seed, 0, 99) >= lost_percent)
			push(x->host, &x->n_host, host_time(h1), cnt, false);
		if (random_in(&seed, 0, 99) >= lost_percent)
			push(x->host, &x->n_host, host_time(h2), cnt, true);
		if (random_in(&seed, 0, 99) >= lost_percent)
			push(x->guest, &x->n_guest, hg, cnt, true);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct sync_vmsync_event *x = a, *y = b;

	return (x->ts > y->ts) - (x->ts < y->ts);
}

/* What a spinlock's kick looks like: its first argument, 0, is taken for the count. */
static void add_decoys(struct exchanges *x, uint64_t seed, int n, uint64_t cnt)
{
	int64_t first = x->host[0].ts, last = x->host[x->n_host - 1].ts;

	for (int i = 0; i < n; i++) {
		int64_t ts = random_in(&seed, first + 1, last - 1);

		push(x->host, &x->n_host, ts, cnt, false);
		push(x->host, &x->n_host, ts + 2000, cnt, true);
	}
	qsort(x->host, x->n_host, sizeof(x->host[0]), by_time);
}

static void fit(const struct exchanges *x, struct sync_vmsync *v, struct sync_fit *f)
{
	struct sync_fit_options o = sync_fit_defaults(x->guest[0].ts, x->guest[x->n_guest - 1].ts);

	sync_vmsync_init(v, x->host, x->n_host, x->guest, x->n_guest);
	assert_int_equal(sync_fit_init(f, v->bounds.at, v->bounds.n, &o), 0);
}

static void expect_truth_inside(const struct sync_fit *f)
{
	for (size_t i = 0; i < f->map.n_pieces; i++) {
		const struct clock_piece *p = &f->map.pieces[i];

		for (int64_t k = 0; k <= 10; k++) {
			int64_t t = p->from + (p->to - 1 - p->from) / 10 * k;

			assert_in_range(llabs(clock_piece_apply(p, t) - host_time(t)), 0, p->error);
		}
	}
}

static void test_all_pairs_are_found(void **state)
{
	struct exchanges x = {.n_host = 0};
	struct sync_vmsync v;
	struct sync_fit f;

	(void)state;
	exchange(&x, 1, 1000, 1000, 0);
	fit(&x, &v, &f);
	assert_int_equal(v.pairs_gh, 1000);
	assert_int_equal(v.pairs_hg, 1000);
	assert_int_equal(v.decoys + v.lost_host + v.lost_guest, 0);
	assert_int_equal(f.map.n_pieces, 1);
	assert_int_equal(f.violations, 0);
	assert_in_range(f.map.pieces[0].error, 1, 3000);
	expect_truth_inside(&f);
	sync_fit_deinit(&f);
	sync_vmsync_deinit(&v);
}

static void test_counts_that_start_again(void **state)
{
	struct exchanges x = {.n_host = 0};
	struct sync_vmsync v;
	struct sync_fit f;

	(void)state;
	exchange(&x, 2, 1000, 300, 10);
	fit(&x, &v, &f);
	assert_int_equal(f.map.n_pieces, 1);
	assert_int_equal(f.violations, 0);
	assert_true(v.pairs_gh > 750 && v.pairs_hg > 750);
	expect_truth_inside(&f);
	sync_fit_deinit(&f);
	sync_vmsync_deinit(&v);
}

/* 10% decoys and 30% lost: the very bounds that the exchanges without decoys give. */
static void test_decoys_change_nothing(void **state)
{
	const uint64_t counts[] = {0, 1, 500, 1234567};

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct exchanges x = {.n_host = 0};
		struct sync_vmsync clean, v;
		struct sync_fit f, g;

		exchange(&x, seed, 1000, 1000, 30);
		fit(&x, &clean, &f);
		add_decoys(&x, seed, 100, counts[seed % 4]);
		fit(&x, &v, &g);
		assert_int_equal(v.bounds.n, clean.bounds.n);
		assert_memory_equal(v.bounds.at, clean.bounds.at,
				    v.bounds.n * sizeof(v.bounds.at[0]));
		assert_in_range(v.decoys, 150, 200);
		assert_int_equal(g.map.n_pieces, 1);
		assert_int_equal(g.violations, 0);
		expect_truth_inside(&g);
		sync_fit_deinit(&f);
		sync_fit_deinit(&g);
		sync_vmsync_deinit(&clean);
		sync_vmsync_deinit(&v);
	}
}

/*
 * Exchanges with two counts each. Every fifth gh of the host is lost; some of these exchanges (or
 * of those that lost nothing) have a decoy right before them, with their count.
 */
static void exchange_beside_decoys(struct exchanges *x, uint64_t seed, int n, bool beside_lost)
{
	int64_t t = GUEST_EPOCH;

	for (int i = 0; i < n; i++) {
		uint64_t cnt = (uint64_t)i * 2 + 1;
		bool lost = i % 5 == 0, decoy = i % 20 == (beside_lost ? 0 : 1);

		t += random_in(&seed, 1 * MS, 3 * MS);
		if (decoy)
			push(x->host, &x->n_host, host_time(t), cnt, false);
		push(x->guest, &x->n_guest, t += random_in(&seed, 1200, 2500), cnt, false);
		t += random_in(&seed, 800, 3000);
		if (!lost)
			push(x->host, &x->n_host, host_time(t), cnt, false);
		push(x->host, &x->n_host, host_time(t += random_in(&seed, 300, 400)), cnt + 1,
		     true);
		push(x->guest, &x->n_guest, t += random_in(&seed, 800, 3000), cnt + 1, true);
	}
}

static void test_decoys_beside_their_exchange(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct exchanges x = {.n_host = 0};
		struct sync_vmsync v;
		struct sync_fit f;

		exchange_beside_decoys(&x, seed, 1000, seed % 2);
		fit(&x, &v, &f);
		assert_int_equal(v.bounds.n, 1800);
		assert_int_equal(f.map.n_pieces, 1);
		assert_int_equal(f.violations, 0);
		assert_in_range(f.map.pieces[0].error, 1, 2000);
		expect_truth_inside(&f);
		sync_fit_deinit(&f);
		sync_vmsync_deinit(&v);
	}
}

/* Slow calls are as true as others where nothing is missing. */
static void test_nothing_lost_nothing_left_out(void **state)
{
	struct exchanges x = {.n_host = 0};
	struct sync_vmsync v;

	(void)state;
	exchange(&x, 3, 1000, 1000, 0);
	sync_vmsync_init(&v, x.host, x.n_host, x.guest + 100, x.n_guest - 200);
	assert_int_equal(v.bounds.n, 1800);
	sync_vmsync_deinit(&v);
	sync_vmsync_init(&v, x.host + 100, x.n_host - 200, x.guest, x.n_guest);
	assert_int_equal(v.bounds.n, 1800);
	sync_vmsync_deinit(&v);
}

/* No exchange has an even count in its gh: with one, it is a decoy, in sequence or not. */
static void test_decoys_of_the_other_parity(void **state)
{
	struct exchanges x = {.n_host = 0};
	struct sync_vmsync v;

	(void)state;
	exchange_beside_decoys(&x, 4, 100, true);
	for (size_t i = 0; i < x.n_guest; i++)
		if (x.guest[i].cnt % 40 == 13)
			x.guest[i--] = x.guest[--x.n_guest];
	qsort(x.guest, x.n_guest, sizeof(x.guest[0]), by_time);
	for (size_t i = 0; i < x.n_host; i++)
		x.host[i].cnt += x.host[i].cnt % 40 == 15 && !x.host[i].to_guest;
	sync_vmsync_init(&v, x.host, x.n_host, x.guest, x.n_guest);
	assert_int_equal(v.decoys, 5);
	assert_int_equal(v.lost_guest, 5);
	sync_vmsync_deinit(&v);
}

static void test_nothing_and_nonsense(void **state)
{
	struct sync_vmsync_event e[] = {{INT64_MIN, 1, false}, {INT64_MAX, 1, false}, {5, 1, true}};
	struct sync_vmsync v;

	(void)state;
	sync_vmsync_init(&v, NULL, 0, NULL, 0);
	assert_int_equal(v.bounds.n, 0);
	sync_vmsync_deinit(&v);
	sync_vmsync_init(&v, e, 3, e, 3);
	assert_int_equal(v.bounds.n, 1);
	sync_vmsync_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_pairs_are_found),
		cmocka_unit_test(test_counts_that_start_again),
		cmocka_unit_test(test_decoys_change_nothing),
		cmocka_unit_test(test_decoys_beside_their_exchange),
		cmocka_unit_test(test_nothing_lost_nothing_left_out),
		cmocka_unit_test(test_decoys_of_the_other_parity),
		cmocka_unit_test(test_nothing_and_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
