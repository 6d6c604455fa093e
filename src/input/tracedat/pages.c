#include "input/tracedat/pages.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	KEPT = 64 << 10, /* bytes behind the reader that are likely to be looked at still */
	DROP_STEP = 1 << 20,
};

/* The window is over the stream's part only: readers of the others have their own. */
void tracedat_pages_init(struct tracedat_pages *p, const struct tracedat *t, size_t stream)
{
	const struct tracedat_stream *s = &t->streams.at[stream];
	uint64_t start = s->offset - s->offset % (uint64_t)sysconf(_SC_PAGESIZE);

	*p = (struct tracedat_pages){.trace = t, .stream = s, .map_at = start, .at = s->offset};
	p->end = s->offset + s->size;
	p->chunks_left = s->n_chunks;
	p->map = (struct file_map){.data = t->map.data + start, .size = p->end - start};
	file_window_init(&p->window, &p->map);
}

void tracedat_pages_deinit(struct tracedat_pages *p)
{
	file_window_deinit(&p->window);
	for (unsigned i = 0; i < PAGES_KEPT; i++)
		free(p->kept[i].at);
	vec_deinit(&p->chunks);
	tracedat_inflater_deinit(&p->inflater);
}

static void pages_move_window(struct tracedat_pages *p)
{
	uint64_t at = p->at - p->map_at, kept = at < KEPT ? at : KEPT;

	if (p->at >= p->move_at)
		p->move_at = p->map_at + kept + file_window_move(&p->window, at - kept);
}

/* ---- plain ------------------------------------------------------------------------------------ */

static struct page plain_page(const struct tracedat_pages *p)
{
	uint64_t left = p->end - p->at;

	return (struct page){.at = p->trace->map.data + p->at,
			     .n = left < p->stream->page_size ? left : p->stream->page_size,
			     .place = p->at};
}

static int pages_next_plain(struct tracedat_pages *p, struct page *pagep)
{
	if (p->at >= p->end)
		return PAGES_END;
	pages_move_window(p);
	*pagep = plain_page(p);
	p->at += pagep->n;
	return PAGES_ONE;
}

/* ---- compressed ------------------------------------------------------------------------------- */

static struct page page_in_chunk(const struct tracedat_pages *p)
{
	const struct pages_chunk *c = &p->kept[p->current];
	uint64_t left = c->n - p->pos;

	return (struct page){.at = c->at + p->pos,
			     .n = left < p->stream->page_size ? left : p->stream->page_size,
			     .place = c->place};
}

/* The sizes in the head at byte `at`. Return: whether the chunk is there as a whole. */
static bool chunk_read_head(const struct tracedat_pages *p, uint64_t at, uint32_t *packedp,
			    uint32_t *sizep)
{
	const uint8_t *head = p->trace->map.data + at;

	if (at > p->end || p->end - at < TRACEDAT_CHUNK_HEAD)
		return false;
	*packedp = load_u32(head, p->trace->big_endian);
	*sizep = load_u32(head + sizeof(uint32_t), p->trace->big_endian);
	return *packedp <= p->end - at - TRACEDAT_CHUNK_HEAD;
}

/* Return: whether the chunk could be decompressed; if not, it is empty. */
static bool chunk_unpack(struct tracedat_pages *p, struct pages_chunk *c, uint32_t packed,
			 uint32_t size)
{
	const uint8_t *in = p->trace->map.data + p->at + TRACEDAT_CHUNK_HEAD;

	if (size / p->stream->page_size > TRACEDAT_CHUNK_MAX)
		return false;
	if (c->room < size) {
		free(c->at);
		c->at = mem_alloc(size);
		c->room = size;
	}
	c->n = tracedat_inflate(&p->inflater, p->trace->compression, in, packed, c->at, size);
	return c->n > 0;
}

static int pages_next_chunk(struct tracedat_pages *p)
{
	uint32_t packed, size;
	bool is_sound;

	if (!p->chunks_left || p->at >= p->end)
		return PAGES_END;
	if (p->kept[p->current].is_borrowed)
		p->current = (p->current + 1) % PAGES_KEPT;
	p->kept[p->current].is_borrowed = false;
	p->kept[p->current].place = p->at;
	p->pos = p->kept[p->current].n = 0;
	pages_move_window(p);
	if (!chunk_read_head(p, p->at, &packed, &size)) {
		p->chunks_left = 0;
		return PAGES_DAMAGED;
	}
	is_sound = chunk_unpack(p, &p->kept[p->current], packed, size);
	p->at += TRACEDAT_CHUNK_HEAD + (uint64_t)packed;
	p->chunks_left--;
	return is_sound ? PAGES_ONE : PAGES_DAMAGED;
}

static int pages_next_compressed(struct tracedat_pages *p, struct page *pagep)
{
	int r = PAGES_ONE;

	if (tracedat_pages_changes(p))
		r = pages_next_chunk(p);
	if (r != PAGES_ONE)
		return r;
	*pagep = page_in_chunk(p);
	p->pos += pagep->n;
	return r;
}

/* ---- either ----------------------------------------------------------------------------------- */

int tracedat_pages_next(struct tracedat_pages *p, struct page *pagep)
{
	return p->stream->is_compressed ? pages_next_compressed(p, pagep)
					: pages_next_plain(p, pagep);
}

bool tracedat_pages_peek(const struct tracedat_pages *p, struct page *pagep)
{
	bool is_compressed = p->stream->is_compressed;

	if (is_compressed ? tracedat_pages_changes(p) : p->at >= p->end)
		return false;
	*pagep = is_compressed ? page_in_chunk(p) : plain_page(p);
	return true;
}

/* What is touched for it is not kept in memory. */
static void pages_find_chunks(struct tracedat_pages *p)
{
	uint64_t at = p->stream->offset, dropped = at;
	uint32_t packed, size;

	while (p->chunks.n < p->stream->n_chunks && chunk_read_head(p, at, &packed, &size)) {
		*vec_push(&p->chunks) = at;
		at += TRACEDAT_CHUNK_HEAD + (uint64_t)packed;
		if (at - dropped > DROP_STEP) {
			file_map_drop_range(&p->map, dropped - p->map_at, at - p->map_at);
			dropped = at;
		}
	}
}

size_t tracedat_pages_count(struct tracedat_pages *p)
{
	const struct tracedat_stream *s = p->stream;

	if (!s->is_compressed)
		return (s->size + s->page_size - 1) / s->page_size;
	if (!p->chunks.n)
		pages_find_chunks(p);
	return p->chunks.n;
}

void tracedat_pages_seek(struct tracedat_pages *p, size_t i)
{
	const struct tracedat_stream *s = p->stream;

	if (!s->is_compressed) {
		p->at = s->offset + i * s->page_size;
	} else {
		p->at = p->chunks.at[i];
		p->chunks_left = s->n_chunks - (uint32_t)i;
		p->pos = p->kept[p->current].n = 0;
	}
	p->move_at = p->at;
}

/* The window moves forward only, and stays where it is. */
int tracedat_pages_look(struct tracedat_pages *p, size_t i, struct page *pagep)
{
	tracedat_pages_seek(p, i);
	file_window_peek(&p->window, p->at - p->map_at);
	p->move_at = UINT64_MAX;
	return tracedat_pages_next(p, pagep);
}
