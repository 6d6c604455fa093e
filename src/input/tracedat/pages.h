/*
 * pages: the sub-buffers of one stream, one after the other, decompressed where they have to be.
 *
 * What is in memory at any time is a few of them: the file is mapped around the reader's place
 * only, and of decompressed chunks the last three are kept in which texts of events lie
 * (reader_read()), and some are decompressed before they are needed where a worker helps. One
 * reader's; several read the same file at once.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_PAGES_H
#define VMSCOPE_INPUT_TRACEDAT_PAGES_H

#include "base/worker.h"
#include "input/tracedat/tracedat.h"

enum { PAGES_KEPT = 3, PAGES_AHEAD = 3 };

struct pages_chunk {
	const uint8_t *at; /* of `memory`, or of what the recording keeps */
	uint8_t *memory;   /* owned */
	size_t room;
	size_t n;	  /* bytes that are sub-buffers */
	uint64_t place;	  /* byte of the file at which it begins */
	bool is_borrowed; /* texts of events that were delivered lie in it */
};

/* A chunk of which nothing but where it lies is known yet. */
struct pages_packed {
	uint64_t place;	       /* as in struct pages_chunk */
	uint32_t packed, size; /* bytes, without its head, and decompressed */
};

/* One that the worker may decompress. */
struct pages_ahead {
	struct worker_task task;
	const struct tracedat_pages *pages;
	struct pages_packed packed;
	struct pages_chunk chunk;
	struct tracedat_inflater inflater;
};

struct tracedat_pages {
	const struct tracedat *trace;
	const struct tracedat_stream *stream;
	struct file_map map; /* of the stream's part of the file; not owned */
	struct file_window window;
	uint64_t map_at;  /* byte of the file at which `map` begins */
	uint64_t move_at; /* byte of the file at which the window is to be moved */
	uint64_t at,
		/* bytes of the file: the next sub-buffer or chunk, and the end of what there is */
		end;

	/* Compressed only. */
	uint32_t chunks_left;
	VEC(uint64_t)
	chunks; /* bytes of the file at which they begin; once tracedat_pages_count() was asked */
	struct pages_chunk kept[PAGES_KEPT];
	unsigned current; /* of kept */
	size_t pos;	  /* of the next sub-buffer in it */
	uint64_t number;  /* of the next sub-buffer, where they are fed */
	struct tracedat_inflater inflater;

	struct tracedat_kept
		*keeps; /* where what is decompressed goes, by tracedat_pages_keep(); or NULL */

	/* Those that come next, n_ahead of them from first_ahead on; a ring. */
	struct worker *helper;	   /* or NULL */
	struct pages_ahead *ahead; /* owned; PAGES_AHEAD of them, or NULL */
	unsigned first_ahead, n_ahead;
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

void tracedat_pages_init(struct tracedat_pages *p, const struct tracedat *t, size_t stream);
void tracedat_pages_deinit(struct tracedat_pages *p);

/*
 * What is decompressed from now on stays in *kept, which is the recording's, as long as it has
 * room.
 */
static inline void tracedat_pages_keep(struct tracedat_pages *p, struct tracedat_kept *kept)
{
	p->keeps = kept;
}

/*
 * What is compressed is decompressed ahead from now on, as reader_share() says. It must not be
 * moved any more.
 */
void tracedat_pages_share(struct tracedat_pages *p, struct worker *helper);

/* Return: enum pages_result. */
int tracedat_pages_next(struct tracedat_pages *p, struct page *pagep);

/*
 * Return: whether there is one behind the last one that can be looked at without decompressing
 * anything; it is not taken.
 */
bool tracedat_pages_peek(const struct tracedat_pages *p, struct page *pagep);

/*
 * Something lies in the current sub-buffer that has to stay for as long as the next two chunks of
 * which this is said.
 */
static inline void tracedat_pages_borrow(struct tracedat_pages *p)
{
	p->kept[p->current].is_borrowed = true;
}

/* Return: whether what is next is not there yet, or what it is judged by is not. */
static inline bool tracedat_pages_waits(const struct tracedat_pages *p)
{
	const struct fed_pages *f = p->stream->fed;

	if (!f || f->ended)
		return false;
	const struct fed_page *next = fed_page(f, p->number);

	return !next || (!next->ends_stretch && !fed_page(f, p->number + 1));
}

/* Return: whether tracedat_pages_next() will decompress something. */
static inline bool tracedat_pages_changes(const struct tracedat_pages *p)
{
	return p->stream->is_compressed && !p->stream->fed && p->pos >= p->kept[p->current].n;
}

/*
 * How many stretches there are that it can be read from: sub-buffers, or chunks of them. Of a
 * compressed stream this looks at each chunk's head once.
 */
size_t tracedat_pages_count(struct tracedat_pages *p);

/* Goes on with stretch i. */
void tracedat_pages_seek(struct tracedat_pages *p, size_t i);

/*
 * The first sub-buffer of stretch i, wherever that is; tracedat_pages_seek() has to follow. Return:
 * enum pages_result.
 */
int tracedat_pages_look(struct tracedat_pages *p, size_t i, struct page *pagep);

#endif
