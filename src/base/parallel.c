#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

struct task {
	size_t n;
	atomic_size_t next;
	void (*run)(void *ctx, size_t i);
	void *ctx;
};

static void *work(void *task)
{
	struct task *t = task;
	size_t i;

	while ((i = atomic_fetch_add(&t->next, 1)) < t->n)
		t->run(t->ctx, i);
	return NULL;
}

void parallel_each(size_t n, unsigned threads, void (*run)(void *ctx, size_t i), void *ctx)
{
	struct task task = {.n = n, .run = run, .ctx = ctx};
	size_t more = threads < n ? threads : n, started = 0;
	pthread_t *others = mem_zalloc(more + 1, sizeof(*others));

	while (started + 1 < more && !pthread_create(&others[started], NULL, work, &task))
		started++;
	work(&task);
	for (size_t i = 0; i < started; i++)
		pthread_join(others[i], NULL);
	free(others);
}
