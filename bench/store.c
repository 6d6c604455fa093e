/*
 * store [--rows MILLIONS] [--lanes N] FILE: writes a results file of thread states as a busy
 * machine has them, and measures writing, opening, scanning and zooming, and the peak of memory.
 *
 * A row is a state of a thread: user and system calls by turns, interrupts now and then, times that
 * spread from 0.2 us to 1 ms.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "store/cursor.h"
#include "store/writer.h"
#include "store/zoom.h"

enum { N_CALLS = 24, PIXELS = 2000 };

/* CPU time, which other work on the machine disturbs less; all files are in the page cache. */
static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 16;
}

struct lane {
	struct store_lane *to;
	int64_t ts;
	bool in_call;
};

static void add_row(struct lane *l, int64_t thread, const int64_t *calls, uint64_t *random)
{
	uint64_t r = next_random(random);
	int64_t dur =
		200 + (int64_t)(r >> 8 & ((UINT64_C(1) << (10 + (r & 7) + (r >> 3 & 3))) - 1));
	bool irq = (r >> 32 & 31) == 0;
	const int64_t row[COL_THREAD_STATE_N_COLUMNS] = {
		[COL_THREAD_STATE_THREAD_ID] = thread,
		[COL_THREAD_STATE_TS] = l->ts,
		[COL_THREAD_STATE_DUR] = dur,
		[COL_THREAD_STATE_STATE] = irq		? THREAD_IRQ
					   : l->in_call ? THREAD_SYSCALL
							: THREAD_USER,
		[COL_THREAD_STATE_CPU] = thread & 7,
		[COL_THREAD_STATE_SYSCALL] =
			l->in_call ? calls[(r >> 38) * (r >> 38 & 7) % N_CALLS] : TABLE_NULL,
	};

	l->ts += dur;
	l->in_call ^= !irq;
	store_lane_add(l->to, row);
}

static int write_file(const char *path, uint64_t rows, uint64_t n_lanes, struct error *err)
{
	struct lane *lanes = mem_zalloc(n_lanes, sizeof(*lanes));
	int64_t calls[N_CALLS];
	uint64_t random = 1;
	struct store_writer *w;

	if (store_writer_new(&w, path, err))
		return ERR;
	for (int i = 0; i < N_CALLS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "call_%d", i);
		calls[i] = store_writer_string(w, name);
	}
	for (uint64_t i = 0; i < n_lanes; i++) {
		const int64_t key = (int64_t)i;

		lanes[i] = (struct lane){.to = store_writer_lane(w, TABLE_THREAD_STATE, &key),
					 .ts = INT64_C(1700000000000000000)};
	}
	for (uint64_t i = 0; i < rows; i++)
		add_row(&lanes[i % n_lanes], (int64_t)(i % n_lanes), calls, &random);
	int r = store_writer_finish(w, err);

	store_writer_free(w);
	free(lanes);
	return r;
}

static int scan(const struct store *s, uint32_t columns, double rows, const char *what,
		struct error *err)
{
	struct store_query q = store_query_all(s, TABLE_THREAD_STATE);
	struct store_cursor c;
	int64_t sum = 0;
	double start = now();
	int r;

	q.columns = columns;
	store_cursor_init(&c, s, &q);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW)
		sum += store_cursor_get(&c, COL_THREAD_STATE_DUR) +
		       store_cursor_get(&c, COL_THREAD_STATE_STATE);
	printf("scan, %s: %.1f M rows/s (sum %" PRId64 ")\n", what, 1e-6 * rows / (now() - start),
	       sum);
	store_cursor_deinit(&c);
	return r;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A picture of a 1/part-th of a lane: the median of several places. */
static int zoom(const struct store *s, uint64_t part, struct error *err)
{
	enum { PLACES = 9 };
	const struct entry *e = &s->tables[TABLE_THREAD_STATE].lanes.at[0].entry;
	int64_t width = (e->end - e->first) / (int64_t)part;
	double took[PLACES];
	uint64_t read = 0;

	for (int i = 0; i < PLACES; i++) {
		struct zoom_query q = {.table = TABLE_THREAD_STATE,
				       .from = e->first + (e->end - e->first - width) / PLACES * i,
				       .n_pixels = PIXELS,
				       .smear = 2};
		struct zoom z;
		double start = now();

		q.to = q.from + width;
		if (zoom_init(&z, s, &q, err))
			return ERR;
		took[i] = now() - start;
		read = z.blocks_read;
		zoom_deinit(&z);
	}
	qsort(took, PLACES, sizeof(*took), compare_doubles);
	printf("zoom, 1/%" PRIu64 " of a lane on %d pixels: %.3f ms (%" PRIu64 " blocks)\n", part,
	       PIXELS, 1e3 * took[PLACES / 2], read);
	return 0;
}

static long peak_kb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static int measure_reading(const char *path, double rows, struct error *err)
{
	struct store *s;
	double start = now();

	if (store_open(&s, path, err))
		return ERR;
	printf("open: %.3f ms\n", 1e3 * (now() - start));
	printf("size: %.3f bytes/row\n", (double)s->size / rows);
	int r = 0;

	for (uint64_t part = 1; !r && part <= 4096; part *= 4)
		r = zoom(s, part, err);
	if (!r)
		r = scan(s, 0, rows, "dur and state", err);
	if (!r)
		r = scan(s, QUERY_ALL_COLUMNS, rows, "all columns", err);
	store_free(s);
	return r;
}

static int measure(const char *path, uint64_t rows, uint64_t n_lanes, struct error *err)
{
	double start = now();

	if (write_file(path, rows, n_lanes, err))
		return ERR;
	printf("write: %.1f M rows/s, peak memory %.1f MB\n", 1e-6 * (double)rows / (now() - start),
	       (double)peak_kb() / 1024);
	return measure_reading(path, (double)rows, err);
}

int main(int argc, char **argv)
{
	uint64_t rows = 10, n_lanes = 100;
	struct error err = {0};

	while (argc > 3) {
		uint64_t *option = !strcmp(argv[1], "--rows")	 ? &rows
				   : !strcmp(argv[1], "--lanes") ? &n_lanes
								 : NULL;

		if (!option)
			break;
		*option = strtoull(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	if (argc != 2 || !rows || !n_lanes) {
		fputs("usage: store [--rows MILLIONS] [--lanes N] FILE\n", stderr);
		return EXIT_FAILURE;
	}
	if (measure(argv[1], rows * 1000000, n_lanes, &err)) {
		fprintf(stderr, "store: %s\n", err.text);
		error_deinit(&err);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
