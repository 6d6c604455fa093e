#include "input/tracedat/inflate.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum tracedat_compression tracedat_compression_of(const char *name)
{
	if (!strcmp(name, "none"))
		return TRACEDAT_PLAIN;
	if (!strcmp(name, "zlib"))
		return TRACEDAT_ZLIB;
	return strcmp(name, "zstd") ? TRACEDAT_UNKNOWN : TRACEDAT_ZSTD;
}

void tracedat_inflater_deinit(struct tracedat_inflater *i)
{
	ZSTD_freeDCtx(i->zstd);
	i->zstd = NULL;
}

static size_t inflate_zlib(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
	uLongf n = n_out;

	return uncompress(out, &n, in, n_in) == Z_OK ? n : 0;
}

static size_t inflate_zstd(struct tracedat_inflater *i, const uint8_t *in, size_t n_in,
			   uint8_t *out, size_t n_out)
{
	size_t n;

	if (!i->zstd)
		i->zstd = ZSTD_createDCtx();
	if (!i->zstd)
		return 0;
	n = ZSTD_decompressDCtx(i->zstd, out, n_out, in, n_in);
	return ZSTD_isError(n) ? 0 : n;
}

size_t tracedat_inflate(struct tracedat_inflater *i, enum tracedat_compression how,
			const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
	switch (how) {
	case TRACEDAT_ZLIB:
		return inflate_zlib(in, n_in, out, n_out);
	case TRACEDAT_ZSTD:
		return inflate_zstd(i, in, n_in, out, n_out);
	default:
		return 0;
	}
}
