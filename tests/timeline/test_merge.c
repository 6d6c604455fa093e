/*
 * The merge of streams (timeline/merge.h), on the traces in argv: one-qemu-kvm's host and guest,
 * and a host's trace that lost events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "input/session.h"
#include "timeline/merge.h"

enum { HOST, GUEST, LOSSY, N_TRACES, MAX_EVENTS = 64 };

struct fixture {
	char **paths;
	struct session sessions[N_TRACES];
	struct clock_map clocks[N_TRACES];
};

static int setup(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};

	for (int i = 0; i < N_TRACES; i++) {
		if (session_open(&f->sessions[i], &f->paths[i], 1, NULL, &err)) {
			puts(err.text);
			return -1;
		}
		clock_map_init_offset(&f->clocks[i], 0, 0, 0, 0);
	}
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < N_TRACES; i++) {
		session_deinit(&f->sessions[i]);
		clock_map_deinit(&f->clocks[i]);
	}
	return 0;
}

static struct event_set all_events(void)
{
	enum event_id ids[EV_N];

	for (int i = 0; i < EV_N; i++)
		ids[i] = (enum event_id)i;
	return event_set_of(ids, EV_N);
}

static struct merge_input input(const struct fixture *f, int trace, uint16_t machine)
{
	return (struct merge_input){.recording = f->sessions[trace].recordings.at[0],
				    .clock = &f->clocks[trace],
				    .machine = machine,
				    .wanted = all_events()};
}

static size_t read_with(const struct merge_input *inputs, size_t n, struct worker *helper,
			struct event *events)
{
	struct merge *m = merge_new(inputs, n);
	const struct event *e;
	size_t count = 0;

	merge_use_worker(m, helper);
	while ((e = merge_next(m))) {
		assert_true(count < MAX_EVENTS);
		events[count++] = *e;
	}
	assert_null(merge_next(m));
	merge_free(m);
	return count;
}

static size_t read_all(const struct merge_input *inputs, size_t n, struct event *events)
{
	return read_with(inputs, n, NULL, events);
}

static void test_order(void **state)
{
	const struct fixture *f = *state;
	struct merge_input inputs[] = {input(f, GUEST, 0), input(f, HOST, 1)};
	struct event both[MAX_EVENTS], guest[MAX_EVENTS], host[MAX_EVENTS];
	size_t n = read_all(inputs, 2, both), at_guest = 0, at_host = 0;

	assert_int_equal(read_all(&inputs[0], 1, guest), 13);
	assert_int_equal(read_all(&inputs[1], 1, host), 22);
	assert_int_equal(n, 35);
	for (size_t i = 0; i < n; i++) {
		const struct event *e = both[i].machine ? &host[at_host++] : &guest[at_guest++];

		assert_int_equal(both[i].ts, e->ts);
		assert_int_equal(both[i].id, e->id);
		if (i)
			assert_true(both[i].ts >= both[i - 1].ts);
	}
}

/* Of events at the same time, the first input's come first. */
static void test_ties(void **state)
{
	const struct fixture *f = *state;
	struct merge_input inputs[] = {input(f, HOST, 7), input(f, HOST, 3)};
	struct event events[MAX_EVENTS];
	size_t n = read_all(inputs, 2, events);

	assert_int_equal(n, 44);
	for (size_t i = 1; i < n; i++) {
		if (events[i].ts == events[i - 1].ts)
			assert_true(events[i - 1].machine == 7 || events[i].machine == 3);
	}
}

static void test_reading_ahead(void **state)
{
	const struct fixture *f = *state;
	struct merge_input inputs[] = {input(f, GUEST, 0), input(f, HOST, 1)};
	struct event alone[MAX_EVENTS], helped[MAX_EVENTS];
	struct worker *helper = worker_new(NULL, NULL, 1);
	size_t n = read_all(inputs, 2, alone);

	assert_non_null(helper);
	assert_int_equal(read_with(inputs, 2, helper, helped), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(helped[i].ts, alone[i].ts);
		assert_int_equal(helped[i].id, alone[i].id);
		assert_int_equal(helped[i].machine, alone[i].machine);
		assert_int_equal(helped[i].cpu, alone[i].cpu);
	}

	/* Not all of it is asked for. */
	struct merge *m = merge_new(inputs, 2);

	merge_use_worker(m, helper);
	assert_int_equal(merge_next(m)->ts, alone[0].ts);
	merge_free(m);
	worker_free(helper);
}

/* A step of the clock is followed; one back must not make time go back. */
static void test_clock_with_steps(void **state)
{
	struct fixture *f = *state;
	struct clock_piece pieces[] = {
		{.from = 0, .to = 100, .offset = 1000},
		{.from = 100, .to = 200, .offset = 950},
		{.from = 200, .to = INT64_MAX, .offset = 5000},
	};
	struct event plain[MAX_EVENTS], stepped[MAX_EVENTS];
	struct merge_input in = input(f, HOST, 0);
	size_t n = read_all(&in, 1, plain);
	struct clock_map steps = {.pieces = pieces, .n_pieces = 3};
	int64_t at = INT64_MIN;
	bool clamped = false;

	in.clock = &steps;
	assert_int_equal(read_all(&in, 1, stepped), n);
	for (size_t i = 0; i < n; i++) {
		int64_t mapped = clock_map_apply(&steps, plain[i].ts);

		clamped |= mapped < at;
		at = mapped > at ? mapped : at;
		assert_int_equal(stepped[i].ts, at);
	}
	assert_true(clamped);
}

/* A stream whose clock is not known is one loss, and does not disturb the others. */
static void test_no_clock(void **state)
{
	const struct fixture *f = *state;
	struct merge_input inputs[] = {input(f, GUEST, 0), input(f, HOST, 1)};
	struct event host[MAX_EVENTS], told[MAX_EVENTS];
	const struct clock_map *clocks[] = {NULL}, *known[] = {inputs[1].clock};
	size_t n = read_all(&inputs[1], 1, host), at = 0, lost = 0;

	inputs[0].clocks = clocks;
	inputs[0].lost_from = host[0].ts + 1;
	inputs[1].clocks = known;
	inputs[1].clock = NULL;
	assert_int_equal(read_all(inputs, 2, told), n + 1);
	for (size_t i = 0; i <= n; i++) {
		if (told[i].machine == 1) {
			assert_int_equal(told[i].ts, host[at].ts);
			assert_int_equal(told[i].id, host[at++].id);
			continue;
		}
		assert_int_equal(told[i].id, EV_LOST);
		assert_int_equal(told[i].ts, inputs[0].lost_from);
		assert_int_equal(told[i].lost.to, INT64_MAX);
		lost++;
	}
	assert_int_equal(lost, 1);
}

/* Losses are events of their own: nothing of that CPU lies between their beginning and end. */
static void test_losses(void **state)
{
	const struct fixture *f = *state;
	struct merge_input in = input(f, LOSSY, 0);
	struct merge *m = merge_new(&in, 1);
	int64_t lost_to[64];
	const struct event *e;
	uint64_t lost = 0;

	for (int i = 0; i < 64; i++)
		lost_to[i] = INT64_MIN;
	while ((e = merge_next(m))) {
		assert_true(e->cpu < 64 && e->ts >= lost_to[e->cpu]);
		if (e->id != EV_LOST)
			continue;
		assert_true(e->lost.to >= e->ts);
		lost_to[e->cpu] = e->lost.to;
		lost += (uint64_t)e->lost.count;
	}
	struct diag_list diags = {0};

	merge_diags(m, 0, &diags);
	assert_true(lost > 0);
	assert_int_equal(diags.at[DIAG_EVENTS_LOST].count, lost);
	assert_true(merge_events_read(m) > 1000);
	merge_free(m);
}

int main(int argc, char **argv)
{
	struct fixture f = {.paths = argv + 1};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(test_order, setup, teardown, &f),
		cmocka_unit_test_prestate_setup_teardown(test_ties, setup, teardown, &f),
		cmocka_unit_test_prestate_setup_teardown(test_no_clock, setup, teardown, &f),
		cmocka_unit_test_prestate_setup_teardown(test_reading_ahead, setup, teardown, &f),
		cmocka_unit_test_prestate_setup_teardown(test_clock_with_steps, setup, teardown,
							 &f),
		cmocka_unit_test_prestate_setup_teardown(test_losses, setup, teardown, &f),
	};

	if (argc != 1 + N_TRACES)
		return 2;
	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
