#include "server/raw_clock.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/cursor.h"

struct raw_clock {
	const struct recording_stream *stream;
	int64_t machine;
	bool own; /* the pieces are those of its CPU alone */
	VEC(struct clock_piece) pieces;
};

/* Of a file that somebody made up nothing is taken that cannot be a clock's. */
static void raw_clock_take(struct raw_clock *k, const struct store_cursor *c)
{
	const int64_t cpu = store_cursor_get(c, COL_SYNC_CPU);
	const bool own = cpu != TABLE_NULL && k->stream->has_cpu && k->stream->cpu == cpu;
	const double drift = table_real_value(store_cursor_get(c, COL_SYNC_DRIFT_PPB)) / 1e9;

	if (store_cursor_get(c, COL_SYNC_MACHINE_ID) != k->machine ||
	    store_cursor_get(c, COL_SYNC_CHOSEN) != 1 || (cpu != TABLE_NULL && !own) ||
	    (k->own && !own) || !(fabs(drift) < 1))
		return;
	if (own && !k->own)
		k->pieces.n = 0;
	k->own = own;
	*vec_push(&k->pieces) = (struct clock_piece){
		.from = store_cursor_get(c, COL_SYNC_FROM_NS),
		.to = store_cursor_get(c, COL_SYNC_TO_NS),
		.offset = store_cursor_get(c, COL_SYNC_OFFSET_NS),
		.drift = drift,
		.error = CLOCK_ERROR_UNKNOWN,
	};
}

static int raw_clock_by_time(const void *a, const void *b)
{
	const int64_t x = ((const struct clock_piece *)a)->from;
	const int64_t y = ((const struct clock_piece *)b)->from;

	return (x > y) - (x < y);
}

int raw_clock_init(struct clock_map *m, const struct store *s, int64_t machine,
		   const struct recording_stream *stream, struct error *err)
{
	struct raw_clock k = {.stream = stream, .machine = machine};
	struct store_query q = store_query_all(s, TABLE_SYNC);
	struct store_cursor c;
	int status;

	store_cursor_init(&c, s, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW)
		raw_clock_take(&k, &c);
	store_cursor_deinit(&c);
	if (k.pieces.n)
		qsort(k.pieces.at, k.pieces.n, sizeof(*k.pieces.at), raw_clock_by_time);
	*m = (struct clock_map){k.pieces.at, k.pieces.n};
	return status;
}
