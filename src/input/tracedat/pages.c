#include "input/tracedat/pages.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	KEPT = 64 << 10, /* bytes behind the reader that are likely to be looked at still */
	DROP_STEP = 1 << 20,
};

static void pages_move_window(struct tracedat_pages *p)
{
	uint64_t at = p->at - p->map_at, kept = at < KEPT ? at : KEPT;

	if (p->at >= p->move_at)
		p->move_at = p->map_at + kept + file_window_move(&p->window, at - kept);
}

/* ---- plain ----------------------------------------------------------------------------------- */

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

/* ---- compressed ------------------------------------------------------------------------------ */

static struct page page_in_chunk(const struct tracedat_pages *p)
{
	const struct pages_chunk *c = &p->kept[p->current];
	uint64_t left = c->n - p->pos;

	return (struct page){.at = c->at + p->pos,
			     .n = left < p->stream->page_size ? left : p->stream->page_size,
			     .place = c->place};
}

/* The head at byte `at`. Return: whether the chunk is there as a whole. */
static bool chunk_read_head(const struct tracedat_pages *p, uint64_t at, struct pages_packed *headp)
{
	const uint8_t *head = p->trace->map.data + at;

	if (at > p->end || p->end - at < TRACEDAT_CHUNK_HEAD)
		return false;
	headp->place = at;
	headp->packed = load_u32(head, p->trace->big_endian);
	headp->size = load_u32(head + sizeof(uint32_t), p->trace->big_endian);
	return headp->packed <= p->end - at - TRACEDAT_CHUNK_HEAD;
}

static uint64_t chunk_end(const struct pages_packed *head)
{
	return head->place + TRACEDAT_CHUNK_HEAD + head->packed;
}

/* Room for so many bytes, of which *c is the only user. */
static uint8_t *chunk_room(struct pages_chunk *c, size_t size)
{
	if (c->room < size) {
		free(c->memory);
		c->memory = mem_alloc(size);
		c->room = size;
	}
	return c->memory;
}

/* What cannot be decompressed is empty. keeps: where it stays, or NULL. */
static void chunk_unpack(const struct tracedat_pages *p, const struct pages_packed *head,
			 struct tracedat_inflater *inflater, struct tracedat_kept *keeps,
			 struct pages_chunk *c)
{
	const uint8_t *in = p->trace->map.data + head->place + TRACEDAT_CHUNK_HEAD;
	const struct tracedat_chunk *known = tracedat_kept_find(&p->trace->kept, head->place);
	uint8_t *to = NULL;

	c->n = 0;
	if (known) {
		c->at = known->at;
		c->n = known->n;
		return;
	}
	if (head->size / p->stream->page_size > TRACEDAT_CHUNK_MAX)
		return;
	if (keeps)
		to = tracedat_kept_room(keeps, head->size);
	bool is_kept = to != NULL;

	to = is_kept ? to : chunk_room(c, head->size);
	c->at = to;
	c->n = tracedat_inflate(inflater, p->trace->compression, in, head->packed, to, head->size);
	if (is_kept)
		tracedat_kept_put(keeps, head->place, c->n);
}

/* ---- ahead ----------------------------------------------------------------------------------- */

static void ahead_unpack(void *ctx)
{
	struct pages_ahead *a = ctx;

	chunk_unpack(a->pages, &a->packed, &a->inflater, NULL, &a->chunk);
}

void tracedat_pages_share(struct tracedat_pages *p, struct worker *helper)
{
	if (!p->stream->is_compressed)
		return;
	p->helper = helper;
	p->ahead = mem_zalloc(PAGES_AHEAD, sizeof(*p->ahead));
	for (unsigned i = 0; i < PAGES_AHEAD; i++) {
		struct pages_ahead *a = &p->ahead[i];

		a->task = (struct worker_task){.run = ahead_unpack, .ctx = a};
		a->pages = p;
	}
}

static struct pages_ahead *ahead_at(struct tracedat_pages *p, unsigned i)
{
	return &p->ahead[(p->first_ahead + i) % PAGES_AHEAD];
}

/* Begins with those that come next, of which some are begun already. */
static void ahead_begin(struct tracedat_pages *p)
{
	uint64_t at = p->n_ahead ? chunk_end(&ahead_at(p, p->n_ahead - 1)->packed) : p->at;

	while (p->n_ahead < PAGES_AHEAD && p->n_ahead < p->chunks_left) {
		struct pages_ahead *a = ahead_at(p, p->n_ahead);

		if (!chunk_read_head(p, at, &a->packed))
			return;
		worker_begin(p->helper, &a->task);
		p->n_ahead++;
		at = chunk_end(&a->packed);
	}
}

/* The first one's bytes become those of *c, whose room is used for others. */
static void ahead_take(struct tracedat_pages *p, struct pages_chunk *c)
{
	struct pages_ahead *a = ahead_at(p, 0);
	struct pages_chunk old = *c;

	worker_finish(p->helper, &a->task);
	*c = a->chunk;
	c->place = old.place;
	a->chunk = old;
	p->first_ahead = (p->first_ahead + 1) % PAGES_AHEAD;
	p->n_ahead--;
}

/* It goes on elsewhere. */
static void ahead_drop(struct tracedat_pages *p)
{
	for (unsigned i = 0; i < p->n_ahead; i++)
		worker_cancel(p->helper, &ahead_at(p, i)->task);
	p->n_ahead = 0;
}

static void ahead_deinit(struct tracedat_pages *p)
{
	ahead_drop(p);
	for (unsigned i = 0; p->ahead && i < PAGES_AHEAD; i++) {
		free(p->ahead[i].chunk.memory);
		tracedat_inflater_deinit(&p->ahead[i].inflater);
	}
	free(p->ahead);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static int pages_next_chunk(struct tracedat_pages *p)
{
	struct pages_packed head;

	if (!p->chunks_left || p->at >= p->end)
		return PAGES_END;
	if (p->kept[p->current].is_borrowed)
		p->current = (p->current + 1) % PAGES_KEPT;
	struct pages_chunk *c = &p->kept[p->current];

	c->is_borrowed = false;
	c->place = p->at;
	p->pos = c->n = 0;
	pages_move_window(p);
	if (!chunk_read_head(p, p->at, &head)) {
		p->chunks_left = 0;
		return PAGES_DAMAGED;
	}
	if (p->n_ahead)
		ahead_take(p, c);
	else
		chunk_unpack(p, &head, &p->inflater, p->keeps, c);
	p->at = chunk_end(&head);
	p->chunks_left--;
	if (p->helper)
		ahead_begin(p);
	return c->n ? PAGES_ONE : PAGES_DAMAGED;
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

/* ---- fed ------------------------------------------------------------------------------------- */

static int pages_next_fed(struct tracedat_pages *p, struct page *pagep)
{
	const struct fed_page *next = fed_page(p->stream->fed, p->number);

	if (!next)
		return PAGES_END;
	p->number++;
	p->at += next->n;
	p->kept[p->current].place = next->place;
	*pagep = (struct page){.at = next->at, .n = next->n, .place = next->place};
	return next->at ? PAGES_ONE : PAGES_DAMAGED;
}

/* Those of one chunk of a file are at hand together. */
static bool pages_peek_fed(const struct tracedat_pages *p, struct page *pagep)
{
	const struct fed_page *last = fed_page(p->stream->fed, p->number - 1);
	const struct fed_page *next = fed_page(p->stream->fed, p->number);

	if (!next || !next->at || (last && last->ends_stretch))
		return false;
	*pagep = (struct page){.at = next->at, .n = next->n, .place = next->place};
	return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* The window is over the stream's part only: readers of the others have their own. */
void tracedat_pages_init(struct tracedat_pages *p, const struct tracedat *t, size_t stream)
{
	const struct tracedat_stream *s = &t->streams.at[stream];

	if (s->fed) {
		*p = (struct tracedat_pages){.trace = t, .stream = s, .number = s->fed->first};
		return;
	}
	uint64_t start = s->offset - s->offset % (uint64_t)sysconf(_SC_PAGESIZE);

	*p = (struct tracedat_pages){.trace = t, .stream = s, .map_at = start, .at = s->offset};
	p->end = s->offset + s->size;
	p->chunks_left = s->n_chunks;
	p->map = (struct file_map){.data = t->map.data + start, .size = p->end - start};
	file_window_init(&p->window, &p->map);
}

void tracedat_pages_deinit(struct tracedat_pages *p)
{
	ahead_deinit(p);
	if (!p->stream->fed)
		file_window_deinit(&p->window);
	for (unsigned i = 0; i < PAGES_KEPT; i++)
		free(p->kept[i].memory);
	vec_deinit(&p->chunks);
	tracedat_inflater_deinit(&p->inflater);
}

/* ---- either ---------------------------------------------------------------------------------- */

int tracedat_pages_next(struct tracedat_pages *p, struct page *pagep)
{
	if (p->stream->fed)
		return pages_next_fed(p, pagep);
	return p->stream->is_compressed ? pages_next_compressed(p, pagep)
					: pages_next_plain(p, pagep);
}

bool tracedat_pages_peek(const struct tracedat_pages *p, struct page *pagep)
{
	bool is_compressed = p->stream->is_compressed;

	if (p->stream->fed)
		return pages_peek_fed(p, pagep);
	if (is_compressed ? tracedat_pages_changes(p) : p->at >= p->end)
		return false;
	*pagep = is_compressed ? page_in_chunk(p) : plain_page(p);
	return true;
}

/* What is touched for it is not kept in memory. */
static void pages_find_chunks(struct tracedat_pages *p)
{
	uint64_t at = p->stream->offset, dropped = at;
	struct pages_packed head;

	while (p->chunks.n < p->stream->n_chunks && chunk_read_head(p, at, &head)) {
		*vec_push(&p->chunks) = at;
		at = chunk_end(&head);
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
		ahead_drop(p);
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
