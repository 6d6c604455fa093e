/*
 * Any bytes as a perf.data file: nothing outside of it is touched, opening and reading end, times
 * do not go back within a stream, and the three ways of reading agree: every event shown, all
 * events wanted, none wanted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "input/format.h"

/* What one way of reading a stream found. */
struct sums {
	uint64_t events, lost, packets;
	int64_t first_ns, last_ns;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Touches what is shown, for the sanitizers to see. */
static void touch(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	unsigned *sum = ctx;

	(void)f;
	for (size_t i = 0; i < n; i++)
		*sum += at[i];
}

static void open_field(void *ctx, const struct field *f)
{
	(void)f;
	++*(unsigned *)ctx;
}

static const struct field_visitor toucher = {
	.open = open_field, .close = open_field, .bytes = touch};

static void show(const struct walk *w)
{
	unsigned sum = 0;

	require(w->event < w->recording->events.n);
	for (enum field_scope scope = 0; scope < N_SCOPES; scope++) {
		if (w->scopes >> scope & 1)
			walk_visit(w, scope, &toucher, &sum);
	}
}

static struct sums walk_stream(const struct recording *r, size_t stream)
{
	struct walk *w = walk_new(r, stream, INT64_MIN);
	int64_t last = INT64_MIN;
	int state;

	while ((state = walk_next(w)) != WALK_END) {
		require(w->ns >= last);
		last = w->ns;
		if (state == WALK_EVENT)
			show(w);
		else
			require(w->lost_to_ns >= w->ns);
	}
	struct sums s = {w->totals.n_events, w->totals.n_lost, w->totals.n_packets,
			 w->totals.first_ns, w->totals.last_ns};

	walk_free(w);
	return s;
}

static struct sums read_stream(const struct recording *r, size_t stream, struct event_set wanted)
{
	struct input_plan *plan = input_plan_new(r, wanted, false);
	struct reader *reader = reader_new(r, stream, plan, 0, INT64_MIN);
	int64_t last = INT64_MIN;

	while (reader_read(reader)) {
		for (size_t i = 0; i < reader->n; i++) {
			require(reader->events[i].ts >= last);
			last = reader->events[i].ts;
		}
	}
	struct sums s = {reader->totals.n_events, reader->totals.n_lost, reader->totals.n_packets,
			 reader->totals.first_ns, reader->totals.last_ns};

	reader_free(reader);
	input_plan_free(r, plan);
	return s;
}

static bool is_same(const struct sums *a, const struct sums *b)
{
	return a->events == b->events && a->lost == b->lost && a->packets == b->packets &&
	       a->first_ns == b->first_ns && a->last_ns == b->last_ns;
}

static void read_all(const struct recording *r)
{
	for (size_t i = 0; i < r->streams.n; i++) {
		struct sums shown = walk_stream(r, i);
		struct sums wanted = read_stream(r, i, event_set_all());
		struct sums none = read_stream(r, i, (struct event_set){0});

		require(is_same(&shown, &wanted) && is_same(&shown, &none));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct input_options options = {0};
	int fd = memfd_create("perf.data", MFD_CLOEXEC);
	char *path = mem_printf("/proc/self/fd/%d", fd);
	struct recording *r;
	struct error err = {0};

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (!input_perfdata.open(&r, path, &options, &err)) {
		read_all(r);
		recording_free(r);
	}
	error_deinit(&err);
	free(path);
	close(fd);
	return 0;
}
