/*
 * inflate: pieces of a trace.dat that are compressed, each on its own, by zlib or zstd.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_INFLATE_H
#define VMSCOPE_INPUT_TRACEDAT_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tracedat_compression {
	TRACEDAT_PLAIN,
	TRACEDAT_ZLIB,
	TRACEDAT_ZSTD,
	TRACEDAT_UNKNOWN, /* by something that this program has not got */
};

/* By the name in the file's head: "none", "zlib", "zstd". */
enum tracedat_compression tracedat_compression_of(const char *name);

/* What decompressing needs besides; one thread's at a time. Zeroed, it is ready. */
struct tracedat_inflater {
	void *zstd;
};

void tracedat_inflater_deinit(struct tracedat_inflater *i);

/* Return: how many bytes are in `out` now, n_out at most; 0 when `in` is damaged. */
size_t tracedat_inflate(struct tracedat_inflater *i, enum tracedat_compression how,
			const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out);

#endif
