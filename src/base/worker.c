#include "base/worker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

struct worker {
	void (*run)(void *ctx, void *job);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows, and of the tasks' private parts */
	pthread_cond_t came, left, done;
	void **jobs; /* owned; the n-th at n % room */
	size_t room, first, n;
	struct worker_task *tasks; /* that wait, in the order in which they came */
	bool over;		   /* no more will come */
};

/* ---- with the lock held ---------------------------------------------------------------------- */

/* So many jobs are worth waking somebody for. */
static size_t enough(const struct worker *w)
{
	return w->room / 2;
}

static void *take_job(struct worker *w)
{
	void *job = w->jobs[w->first++ % w->room];

	if (--w->n <= enough(w))
		pthread_cond_signal(&w->left);
	return job;
}

/* Takes a task out of those that wait. */
static void take_out(struct worker *w, struct worker_task *task)
{
	struct worker_task **at = &w->tasks;

	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	task->next = NULL;
}

/* The lock is not held while the task is done. */
static void do_task(struct worker *w, struct worker_task *task)
{
	take_out(w, task);
	task->state = WORKER_TASK_RUNNING;
	pthread_mutex_unlock(&w->lock);
	task->run(task->ctx);
	pthread_mutex_lock(&w->lock);
	task->state = WORKER_TASK_IDLE;
	pthread_cond_signal(&w->done);
}

/* Nor while the job is. */
static void do_job(struct worker *w)
{
	void *job = take_job(w);

	pthread_mutex_unlock(&w->lock);
	w->run(w->ctx, job);
	pthread_mutex_lock(&w->lock);
}

/* Until there is a task, or jobs enough. */
static void wait_for_work(struct worker *w)
{
	while (!w->tasks && !w->over && w->n <= enough(w))
		pthread_cond_wait(&w->came, &w->lock);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void *work(void *worker)
{
	struct worker *w = worker;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		/* Tasks are short; but before the jobs' room is full, they have to wait. */
		if (w->tasks && w->n <= enough(w))
			do_task(w, w->tasks);
		else if (w->n)
			do_job(w);
		else if (w->over)
			break;
		else
			wait_for_work(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void deinit(struct worker *w)
{
	pthread_cond_destroy(&w->came);
	pthread_cond_destroy(&w->left);
	pthread_cond_destroy(&w->done);
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
	pthread_cond_init(&w->done, NULL);
	if (pthread_create(&w->thread, NULL, work, w)) {
		deinit(w);
		return NULL;
	}
	return w;
}

/* Until there is room for more than one job. */
static void wait_for_room(struct worker *w)
{
	while (w->n > enough(w)) {
		/* There is something better to do than to wait. */
		if (w->tasks)
			do_task(w, w->tasks);
		else
			pthread_cond_wait(&w->left, &w->lock);
	}
}

void worker_put(struct worker *w, void *job)
{
	pthread_mutex_lock(&w->lock);
	if (w->n == w->room)
		wait_for_room(w);
	w->jobs[(w->first + w->n++) % w->room] = job;
	if (w->n > enough(w))
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

/* ---- tasks ----------------------------------------------------------------------------------- */

void worker_begin(struct worker *w, struct worker_task *task)
{
	struct worker_task **last = &w->tasks;

	pthread_mutex_lock(&w->lock);
	while (*last)
		last = &(*last)->next;
	*last = task;
	task->next = NULL;
	task->state = WORKER_TASK_WAITING;
	pthread_cond_signal(&w->came);
	pthread_mutex_unlock(&w->lock);
}

void worker_finish(struct worker *w, struct worker_task *task)
{
	pthread_mutex_lock(&w->lock);
	if (task->state == WORKER_TASK_WAITING)
		do_task(w, task);
	while (task->state == WORKER_TASK_RUNNING) {
		/* There is something better to do than to wait. */
		if (w->tasks)
			do_task(w, w->tasks);
		else
			pthread_cond_wait(&w->done, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

void worker_cancel(struct worker *w, struct worker_task *task)
{
	pthread_mutex_lock(&w->lock);
	if (task->state == WORKER_TASK_WAITING) {
		take_out(w, task);
		task->state = WORKER_TASK_IDLE;
	}
	while (task->state == WORKER_TASK_RUNNING)
		pthread_cond_wait(&w->done, &w->lock);
	pthread_mutex_unlock(&w->lock);
}
