/*
 * Maps that forget (base/map.h) and slots (base/slots.h), against what a plain array says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/slots.h"

enum { KEYS = 300, STEPS = 200000 };

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Keys that begin their search at few places, so that they stand in each other's way. */
static uint64_t crowded(uint64_t i)
{
	return i % 2 ? i : i << 44;
}

static void test_map_forgets_one_key_only(void **state)
{
	uint64_t values[KEYS] = {0}, x = 1, n = 0;
	struct map m = {0};

	(void)state;
	for (int step = 1; step <= STEPS; step++) {
		uint64_t i = next(&x) % KEYS;

		if (next(&x) % 2) {
			n += !values[i];
			*map_put(&m, crowded(i), 0) = values[i] = (uint64_t)step;
		} else {
			n -= values[i] != 0;
			values[i] = 0;
			map_remove(&m, crowded(i));
		}
		assert_int_equal(m.n, n);
		i = next(&x) % KEYS;
		const uint64_t *found = map_get(&m, crowded(i));

		assert_int_equal(found ? *found : 0, values[i]);
	}
	for (uint64_t i = 0; i < KEYS; i++) {
		const uint64_t *found = map_get(&m, crowded(i));

		assert_int_equal(found ? *found : 0, values[i]);
	}
	assert_in_range(m.capacity, 1, 4 * KEYS);
	map_deinit(&m);
}

static void test_empty_map_forgets_nothing(void **state)
{
	struct map m = {0};

	(void)state;
	map_remove(&m, 7);
	assert_null(map_get(&m, 7));
	map_deinit(&m);
}

/* Thousands come and go, a few at a time: no two have one place, and the places are as few. */
static void test_places_are_used_again(void **state)
{
	enum { ALIVE = 8, ALL = 10000 };
	uint32_t owner[ALIVE];
	struct slots s = {0};

	(void)state;
	for (uint32_t id = 0; id < ALL; id++) {
		uint32_t slot;

		if (id >= ALIVE)
			slots_remove(&s, id - ALIVE);
		slot = slots_add(&s, id);
		assert_in_range(slot, 0, ALIVE - 1);
		owner[slot] = id;
		for (uint32_t k = id < ALIVE ? 0 : id - ALIVE + 1; k <= id; k++)
			assert_int_equal(owner[slots_find(&s, k)], k);
		if (id >= ALIVE)
			assert_int_equal(slots_find(&s, id - ALIVE), SLOT_NONE);
	}
	assert_int_equal(s.n, ALIVE);
	assert_int_equal(slots_find(&s, ALL), SLOT_NONE);
	slots_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_forgets_one_key_only),
		cmocka_unit_test(test_empty_map_forgets_nothing),
		cmocka_unit_test(test_places_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
