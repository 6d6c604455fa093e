#include "sql/function.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tally/histogram.h"

/* Integers stay integers until a real comes; ns since the Epoch do not fit a double. */
struct percentile {
	union number {
		int64_t i;
		double d;
	} * at; /* by sqlite3_malloc() */
	uint64_t n, cap;
	double share;
	bool real;
};

/* Return: whether there is room for one more. */
static bool grow(struct percentile *p)
{
	if (p->n < p->cap)
		return true;
	uint64_t cap = p->cap ? 2 * p->cap : 64;
	void *at = sqlite3_realloc64(p->at, cap * sizeof(*p->at));

	if (!at)
		return false;
	p->at = at;
	p->cap = cap;
	return true;
}

static void become_real(struct percentile *p)
{
	for (uint64_t i = 0; i < p->n; i++)
		p->at[i].d = (double)p->at[i].i;
	p->real = true;
}

static void add(struct percentile *p, sqlite3_value *value)
{
	bool real = sqlite3_value_numeric_type(value) != SQLITE_INTEGER;

	if (real && !p->real)
		become_real(p);
	if (p->real)
		p->at[p->n++].d = sqlite3_value_double(value);
	else
		p->at[p->n++].i = sqlite3_value_int64(value);
}

/* Return: whether it is one; else an error is set. */
static bool is_share(sqlite3_context *ctx, double share)
{
	if (share >= 0 && share <= 1)
		return true;
	sqlite3_result_error(
		ctx, "percentile(value, share), quantile(value, share): share is from 0 to 1", -1);
	return false;
}

static void percentile_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct percentile *p = sqlite3_aggregate_context(ctx, sizeof(*p));
	double share = sqlite3_value_double(argv[1]);

	(void)argc;
	if (!p || !is_share(ctx, share))
		return;
	p->share = share;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (grow(p))
		add(p, argv[0]);
	else
		sqlite3_result_error_nomem(ctx);
}

static bool less(const struct percentile *p, union number a, union number b)
{
	return p->real ? a.d < b.d : a.i < b.i;
}

/* Splits [low, high], low < high. Return: where the part of larger values begins, less one. */
static uint64_t split(struct percentile *p, uint64_t low, uint64_t high, union number pivot)
{
	uint64_t i = low, j = high;

	for (;;) {
		while (less(p, p->at[i], pivot))
			i++;
		while (less(p, pivot, p->at[j]))
			j--;
		if (i >= j)
			return j;
		union number t = p->at[i];

		p->at[i++] = p->at[j];
		p->at[j--] = t;
	}
}

/*
 * Moves the value that sorting would put at `rank` there. The pivot is taken from anywhere, as
 * values often come sorted, but never from the end: then the split could be empty.
 */
static void select_rank(struct percentile *p, uint64_t rank)
{
	uint64_t low = 0, high = p->n - 1, random = 1;

	while (low < high) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		uint64_t end = split(p, low, high, p->at[low + (random >> 11) % (high - low)]);

		if (rank <= end)
			high = end;
		else
			low = end + 1;
	}
}

static void percentile_final(sqlite3_context *ctx)
{
	struct percentile *p = sqlite3_aggregate_context(ctx, 0);

	if (!p || !p->n) {
		sqlite3_result_null(ctx);
	} else {
		double place = ceil(p->share * (double)p->n);
		uint64_t rank = place < 1 ? 0 : (uint64_t)place - 1;

		rank = rank < p->n ? rank : p->n - 1;
		select_rank(p, rank);
		if (p->real)
			sqlite3_result_double(ctx, p->at[rank].d);
		else
			sqlite3_result_int64(ctx, p->at[rank].i);
	}
	if (p)
		sqlite3_free(p->at);
}

/* ---- in memory that does not grow ------------------------------------------------------------ */

struct quantile {
	struct histogram values;
	double share;
};

static void quantile_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct quantile *q = sqlite3_aggregate_context(ctx, sizeof(*q));
	double share = sqlite3_value_double(argv[1]);

	(void)argc;
	if (!q || !is_share(ctx, share))
		return;
	q->share = share;
	if (sqlite3_value_type(argv[0]) != SQLITE_NULL)
		histogram_add(&q->values, sqlite3_value_int64(argv[0]));
}

static void quantile_final(sqlite3_context *ctx)
{
	struct quantile *q = sqlite3_aggregate_context(ctx, 0);

	if (q && q->values.n)
		sqlite3_result_int64(ctx, histogram_quantile(&q->values, q->share));
	else
		sqlite3_result_null(ctx);
	if (q)
		histogram_deinit(&q->values);
}

/* ---- all ------------------------------------------------------------------------------------- */

static int function_add(sqlite3 *db, const char *name,
			void (*step)(sqlite3_context *ctx, int argc, sqlite3_value **argv),
			void (*final)(sqlite3_context *ctx))
{
	return sqlite3_create_function_v2(db, name, 2,
					  SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
					  NULL, NULL, step, final, NULL);
}

int sql_function_register(sqlite3 *db)
{
	int r = function_add(db, "percentile", percentile_step, percentile_final);

	return r == SQLITE_OK ? function_add(db, "quantile", quantile_step, quantile_final) : r;
}
