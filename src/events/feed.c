#include "events/feed.h"

#include <stdlib.h>

#include "base/mem.h"

/* No more are begun with once so many bytes per event of the room have been read. */
enum { BYTES_PER_EVENT = 32 };

/* Those being looked at and those read ahead are at hand together. */
_Static_assert(2 * (FEED_MANY * BYTES_PER_EVENT + CTF_CURSOR_RUN) <= CTF_CURSOR_KEPT, "");

static struct event *room_of(size_t room, uint16_t machine, uint32_t cpu)
{
	struct event *events = mem_zalloc(room, sizeof(*events));

	for (size_t i = 0; i < room; i++) {
		events[i].machine = machine;
		events[i].cpu = cpu;
	}
	return events;
}

struct event *feed_room(const struct feed *f, size_t room)
{
	return room_of(room, f->events->machine, f->events->cpu);
}

void feed_init(struct feed *f, const struct ctf_trace *trace, const struct ctf_stream *stream,
	       const struct ctf_plan *plan, uint16_t machine, int64_t skip_before_ns)
{
	f->n = 0;
	f->room = FEED_FEW;
	f->ended = false;
	f->events = room_of(f->room, machine, stream->cpu);
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

	while (n < f->room && !f->ended &&
	       !(n && ctf_cursor_place(&f->cursor) - start >= f->room * BYTES_PER_EVENT)) {
		n += ctf_cursor_run(&f->cursor, f->events + n, sizeof(*f->events), f->room - n);
		if (n == f->room)
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
