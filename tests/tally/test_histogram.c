/*
 * Histograms: exact counts, sums, minima and maxima; quantiles to 1/128.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../timeline/random.h"
#include "tally/histogram.h"

enum { N = 5001 };

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The true one: the least value that at least `share` of all do not exceed. */
static int64_t quantile(const int64_t *sorted, size_t n, double share)
{
	for (size_t i = 0; i < n; i++) {
		if ((double)(i + 1) >= share * (double)n)
			return sorted[i];
	}
	return sorted[n - 1];
}

static void quantiles(void **state)
{
	static const double shares[] = {0, 0.01, 0.25, 0.5, 0.9, 0.99, 1};
	static int64_t values[N];
	uint64_t seed = 3;

	(void)state;
	for (int log = 3; log < 62; log++) {
		struct histogram h = {0}, first = {0}, second = {0};

		for (size_t i = 0; i < N; i++) {
			values[i] = random_in(&seed, 0, ((int64_t)1 << log) / (log > 50 ? N : 1));
			histogram_add(&h, values[i]);
			histogram_add(i % 3 ? &first : &second, values[i]);
		}
		histogram_merge(&first, &second);
		qsort(values, N, sizeof(values[0]), by_value);
		assert_int_equal(h.n, N);
		assert_int_equal(h.min, values[0]);
		assert_int_equal(h.max, values[N - 1]);
		assert_int_equal(first.sum, h.sum);
		for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
			int64_t truth = quantile(values, N, shares[i]);
			int64_t found = histogram_quantile(&h, shares[i]);

			assert_true(found >= truth && found - truth <= truth / 128);
			assert_int_equal(histogram_quantile(&first, shares[i]), found);
		}
		histogram_deinit(&h);
		histogram_deinit(&first);
		histogram_deinit(&second);
	}
}

static void few_values(void **state)
{
	struct histogram h = {0};

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	histogram_add(&h, 1000000);
	assert_int_equal(histogram_quantile(&h, 0.01), 1000000);
	assert_int_equal(histogram_quantile(&h, 0.99), 1000000);
	histogram_add(&h, 5);
	assert_int_equal(histogram_quantile(&h, 0.5), 5);
	assert_int_equal(histogram_quantile(&h, 0.51), 1000000);
	histogram_add(&h, INT64_MAX);
	assert_int_equal(histogram_quantile(&h, 1), INT64_MAX);
	histogram_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(few_values),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
