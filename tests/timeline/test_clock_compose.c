/*
 * Two clock maps as one (timeline/clock_compose.h): the same times as one after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "random.h"
#include "timeline/clock_compose.h"

#define EPOCH INT64_C(1795396634974587812)
#define SPAN  INT64_C(100000000000)

/* Slews and steps, also back. */
static void random_map(struct clock_map *m, uint64_t *seed, int64_t around)
{
	size_t n = (size_t)random_in(seed, 1, 8);
	int64_t from = around, offset = random_in(seed, -SPAN, SPAN);

	*m = (struct clock_map){.pieces = mem_zalloc(n, sizeof(*m->pieces)), .n_pieces = n};
	for (size_t i = 0; i < n; i++) {
		struct clock_piece *p = &m->pieces[i];

		*p = (struct clock_piece){.from = from,
					  .to = i + 1 < n ? from + random_in(seed, 1, SPAN / 4)
							  : INT64_MAX,
					  .offset = offset,
					  .drift = (double)random_in(seed, -50000, 50000) * 1e-9,
					  .error = random_in(seed, 0, 1000)};
		if (i + 1 == n)
			break;
		offset = clock_piece_apply(p, p->to) - p->to;
		if (!random_in(seed, 0, 3))
			offset += random_in(seed, -SPAN / 1000, SPAN / 1000);
		from = p->to;
	}
}

static int64_t distance_to_border(const struct clock_map *m, int64_t t)
{
	int64_t least = INT64_MAX;

	for (size_t i = 1; i < m->n_pieces; i++) {
		int64_t d = llabs(m->pieces[i].from - t);

		least = d < least ? d : least;
	}
	return least;
}

static void check_pieces(const struct clock_map *m)
{
	assert_true(m->n_pieces >= 1);
	for (size_t i = 1; i < m->n_pieces; i++) {
		assert_int_equal(m->pieces[i - 1].to, m->pieces[i].from);
		assert_true(m->pieces[i].to > m->pieces[i].from);
	}
	assert_int_equal(m->pieces[m->n_pieces - 1].to, INT64_MAX);
}

/*
 * Each map rounds to a ns, and where the inner one crosses a border of the outer is rounded, too.
 */
static void test_same_as_one_after_the_other(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct clock_map inner, outer, both;

		random_map(&inner, &seed, EPOCH);
		random_map(&outer, &seed, EPOCH + random_in(&seed, -SPAN, SPAN));
		clock_map_init_compose(&both, &inner, &outer);
		check_pieces(&both);
		for (int i = 0; i < 200; i++) {
			int64_t t = EPOCH + random_in(&seed, 0, 2 * SPAN);
			int64_t middle = clock_map_apply(&inner, t);

			if (distance_to_border(&outer, middle) < 3)
				continue;
			int64_t off = clock_map_apply(&both, t) - clock_map_apply(&outer, middle);

			assert_in_range(off + 3, 0, 6);
		}
		clock_map_deinit(&inner);
		clock_map_deinit(&outer);
		clock_map_deinit(&both);
	}
}

static void test_errors_add_up(void **state)
{
	struct clock_map inner, outer, both;

	(void)state;
	clock_map_init_offset(&inner, 5, 0, EPOCH, 30);
	clock_map_init_offset(&outer, 7, 0, EPOCH, 12);
	clock_map_init_compose(&both, &inner, &outer);
	assert_int_equal(clock_map_apply(&both, EPOCH), EPOCH + 12);
	assert_int_equal(both.pieces[0].error, 42);
	clock_map_deinit(&both);
	outer.pieces[0].error = CLOCK_ERROR_UNKNOWN;
	clock_map_init_compose(&both, &inner, &outer);
	assert_int_equal(both.pieces[0].error, CLOCK_ERROR_UNKNOWN);
	clock_map_deinit(&both);
	clock_map_deinit(&inner);
	clock_map_deinit(&outer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_one_after_the_other),
		cmocka_unit_test(test_errors_add_up),
	};

	return cmocka_run_group_tests_name("clock_compose", tests, NULL, NULL);
}
