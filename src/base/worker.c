#include "base/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct worker {
	void (*run)(void *ctx, void *job);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t came, left;
	void **jobs; /* owned; the n-th at n % room */
	size_t room, first, n;
	bool over; /* no more will come */
};

/* Return: the next job, or NULL when there will be none. */
static void *take(struct worker *w)
{
	void *job = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->n && !w->over)
		pthread_cond_wait(&w->came, &w->lock);
	if (w->n) {
		job = w->jobs[w->first++ % w->room];
		w->n--;
		pthread_cond_signal(&w->left);
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void *work(void *worker)
{
	struct worker *w = worker;
	void *job;

	while ((job = take(w)))
		w->run(w->ctx, job);
	return NULL;
}

static void deinit(struct worker *w)
{
	pthread_cond_destroy(&w->came);
	pthread_cond_destroy(&w->left);
	pthread_mutex_destroy(&w->lock);
	free(w->jobs);
	free(w);
}

struct worker *worker_new(void (*run)(void *ctx, void *job), void *ctx, size_t room)
{
	struct worker *w = mem_zalloc(1, sizeof(*w));

	w->run = run;
	w->ctx = ctx;
	w->room = room;
	w->jobs = mem_zalloc(room, sizeof(*w->jobs));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->came, NULL);
	pthread_cond_init(&w->left, NULL);
	if (pthread_create(&w->thread, NULL, work, w)) {
		deinit(w);
		return NULL;
	}
	return w;
}

void worker_put(struct worker *w, void *job)
{
	pthread_mutex_lock(&w->lock);
	while (w->n == w->room)
		pthread_cond_wait(&w->left, &w->lock);
	w->jobs[(w->first + w->n++) % w->room] = job;
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->over = true;
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	deinit(w);
}
