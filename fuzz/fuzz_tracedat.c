/*
 * A trace.dat of any bytes: nothing outside of it is touched, reading ends, and the two ways of
 * reading agree, every event shown and all that is wanted.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "input/format.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Touches what is shown, for the sanitizers to see. */
static void touch(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	unsigned *sum = ctx;

	*sum += f->size;
	for (size_t i = 0; i < n; i++)
		*sum += at[i];
}

static const struct field_visitor toucher = {.bytes = touch};

static void show_event(const struct walk *w)
{
	unsigned sum = 0;

	for (enum field_scope s = SCOPE_PACKET; s < N_SCOPES; s++) {
		if (w->scopes & 1u << s)
			walk_visit(w, s, &toucher, &sum);
	}
	require(w->event < w->recording->events.n);
}

static void touch_texts(const struct event *e, unsigned *sum)
{
	struct event_text t = e->sched_switch.next_comm;

	if (e->id == EV_SCHED_SWITCH && t.at)
		*sum += t.n ? (unsigned char)t.at[t.n - 1] : 0;
}

static struct reader *read_wanted(const struct recording *r, size_t stream,
				  const struct input_plan *plan)
{
	struct reader *reader = reader_new(r, stream, plan, 0, INT64_MIN);
	unsigned sum = 0;

	while (reader_read(reader)) {
		for (size_t i = 0; i < reader->n; i++)
			touch_texts(&reader->events[i], &sum);
	}
	return reader;
}

static void read_stream(const struct recording *r, size_t stream, const struct input_plan *plan)
{
	struct walk *w = walk_new(r, stream, INT64_MIN);
	int state;

	while ((state = walk_next(w)) != WALK_END) {
		if (state == WALK_EVENT)
			show_event(w);
	}
	struct reader *reader = read_wanted(r, stream, plan);

	require(reader->totals.n_events == w->totals.n_events &&
		reader->totals.n_lost == w->totals.n_lost &&
		reader->totals.n_packets == w->totals.n_packets &&
		reader->totals.last_ns == w->totals.last_ns);
	require(!memcmp(reader->diags, w->diags, sizeof(*w->diags)));
	reader_free(reader);
	walk_free(w);
}

static void read_recording(const struct recording *r)
{
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);

	for (size_t i = 0; i < r->streams.n; i++) {
		read_stream(r, i, plan);
		walk_free(walk_new(r, i, r->streams.at[i].begin_ns));
	}
	input_plan_free(r, plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char *path = mem_printf("/proc/self/fd/%d", fd);
	struct input_options options = {0};
	struct error err = {0};
	struct recording *r;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (!input_tracedat.open(&r, path, &options, &err)) {
		read_recording(r);
		recording_free(r);
	}
	error_deinit(&err);
	free(path);
	close(fd);
	return 0;
}
