/*
 * read TRACE...: reads every stream with one thread, decodes the fields of all events that the
 * program understands, and says how long that took and how much memory.
 *
 * `--list` prints each event's time and name instead, stream by stream: what is compared with other
 * readers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "input/session.h"

struct totals {
	uint64_t events, wanted, gaps, lost, bytes;
	uint64_t checksum; /* so that no decoding can be left out */
	bool list;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* All that a field of an event can be. */
static void add_event(struct totals *sum, const struct event *e)
{
	sum->checksum = sum->checksum * 31 + (uint64_t)e->ts + (uint64_t)e->sched_switch.prev_tid +
			e->sched_switch.prev_comm.n;
}

static void list_events(const struct recording *r, size_t stream, struct totals *sum)
{
	struct walk *w = walk_new(r, stream, INT64_MIN);
	int state;

	while ((state = walk_next(w)) != WALK_END) {
		if (state == WALK_EVENT)
			printf("%" PRIu32 " %" PRId64 " %s\n", w->cpu, w->ns,
			       r->events.at[w->event].name);
	}
	sum->events += w->n_events;
	walk_free(w);
}

static void say_diags(const struct reader *r, uint32_t cpu)
{
	for (int i = 0; i < DIAG_N; i++) {
		if (r->diags->at[i].count)
			fprintf(stderr, "cpu %" PRIu32 ": %s: %" PRIu64 "\n", cpu,
				diag_kind((enum diag_id)i)->name, r->diags->at[i].count);
	}
}

static void count_events(const struct recording *rec, size_t stream, const struct input_plan *plan,
			 struct totals *sum)
{
	struct reader *r = reader_new(rec, stream, plan, 0, INT64_MIN);

	while (reader_read(r)) {
		for (size_t i = 0; i < r->n; i++) {
			bool lost = r->events[i].id == EV_LOST;

			sum->gaps += lost;
			sum->wanted += !lost;
			if (!lost)
				add_event(sum, &r->events[i]);
		}
	}
	sum->events += r->n_events;
	sum->lost += r->n_lost;
	say_diags(r, rec->streams.at[stream].cpu);
	reader_free(r);
}

static void read_recording(const struct recording *r, struct totals *sum)
{
	struct input_plan *plan = input_plan_new(r, event_set_all(), false);

	for (size_t i = 0; i < r->streams.n; i++) {
		if (sum->list)
			list_events(r, i, sum);
		else
			count_events(r, i, plan, sum);
	}
	sum->bytes += r->size;
	input_plan_free(r, plan);
}

static void print_totals(const struct totals *sum, double seconds)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("events %" PRIu64 "\nwanted %" PRIu64 "\ngaps %" PRIu64 "\nlost %" PRIu64
	       "\nbytes %" PRIu64 "\nchecksum %" PRIx64 "\n",
	       sum->events, sum->wanted, sum->gaps, sum->lost, sum->bytes, sum->checksum);
	printf("seconds %.4f\nMevents/s %.2f\nMB/s %.0f\npeak_rss_kB %ld\n", seconds,
	       1e-6 * (double)sum->events / seconds, 1e-6 * (double)sum->bytes / seconds,
	       usage.ru_maxrss);
}

int main(int argc, char **argv)
{
	struct totals sum = {.list = argc > 1 && !strcmp(argv[1], "--list")};
	int skip = 1 + sum.list;
	struct session s;
	struct error err = {0};
	double start = now();
	int r = session_open(&s, argv + skip, (size_t)(argc - skip), NULL, &err);

	if (r)
		fprintf(stderr, "%s\n", err.text);
	else
		vec_each (rec, &s.recordings)
			read_recording(*rec, &sum);
	if (!r && !sum.list)
		print_totals(&sum, now() - start);
	error_deinit(&err);
	session_deinit(&s);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
