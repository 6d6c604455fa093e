#include "events/feed.h"

#include <stdlib.h>

#include "base/mem.h"

/* Many enough for what is done once for all of them not to count, few enough to stay in a CPU's cache. */
enum { AT_ONCE = 256 };

/* Bytes after which no more are begun with: those being looked at and those read ahead are at hand together. */
enum { BYTES_AT_ONCE = CTF_CURSOR_KEPT / 2 - 2 * CTF_CURSOR_RUN };

struct event *feed_room(uint16_t machine, uint32_t cpu)
{
	struct event *events = mem_zalloc(AT_ONCE, sizeof(*events));

	for (size_t i = 0; i < AT_ONCE; i++) {
		events[i].machine = machine;
		events[i].cpu = cpu;
	}
	return events;
}

void feed_init(struct feed *f, const struct ctf_trace *trace, const struct ctf_stream *stream,
	       const struct ctf_plan *plan, uint16_t machine, int64_t skip_before_ns)
{
	f->n = 0;
	f->ended = false;
	f->events = feed_room(machine, stream->cpu);
	ctf_cursor_init(&f->cursor, trace, stream, plan, false, skip_before_ns);
}

void feed_deinit(struct feed *f)
{
	ctf_cursor_deinit(&f->cursor);
	free(f->events);
}

/* Return: whether the cursor found something more, which is then in e. */
static bool read_one(struct ctf_cursor *c, struct event *e)
{
	int r = ctf_cursor_next(c, e);

	e->ts = c->ns;
	e->id = c->tag;
	if (r == CTF_CURSOR_LOST) {
		e->id = EV_LOST;
		e->lost.to = c->lost_to_ns;
		e->lost.count = (int64_t)c->lost;
	}
	return r != CTF_CURSOR_END;
}

bool feed_read(struct feed *f)
{
	uint64_t start = ctf_cursor_place(&f->cursor);
	size_t n = 0;

	while (n < AT_ONCE && !f->ended &&
	       !(n && ctf_cursor_place(&f->cursor) - start >= BYTES_AT_ONCE)) {
		n += ctf_cursor_run(&f->cursor, f->events + n, sizeof(*f->events), AT_ONCE - n);
		if (n == AT_ONCE)
			break;
		if (read_one(&f->cursor, &f->events[n]))
			n++;
		else
			f->ended = true;
	}
	for (size_t i = 0; i < n; i++) {
		if (f->events[i].id == CTF_TAG_ANY)
			f->events[i].id = EV_OTHER;
	}
	f->n = n;
	return n > 0;
}
