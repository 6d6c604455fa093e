#include "input/perfdata/inflate.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/newfile.h"

enum {
	SMALL = 1 << 20,       /* bytes: more are put in a file */
	CHUNK = 128 << 10,     /* bytes that are decompressed at once */
	RECORD_MAX = 64 << 10, /* bytes of a record that begins in one chunk and ends in another */
	RATIO_MAX = 256,       /* real records are compressed to some 1/10 */
	INNER_FULL = 65535, /* bytes of a COMPRESSED2 that is followed by others of the same data */
};

/* Where records go to. */
struct sink {
	uint8_t *at; /* SMALL bytes */
	size_t n;
	struct newfile file;
	bool has_file;
	uint64_t total, max;
};

struct inflate {
	struct perfdata *p;
	const struct perfdata_source *source;
	ZSTD_DStream *stream;
	struct sink sink;
	/* CHUNK + RECORD_MAX bytes: what was decompressed and is no whole record yet */
	uint8_t *pending;
	size_t n_pending;
	bool is_broken; /* until a new stream begins */
	struct error *err;
};

/* ---- records out ----------------------------------------------------------------------------- */

static int sink_flush(struct sink *s, struct error *err)
{
	if (!s->has_file && newfile_init_unnamed(&s->file, err))
		return ERR;
	s->has_file = true;
	newfile_write(&s->file, s->at, s->n);
	s->n = 0;
	if (s->file.failed)
		return error_errno(err, s->file.failed, "cannot write what was decompressed");
	return 0;
}

static int sink_put(struct sink *s, const uint8_t *at, uint64_t n, struct error *err)
{
	s->total += n;
	while (n) {
		size_t room = SMALL - s->n, part = n < room ? (size_t)n : room;

		memcpy(s->at + s->n, at, part);
		s->n += part;
		at += part;
		n -= part;
		if (n && sink_flush(s, err))
			return ERR;
	}
	return 0;
}

static int put_gap(struct inflate *in)
{
	struct {
		uint32_t type;
		uint16_t misc, size;
	} gap = {.type = PERFDATA_GAP, .size = sizeof(gap)};

	if (in->p->big_endian) {
		gap.type = __builtin_bswap32(gap.type);
		gap.size = __builtin_bswap16(gap.size);
	}
	return sink_put(&in->sink, (const uint8_t *)&gap, sizeof(gap), in->err);
}

/* What is at `at` cannot be decompressed. */
static int on_damage(struct inflate *in, const uint8_t *at)
{
	perfdata_note(in->p, DIAG_COMPRESSION_DAMAGED, 1, in->source, at);
	return put_gap(in);
}

/* ---- data ------------------------------------------------------------------------------------ */

/* Puts out all records that are complete. Return: 0, ERR, or 1: what is there is no record. */
static int put_pending(struct inflate *in)
{
	size_t n = 0;
	bool is_sound = true;

	while (in->n_pending - n >= PERFDATA_HEAD && is_sound) {
		uint16_t size = load_u16(in->pending + n + 6, in->p->big_endian);

		is_sound = size >= PERFDATA_HEAD;
		if (size > in->n_pending - n)
			break;
		n += size;
	}
	if (sink_put(&in->sink, in->pending, n, in->err))
		return ERR;
	in->n_pending -= n;
	memmove(in->pending, in->pending + n, in->n_pending);
	return !is_sound;
}

/* Nothing that follows can be decompressed. */
static int give_up(struct inflate *in, const uint8_t *at)
{
	in->is_broken = true;
	in->n_pending = 0;
	return on_damage(in, at);
}

static bool begins_stream(const uint8_t *at, size_t n)
{
	return n >= 4 && load_u32(at, false) == ZSTD_MAGICNUMBER;
}

static int decompress(struct inflate *in, const uint8_t *at, size_t n)
{
	ZSTD_inBuffer input = {at, n, 0};

	if (in->is_broken) {
		if (!begins_stream(at, n))
			return on_damage(in, at);
		ZSTD_DCtx_reset(in->stream, ZSTD_reset_session_only);
		in->is_broken = false;
	}
	for (bool is_full = false; input.pos < input.size || is_full;) {
		ZSTD_outBuffer output = {in->pending + in->n_pending, CHUNK, 0};

		if (ZSTD_isError(ZSTD_decompressStream(in->stream, &output, &input)) ||
		    in->sink.total + in->n_pending + output.pos > in->sink.max)
			return give_up(in, at);
		is_full = output.pos == output.size;
		in->n_pending += output.pos;
		int r = put_pending(in);

		if (r)
			return r < 0 ? r : give_up(in, at);
	}
	return 0;
}

/*
 * Return: whether the n bytes at `at` are COMPRESSED2 records one after the other, by their 16 bits
 * of size.
 */
static bool are_inner(const uint8_t *at, uint64_t n, bool big_endian)
{
	bool any = n > 0;

	while (n) {
		if (n < PERFDATA_COMPRESSED2_HEAD ||
		    load_u32(at, big_endian) != PERFDATA_COMPRESSED2)
			return false;
		uint16_t size = load_u16(at + 6, big_endian);

		if (size < PERFDATA_COMPRESSED2_HEAD || size > n)
			return false;
		at += size;
		n -= size;
	}
	return any;
}

static int decompress_inner(struct inflate *in, const uint8_t *at, uint64_t n)
{
	int r = 0;

	while (n && !r) {
		uint16_t size = load_u16(at + 6, in->p->big_endian);

		r = decompress(in, at + PERFDATA_COMPRESSED2_HEAD,
			       size - PERFDATA_COMPRESSED2_HEAD);
		at += size;
		n -= size;
	}
	return r;
}

static int on_compressed2(struct inflate *in, const struct perfdata_record *rec)
{
	enum { FULL = INNER_FULL - PERFDATA_COMPRESSED2_HEAD };
	bool big = in->p->big_endian;

	if (rec->span < PERFDATA_COMPRESSED2_HEAD)
		return on_damage(in, rec->at);
	const uint8_t *data = rec->at + PERFDATA_COMPRESSED2_HEAD;
	uint64_t n = load_u64(rec->at + PERFDATA_HEAD, big);
	uint64_t room = rec->span - PERFDATA_COMPRESSED2_HEAD;

	n = n < room ? n : room;
	if (n <= FULL || !are_inner(data + FULL, n - FULL, big))
		return decompress(in, data, n);
	int r = decompress(in, data, FULL);

	return r ? r : decompress_inner(in, data + FULL, n - FULL);
}

static int on_record(struct inflate *in, const struct perfdata_record *r)
{
	if (r->type == PERFDATA_COMPRESSED)
		return decompress(in, r->at + PERFDATA_HEAD, r->size - PERFDATA_HEAD);
	if (r->type == PERFDATA_COMPRESSED2)
		return on_compressed2(in, r);
	return sink_put(&in->sink, r->at, r->span, in->err);
}

/* ---- all ------------------------------------------------------------------------------------- */

static int inflate_all(struct inflate *in)
{
	const struct perfdata_source *source = in->source;
	struct perfdata_record rec;
	uint64_t at = 0;
	int r = 0;

	while (at < source->size && !r) {
		const uint8_t *here = source->at + at;
		uint64_t left = source->size - at;
		int result = perfdata_record_read(here, left, in->p->big_endian, &rec);

		if (result) {
			r = put_gap(in);
			at += perfdata_skip(in->p, source, result, here);
		} else {
			r = on_record(in, &rec);
			at += rec.span;
		}
	}
	return r;
}

/* What was put out becomes the source. */
static int replace(struct inflate *in, struct perfdata_source *source)
{
	struct file_map map = {0};
	struct sink *s = &in->sink;

	if (s->has_file && (sink_flush(s, in->err) ||
			    file_map_init_fd(&map, s->file.fd, "what was decompressed", in->err)))
		return ERR;
	perfdata_unmap(source);
	source->map = map;
	source->size = s->total;
	if (s->has_file) {
		source->at = map.data;
		source->fd = s->file.fd;
		s->file.fd = -1;
	} else {
		source->at = source->memory = mem_realloc(s->at, s->n + 1);
		s->at = NULL;
	}
	return 0;
}

bool perfdata_is_compressed(const struct perfdata *p, const struct perfdata_source *source)
{
	struct perfdata_record r;
	uint64_t at = 0;

	while (at < source->size &&
	       !perfdata_record_read(source->at + at, source->size - at, p->big_endian, &r)) {
		if (r.type == PERFDATA_COMPRESSED || r.type == PERFDATA_COMPRESSED2)
			return true;
		if (r.type == PERFDATA_SAMPLE)
			return false;
		at += r.span;
	}
	return false;
}

int perfdata_inflate(struct perfdata *p, struct perfdata_source *source, struct error *err)
{
	struct inflate in = {.p = p, .source = source, .err = err};

	in.stream = ZSTD_createDStream();
	in.pending = mem_alloc(CHUNK + RECORD_MAX);
	in.sink.at = mem_alloc(SMALL);
	in.sink.max = source->size * RATIO_MAX + SMALL;
	int r = inflate_all(&in);

	if (!r)
		r = replace(&in, source);
	if (in.sink.has_file)
		newfile_deinit(&in.sink.file);
	free(in.sink.at);
	free(in.pending);
	ZSTD_freeDStream(in.stream);
	return r;
}
