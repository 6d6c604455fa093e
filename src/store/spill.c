#include "store/spill.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/outfile.h"

enum {
	RUN_ROWS = 4096, /* that are kept in memory */
	READ_ROWS = 32,	 /* of a run that are read at once */
};

/* A stretch of sorted rows: RUN_ROWS in the file, or what is left in memory. */
struct run {
	uint64_t at, end; /* rows of the file that are not read yet */
	int64_t *rows;	  /* owned, but for those of the run in memory */
	uint32_t i, n;	  /* the next one, and how many there are */
};

struct spill {
	unsigned width, n_keys;
	int64_t *rows; /* owned */
	uint32_t n;
	bool has_file;
	struct outfile file;
	uint64_t in_file; /* rows */
	struct error err; /* why there is no file */

	bool merging;
	VEC(struct run) runs; /* in the order in which their rows were added */
	VEC(uint32_t) heap;   /* runs that have a next row, the one that comes first on top */
	int64_t *given;	      /* owned; the row that was taken last */
};

struct spill *spill_new(unsigned width, unsigned n_keys)
{
	struct spill *s = mem_zalloc(1, sizeof(*s));

	s->width = width;
	s->n_keys = n_keys;
	s->rows = mem_alloc(sizeof(*s->rows) * width * RUN_ROWS);
	s->given = mem_alloc(sizeof(*s->given) * width);
	return s;
}

void spill_free(struct spill *s)
{
	if (!s)
		return;
	vec_each (r, &s->runs) {
		if (r->rows != s->rows)
			free(r->rows);
	}
	vec_deinit(&s->runs);
	vec_deinit(&s->heap);
	if (s->has_file)
		outfile_deinit(&s->file);
	error_deinit(&s->err);
	free(s->rows);
	free(s->given);
	free(s);
}

static size_t row_size(const struct spill *s)
{
	return sizeof(*s->rows) * s->width;
}

/* ---- putting --------------------------------------------------------------------------------- */

static int compare_keys(const int64_t *a, const int64_t *b, unsigned n_keys)
{
	for (unsigned i = 0; i < n_keys; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

/* Rows in memory are sorted by their addresses; equal ones stay in order that way. */
static int compare_rows(const void *a, const void *b, void *ctx)
{
	const int64_t *x = *(int64_t *const *)a, *y = *(int64_t *const *)b;
	int order = compare_keys(x, y, ((const struct spill *)ctx)->n_keys);

	return order ? order : x < y ? -1 : x > y;
}

static void sort_rows(struct spill *s)
{
	const int64_t **order = mem_alloc(sizeof(*order) * (s->n + 1));
	int64_t *sorted = mem_alloc(row_size(s) * RUN_ROWS);

	for (uint32_t i = 0; i < s->n; i++)
		order[i] = s->rows + (size_t)i * s->width;
	qsort_r(order, s->n, sizeof(*order), compare_rows, s);
	for (uint32_t i = 0; i < s->n; i++)
		memcpy(sorted + (size_t)i * s->width, order[i], row_size(s));
	free(s->rows);
	free(order);
	s->rows = sorted;
}

static void put_run(struct spill *s)
{
	sort_rows(s);
	if (!s->has_file && !s->err.text)
		s->has_file = !outfile_init_unnamed(&s->file, &s->err);
	if (s->has_file)
		outfile_write(&s->file, s->rows, row_size(s) * s->n);
	s->in_file += s->n;
	s->n = 0;
}

void spill_add(struct spill *s, const int64_t *row)
{
	if (s->n == RUN_ROWS)
		put_run(s);
	memcpy(s->rows + (size_t)s->n++ * s->width, row, row_size(s));
}

/* ---- taking ---------------------------------------------------------------------------------- */

static const int64_t *first_row(const struct spill *s, uint32_t run)
{
	const struct run *r = &s->runs.at[run];

	return r->rows + (size_t)r->i * s->width;
}

static bool is_before(const struct spill *s, uint32_t a, uint32_t b)
{
	int order = compare_keys(first_row(s, a), first_row(s, b), s->n_keys);

	return order ? order < 0 : a < b;
}

static void sift_down(struct spill *s, size_t i)
{
	uint32_t run = s->heap.at[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->heap.n)
			break;
		if (child + 1 < s->heap.n && is_before(s, s->heap.at[child + 1], s->heap.at[child]))
			child++;
		if (!is_before(s, s->heap.at[child], run))
			break;
		s->heap.at[i] = s->heap.at[child];
		i = child;
	}
	s->heap.at[i] = run;
}

static int read_all(int fd, uint8_t *to, size_t n, uint64_t offset, struct error *err)
{
	while (n) {
		ssize_t r = pread(fd, to, n, (off_t)offset);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return error_errno(err, r ? errno : EIO, "cannot read the temporary file");
		to += r;
		offset += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

/* Return: 0 with r->n, which is 0 at the run's end; or ERR. */
static int refill(struct spill *s, struct run *r, struct error *err)
{
	uint64_t left = r->end - r->at;

	r->i = 0;
	r->n = left < READ_ROWS ? (uint32_t)left : READ_ROWS;
	if (!r->n)
		return 0;
	if (!r->rows)
		r->rows = mem_alloc(row_size(s) * READ_ROWS);
	if (read_all(s->file.to.fd, (uint8_t *)r->rows, row_size(s) * r->n, row_size(s) * r->at,
		     err))
		return ERR;
	r->at += r->n;
	return 0;
}

static int begin_runs(struct spill *s, struct error *err)
{
	if (s->in_file && !s->has_file) {
		*err = s->err;
		s->err = (struct error){0};
		return ERR;
	}
	if (s->in_file && outfile_commit(&s->file, 0, NULL, 0, err))
		return ERR;
	for (uint64_t at = 0; at < s->in_file; at += RUN_ROWS) {
		struct run *r = vec_push(&s->runs);

		*r = (struct run){.at = at, .end = at + RUN_ROWS};
		if (refill(s, r, err))
			return ERR;
	}
	return 0;
}

/* Sorts what is in memory, and begins all runs. Return: 0 or ERR. */
static int begin(struct spill *s, struct error *err)
{
	s->merging = true;
	sort_rows(s);
	if (begin_runs(s, err))
		return ERR;
	*vec_push(&s->runs) = (struct run){.rows = s->rows, .n = s->n};
	for (uint32_t i = 0; i < s->runs.n; i++) {
		if (s->runs.at[i].n)
			*vec_push(&s->heap) = i;
	}
	for (size_t i = s->heap.n / 2; i-- > 0;)
		sift_down(s, i);
	return 0;
}

/* Takes the first row of the run on top off it. Return: 0 or ERR. */
static int step(struct spill *s, struct error *err)
{
	struct run *r = &s->runs.at[s->heap.at[0]];

	if (++r->i == r->n && refill(s, r, err))
		return ERR;
	if (!r->n)
		s->heap.at[0] = s->heap.at[--s->heap.n];
	if (s->heap.n)
		sift_down(s, 0);
	return 0;
}

int spill_next(struct spill *s, const int64_t **rowp, struct error *err)
{
	if (!s->merging && begin(s, err))
		return ERR;
	if (!s->heap.n)
		return SPILL_END;
	memcpy(s->given, first_row(s, s->heap.at[0]), row_size(s));
	*rowp = s->given;
	return step(s, err) ? ERR : SPILL_ROW;
}
