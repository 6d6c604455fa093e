#include "server/raw_clock.h"

#include <math.h>
#include <stdlib.h>

#include "store/cursor.h"

/* Of a file that somebody made up nothing is taken that cannot be a clock's. */
static void raw_clock_take(struct raw_clock *k, const struct store_cursor *c)
{
	const double drift = table_real_value(store_cursor_get(c, COL_SYNC_DRIFT_PPB)) / 1e9;

	if (!(fabs(drift) < 1))
		return;
	*vec_push(&k->pieces) = (struct raw_clock_piece){
		.cpu = store_cursor_get(c, COL_SYNC_CPU),
		.piece = {.from = store_cursor_get(c, COL_SYNC_FROM_NS),
			  .to = store_cursor_get(c, COL_SYNC_TO_NS),
			  .offset = store_cursor_get(c, COL_SYNC_OFFSET_NS),
			  .drift = drift,
			  .error = CLOCK_ERROR_UNKNOWN},
	};
}

static int raw_clock_by_time(const void *a, const void *b)
{
	const int64_t x = ((const struct raw_clock_piece *)a)->piece.from;
	const int64_t y = ((const struct raw_clock_piece *)b)->piece.from;

	return (x > y) - (x < y);
}

int raw_clock_init(struct raw_clock *k, const struct store *s, int64_t machine, struct error *err)
{
	struct store_query q = store_query_all(s, TABLE_SYNC);
	struct store_cursor c;
	int status;

	*k = (struct raw_clock){0};
	store_cursor_init(&c, s, &q);
	while ((status = store_cursor_next(&c, err)) == CURSOR_ROW) {
		if (store_cursor_get(&c, COL_SYNC_MACHINE_ID) == machine &&
		    store_cursor_get(&c, COL_SYNC_CHOSEN) == 1)
			raw_clock_take(k, &c);
	}
	store_cursor_deinit(&c);
	if (k->pieces.n)
		qsort(k->pieces.at, k->pieces.n, sizeof(*k->pieces.at), raw_clock_by_time);
	return status;
}

void raw_clock_deinit(struct raw_clock *k)
{
	vec_deinit(&k->pieces);
}

/* Return: a map of the pieces of this CPU, or of all. */
static struct clock_map raw_clock_map_of(const struct raw_clock *k, int64_t cpu)
{
	VEC(struct clock_piece) pieces = {0};

	vec_each (p, &k->pieces) {
		if (p->cpu == cpu)
			*vec_push(&pieces) = p->piece;
	}
	return (struct clock_map){pieces.at, pieces.n};
}

struct clock_map raw_clock_map(const struct raw_clock *k, const struct recording_stream *stream)
{
	struct clock_map own = {0};

	if (stream->has_cpu)
		own = raw_clock_map_of(k, stream->cpu);
	return own.n_pieces ? own : raw_clock_map_of(k, TABLE_NULL);
}
