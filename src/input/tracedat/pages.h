/*
 * pages: the sub-buffers of one stream, one after the other, decompressed where they have to be.
 *
 * What is in memory at any time is a few of them: the file is mapped around the reader's place only, and of
 * decompressed chunks the last three are kept, because texts of events lie in them (reader_read()). One reader's; several
 * read the same file at once.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_PAGES_H
#define VMSCOPE_INPUT_TRACEDAT_PAGES_H

#include "input/tracedat/tracedat.h"

enum { PAGES_KEPT = 3 };

struct pages_chunk {
	uint8_t *at; /* owned */
	size_t room;
	size_t n;	/* bytes that are sub-buffers */
	uint64_t place; /* byte of the file at which it begins */
};

struct pages {
	const struct tracedat *trace;
	const struct tracedat_stream *stream;
	struct file_map map; /* of the stream's part of the file; not owned */
	struct file_window window;
	uint64_t map_at;  /* byte of the file at which `map` begins */
	uint64_t move_at; /* byte of the file at which the window is to be moved */
	uint64_t at,
		end; /* bytes of the file: the next sub-buffer or chunk, and the end of what there is */

	/* Compressed only. */
	uint32_t chunks_left;
	VEC(uint64_t)
	chunks; /* bytes of the file at which they begin; once pages_count() was asked */
	struct pages_chunk kept[PAGES_KEPT];
	unsigned current; /* of kept */
	size_t pos;	  /* of the next sub-buffer in it */
	struct tracedat_inflater inflater;
};

struct page {
	const uint8_t *at;
	uint64_t n;	/* bytes; fewer than a sub-buffer has where the file is cut */
	uint64_t place; /* byte of the file, of it or its chunk */
};

enum pages_result {
	PAGES_END,
	PAGES_ONE,
	PAGES_DAMAGED, /* a chunk that could not be decompressed; it goes on behind it */
};

void pages_init(struct pages *p, const struct tracedat *t, size_t stream);
void pages_deinit(struct pages *p);

/* Return: enum pages_result. */
int pages_next(struct pages *p, struct page *pagep);

/* Return: whether there is one behind the last one that can be looked at without decompressing anything; it is not taken. */
bool pages_peek(const struct pages *p, struct page *pagep);

/* Return: whether pages_next() will decompress something. */
static inline bool pages_changes(const struct pages *p)
{
	return p->stream->is_compressed && p->pos >= p->kept[p->current].n;
}

/*
 * How many stretches there are that it can be read from: sub-buffers, or chunks of them. Of a compressed stream this looks
 * at each chunk's head once.
 */
size_t pages_count(struct pages *p);

/* Goes on with stretch i. */
void pages_seek(struct pages *p, size_t i);

/* The first sub-buffer of stretch i, wherever that is; pages_seek() has to follow. Return: enum pages_result. */
int pages_look(struct pages *p, size_t i, struct page *pagep);

#endif
