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

#include "ctf/cursor.h"
#include "ctf/session.h"
#include "events/layout.h"

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

enum { AT_ONCE = 64 };

/* All that a field of an event can be. */
static void add_event(struct totals *sum, const struct event *e)
{
	sum->checksum = sum->checksum * 31 + (uint64_t)e->ts + (uint64_t)e->sched_switch.prev_tid +
			e->sched_switch.prev_comm.n;
}

static void list_events(const struct ctf_stream *s, struct ctf_cursor *c)
{
	struct event e = {0};
	int r;

	while ((r = ctf_cursor_next(c, &e)) != CTF_CURSOR_END) {
		if (r == CTF_CURSOR_EVENT)
			printf("%" PRIu32 " %" PRId64 " %s\n", s->cpu, c->ns, c->cls->name);
	}
}

static void count_events(struct ctf_cursor *c, struct totals *sum)
{
	struct event events[AT_ONCE] = {0};
	int r = CTF_CURSOR_LOST;

	while (r != CTF_CURSOR_END) {
		size_t n = ctf_cursor_run(c, events, sizeof(*events), AT_ONCE);

		for (size_t i = 0; i < n; i++)
			add_event(sum, &events[i]);
		sum->wanted += n;
		if (n == AT_ONCE)
			continue;
		r = ctf_cursor_next(c, events);
		sum->gaps += r == CTF_CURSOR_LOST;
		if (r == CTF_CURSOR_EVENT) {
			events->ts = c->ns;
			add_event(sum, events);
			sum->wanted++;
		}
	}
}

static void read_stream(const struct ctf_trace *t, const struct ctf_stream *s,
			const struct ctf_plan *plan, struct totals *sum)
{
	struct ctf_cursor c;

	ctf_cursor_init(&c, t, s, plan, sum->list, INT64_MIN);
	if (sum->list)
		list_events(s, &c);
	else
		count_events(&c, sum);
	sum->events += c.n_events;
	sum->lost += c.n_lost;
	for (int i = 0; i < DIAG_N; i++) {
		if (c.diags.at[i].count)
			fprintf(stderr, "cpu %" PRIu32 ": %s: %" PRIu64 "\n", s->cpu,
				diag_kind((enum diag_id)i)->name, c.diags.at[i].count);
	}
	ctf_cursor_deinit(&c);
}

static void read_trace(const struct ctf_trace *t, struct totals *sum)
{
	struct ctf_plan *plan = layout_plan(&t->type, event_set_all());

	vec_each (s, &t->streams)
		read_stream(t, s, plan, sum);
	sum->bytes += t->size;
	ctf_plan_free(plan);
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
	struct ctf_session s;
	struct error err = {0};
	double start = now();
	int r = ctf_session_open(&s, argv + skip, (size_t)(argc - skip), &err);

	if (r)
		fprintf(stderr, "%s\n", err.text);
	else
		vec_each (t, &s.traces)
			read_trace(*t, &sum);
	if (!r && !sum.list)
		print_totals(&sum, now() - start);
	error_deinit(&err);
	ctf_session_deinit(&s);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
