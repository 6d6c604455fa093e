#include "export/quantile.h"

#include <stdint.h>

#include "base/mem.h"

/* Classes: the highest bits of a value; those below 2^SUB_BITS have one each. */
enum { SUB_BITS = 6, N_CLASSES = (64 - SUB_BITS) << SUB_BITS };

struct quantile {
	uint64_t n;
	int64_t most;
	double share;
	uint32_t *counts; /* owned; N_CLASSES */
};

static unsigned class_of(uint64_t x)
{
	if (x < 1U << SUB_BITS)
		return (unsigned)x;
	unsigned shift = 63 - (unsigned)__builtin_clzll(x) - SUB_BITS;

	return (shift << SUB_BITS) + (unsigned)(x >> shift);
}

/* Return: the middle of a class. */
static int64_t value_of(unsigned class)
{
	if (class < 2U << SUB_BITS)
		return class;
	unsigned shift = (class >> SUB_BITS) - 1;
	uint64_t low = (uint64_t)((class & ((1U << SUB_BITS) - 1)) | 1U << SUB_BITS) << shift;

	return (int64_t)(low + (UINT64_C(1) << shift) / 2);
}

static void step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct quantile *q = sqlite3_aggregate_context(ctx, sizeof(*q));

	(void)argc;
	if (!q || sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (!q->counts)
		q->counts = mem_zalloc(N_CLASSES, sizeof(*q->counts));
	int64_t x = sqlite3_value_int64(argv[0]);

	q->share = sqlite3_value_double(argv[1]);
	q->most = !q->n || x > q->most ? x : q->most;
	q->counts[class_of(x > 0 ? (uint64_t)x : 0)]++;
	q->n++;
}

static void finish(sqlite3_context *ctx)
{
	struct quantile *q = sqlite3_aggregate_context(ctx, 0);
	uint64_t seen = 0;
	unsigned i = 0;

	if (!q || !q->n)
		return;
	while (i < N_CLASSES - 1 && (double)(seen + q->counts[i]) < q->share * (double)q->n)
		seen += q->counts[i++];
	while (i < N_CLASSES - 1 && !q->counts[i])
		i++;
	sqlite3_result_int64(ctx, value_of(i) < q->most ? value_of(i) : q->most);
	free(q->counts);
}

int quantile_register(sqlite3 *db, struct error *err)
{
	int r = sqlite3_create_function_v2(db, "percentile", 2,
					   SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
					   NULL, NULL, step, finish, NULL);

	return r == SQLITE_OK ? 0 : error_set(err, "%s", sqlite3_errmsg(db));
}
