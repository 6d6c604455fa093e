#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sync/choose.h"
#include "sync/sync.h"
#include "sync/tsc_offset.h"

/* ---- TSC offsets in the host's trace --------------------------------------------------------- */

enum { HOST, GUEST, THREAD = 100, OFFSET = -2600000 };

/* A host whose process has two vCPU threads, and its guest, both traced by their TSCs. */
struct pair {
	struct recording recordings[2], *at[2];
	struct evidence evidence;
	struct identity id;
};

static void pair_init(struct pair *r)
{
	*r = (struct pair){0};
	for (int i = 0; i < 2; i++) {
		*vec_push(&r->recordings[i].clocks) =
			(struct recording_clock){.frequency = 2600000000, .is_tsc = true};
		vec_push(&r->recordings[i].streams);
		r->at[i] = &r->recordings[i];
		*vec_push(&r->id.machines) = (struct ident_machine){
			.evidence = &r->evidence, .vm = i == GUEST ? 0 : IDENT_NONE};
	}
	*vec_push(&r->id.vms) = (struct ident_vm){.host = HOST, .guest = GUEST};
	for (int i = 0; i < 2; i++) {
		*vec_push(&r->id.vcpus) =
			(struct ident_vcpu){.vm = 0, .index = i, .tid = THREAD + i};
		*vec_push(&r->id.runs) = (struct ident_run){
			.vcpu = i, .tid = THREAD + i, .from = INT64_MIN, .to = INT64_MAX};
	}
}

static void pair_deinit(struct pair *r)
{
	for (int i = 0; i < 2; i++) {
		vec_deinit(&r->recordings[i].streams);
		vec_deinit(&r->recordings[i].clocks);
	}
	vec_deinit(&r->evidence.tsc);
	vec_deinit(&r->id.machines);
	vec_deinit(&r->id.vms);
	vec_deinit(&r->id.vcpus);
	vec_deinit(&r->id.runs);
}

static void write_offset(struct pair *r, int64_t ts, int64_t tid, int64_t previous, int64_t next)
{
	*vec_push(&r->evidence.tsc) = (struct evidence_tsc){ts, tid, previous, next};
}

/* Whether the guest's clock is found for its times in [10 ms, 20 ms], and is 1 ms behind then. */
static bool is_found(const struct pair *r)
{
	struct clock_map m;

	if (!sync_tsc_recorded(&m, &r->id, r->at, 0, 10000000, 20000000)) {
		assert_null(m.pieces);
		return false;
	}
	assert_in_range(clock_map_apply(&m, 15000000), 16000000 - 3, 16000000 + 3);
	assert_in_range(m.pieces[0].error, 1, 10);
	clock_map_deinit(&m);
	return true;
}

static void test_settled_before(void **state)
{
	struct pair r;

	(void)state;
	pair_init(&r);
	assert_false(is_found(&r));
	write_offset(&r, 1000, THREAD, 0, 77);
	write_offset(&r, 2000, THREAD, 77, OFFSET);
	write_offset(&r, 1500, THREAD + 1, 0, OFFSET);
	write_offset(&r, 1500, THREAD + 7, 0, 12345); /* another VM's thread */
	write_offset(&r, 1500, NO_VALUE, 0, 12345);   /* nobody knows whose */
	assert_true(is_found(&r));
	pair_deinit(&r);
}

static void test_vcpus_that_differ(void **state)
{
	struct pair r;

	(void)state;
	pair_init(&r);
	write_offset(&r, 1000, THREAD, 0, OFFSET);
	write_offset(&r, 1000, THREAD + 1, 0, OFFSET + 1);
	assert_false(is_found(&r));
	pair_deinit(&r);
}

/* The guest was recorded from 10 ms by its own clock, 11 ms by the host's. */
static void test_changed_while_recorded(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct pair r;

		(void)state;
		pair_init(&r);
		write_offset(&r, 1000, THREAD, 0, 77);
		write_offset(&r, late ? 11000100 : 10999900, THREAD, 77, OFFSET);
		assert_int_equal(is_found(&r), !late);
		pair_deinit(&r);
	}
}

static void test_other_clocks(void **state)
{
	static const struct {
		uint64_t frequency;
		bool found;
	} guests[] = {{2600000000, true}, {1000000000, false}, {2200000000, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct pair r;

		pair_init(&r);
		r.recordings[GUEST].clocks.at[0].frequency = guests[i].frequency;
		write_offset(&r, 1000, THREAD, 0, OFFSET);
		assert_int_equal(is_found(&r), guests[i].found);
		pair_deinit(&r);
	}
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* Adds an estimate of a constant difference, for machine times in [0, 1000]. */
static struct sync_estimate *add_estimate(struct machine_sync *s, enum sync_method method,
					  int64_t offset, int64_t error)
{
	struct sync_estimate *e = &s->estimates[method];

	e->present = true;
	e->error = error;
	e->n_events = 10000;
	clock_map_init_offset(&e->map, offset, 0, 0, error);
	return e;
}

static void test_least_error_wins(void **state)
{
	struct machine_sync s = {0};

	(void)state;
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_AS_IS);
	add_estimate(&s, SYNC_VMSYNC, 5, 100);
	add_estimate(&s, SYNC_CONTAINMENT, 0, 20);
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_CONTAINMENT);
	assert_int_equal(sync_choose(&s, SYNC_VMSYNC, 0, 1000), SYNC_VMSYNC);
	assert_int_equal(sync_choose(&s, SYNC_TSC, 0, 1000), SYNC_AS_IS);
	s.estimates[SYNC_CONTAINMENT].error = CLOCK_ERROR_UNKNOWN;
	s.estimates[SYNC_CONTAINMENT].map.pieces[0].error = CLOCK_ERROR_UNKNOWN;
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_VMSYNC);
	add_estimate(&s, SYNC_GIVEN, 0, CLOCK_ERROR_UNKNOWN);
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_GIVEN);
	machine_sync_deinit(&s);
}

/* Ends the estimate's only piece at machine time t, where one with another error follows. */
static void add_piece(struct sync_estimate *e, int64_t t, int64_t error)
{
	struct clock_map *m = &e->map;

	m->pieces = mem_realloc(m->pieces, 2 * sizeof(*m->pieces));
	m->pieces[1] = m->pieces[0];
	m->pieces[0].to = m->pieces[1].from = t;
	m->pieces[1].error = error;
	m->n_pieces = 2;
	e->error = CLOCK_ERROR_UNKNOWN;
}

/* Return: whether s is mixed, of two pieces, the second by vmsync from `from` on. */
static bool is_mixed_from(const struct machine_sync *s, int64_t from)
{
	const struct clock_map *m = &s->mixed.map;

	return m->n_pieces == 2 && m->pieces[0].to == from && m->pieces[1].from == from &&
	       machine_sync_method(s, from - 1) == SYNC_CONTAINMENT &&
	       machine_sync_method(s, from) == SYNC_VMSYNC && m->pieces[1].offset == 5 &&
	       m->pieces[1].error == 100;
}

/* A bad end is no reason to throw away a good map of all the rest. */
static void test_a_bad_piece_is_anothers(void **state)
{
	static const struct {
		int64_t from, error;
		bool mixed;
	} tails[] = {{900, CLOCK_ERROR_UNKNOWN, true}, {900, 1000, true}, {900, 300, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct machine_sync s = {0};

		add_estimate(&s, SYNC_VMSYNC, 5, 100);
		add_piece(add_estimate(&s, SYNC_CONTAINMENT, 0, 20), tails[i].from, tails[i].error);
		s.method = sync_choose(&s, SYNC_AUTO, 0, 1000);
		assert_int_equal(s.method, SYNC_CONTAINMENT);
		sync_mix(&s, 0, 1000);
		assert_int_equal(is_mixed_from(&s, tails[i].from), tails[i].mixed);
		assert_int_equal(s.mixed.map.n_pieces != 0, tails[i].mixed);
		machine_sync_deinit(&s);
	}
}

/* What is good for a short time only is not taken for all of it. */
static void test_most_of_the_time_counts(void **state)
{
	struct machine_sync s = {0};

	(void)state;
	add_estimate(&s, SYNC_VMSYNC, 5, 100);
	add_piece(add_estimate(&s, SYNC_CONTAINMENT, 0, 20), 100, CLOCK_ERROR_UNKNOWN);
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_VMSYNC);
	machine_sync_deinit(&s);
}

static void test_the_refuted_loses(void **state)
{
	struct machine_sync s = {0};

	(void)state;
	add_estimate(&s, SYNC_CONTAINMENT, 0, 20)->outside = 3;
	add_estimate(&s, SYNC_TSC, 500, 3)->outside = 100;
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_TSC);
	s.estimates[SYNC_TSC].outside = 500;
	assert_int_equal(sync_choose(&s, SYNC_AUTO, 0, 1000), SYNC_CONTAINMENT);
	assert_int_equal(sync_choose(&s, SYNC_TSC, 0, 1000), SYNC_TSC);
	machine_sync_deinit(&s);
}

static void test_disagreements(void **state)
{
	struct machine_sync s = {0};

	(void)state;
	add_estimate(&s, SYNC_VMSYNC, 120, 100);
	add_estimate(&s, SYNC_CONTAINMENT, 0, 20);
	assert_int_equal(sync_disagreements(&s, 0, 1000), 0);
	s.estimates[SYNC_VMSYNC].map.pieces[0].offset = 121;
	assert_int_equal(sync_disagreements(&s, 0, 1000), 1);
	/* Straight lines that meet: it is at the end that they contradict each other. */
	s.estimates[SYNC_VMSYNC].map.pieces[0].offset = 0;
	s.estimates[SYNC_VMSYNC].map.pieces[0].drift = 0.13;
	assert_int_equal(sync_disagreements(&s, 0, 900), 0);
	assert_int_equal(sync_disagreements(&s, 0, 1000), 1);
	s.estimates[SYNC_VMSYNC].map.pieces[0].error = CLOCK_ERROR_UNKNOWN;
	assert_int_equal(sync_disagreements(&s, 0, 1000), 0);
	machine_sync_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settled_before),
		cmocka_unit_test(test_vcpus_that_differ),
		cmocka_unit_test(test_changed_while_recorded),
		cmocka_unit_test(test_other_clocks),
		cmocka_unit_test(test_least_error_wins),
		cmocka_unit_test(test_a_bad_piece_is_anothers),
		cmocka_unit_test(test_most_of_the_time_counts),
		cmocka_unit_test(test_the_refuted_loses),
		cmocka_unit_test(test_disagreements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
