/*
 * server [MILLION-ROWS [MAX-MS [FILE]]]: what 2,000 pixels of 100 rows cost the server, at every
 * zoom: states, as the page asks for them and as trace viewers do, arrows, and charts. Fails if the
 * median of one is above MAX-MS. With FILE, the results file that is measured is left there.
 *
 * The file has that many states of vCPUs, half as many exits and a tenth as many wake-ups.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/arrows.h"
#include "server/graph.h"
#include "server/reply.h"
#include "server/series.h"
#include "store/writer.h"

enum { N_LANES = 100, N_PIXELS = 2000, ROUNDS = 9, N_REASONS = 12 };

#define BEGIN INT64_C(1700000000000000000)

/* ---- a file --------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/* A vCPU and the thread that runs it. */
static void write_vcpu(struct store_writer *w, int id)
{
	const int64_t vcpu[COL_VCPU_N_COLUMNS] = {
		[COL_VCPU_ID] = id, [COL_VCPU_VCPU_INDEX] = id, [COL_VCPU_HOST_TID] = id + 1};
	const int64_t thread[COL_THREAD_N_COLUMNS] = {[COL_THREAD_ID] = id,
						      [COL_THREAD_TID] = id + 1,
						      [COL_THREAD_PID] = id + 1,
						      [COL_THREAD_COMM] = TABLE_NULL,
						      [COL_THREAD_VCPU_ID] = id};

	store_writer_add(w, TABLE_VCPU, vcpu);
	store_writer_add(w, TABLE_THREAD, thread);
}

static void clear(int64_t *row, int n)
{
	for (int i = 0; i < n; i++)
		row[i] = TABLE_NULL;
}

static void write_machine(struct store_writer *w)
{
	int64_t row[COL_MACHINE_N_COLUMNS];

	clear(row, COL_MACHINE_N_COLUMNS);
	row[COL_MACHINE_ID] = 0;
	row[COL_MACHINE_NAME] = store_writer_string(w, "host");
	store_writer_add(w, TABLE_MACHINE, row);
}

/* What one vCPU is written with. */
struct lanes {
	struct store_lane *states, *exits, *wakeups;
	int64_t id, name;
	int64_t ts;
	uint64_t random;
};

static struct lanes lanes_of(struct store_writer *w, int id)
{
	const int64_t vcpu[] = {id}, thread[] = {0, id};

	return (struct lanes){.states = store_writer_lane(w, TABLE_VCPU_STATE, vcpu),
			      .exits = store_writer_lane(w, TABLE_VM_EXIT, vcpu),
			      .wakeups = store_writer_lane(w, TABLE_WAKEUP, thread),
			      .id = id,
			      .name = store_writer_string(w, "HLT"),
			      .ts = BEGIN,
			      .random = 88172645463325252u + (uint64_t)id};
}

static void write_state(struct lanes *l, int64_t length, int64_t state)
{
	int64_t row[COL_VCPU_STATE_N_COLUMNS];
	bool out = state != VCPU_GUEST;

	clear(row, COL_VCPU_STATE_N_COLUMNS);
	row[COL_VCPU_STATE_VCPU_ID] = l->id;
	row[COL_VCPU_STATE_TS] = l->ts;
	row[COL_VCPU_STATE_DUR] = length;
	row[COL_VCPU_STATE_STATE] = state;
	row[COL_VCPU_STATE_PCPU] = l->id % 4;
	if (out) {
		row[COL_VCPU_STATE_EXIT_REASON] = (int64_t)(l->random >> 16) % 30;
		row[COL_VCPU_STATE_EXIT_NAME] = l->name;
	}
	if (state == VCPU_PREEMPTED)
		row[COL_VCPU_STATE_OCCUPANT_THREAD_ID] = (int64_t)(l->random >> 24) % N_LANES;
	store_lane_add(l->states, row);
}

static void write_exit(struct lanes *l, int64_t length)
{
	int64_t row[COL_VM_EXIT_N_COLUMNS];

	clear(row, COL_VM_EXIT_N_COLUMNS);
	row[COL_VM_EXIT_VCPU_ID] = l->id;
	row[COL_VM_EXIT_TS] = l->ts;
	row[COL_VM_EXIT_DUR] = row[COL_VM_EXIT_HANDLED_NS] = length;
	row[COL_VM_EXIT_REASON] = (int64_t)(l->random >> 16) % N_REASONS;
	row[COL_VM_EXIT_NAME] = l->name;
	store_lane_add(l->exits, row);
}

static void write_wakeup(struct lanes *l)
{
	int64_t row[COL_WAKEUP_N_COLUMNS];

	clear(row, COL_WAKEUP_N_COLUMNS);
	row[COL_WAKEUP_MACHINE_ID] = 0;
	row[COL_WAKEUP_THREAD_ID] = l->id;
	row[COL_WAKEUP_TS] = l->ts;
	row[COL_WAKEUP_WAKER_THREAD_ID] = (int64_t)(l->random >> 24) % N_LANES;
	row[COL_WAKEUP_RUN_NS] = (int64_t)(l->random >> 44) + 1;
	store_lane_add(l->wakeups, row);
}

static void write_lane(struct store_writer *w, int vcpu, uint64_t rows)
{
	struct lanes l = lanes_of(w, vcpu);

	for (uint64_t i = 0; i < rows; i++) {
		int64_t length = (int64_t)(next_random(&l.random) >> (34 + l.random % 24)) + 1;

		write_state(&l, length,
			    i & 1 ? VCPU_HYPERVISOR + (int64_t)(l.random >> 8) % 6 : VCPU_GUEST);
		if (i & 1)
			write_exit(&l, length);
		if (i % 10 == 0)
			write_wakeup(&l);
		l.ts += length;
	}
}

static void give_up(struct error *err)
{
	fprintf(stderr, "server: %s\n", err->text);
	exit(1);
}

static void write_file(const char *path, uint64_t rows)
{
	struct store_writer *w;
	struct error err = {0};

	if (store_writer_new(&w, path, &err))
		give_up(&err);
	write_machine(w);
	for (int i = 0; i < N_LANES; i++) {
		write_vcpu(w, i);
		write_lane(w, i, rows / N_LANES);
	}
	if (store_writer_finish(w, &err))
		give_up(&err);
	store_writer_free(w);
}

/* ---- measuring ------------------------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ---- what is asked for ---------------------------------------------------------------------- */

typedef int draw_fn(struct reply *r, struct dataset *d, const struct view_request *q,
		    struct error *err);

static int draw_for_page(struct reply *r, struct dataset *d, const struct view_request *q,
			 struct error *err)
{
	size_t size;
	char *data;

	if (graph_lanes(&data, &size, d, q, err))
		return ERR;
	reply_data(r, REPLY_BINARY, data, size);
	return 0;
}

static int draw_for_viewers(struct reply *r, struct dataset *d, const struct view_request *q,
			    struct error *err)
{
	return graph_states(reply_json(r), d, OUTPUT_VCPUS, q, err);
}

static int draw_arrows(struct reply *r, struct dataset *d, enum output_id output,
		       const struct view_request *q, struct error *err)
{
	struct arrows arrows;
	int bad = arrows_init(&arrows, d, output, q, 2000, err);

	r->size = arrows.at.n * sizeof(*arrows.at.at); /* so that their number is seen */
	arrows_deinit(&arrows);
	return bad;
}

static int draw_preemptions(struct reply *r, struct dataset *d, const struct view_request *q,
			    struct error *err)
{
	return draw_arrows(r, d, OUTPUT_VCPUS, q, err);
}

static int draw_wakeups(struct reply *r, struct dataset *d, const struct view_request *q,
			struct error *err)
{
	return draw_arrows(r, d, OUTPUT_THREADS, q, err);
}

static int draw_chart(struct reply *r, struct dataset *d, enum output_id output, enum row_kind kind,
		      const struct view_request *q, struct error *err)
{
	struct view_request of = *q;
	struct chart chart;

	of.items.at = NULL;
	of.items.n = of.items.cap = 0;
	for (int i = 0; i < N_LANES; i++)
		*vec_push(&of.items) = row_id(kind, i);
	int bad = chart_init(&chart, d, output, &of, err);

	if (!bad)
		chart_write(reply_json(r), &chart);
	chart_deinit(&chart);
	vec_deinit(&of.items);
	return bad;
}

static int draw_exits(struct reply *r, struct dataset *d, const struct view_request *q,
		      struct error *err)
{
	return draw_chart(r, d, OUTPUT_EXITS, ROW_VCPU, q, err);
}

static int draw_reasons(struct reply *r, struct dataset *d, const struct view_request *q,
			struct error *err)
{
	return draw_chart(r, d, OUTPUT_EXITS, ROW_EXITS, q, err);
}

static int draw_steal(struct reply *r, struct dataset *d, const struct view_request *q,
		      struct error *err)
{
	return draw_chart(r, d, OUTPUT_STEAL, ROW_VCPU, q, err);
}

static int draw_latencies(struct reply *r, struct dataset *d, const struct view_request *q,
			  struct error *err)
{
	return draw_chart(r, d, OUTPUT_LATENCY, ROW_THREAD, q, err);
}

static const struct {
	const char *name;
	draw_fn *draw;
} kinds[] = {
	{"page", draw_for_page}, {"TSP", draw_for_viewers},   {"preempt", draw_preemptions},
	{"wake", draw_wakeups},	 {"exits", draw_exits},	      {"reasons", draw_reasons},
	{"steal", draw_steal},	 {"latency", draw_latencies},
};

enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

/* ---- measuring ------------------------------------------------------------------------------ */

/* Return: ms. */
static double draw(struct dataset *d, const struct view_request *q, draw_fn *what)
{
	struct error err = {0};
	struct reply r = {0};
	double begin = now();

	if (what(&r, d, q, &err))
		give_up(&err);
	reply_end(&r);
	double ms = now() - begin;

	reply_deinit(&r);
	return ms;
}

/* Return: the median of stretches of one length, at random. */
static double measure(struct dataset *d, struct view_request *q, int64_t length, draw_fn *what)
{
	double ms[ROUNDS];
	uint64_t random = 4711, room = (uint64_t)(d->end - d->begin - length) + 1;

	for (int i = 0; i < ROUNDS; i++) {
		q->from = d->begin + (int64_t)(next_random(&random) % room);
		q->to = q->from + length;
		ms[i] = draw(d, q, what);
	}
	qsort(ms, ROUNDS, sizeof(*ms), compare);
	return ms[ROUNDS / 2];
}

/* Return: the largest median. */
static double measure_all(struct dataset *d, uint64_t rows)
{
	struct view_request q = {.has_range = true, .has_items = true, .pixels = N_PIXELS};
	double worst = 0;

	for (int i = 0; i < N_LANES; i++)
		*vec_push(&q.items) = row_id(ROW_VCPU, i);
	printf("%12s %12s |", "rows/pixel", "length ms");
	for (int k = 0; k < N_KINDS; k++)
		printf(" %8s", kinds[k].name);
	putchar('\n');
	for (int64_t length = d->end - d->begin; length > N_PIXELS / 2; length /= 2) {
		double share = (double)length / (double)(d->end - d->begin);

		printf("%12.3f %12.3f |", share * (double)rows / N_LANES / N_PIXELS,
		       (double)length / 1e6);
		for (int k = 0; k < N_KINDS; k++) {
			double median = measure(d, &q, length, kinds[k].draw);

			worst = median > worst ? median : worst;
			printf(" %8.2f", median);
			fflush(stdout);
		}
		putchar('\n');
	}
	vec_deinit(&q.items);
	return worst;
}

int main(int argc, char **argv)
{
	uint64_t rows = (argc > 1 ? strtoull(argv[1], NULL, 10) : 100) * 1000000;
	double limit = argc > 2 ? strtod(argv[2], NULL) : 20;
	char *path =
		argc > 3 ? mem_strdup(argv[3])
			 : mem_printf("%s/vmscope-bench-server-%d.vms",
				      getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	struct error err = {0};
	struct dataset *d;
	struct stat st;
	double begin = now();

	write_file(path, rows);
	stat(path, &st);
	printf("%" PRIu64 " intervals in %d lanes, %.1f MB, written in %.1f s\n", rows, N_LANES,
	       (double)st.st_size / 1e6, (now() - begin) / 1e3);
	begin = now();
	int bad = dataset_open(&d, open(path, O_RDONLY), path, &err);

	if (argc <= 3)
		unlink(path);
	if (bad)
		give_up(&err);
	printf("opened in %.1f ms\n", now() - begin);
	begin = now();
	if (dataset_find_exits(d, &err))
		give_up(&err);
	printf("reasons of exits found in %.1f s\n", (now() - begin) / 1e3);
	double worst = measure_all(d, rows);

	printf("the worst median is %.1f ms, %.0f are allowed\n", worst, limit);
	dataset_release(d);
	free(path);
	return worst > limit;
}
