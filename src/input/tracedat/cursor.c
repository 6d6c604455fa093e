#include "input/tracedat/cursor.h"

#include "input/tracedat/scale.h"

static int64_t cursor_ns(const struct tracedat_cursor *c, uint64_t count)
{
	return tracedat_scale_to_ns(&c->stream->scale, count);
}

static void cursor_report(struct tracedat_cursor *c, enum diag_id id, uint64_t n, uint64_t count)
{
	struct diag where = {.first_ns = cursor_ns(c, count),
			     .file = c->trace->file,
			     .packet = c->place,
			     .bit = c->in_ring ? ((uint64_t)c->trace->data_at + c->ring.pos) * 8
					       : 0};

	diag_add(&c->diags, id, n, &where);
}

void tracedat_cursor_report_event(struct tracedat_cursor *c, enum diag_id id)
{
	cursor_report(c, id, 1, c->ring.now);
}

static struct ring_shape cursor_shape(const struct tracedat *t)
{
	return (struct ring_shape){
		.big_endian = t->big_endian, .long_size = t->long_size, .data_at = t->data_at};
}

static bool cursor_enter(const struct tracedat_cursor *c, struct ring *r, const struct page *page)
{
	struct ring_shape shape = cursor_shape(c->trace);

	return tracedat_ring_enter(r, &shape, page->at, page->n, c->stream->page_size);
}

/* Return: whether it is all that a file system leaves of what was not written. */
static bool is_blank_ring(const struct ring *r)
{
	return !r->begin && !r->size && !r->is_missing && !r->is_cut;
}

/* ---- stepping over what is too early --------------------------------------------------------- */

/* Return: whether stretch i begins before ns; if it cannot be read, it does not. */
static bool begins_before(struct tracedat_cursor *c, size_t i, int64_t ns)
{
	struct page page;
	struct ring r;

	return tracedat_pages_look(&c->pages, i, &page) == PAGES_ONE &&
	       cursor_enter(c, &r, &page) && !is_blank_ring(&r) && cursor_ns(c, r.begin) < ns;
}

/* What comes before a stretch that begins too early ends too early. */
static void cursor_skip_before(struct tracedat_cursor *c, int64_t ns)
{
	size_t low = 0, high = tracedat_pages_count(&c->pages);

	if (!high)
		return;
	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (begins_before(c, middle, ns))
			low = middle;
		else
			high = middle;
	}
	tracedat_pages_seek(&c->pages, low);
	c->has_ring = low > 0;
}

void tracedat_cursor_init(struct tracedat_cursor *c, const struct tracedat *t, size_t stream,
			  int64_t skip_before_ns)
{
	*c = (struct tracedat_cursor){.trace = t, .stream = &t->streams.at[stream]};
	tracedat_pages_init(&c->pages, t, stream);
	if (skip_before_ns != INT64_MIN)
		cursor_skip_before(c, skip_before_ns);
}

void tracedat_cursor_deinit(struct tracedat_cursor *c)
{
	tracedat_pages_deinit(&c->pages);
	gaps_deinit(&c->damaged);
}

/* ---- between sub-buffers --------------------------------------------------------------------- */

#define SECONDS_A_DAY UINT64_C(86400)

/* A thousandth of a second, where it is known how many counts that is. */
static uint64_t cursor_slack(const struct tracedat_cursor *c)
{
	return c->stream->slack == UINT64_MAX ? UINT64_MAX : c->stream->slack / 1000;
}

static uint64_t saturated_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/*
 * A time that is far from those around it is damaged, not a clock that was set: the one after it is
 * in line with the one before. Where nothing follows nothing can be said.
 */
static bool is_ring_out_of_line(const struct tracedat_cursor *c, const struct ring *r,
				const struct ring *next)
{
	uint64_t before = c->n_events ? c->last : 0, slack = cursor_slack(c);

	if (next->begin < before)
		return false;
	return r->begin > saturated_sum(next->begin, slack) ||
	       (c->n_events && saturated_sum(r->begin, slack) < before);
}

/*
 * Return: whether a time is further behind the one before it than any sub-buffer takes to be
 * filled, or before it.
 */
static bool cursor_is_far_off(const struct tracedat_cursor *c, uint64_t time, uint64_t before)
{
	uint64_t day;

	if (__builtin_mul_overflow(c->stream->slack, SECONDS_A_DAY, &day))
		return false;
	return time > saturated_sum(before, day) || saturated_sum(time, cursor_slack(c)) < before;
}

/* Counts: no clock has one so low once it has run for a second elsewhere. */
enum { UNSET_END = 16 };

/*
 * Of the only sub-buffer of a stream. Return: whether its time is like that of another stream that
 * has several, if there is one.
 */
static bool cursor_is_like_others(const struct tracedat_cursor *c, uint64_t begin)
{
	const struct tracedat *t = c->trace;
	bool any = false;

	vec_each (s, &t->streams) {
		uint64_t other;

		if (s == c->stream || s->is_compressed || s->size <= s->page_size)
			continue;
		other = load_u64(t->map.data + s->offset, t->big_endian);
		if (begin <= other ? (begin >= UNSET_END || other < c->stream->slack) &&
					     !cursor_is_far_off(c, other, begin)
				   : !cursor_is_far_off(c, begin, other))
			return true;
		any = true;
	}
	return !any && begin <= INT64_MAX;
}

/*
 * Looks at the one after it, as far as it is at hand. Return: whether its own time can be believed.
 */
static bool cursor_check_time(struct tracedat_cursor *c, const struct ring *r)
{
	struct page page;
	struct ring next;

	c->limit = c->next = UINT64_MAX;
	if (!tracedat_pages_peek(&c->pages, &page) || !cursor_enter(c, &next, &page) || !next.size)
		return c->n_events ? !cursor_is_far_off(c, r->begin, c->last)
				   : cursor_is_like_others(c, r->begin);
	if (is_ring_out_of_line(c, r, &next) ||
	    (!c->n_events && next.begin > r->begin && cursor_is_far_off(c, next.begin, r->begin)))
		return false;
	if (next.begin >= r->begin) {
		c->next = next.begin;
		c->limit = saturated_sum(next.begin, cursor_slack(c));
	}
	return true;
}

/*
 * How many events are missing before the current sub-buffer. Before the first one it is those that
 * were overwritten before anything was read.
 */
static void cursor_count_missing(struct tracedat_cursor *c)
{
	enum diag_id id = c->has_ring ? DIAG_EVENTS_LOST : DIAG_EVENTS_OVERWRITTEN;

	if (!c->ring.is_missing)
		return;
	cursor_report(c, id, c->ring.missing ? c->ring.missing : 1, c->ring.begin);
	c->n_lost += c->ring.missing;
	c->gap_lost += c->ring.missing;
	c->gap = true;
}

static void cursor_give_up(struct tracedat_cursor *c, enum diag_id id, uint64_t count)
{
	cursor_report(c, id, 1, count);
	c->gap_after = true;
	c->in_ring = false;
}

/* The kernel goes on to another sub-buffer when one is full: only the last one holds nothing. */
static bool cursor_is_emptied(struct tracedat_cursor *c, const struct ring *r)
{
	struct page next;

	return !r->size && !r->is_missing && tracedat_pages_peek(&c->pages, &next);
}

/*
 * A sub-buffer that begins among what came before stands behind one that was to follow it: from its
 * begin on events are missing, which the first reading did not know when it passed there.
 */
static void cursor_spoil_misplaced(struct tracedat_cursor *c, const struct ring *r)
{
	if (c->n_events && r->begin >= c->least && r->begin < c->most)
		gaps_add(&c->damaged, cursor_ns(c, r->begin), cursor_ns(c, c->most), false);
}

static void cursor_enter_page(struct tracedat_cursor *c, const struct page *page)
{
	struct ring r;

	c->gap |= c->gap_after;
	c->gap_after = false;
	c->place = page->place;
	if (!cursor_enter(c, &r, page) || is_blank_ring(&r)) {
		/* That the file is cut has been said. */
		if (page->n == c->stream->page_size || !c->stream->is_cut)
			cursor_report(c, DIAG_SUBBUFFER_DAMAGED, 1, c->last);
		c->gap_after = true;
		return;
	}
	c->n_pages++;
	if (cursor_is_emptied(c, &r)) {
		cursor_report(c, DIAG_SUBBUFFER_DAMAGED, 1, r.begin);
		c->gap_after = true;
		return;
	}
	if (!cursor_check_time(c, &r)) {
		cursor_give_up(c, DIAG_PACKET_CLOCK, c->last);
		cursor_spoil_misplaced(c, &r);
		c->was_refused = true;
		return;
	}
	c->ring = r;
	c->in_ring = c->is_new = true;
	c->gap_after = c->was_refused;
	c->was_refused = false;
	cursor_count_missing(c);
	c->has_ring = true;
}

/* Return: whether there is one more, which the cursor may not have been able to enter. */
static bool cursor_next_page(struct tracedat_cursor *c)
{
	struct page page;
	int r = tracedat_pages_next(&c->pages, &page);

	if (r == PAGES_ONE) {
		cursor_enter_page(c, &page);
	} else if (r == PAGES_DAMAGED) {
		c->place = c->pages.kept[c->pages.current].place;
		if (!c->stream->is_cut || c->pages.chunks_left)
			cursor_report(c, DIAG_CHUNK_DAMAGED, 1, c->last);
		c->gap_after = true;
	}
	return r != PAGES_END;
}

static int cursor_deliver_gap(struct tracedat_cursor *c, uint64_t begin, int64_t to_ns_)
{
	c->ns = cursor_ns(c, c->n_events ? c->last : begin);
	c->lost_to_ns = to_ns_ > c->ns ? to_ns_ : c->ns;
	c->lost = c->gap_lost;
	c->gap = false;
	c->gap_lost = 0;
	return CURSOR_LOST;
}

static int cursor_deliver_end(struct tracedat_cursor *c)
{
	c->gap |= c->gap_after || (c->stream->is_cut && !c->ended);
	c->gap_after = false;
	c->ended = true;
	if (!c->gap)
		return CURSOR_END;
	if (c->n_events)
		return cursor_deliver_gap(c, 0, INT64_MAX);
	/* When it begins nobody knows: nothing could be read. */
	c->gap = false;
	gaps_add(&c->damaged, INT64_MIN, INT64_MAX, false);
	return CURSOR_END;
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* Where in the sub-buffer the damage begins is not known: none of it tells anything. */
static void cursor_spoil(struct tracedat_cursor *c)
{
	uint64_t end = c->next != UINT64_MAX && c->next > c->last ? c->next : c->last;

	gaps_add(&c->damaged, cursor_ns(c, c->ring.begin), cursor_ns(c, end), false);
}

static void cursor_step_back(struct tracedat_cursor *c)
{
	cursor_report(c, DIAG_EVENT_CLOCK_BACK, 1, c->ring.now);
	gaps_add(&c->damaged, cursor_ns(c, c->ring.now), cursor_ns(c, c->most), !c->is_new);
}

/* ---- in a sub-buffer ------------------------------------------------------------------------- */

/* What ended it. */
static void cursor_leave(struct tracedat_cursor *c, enum ring_step step)
{
	/* That the file is cut has been said. */
	bool is_known = c->ring.is_cut && c->stream->is_cut;

	if (step == RING_END && tracedat_ring_goes_on(&c->ring)) {
		cursor_give_up(c, DIAG_SUBBUFFER_DAMAGED, c->ring.now);
		cursor_spoil(c);
	}
	if (step == RING_ZEROS) {
		cursor_give_up(c, DIAG_SUBBUFFER_ZEROS, c->ring.now);
	} else if ((step == RING_CUT || c->ring.is_cut) && !is_known) {
		cursor_give_up(c, DIAG_EVENT_CUT, c->ring.now);
		cursor_spoil(c);
	}
	c->gap_after |= c->ring.is_cut;
	c->in_ring = false;
}

/* Return: whether the event's time can be believed. */
static bool cursor_check_event(struct tracedat_cursor *c)
{
	if (c->ring.now > c->limit) {
		cursor_give_up(c, DIAG_EVENT_CLOCK_JUMP, c->last);
		cursor_spoil(c);
		return false;
	}
	if (c->ring.now < c->most && c->n_events)
		cursor_step_back(c);
	return true;
}

/* Return: CURSOR_EVENT, or CURSOR_END at the sub-buffer's end. */
static int cursor_next_event(struct tracedat_cursor *c)
{
	enum ring_step step = tracedat_ring_next(&c->ring, &c->record);

	if (step != RING_EVENT) {
		cursor_leave(c, step);
		return CURSOR_END;
	}
	if (__builtin_expect(c->ring.now > c->limit || c->ring.now < c->most, 0) &&
	    !cursor_check_event(c))
		return CURSOR_END;
	c->is_new = false;
	if (!c->n_events++)
		c->least = c->ring.now;
	c->last = c->ring.now;
	c->least = c->last < c->least ? c->last : c->least;
	c->most = c->last > c->most ? c->last : c->most;
	c->ns = cursor_ns(c, c->last);
	return CURSOR_EVENT;
}

int tracedat_cursor_next(struct tracedat_cursor *c)
{
	for (;;) {
		if (!c->in_ring && ((c->pauses && tracedat_pages_changes(&c->pages)) ||
				    tracedat_pages_waits(&c->pages)))
			return CURSOR_PAUSE;
		if (!c->in_ring && !cursor_next_page(c))
			return cursor_deliver_end(c);
		if (!c->in_ring)
			continue;
		if (c->gap)
			return cursor_deliver_gap(c, c->ring.begin, cursor_ns(c, c->ring.begin));
		if (cursor_next_event(c) == CURSOR_EVENT)
			return CURSOR_EVENT;
	}
}

struct stream_totals tracedat_cursor_totals(const struct tracedat_cursor *c)
{
	return (struct stream_totals){.n_events = c->n_events,
				      .n_lost = c->n_lost,
				      .n_packets = c->n_pages,
				      .first_ns = c->n_events ? cursor_ns(c, c->least) : INT64_MAX,
				      .last_ns = c->n_events ? cursor_ns(c, c->most) : INT64_MIN};
}
