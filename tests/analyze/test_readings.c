/*
 * test_readings RECORDING...: how often an analysis decodes each event: twice at most, whatever it
 * is of.
 *
 * The linker puts __wrap_reader_free() in the place of reader_free(), so every reader that there is
 * gets counted here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "analyze/analysis.h"

enum { MAX_TESTS = 64 };

void __real_reader_free(struct reader *r);
void __wrap_reader_free(struct reader *r);

static uint64_t n_read; /* by all readers since it was set to 0; of one thread */

void __wrap_reader_free(struct reader *r)
{
	n_read += r->totals.n_events;
	__real_reader_free(r);
}

static void analyze(char *path, int method)
{
	struct analysis_options options = {.sync = {.method = method}, .threads = 1};
	struct session session;
	struct analysis a;
	struct error err = {0};
	uint64_t n_events = 0;

	assert_int_equal(session_open(&session, &path, 1, NULL, &err), 0);
	n_read = 0;
	assert_int_equal(analysis_init(&a, &session, &options, &err), 0);
	for (size_t m = 0; m < a.n_machines; m++)
		n_events += a.evidence[m].n_events;
	print_message("%s: %.2f readings\n", path, (double)n_read / (double)n_events);
	assert_true(n_events > 0);
	assert_in_range(n_read, n_events, 2 * n_events);
	analysis_deinit(&a);
}

static void test_recording(void **state)
{
	analyze(*state, SYNC_AUTO);
	analyze(*state, SYNC_CONTAINMENT);
	analyze(*state, SYNC_AS_IS);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[MAX_TESTS];
	size_t n = 0;

	for (int i = 1; i < argc && n < MAX_TESTS; i++)
		tests[n++] = (struct CMUnitTest){
			.name = argv[i], .test_func = test_recording, .initial_state = argv[i]};
	return n ? _cmocka_run_group_tests("readings", tests, n, NULL, NULL) : 1;
}
