/*
 * inflate: what `perf record -z` compressed, as records again.
 *
 * Records that are compressed lie in others: COMPRESSED (type 81), all of which behind its head is
 * data, and COMPRESSED2 (83, perf 6.16), which says how much is. All data of a file is one stream
 * of zstd, cut anywhere, so that a record may begin in one and end in the next. Other records stand
 * between them as they are.
 *
 * Data that does not fit in one COMPRESSED2 is written as several, but the first one's head, then
 * in the file, says the size of all together; the heads of the others are in the midst of the data,
 * and only their 16 bits of size are right.
 */
#ifndef VMSCOPE_PERFDATA_INFLATE_H
#define VMSCOPE_PERFDATA_INFLATE_H

#include "input/perfdata/perfdata.h"

/* Return: whether a source is compressed. */
bool perfdata_is_compressed(const struct perfdata *p, const struct perfdata_source *source);

/*
 * Puts a stretch of records in place of a source that is compressed: in memory if it is small, else
 * in a file without a name in $TMPDIR or /tmp. Damage is counted. Return: 0, or ERR with err set,
 * as when the disk is full.
 */
int perfdata_inflate(struct perfdata *p, struct perfdata_source *source, struct error *err);

#endif
