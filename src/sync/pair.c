#include "sync/pair.h"

#include <string.h>

/* Puts a window where it belongs; those that overlap it become one with it. */
static void windows_insert(struct sync_windows *w, const struct sync_window *window)
{
	struct sync_window *at;
	size_t i = w->at.n, end;

	vec_push(&w->at);
	at = w->at.at;
	for (; i > 0 && at[i - 1].begin > window->begin; i--)
		at[i] = at[i - 1];
	at[i] = *window;
	if (i > 0 && at[i - 1].end > window->begin)
		i--;
	for (end = i + 1; end < w->at.n && at[end].begin < at[i].end; end++) {
		at[i].end = at[end].end > at[i].end ? at[end].end : at[i].end;
		at[i].cause = SYNC_CAUSE_NONE;
	}
	memmove(&at[i + 1], &at[end], (w->at.n - end) * sizeof(*at));
	w->at.n -= end - i - 1;
}

void sync_windows_add(struct sync_windows *w, const struct sync_window *window)
{
	if (!w->at.n || window->begin >= w->at.at[w->at.n - 1].end)
		*vec_push(&w->at) = *window;
	else
		windows_insert(w, window);
}

size_t sync_first_window(const struct sync_thread *thread, int64_t t)
{
	size_t low = 0, high = thread->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (thread->windows[middle].end < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t sync_first_event(const struct sync_cpu *cpu, int64_t t)
{
	size_t low = 0, high = cpu->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cpu->events[middle].ts < t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
