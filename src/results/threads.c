#include "results/threads.h"

static int64_t time_in(const int64_t *time, unsigned sets)
{
	uint32_t states = thread_states(sets);
	int64_t sum = 0;

	for (int s = 0; s < THREAD_N_STATES; s++)
		sum += states >> s & 1 ? time[s] : 0;
	return sum;
}

int64_t thread_ran(const int64_t *time)
{
	return time_in(time, STATE_RAN);
}

int64_t thread_charged(const int64_t *time)
{
	return time_in(time, STATE_CHARGED);
}

int container_depth(const struct results *r, int container)
{
	int depth = 0;

	for (; container != NOBODY && depth < CONTAINER_DEPTH; depth++)
		container = r->containers.at[container].parent;
	return depth;
}

static void add(struct container_time *to, size_t n_threads, const int64_t *time)
{
	to->n_threads += n_threads;
	for (int s = 0; s < THREAD_N_STATES; s++)
		to->time[s] = (int64_t)((uint64_t)to->time[s] + (uint64_t)time[s]);
}

struct container_time *container_times(const struct results *r)
{
	struct container_time *sums =
		mem_zalloc(r->containers.n + r->machines.n + 1, sizeof(*sums));

	for (size_t k = 0; k < r->threads.n; k++) {
		const struct res_thread *t = &r->threads.at[k];
		size_t i = t->container == NOBODY ? r->containers.n + (size_t)t->machine
						  : (size_t)t->container;

		results_drop_pages(r, k);
		add(&sums[i], 1, t->time);
	}
	return sums;
}

struct container_time *container_times_nested(const struct results *r,
					      const struct container_time *own)
{
	struct container_time *sums =
		mem_zalloc(r->containers.n + r->machines.n + 1, sizeof(*sums));

	for (size_t i = 0; i < r->machines.n; i++)
		add(&sums[r->containers.n + i], own[r->containers.n + i].n_threads,
		    own[r->containers.n + i].time);
	for (size_t i = 0; i < r->containers.n; i++) {
		int at = (int)i;

		add(&sums[r->containers.n + (size_t)r->containers.at[i].machine], own[i].n_threads,
		    own[i].time);
		for (int n = 0; n < CONTAINER_DEPTH && at != NOBODY; n++) {
			add(&sums[at], own[i].n_threads, own[i].time);
			at = r->containers.at[at].parent;
		}
	}
	return sums;
}
