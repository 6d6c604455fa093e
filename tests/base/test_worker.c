/*
 * A worker does each job once and in order, and each task once, whoever does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "base/worker.h"

enum { N_JOBS = 20000, N_TASKS = 7, ROOM = 4 };

/* Jobs are numbers from 1 on. */
struct seen {
	uintptr_t last;
	bool in_order;
};

static void take_number(void *ctx, void *job)
{
	struct seen *s = ctx;

	s->in_order &= (uintptr_t)job == s->last + 1;
	s->last = (uintptr_t)job;
}

static void count(void *ctx)
{
	++*(int *)ctx;
}

static void test_jobs_and_tasks(void **state)
{
	struct seen seen = {.in_order = true};
	struct worker *w = worker_new(take_number, &seen, ROOM);
	struct worker_task tasks[N_TASKS] = {0};
	int done[N_TASKS] = {0};

	(void)state;
	assert_non_null(w);
	for (int i = 0; i < N_TASKS; i++) {
		tasks[i] = (struct worker_task){.run = count, .ctx = &done[i]};
		worker_begin(w, &tasks[i]);
	}
	for (int n = 1; n <= N_JOBS; n++) {
		int i = n * 5 % N_TASKS;

		worker_put(w, (void *)(uintptr_t)n);
		if (n % 3)
			continue;
		int before = done[i];

		worker_finish(w, &tasks[i]);
		assert_true(done[i] == before || done[i] == before + 1);
		worker_begin(w, &tasks[i]);
	}
	int begun = N_TASKS + N_JOBS / 3, sum = 0;

	for (int i = 0; i < N_TASKS; i++) {
		worker_finish(w, &tasks[i]);
		sum += done[i];
	}
	worker_free(w);
	assert_int_equal(sum, begun);
	assert_int_equal(seen.last, N_JOBS);
	assert_true(seen.in_order);
}

/* What is cancelled may have been done, once; what is idle is left alone. */
static void test_cancel(void **state)
{
	struct worker *w = worker_new(NULL, NULL, 1);
	int done = 0;
	struct worker_task task = {.run = count, .ctx = &done};

	(void)state;
	assert_non_null(w);
	worker_cancel(w, &task);
	worker_finish(w, &task);
	assert_int_equal(done, 0);
	for (int n = 1; n <= 1000; n++) {
		int before = done;

		worker_begin(w, &task);
		worker_cancel(w, &task);
		assert_in_range(done, before, before + 1);
	}
	int at_end = done;

	worker_free(w);
	assert_int_equal(done, at_end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_and_tasks),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
