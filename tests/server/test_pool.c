/* What is put into a pool is done: in order, by all threads, and before it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "base/mem.h"
#include "server/pool.h"

enum { JOBS = 1000, THREADS = 4 };

struct notes {
	pthread_mutex_t lock;
	pthread_cond_t change;
	int n, at[JOBS];
	bool gate_open; /* job 0 waits for it */
};

struct job {
	struct notes *notes;
	int number;
};

static void note(void *arg)
{
	struct job *job = arg;
	struct notes *notes = job->notes;

	pthread_mutex_lock(&notes->lock);
	while (!job->number && !notes->gate_open)
		pthread_cond_wait(&notes->change, &notes->lock);
	notes->at[notes->n++] = job->number;
	pthread_cond_broadcast(&notes->change);
	pthread_mutex_unlock(&notes->lock);
	free(job);
}

static void put(struct pool *p, struct notes *notes, int number)
{
	struct job *job = mem_alloc(sizeof(*job));

	*job = (struct job){notes, number};
	pool_put(p, job);
}

static struct notes notes_new(bool gate_open)
{
	return (struct notes){.lock = PTHREAD_MUTEX_INITIALIZER,
			      .change = PTHREAD_COND_INITIALIZER,
			      .gate_open = gate_open};
}

static struct pool *new_pool(unsigned n_threads)
{
	struct pool *p;
	struct error err = {0};

	assert_int_equal(pool_new(&p, n_threads, note, &err), 0);
	return p;
}

static void test_one_after_the_other(void **state)
{
	struct notes notes = notes_new(true);
	struct pool *p = new_pool(1);

	(void)state;
	for (int i = 0; i < JOBS; i++)
		put(p, &notes, i);
	pool_free(p); /* while most of them wait */
	assert_int_equal(notes.n, JOBS);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(notes.at[i], i);
}

/* One that takes long holds nobody up while there is another thread. */
static void test_the_slow_keep_nobody_waiting(void **state)
{
	struct notes notes = notes_new(false);
	struct pool *p = new_pool(THREADS);

	(void)state;
	for (int i = 0; i < JOBS; i++)
		put(p, &notes, i);
	pthread_mutex_lock(&notes.lock);
	while (notes.n < JOBS - 1)
		pthread_cond_wait(&notes.change, &notes.lock);
	notes.gate_open = true;
	pthread_cond_broadcast(&notes.change);
	pthread_mutex_unlock(&notes.lock);
	pool_free(p);
	assert_int_equal(notes.n, JOBS);
	assert_int_equal(notes.at[JOBS - 1], 0);
}

static void test_nothing_to_do(void **state)
{
	(void)state;
	pool_free(new_pool(THREADS));
	pool_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_the_slow_keep_nobody_waiting),
		cmocka_unit_test(test_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
