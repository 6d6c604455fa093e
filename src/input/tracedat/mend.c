#include "input/tracedat/mend.h"

#include "input/tracedat/ring.h"

struct mender {
	struct tracedat *t;
	struct tracedat_buffer buffer;
	uint64_t to; /* byte of the file */
};

static uint64_t mend_align(uint64_t at, uint32_t to)
{
	uint64_t over = at % to;

	return over ? at + (to - over) : at;
}

/* CPUs of which the kernel says that they recorded nothing are passed over. */
static uint32_t next_cpu(const struct mender *m)
{
	size_t i = m->buffer.cpus.n;

	return i < m->t->facts.busy_cpus.n ? m->t->facts.busy_cpus.at[i] : (uint32_t)i;
}

static void mend_add_cpu(struct mender *m, uint64_t from, uint64_t to)
{
	struct tracedat_cpu cpu = {.cpu = next_cpu(m), .offset = from, .size = to - from};

	*vec_push(&m->buffer.cpus) = cpu;
}

/* ---- compressed ------------------------------------------------------------------------------ */

/* Return: the end of the chunk that may begin at `at`; 0: none does; past m->to when it is cut. */
static uint64_t chunk_end(const struct mender *m, uint64_t at)
{
	struct bytes b = tracedat_bytes_at(m->t, at);
	uint32_t packed = bytes_u32(&b), size = bytes_u32(&b), page = m->buffer.page_size;

	if (b.bad || !packed || !size || size % page || size / page > TRACEDAT_CHUNK_MAX)
		return 0;
	return at + TRACEDAT_CHUNK_HEAD + packed;
}

/* Of one CPU. Return: the end of its chunks; 0: none begin at `at`. */
static uint64_t chunks_end(const struct mender *m, uint64_t at)
{
	struct bytes b = tracedat_bytes_at(m->t, at);
	uint32_t n = bytes_u32(&b);
	uint64_t end = at + sizeof(n), next;

	/* The number is filled in when all are written. */
	for (uint32_t i = 0; (!n || i < n) && end < m->to; i++) {
		next = chunk_end(m, end);
		if (!next)
			return i ? end : 0;
		end = next;
	}
	return end > at + sizeof(n) ? end : 0;
}

static void mend_find_chunks(struct mender *m, uint64_t from)
{
	uint64_t end;

	for (uint64_t at = from; at < m->to; at = mend_align(end, m->buffer.page_size)) {
		end = chunks_end(m, at);
		if (!end)
			return;
		mend_add_cpu(m, at, end);
	}
}

/* ---- plain ----------------------------------------------------------------------------------- */

/* Return: whether there may be a sub-buffer at `at`. */
static bool is_page(const struct mender *m, uint64_t at, struct ring *r)
{
	const struct tracedat *t = m->t;
	struct ring_shape shape = {t->big_endian, t->long_size, t->data_at};
	uint64_t left = m->to - at, size = m->buffer.page_size;

	return tracedat_ring_enter(r, &shape, t->map.data + at, left < size ? left : size,
				   (uint32_t)size) &&
	       r->size > 0;
}

/* Return: the time of its last event; of its first where its events are not sound. */
static uint64_t page_end(struct ring *r)
{
	struct ring_record record;
	enum ring_step step;

	while ((step = tracedat_ring_next(r, &record)) == RING_EVENT)
		;
	return step == RING_END ? r->now : r->begin;
}

/*
 * Where the time goes back another CPU begins. What one CPU recorded last is mostly later than what
 * the next recorded first, even where their sub-buffers begin in order.
 */
static void mend_find_pages(struct mender *m, uint64_t from)
{
	uint64_t start = from, before = 0, at = from;
	struct ring r;

	for (; at < m->to && is_page(m, at, &r); at += m->buffer.page_size) {
		if (r.begin < before) {
			mend_add_cpu(m, start, at);
			start = at;
		}
		before = page_end(&r);
	}
	/* A sub-buffer that is cut counts as a whole, so that it is known to be cut. */
	if (at > start)
		mend_add_cpu(m, start, at);
}

bool tracedat_mend_buffer(struct tracedat *t, uint64_t from, uint64_t to, bool is_compressed)
{
	uint32_t page = t->subbuf_size > t->page_size ? t->subbuf_size : t->page_size;
	struct mender m = {
		.t = t,
		.buffer = {.name = "", .page_size = page, .is_compressed = is_compressed},
		.to = to};

	if (page < TRACEDAT_PAGE_MIN || page > TRACEDAT_PAGE_MAX || page <= t->data_at)
		return false;
	if (is_compressed)
		mend_find_chunks(&m, mend_align(from, page));
	else
		mend_find_pages(&m, mend_align(from, page));
	if (!m.buffer.cpus.n) {
		vec_deinit(&m.buffer.cpus);
		return false;
	}
	*vec_push(&t->buffers) = m.buffer;
	t->base.is_partial = true;
	return true;
}
