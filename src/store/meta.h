/*
 * meta: what a results file says of its times as a whole.
 */
#ifndef VMSCOPE_STORE_META_H
#define VMSCOPE_STORE_META_H

#include <stdint.h>

#include "base/clock_origin.h"
#include "base/error.h"
#include "store/reader.h"

/*
 * What 0 is on the file's time line. A file that does not say is older than the question: all that
 * was recorded then had a wall clock. Return: 0 with *originp, or ERR with err set.
 */
int store_time_origin(const struct store *s, enum clock_origin *originp, struct error *err);

/*
 * The time from the first event of all recordings to the end of the last, [*beginp, *endp) in ns;
 * where the file does not say, that of its lanes. Return: 0, or ERR with err set when it says what
 * cannot be.
 */
int store_span(const struct store *s, int64_t *beginp, int64_t *endp, struct error *err);

#endif
