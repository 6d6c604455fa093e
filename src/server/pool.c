#include "server/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/thread.h"

struct job {
	struct job *next;
	void *what;
};

struct pool {
	void (*run)(void *job);
	pthread_t *threads; /* owned */
	unsigned n_threads;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t change;
	struct job *first, **end;
	bool ending;
};

/* Return: the next job, or NULL when there will be no more. */
static void *take(struct pool *p)
{
	void *what = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->first && !p->ending)
		pthread_cond_wait(&p->change, &p->lock);
	struct job *job = p->first;

	if (job) {
		what = job->what;
		p->first = job->next;
		if (!p->first)
			p->end = &p->first;
	}
	pthread_mutex_unlock(&p->lock);
	free(job);
	return what;
}

static void *work(void *arg)
{
	struct pool *p = arg;
	void *job;

	while ((job = take(p)))
		p->run(job);
	return NULL;
}

int pool_new(struct pool **pp, unsigned n_threads, void (*run)(void *job), struct error *err)
{
	struct pool *p = mem_zalloc(1, sizeof(*p));

	p->run = run;
	p->threads = mem_zalloc(n_threads, sizeof(*p->threads));
	p->end = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->change, NULL);
	for (; p->n_threads < n_threads; p->n_threads++) {
		if (thread_start(&p->threads[p->n_threads], work, p, err)) {
			pool_free(p);
			return ERR;
		}
	}
	*pp = p;
	return 0;
}

void pool_put(struct pool *p, void *what)
{
	struct job *job = mem_alloc(sizeof(*job));

	*job = (struct job){.what = what};
	pthread_mutex_lock(&p->lock);
	*p->end = job;
	p->end = &job->next;
	pthread_cond_signal(&p->change);
	pthread_mutex_unlock(&p->lock);
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->change);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->change);
	free(p->threads);
	free(p);
}
