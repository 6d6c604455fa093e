/*
 * read [--threads N] TRACE...: reads every stream, each with one thread (of N, or one), decodes the
 * fields of all events that the program understands, and says how long that took and how much
 * memory. A thread that has no stream left decompresses for another.
 *
 * `--list TRACE...` prints each event's time and name instead, stream by stream: what is compared
 * with other readers.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/parallel.h"
#include "base/worker.h"
#include "input/session.h"

struct totals {
	uint64_t events, wanted, gaps, lost, bytes;
	uint64_t checksum; /* so that no decoding can be left out */
};

/* How far all are together. */
struct crew {
	size_t n; /* streams */
	atomic_size_t begun;
	atomic_uint idle; /* threads that found no stream left */
};

/* One stream, and what was found in it. */
struct piece {
	const struct recording *recording;
	size_t stream;
	bool list;
	struct crew *crew;
	struct totals totals;
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
	sum->events += w->totals.n_events;
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

/* Return: whether a thread was idle, and is not any more. */
static bool claim_idle(struct crew *crew)
{
	unsigned n = atomic_load(&crew->idle);

	return n && atomic_compare_exchange_strong(&crew->idle, &n, n - 1);
}

/*
 * Return: the worker that helps from now on; NULL: none. A thread that is idle is replaced by it.
 */
static struct worker *get_help(struct crew *crew, struct reader *r)
{
	struct worker *helper = NULL;

	if (recording_can_share(r->recording) && claim_idle(crew))
		helper = worker_new(NULL, NULL, 1);
	if (helper)
		reader_share(r, helper);
	return helper;
}

static void count_events(const struct recording *rec, size_t stream, struct crew *crew,
			 struct totals *sum)
{
	struct input_plan *plan = input_plan_new(rec, event_set_all(), false);
	struct reader *r = reader_new(rec, stream, plan, 0, INT64_MIN);
	struct worker *helper = NULL;

	while (reader_read(r)) {
		helper = helper ? helper : get_help(crew, r);
		for (size_t i = 0; i < r->n; i++) {
			bool lost = r->events[i].id == EV_LOST;

			sum->gaps += lost;
			sum->wanted += !lost;
			if (!lost)
				add_event(sum, &r->events[i]);
		}
	}
	sum->events = r->totals.n_events;
	sum->lost = r->totals.n_lost;
	say_diags(r, rec->streams.at[stream].cpu);
	reader_free(r);
	worker_free(helper);
	atomic_fetch_add(&crew->idle, helper != NULL);
	input_plan_free(rec, plan);
}

static void read_piece(void *ctx, size_t i)
{
	struct piece *p = &((struct piece *)ctx)[i];

	atomic_fetch_add(&p->crew->begun, 1);
	if (p->list)
		list_events(p->recording, p->stream, &p->totals);
	else
		count_events(p->recording, p->stream, p->crew, &p->totals);
	if (atomic_load(&p->crew->begun) == p->crew->n)
		atomic_fetch_add(&p->crew->idle, 1);
}

static void add_totals(struct totals *sum, const struct totals *t)
{
	sum->events += t->events;
	sum->wanted += t->wanted;
	sum->gaps += t->gaps;
	sum->lost += t->lost;
	sum->checksum = sum->checksum * 31 + t->checksum;
}

static struct totals read_all(const struct session *s, unsigned threads, bool list)
{
	struct totals sum = {0};
	struct crew crew = {0};
	VEC(struct piece) pieces = {0};

	vec_each (rec, &s->recordings) {
		sum.bytes += (*rec)->size;
		for (size_t i = 0; i < (*rec)->streams.n; i++)
			*vec_push(&pieces) = (struct piece){
				.recording = *rec, .stream = i, .list = list, .crew = &crew};
	}
	crew.n = pieces.n;
	parallel_each(pieces.n, threads, read_piece, pieces.at);
	vec_each (piece, &pieces)
		add_totals(&sum, &piece->totals);
	vec_deinit(&pieces);
	return sum;
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
	bool list = argc > 1 && !strcmp(argv[1], "--list");
	bool with_threads = argc > 2 && !strcmp(argv[1], "--threads");
	unsigned threads = with_threads ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	int skip = with_threads ? 3 : 1 + list;
	struct session s;
	struct error err = {0};
	double start = now();
	int r = session_open(&s, argv + skip, (size_t)(argc - skip), NULL, &err);

	if (r) {
		fprintf(stderr, "%s\n", err.text);
	} else {
		struct totals sum = read_all(&s, threads, list);

		if (!list)
			print_totals(&sum, now() - start);
	}
	error_deinit(&err);
	session_deinit(&s);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
