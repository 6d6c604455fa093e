/*
 * server [MILLION-ROWS [MAX-MS]]: what a picture of 2,000 pixels and 100 lanes costs the server, at
 * every zoom, as the page asks for it and as trace viewers do. Fails if the median of one is above
 * MAX-MS.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/graph.h"
#include "server/reply.h"
#include "store/writer.h"

enum { N_LANES = 100, N_PIXELS = 2000, ROUNDS = 15 };

/* ---- a file ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static void write_vcpu(struct store_writer *w, int id)
{
	const int64_t row[COL_VCPU_N_COLUMNS] = {
		[COL_VCPU_ID] = id, [COL_VCPU_VCPU_INDEX] = id, [COL_VCPU_HOST_TID] = id + 1};

	store_writer_add(w, TABLE_VCPU, row);
}

static void write_lane(struct store_writer *w, int vcpu, uint64_t rows)
{
	int64_t row[COL_VCPU_STATE_N_COLUMNS];
	const int64_t name = store_writer_string(w, "HLT");
	uint64_t random = 88172645463325252u + (uint64_t)vcpu;

	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		row[i] = TABLE_NULL;
	row[COL_VCPU_STATE_VCPU_ID] = vcpu;
	row[COL_VCPU_STATE_TS] = 1700000000000000000;
	struct store_lane *lane = store_writer_lane(w, TABLE_VCPU_STATE, row);

	for (uint64_t i = 0; i < rows; i++) {
		int out = i & 1;

		row[COL_VCPU_STATE_DUR] = (int64_t)(next_random(&random) >> (34 + random % 24)) + 1;
		row[COL_VCPU_STATE_STATE] =
			out ? VCPU_HYPERVISOR + (int64_t)(random >> 8) % 6 : VCPU_GUEST;
		row[COL_VCPU_STATE_EXIT_REASON] = out ? (int64_t)(random >> 16) % 30 : TABLE_NULL;
		row[COL_VCPU_STATE_EXIT_NAME] = out ? name : TABLE_NULL;
		row[COL_VCPU_STATE_PCPU] = vcpu % 4;
		store_lane_add(lane, row);
		row[COL_VCPU_STATE_TS] += row[COL_VCPU_STATE_DUR];
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
	for (int i = 0; i < N_LANES; i++) {
		write_vcpu(w, i);
		write_lane(w, i, rows / N_LANES);
	}
	if (store_writer_finish(w, &err))
		give_up(&err);
	store_writer_free(w);
}

/* ---- measuring -------------------------------------------------------------------------------- */

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

static int draw_for_page(struct reply *r, const struct dataset *d, const struct view_request *q,
			 struct error *err)
{
	size_t size;
	char *data;

	if (graph_lanes(&data, &size, d, q, err))
		return ERR;
	reply_data(r, REPLY_BINARY, data, size);
	return 0;
}

/* One picture. Return: ms; *sizep: of the reply. */
static double draw(const struct dataset *d, const struct view_request *q, int for_page,
		   size_t *sizep)
{
	struct error err = {0};
	struct reply r = {0};
	double begin = now();
	int bad = for_page ? draw_for_page(&r, d, q, &err)
			   : graph_states(reply_json(&r), d, OUTPUT_VCPUS, q, &err);

	reply_end(&r);
	double ms = now() - begin;

	if (bad)
		give_up(&err);
	*sizep = r.size;
	reply_deinit(&r);
	return ms;
}

struct measured {
	double median, most;
	size_t size;
};

/* Stretches of one length, at random. */
static struct measured measure(const struct dataset *d, struct view_request *q, int64_t length,
			       int for_page)
{
	double ms[ROUNDS];
	struct measured m = {0};
	uint64_t random = 4711, room = (uint64_t)(d->end - d->begin - length) + 1;

	for (int i = 0; i < ROUNDS; i++) {
		q->from = d->begin + (int64_t)(next_random(&random) % room);
		q->to = q->from + length;
		ms[i] = draw(d, q, for_page, &m.size);
	}
	qsort(ms, ROUNDS, sizeof(*ms), compare);
	m.median = ms[ROUNDS / 2];
	m.most = ms[ROUNDS - 1];
	return m;
}

/* Return: the largest median. */
static double measure_all(const struct dataset *d, uint64_t rows)
{
	struct view_request q = {.has_range = true, .has_items = true, .pixels = N_PIXELS};
	double worst = 0;

	for (int i = 0; i < N_LANES; i++)
		*vec_push(&q.items) = row_id(ROW_VCPU, i);
	printf("%14s %12s | %9s %9s %9s | %9s %9s %9s\n", "rows/pixel", "length ms", "page ms",
	       "most", "kB", "TSP ms", "most", "kB");
	for (int64_t length = d->end - d->begin; length > 2 * N_PIXELS; length /= 2) {
		double share = (double)length / (double)(d->end - d->begin);
		struct measured page = measure(d, &q, length, 1), tsp = measure(d, &q, length, 0);

		printf("%14.3f %12.3f | %9.2f %9.2f %9zu | %9.2f %9.2f %9zu\n",
		       share * (double)rows / N_LANES / N_PIXELS, (double)length / 1e6, page.median,
		       page.most, page.size / 1000, tsp.median, tsp.most, tsp.size / 1000);
		worst = page.median > worst ? page.median : worst;
		if (share * (double)rows / N_LANES < 10)
			break;
	}
	vec_deinit(&q.items);
	return worst;
}

int main(int argc, char **argv)
{
	uint64_t rows = (argc > 1 ? strtoull(argv[1], NULL, 10) : 100) * 1000000;
	double limit = argc > 2 ? strtod(argv[2], NULL) : 20;
	char *path = mem_printf("%s/vmscope-bench-server-%d.vms",
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
	int bad = dataset_open(&d, path, &err);

	unlink(path);
	if (bad)
		give_up(&err);
	printf("opened in %.1f ms\n", now() - begin);
	double worst = measure_all(d, rows);

	printf("the worst median of the page is %.1f ms, %.0f are allowed\n", worst, limit);
	dataset_release(d);
	free(path);
	return worst > limit;
}
