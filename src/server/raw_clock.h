/*
 * raw_clock: the clock of a recording's stream as the results file has it, so that its events are
 * told at the times that the file's rows have.
 */
#ifndef VMSCOPE_SERVER_RAW_CLOCK_H
#define VMSCOPE_SERVER_RAW_CLOCK_H

#include "base/error.h"
#include "input/input.h"
#include "store/reader.h"
#include "timeline/clock_map.h"

/*
 * Reads what was chosen of a machine's clock, of the stream's CPU if its CPUs differ. No pieces
 * (n_pieces is 0): it is the reference. Return: 0, or ERR with err set; deinitialize in every case.
 */
int raw_clock_init(struct clock_map *m, const struct store *s, int64_t machine,
		   const struct recording_stream *stream, struct error *err);

#endif
