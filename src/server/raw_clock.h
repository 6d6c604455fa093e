/*
 * raw_clock: the clocks of a recording's streams as the results file has them, so that its events
 * are told at the times that the file's rows have.
 */
#ifndef VMSCOPE_SERVER_RAW_CLOCK_H
#define VMSCOPE_SERVER_RAW_CLOCK_H

#include "base/error.h"
#include "base/mem.h"
#include "input/input.h"
#include "store/reader.h"
#include "timeline/clock_map.h"

struct raw_clock_piece {
	int64_t cpu; /* TABLE_NULL: of all */
	struct clock_piece piece;
};

/* What was chosen of a machine's clock. */
struct raw_clock {
	VEC(struct raw_clock_piece) pieces; /* by time */
};

/* Return: 0, or ERR with err set; deinitialize in every case. */
int raw_clock_init(struct raw_clock *k, const struct store *s, int64_t machine, struct error *err);
void raw_clock_deinit(struct raw_clock *k);

/*
 * Return: the clock of a stream, of its CPU if the machine's CPUs differ; owned by the caller. No
 * pieces (n_pieces is 0): it is the reference.
 */
struct clock_map raw_clock_map(const struct raw_clock *k, const struct recording_stream *stream);

#endif
