#include "input/ftrace/plan.h"
#include "input/tracedat/cursor.h"
#include "input/tracedat/recording.h"

/* No more are begun with once so many bytes per event of the room have been read. */
enum { BYTES_PER_EVENT = 64 };

struct stream_reader {
	struct reader base;
	struct tracedat_cursor cursor;
	const struct ftrace_plan *plan;
	bool any; /* the next event is wanted whichever it is */
};

struct input_plan *tracedat_plan_new(const struct recording *r, struct event_set wanted, bool every)
{
	const struct tracedat *t = (const struct tracedat *)r;

	return (struct input_plan *)ftrace_plan_new(&t->formats, wanted, every);
}

void tracedat_plan_free(struct input_plan *plan)
{
	ftrace_plan_free((struct ftrace_plan *)plan);
}

struct reader *tracedat_reader_new(const struct recording *rec, size_t stream,
				   const struct input_plan *plan, int64_t skip_before_ns)
{
	struct stream_reader *r = mem_zalloc(1, sizeof(*r));

	tracedat_cursor_init(&r->cursor, (const struct tracedat *)rec, stream, skip_before_ns);
	r->plan = (const struct ftrace_plan *)plan;
	r->base.diags = &r->cursor.diags;
	r->base.damaged = &r->cursor.damaged;
	return &r->base;
}

void tracedat_reader_share(struct reader *r, struct worker *helper)
{
	tracedat_pages_share(&((struct stream_reader *)r)->cursor.pages, helper);
}

void tracedat_reader_free(struct reader *r)
{
	tracedat_cursor_deinit(&((struct stream_reader *)r)->cursor);
}

static void reader_take_loss(struct stream_reader *r, struct event *e)
{
	e->ts = r->cursor.ns;
	e->id = EV_LOST;
	e->tid = e->pid = NO_VALUE;
	e->lost.to = r->cursor.lost_to_ns;
	e->lost.count = (int64_t)r->cursor.lost;
	r->any = false;
}

/* Return: whether it is wanted. */
static bool reader_take_event(struct stream_reader *r, struct event *e)
{
	const struct ftrace_formats *fs = &r->cursor.trace->formats;
	struct ring_record record = r->cursor.record;

	if (__builtin_expect(!ftrace_format_of(fs, ftrace_id_of(fs, record.at, record.size)), 0))
		tracedat_cursor_report_event(&r->cursor, DIAG_EVENT_FORMAT);
	if (!ftrace_plan_take(r->plan, record.at, record.size, NO_VALUE, &r->any, e))
		return false;
	tracedat_pages_borrow(&r->cursor.pages);
	e->ts = r->cursor.ns;
	return true;
}

/*
 * Return: whether no more are to be begun with, for what they borrow has to be at hand together
 * with what is there already.
 */
static bool reader_has_enough(const struct stream_reader *r, size_t n, uint64_t start)
{
	uint64_t read = r->cursor.pages.at - start;

	return n == r->base.room || (n && read > r->base.room * BYTES_PER_EVENT);
}

/* Those that borrow from another chunk are left to the next batch. */
void tracedat_reader_fill(struct reader *base)
{
	struct stream_reader *r = (struct stream_reader *)base;
	uint64_t start = r->cursor.pages.at;
	size_t n = 0;
	int result = CURSOR_LOST;

	base->waits = false;
	while (!base->ended && result != CURSOR_PAUSE && !reader_has_enough(r, n, start)) {
		r->cursor.pauses = n > 0;
		result = tracedat_cursor_next(&r->cursor);
		if (result == CURSOR_EVENT)
			n += reader_take_event(r, &base->events[n]);
		else if (result == CURSOR_LOST)
			reader_take_loss(r, &base->events[n++]);
		else if (result == CURSOR_END)
			base->ended = true;
	}
	base->n = n;
	base->waits = result == CURSOR_PAUSE && !n;
	base->totals = tracedat_cursor_totals(&r->cursor);
}
