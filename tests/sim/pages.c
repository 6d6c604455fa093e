#include "pages.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	MAX_SMALL = 28 * 4, /* bytes of a record whose size is in its type */
	DELTA_BITS = 27,
	ABSOLUTE_EVERY = 512, /* events in interrupts, about */
};

enum { TYPE_LONG = 0, TYPE_TIME_EXTEND = 30, TYPE_TIME_STAMP = 31 };

static const uint64_t COMMIT_MISSED = 1u << 31, COMMIT_STORED = 1u << 30;

static uint8_t *open_page(const struct pages *p)
{
	return p->chunk + p->n_full;
}

static void flush_chunk(struct pages *p, struct out *o)
{
	uint8_t *packed, head[8];

	if (o->spec.compression == OUT_PLAIN) {
		out_write(o, p->fd, p->chunk, p->n_full);
		p->size += p->n_full;
	} else {
		size_t n = out_compress(o, p->chunk, p->n_full, &packed);
		put32(head, n);
		put32(head + 4, p->n_full);
		out_write(o, p->fd, head, sizeof(head));
		out_write(o, p->fd, packed, n);
		free(packed);
		p->size += sizeof(head) + n;
		p->n_chunks++;
	}
	p->n_full = 0;
}

static void page_open(struct pages *p, uint64_t raw)
{
	p->begin = p->last = raw;
	p->n_page = 0;
	if (!p->first)
		p->first = raw;
}

/*
 * Puts what the kernel's reader puts into a page: how much there is, and what was lost before it.
 */
static void page_seal(struct pages *p)
{
	uint8_t *page = open_page(p);
	size_t end = p->used;
	uint64_t commit = p->used;

	if (p->missed && PAGE_DATA - end >= 8) {
		put64(page + PAGE_HEADER + end, p->missed);
		commit |= COMMIT_STORED;
		end += 8;
	}
	if (p->missed)
		commit |= COMMIT_MISSED;
	put64(page, p->begin);
	put64(page + 8, commit);
	memset(page + PAGE_HEADER + end, 0, PAGE_DATA - end);
	p->missed = 0;
}

/* Return: whether it is lost. */
static bool page_lose(struct pages *p, struct out *o, uint64_t end)
{
	bool events = rng_percent(&o->rng, o->spec.lost_events);

	if (!events && !rng_percent(&o->rng, o->spec.lost_packets))
		return false;
	o->spec.lost(o->spec.ctx, events ? LOSS_EVENTS : LOSS_PACKET, p->cpu, p->begin, end,
		     p->n_page);
	o->events -= p->n_page;
	p->events -= p->n_page;
	p->overrun += p->n_page;
	p->missed += p->n_page;
	return true;
}

static void page_close(struct pages *p, struct out *o, uint64_t end, bool last)
{
	if (!p->n_pages || last || !page_lose(p, o, end)) {
		page_seal(p);
		p->n_full += PAGE_SIZE;
		p->n_pages++;
		if (p->n_full == PAGES_CHUNK)
			flush_chunk(p, o);
	}
	p->used = 0;
}

/* How the time since the last event is written: of a stamp, its type; 0: in the event itself. */
static unsigned stamp_of(const struct pages *p, struct out *o, bool in_irq, uint64_t raw)
{
	if (!p->used)
		return 0; /* the page says when it begins */
	if (raw < p->last || (in_irq && !rng_range(&o->rng, 0, ABSOLUTE_EVERY)))
		return TYPE_TIME_STAMP;
	return (raw - p->last) >> DELTA_BITS ? TYPE_TIME_EXTEND : 0;
}

static uint64_t event_head(unsigned type_len, uint64_t delta)
{
	return type_len | delta << 5;
}

static void put_stamp(struct pages *p, unsigned type, uint64_t raw)
{
	uint8_t *at = open_page(p) + PAGE_HEADER + p->used;
	uint64_t time = type == TYPE_TIME_STAMP ? raw : raw - p->last;

	put32(at, event_head(type, time & ((1u << DELTA_BITS) - 1)));
	put32(at + 4, time >> DELTA_BITS);
	p->used += 8;
	p->last = raw;
}

static void put_record(struct pages *p, uint64_t raw, const uint8_t *data, size_t n)
{
	uint8_t *at = open_page(p) + PAGE_HEADER + p->used;
	size_t size = (n + 3) / 4 * 4, head = size > MAX_SMALL ? 8 : 4;

	put32(at, event_head(size > MAX_SMALL ? TYPE_LONG : (unsigned)size / 4, raw - p->last));
	if (size > MAX_SMALL)
		put32(at + 4, size + 4);
	memcpy(at + head, data, n);
	memset(at + head + n, 0, size - n);
	p->used += head + size;
	p->last = raw;
	p->n_page++;
}

void pages_event(struct pages *p, struct out *o, bool in_irq, uint64_t raw, const uint8_t *data,
		 size_t n)
{
	unsigned stamp = stamp_of(p, o, in_irq, raw);
	size_t size = (n > MAX_SMALL ? 8 : 4) + (n + 3) / 4 * 4 + (stamp ? 8 : 0);

	if (p->used && p->used + size > PAGE_DATA)
		page_close(p, o, raw, false);
	if (!p->used)
		page_open(p, raw);
	else if (stamp)
		put_stamp(p, stamp, raw);
	put_record(p, raw, data, n);
	p->events++;
	o->events++;
}

void pages_end(struct pages *p, struct out *o, uint64_t raw)
{
	if (p->used)
		page_close(p, o, raw, true);
	if (p->n_full)
		flush_chunk(p, o);
}

int pages_init(struct pages *p, struct out *o, unsigned cpu, struct error *err)
{
	*p = (struct pages){.cpu = cpu, .chunk = mem_alloc(PAGES_CHUNK)};
	if (out_create(o, &p->fd, err, "%s.dat.cpu", o->spec.name))
		return ERR;
	char *path = mem_printf("%s/%s.dat.cpu", o->spec.dir, o->spec.name);
	int ret = unlink(path) ? error_errno(err, errno, "cannot remove '%s'", path) : 0;
	free(path);
	return ret;
}

void pages_deinit(struct pages *p)
{
	free(p->chunk);
	if (p->fd >= 0)
		close(p->fd);
}
