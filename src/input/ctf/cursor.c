#include "input/ctf/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define NS_PER_S 1000000000

/* Parts of a second that times may be off, at packets' ends. */
enum { SLACK_PER_S = 1000, SECONDS_A_DAY = 86400 };

#define NS_SAFE (UINT64_C(1) << 62)

/* Where a packet is, of a file in which they are not in order. */
struct ctf_place {
	uint64_t rank, offset;
	bool follows_damage;
};

struct ctf_cursor_file {
	struct ctf_index index;
	struct ctf_packets src;
	struct ctf_packet next;	  /* not entered yet */
	struct ctf_reader reader; /* of `next` */
	bool has_next;
	VEC(struct ctf_place) places; /* by rank; none: as they follow each other */
	size_t next_place;
	struct file_window window;
};

static int64_t to_ns(const struct ctf_cursor *c, uint64_t cycles)
{
	/* One addition, where neither side of it is large. */
	if (cycles < NS_SAFE && c->clock_counts_ns)
		return c->ns_offset + (int64_t)cycles;
	return ctf_clock_ns(c->clock, cycles);
}

static void prepare_clock(struct ctf_cursor *c)
{
	uint64_t frequency = c->clock ? c->clock->frequency : NS_PER_S;

	c->slack = frequency / SLACK_PER_S;
	c->ns_offset = ctf_clock_ns(c->clock, 0);
	c->clock_counts_ns = frequency == NS_PER_S && c->ns_offset > -(int64_t)NS_SAFE &&
			     c->ns_offset < (int64_t)NS_SAFE;
}

/* Something is wrong with the current event. */
static void report_event(struct ctf_cursor *c, enum diag_id id, uint64_t cycles)
{
	struct diag where = {.first_ns = to_ns(c, cycles),
			     .file = c->file->src.name,
			     .packet = c->packet.offset,
			     .bit = c->reader.pos};

	diag_add(&c->diags, id, 1, &where);
}

static void report_packet(struct ctf_cursor *c, enum diag_id id, uint64_t count,
			  const struct ctf_packet *p)
{
	struct diag where = {
		.first_ns = to_ns(c, p->begin), .file = c->file->src.name, .packet = p->offset};

	diag_add(&c->diags, id, count, &where);
}

/* Of a packet whose own time cannot be true. */
static void cursor_report_refused(struct ctf_cursor *c, const struct ctf_packet *p)
{
	struct diag where = {.first_ns = c->n_events ? to_ns(c, c->last_clock) : DIAG_NO_TIME,
			     .file = c->file->src.name,
			     .packet = p->offset};

	diag_add(&c->diags, DIAG_PACKET_CLOCK, 1, &where);
}

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool has_span(const struct ctf_packet *p)
{
	return CTF_HAS(p, CTF_ROLE_BEGIN_TIME) && CTF_HAS(p, CTF_ROLE_END_TIME);
}

static bool ends_too_early(const struct ctf_cursor *c, const struct ctf_packet *p)
{
	return c->skip_before_ns != INT64_MIN && has_span(p) && p->end && p->end >= p->begin &&
	       to_ns(c, p->end) < c->skip_before_ns &&
	       ctf_role_size(p->cls->packet_context, CTF_ROLE_END_TIME) == 64;
}

/*
 * Packets are mostly of one size. Then it is known where they begin, and of those that end too
 * early all but one or a few need not even be looked at. Wherever it is not so, they are stepped
 * over one by one.
 */
static void jump(const struct ctf_cursor *c, struct ctf_cursor_file *f)
{
	struct ctf_packet p = f->next;
	uint64_t size = p.size, low = 0, high;

	if (!f->has_next || !ends_too_early(c, &p))
		return;
	high = f->src.size / size;
	while (low + 1 < high) {
		uint64_t middle = low + (high - low) / 2;

		if (ctf_packet_is_at(&f->src, middle * size, &f->reader, &p) &&
		    ends_too_early(c, &p))
			low = middle;
		else
			high = middle;
	}
	f->has_next = ctf_packet_read(&f->src, low * size, &f->reader, &f->next);
}

static bool clock_is_impossible(const struct ctf_packet *p)
{
	return has_span(p) && p->end && p->end < p->begin;
}

/* Where a packet stands among others; if its clock is impossible, at the earlier of its ends. */
static uint64_t rank(const struct ctf_packet *p)
{
	return clock_is_impossible(p) ? p->end : p->begin;
}

static int cursor_place_by_rank(const void *a, const void *b)
{
	const struct ctf_place *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Reads the next packet of the file, whose last was at [offset, offset + size). */
static void cursor_read_next(struct ctf_cursor_file *f, uint64_t offset, uint64_t size)
{
	if (!f->places.n) {
		f->has_next = ctf_packet_read(&f->src, offset + size, &f->reader, &f->next);
		return;
	}
	f->has_next = f->next_place < f->places.n;
	if (!f->has_next)
		return;
	const struct ctf_place *place = &f->places.at[f->next_place++];

	f->has_next = ctf_packet_read(&f->src, place->offset, &f->reader, &f->next);
	f->next.follows_damage = place->follows_damage;
}

/* By their next packets. */
static void cursor_order_files(struct ctf_cursor *c)
{
	heap_deinit(&c->order);
	for (size_t i = 0; i < c->n_files; i++) {
		if (c->files[i].has_next)
			heap_put(&c->order, rank(&c->files[i].next), (uint32_t)i);
	}
}

void ctf_cursor_init(struct ctf_cursor *c, const struct ctf_trace *trace,
		     const struct ctf_stream *stream, const struct ctf_plan *plan, bool every_event,
		     int64_t skip_before_ns)
{
	*c = (struct ctf_cursor){.trace = trace,
				 .stream = stream,
				 .plan = ctf_plan_borrow_stream(plan, stream->cls),
				 .clock = stream->cls->clock,
				 .kept = CTF_CURSOR_RUN,
				 .every_event = every_event,
				 .next_begin = UINT64_MAX,
				 .skip_before_ns = skip_before_ns};
	prepare_clock(c);
	ctf_reader_init(&c->reader, mem_zalloc(trace->type.n_saves + 1, sizeof(*c->reader.saved)));
	c->n_files = stream->files.n;
	c->files = mem_zalloc(c->n_files, sizeof(*c->files));
	for (size_t i = 0; i < c->n_files; i++) {
		struct ctf_cursor_file *f = &c->files[i];

		f->index = stream->files.at[i]->index;
		f->src = ctf_trace_packets(trace, stream->files.at[i], &f->window, &c->diags);
		ctf_reader_init(&f->reader,
				mem_zalloc(trace->type.n_saves + 1, sizeof(*f->reader.saved)));
		f->has_next = ctf_packet_read(&f->src, 0, &f->reader, &f->next);
		jump(c, f);
	}
	cursor_order_files(c);
}

/* Makes the file's packets come by their times. */
static void cursor_put_in_order(struct ctf_cursor_file *f, struct diag_list *ignored)
{
	while (f->has_next) {
		struct ctf_packet p = f->next;

		*vec_push(&f->places) = (struct ctf_place){rank(&p), p.offset, p.follows_damage};
		f->has_next = ctf_packet_read(&f->src, p.offset + p.size, &f->reader, &f->next);
	}
	if (!f->places.n)
		return;
	qsort(f->places.at, f->places.n, sizeof(*f->places.at), cursor_place_by_rank);
	f->src.diags = ignored;
	cursor_read_next(f, 0, 0);
}

void ctf_cursor_sort(struct ctf_cursor *c)
{
	c->ignored = mem_zalloc(1, sizeof(*c->ignored));
	for (size_t i = 0; i < c->n_files; i++)
		cursor_put_in_order(&c->files[i], c->ignored);
	cursor_order_files(c);
}

void ctf_cursor_deinit(struct ctf_cursor *c)
{
	for (size_t i = 0; i < c->n_files; i++) {
		file_window_deinit(&c->files[i].window);
		vec_deinit(&c->files[i].places);
		free(c->files[i].reader.saved);
	}
	free(c->files);
	free(c->ignored);
	heap_deinit(&c->order);
	free(c->reader.saved);
	gaps_deinit(&c->damaged);
	*c = (struct ctf_cursor){0};
}

/* The file is read up to byte `at`. Return: where to say so again. */
static uint64_t move_window(const struct ctf_cursor *c, struct ctf_cursor_file *f, uint64_t at)
{
	uint64_t kept = at < c->kept ? at : c->kept;

	return file_window_move(&f->window, at - kept) + c->kept;
}

/* The same, in the current packet. */
static void move_on(struct ctf_cursor *c)
{
	uint64_t at = ctf_cursor_place(c);

	c->move_at = (move_window(c, c->file, at) - c->packet.offset) * 8;
}

/* Return: the file whose next packet begins first; NULL: there is none. */
static struct ctf_cursor_file *pick_file(const struct ctf_cursor *c)
{
	return c->order.items.n ? &c->files[c->order.items.at[0].number] : NULL;
}

/* The file that was picked has another next packet, or none. */
static void put_file_back(struct ctf_cursor *c, const struct ctf_cursor_file *f)
{
	if (f->has_next)
		heap_change_first(&c->order, rank(&f->next));
	else
		heap_remove_first(&c->order);
}

/* Return: whether it is the last packet once more, to the byte. */
static bool cursor_is_copy(const struct ctf_cursor *c, const struct ctf_cursor_file *f,
			   const struct ctf_packet *p)
{
	const struct ctf_packet *last = &c->packet;

	return p->size == last->size &&
	       !memcmp(f->src.data + p->offset, c->file->src.data + last->offset, p->size);
}

/*
 * Snapshots of one session hold the same packet more than once; so does a file that was put
 * together badly.
 */
static bool is_repeated(struct ctf_cursor *c, const struct ctf_cursor_file *f,
			const struct ctf_packet *p)
{
	if (!c->had_packet || !has_span(p) || p->begin != c->packet.begin ||
	    p->end != c->packet.end || p->seq_num != c->packet.seq_num ||
	    p->content_end != c->packet.content_end)
		return false;
	return c->n_files > 1 || cursor_is_copy(c, f, p);
}

/* How far a counter of `size` bits has come since `before`; 0 when it went back. */
static uint64_t counted(uint64_t before, uint64_t now, unsigned size)
{
	uint64_t mask = size < 64 ? (UINT64_C(1) << size) - 1 : UINT64_MAX;
	uint64_t steps = (now - before) & mask;

	return steps > mask / 2 ? 0 : steps;
}

/*
 * The value of a running counter in packet p. If the packet after it says less than p does, p's is
 * damaged: then it is as before.
 */
static uint64_t believed(uint64_t before, uint64_t now, const uint64_t *after, unsigned size)
{
	uint64_t mask = size < 64 ? (UINT64_C(1) << size) - 1 : UINT64_MAX;

	return after && ((*after - before) & mask) < ((now - before) & mask) ? before : now;
}

static void count_lost_packets(struct ctf_cursor *c, const struct ctf_packet *p,
			       const struct ctf_packet *after)
{
	if (!CTF_HAS(p, CTF_ROLE_SEQ_NUM))
		return;
	unsigned size = ctf_role_size(p->cls->packet_context, CTF_ROLE_SEQ_NUM);
	uint64_t expected = c->seq_num + 1, now = p->seq_num;

	if (c->had_packet) {
		now = believed(expected, now, after ? &after->seq_num : NULL, size);
		uint64_t lost = counted(expected, now, size);

		if (lost) {
			report_packet(c, DIAG_PACKETS_LOST, lost, p);
			c->gap = true;
		}
	}
	c->seq_num = now;
}

static void count_lost_events(struct ctf_cursor *c, const struct ctf_packet *p,
			      const struct ctf_packet *after)
{
	if (!CTF_HAS(p, CTF_ROLE_DISCARDED))
		return;
	unsigned size = ctf_role_size(p->cls->packet_context, CTF_ROLE_DISCARDED);

	/* A stream whose first packet is not its number 0 counts from an unknown start. */
	if (!c->had_packet && CTF_HAS(p, CTF_ROLE_SEQ_NUM) && p->seq_num) {
		bool is_high = after && !counted(p->discarded, after->discarded, size);

		c->discarded = is_high ? after->discarded : p->discarded;
	}
	uint64_t now = believed(c->discarded, p->discarded, after ? &after->discarded : NULL, size);
	uint64_t lost = counted(c->discarded, now, size);

	c->discarded = now;
	if (!lost)
		return;
	report_packet(c, DIAG_EVENTS_LOST, lost, p);
	c->n_lost += lost;
	c->gap_lost += lost;
	c->gap = c->gap_after_packet = true;
}

/*
 * A crashed tracer leaves end times of 0. Older LTTng's last events may lie a little behind their
 * packet's end. Where the next packet begins long before this one ends, it is as likely this one's
 * end that is damaged.
 */
static void set_clock_limits(struct ctf_cursor *c)
{
	const struct ctf_packet *p = &c->packet;
	uint64_t next = saturating_add(c->next_begin, c->slack);

	c->clock_floor = 0;
	c->clock_limit = next;
	if (CTF_HAS(p, CTF_ROLE_BEGIN_TIME) && p->clock == p->begin)
		c->clock_floor = p->begin > c->slack ? p->begin - c->slack : 0;
	if (has_span(p) && p->end && p->end < c->next_begin)
		c->clock_limit = saturating_add(p->end, c->slack);
	c->quiet_limit = has_span(p) && p->end && p->end < next ? p->end : next;
}

/* Return: whether the packet lies wholly before the last one, whose place in the file is wrong. */
static bool cursor_is_out_of_order(const struct ctf_cursor *c, const struct ctf_packet *p)
{
	return c->any_entered && has_span(p) && p->end && !clock_is_impossible(p) &&
	       p->end <= saturating_add(c->packet.begin, c->slack) && p->begin < c->packet.begin &&
	       ctf_role_size(p->cls->packet_context, CTF_ROLE_END_TIME) == 64;
}

/* Return: when the packet after this one begins; UINT64_MAX if that says nothing. */
static uint64_t cursor_begin_of(const struct ctf_packet *after, const struct ctf_packet *p)
{
	bool says = after && CTF_HAS(after, CTF_ROLE_BEGIN_TIME) &&
		    ctf_role_size(after->cls->packet_context, CTF_ROLE_BEGIN_TIME) == 64;

	return says && after->begin > p->begin && !clock_is_impossible(after) ? after->begin
									      : UINT64_MAX;
}

/*
 * Return: whether the packet, which is put before one that precedes it in the file, also ends
 * behind that one: then no order makes one follow the other.
 */
static bool cursor_spans_earlier(const struct ctf_packet *p, const struct ctf_packet *after)
{
	return after->offset < p->offset && has_span(p) && has_span(after) && after->end &&
	       p->begin < after->begin && p->end > after->end;
}

/*
 * A packet that begins before the events that came before it, while the one after it does not: it
 * is not the clock that was set back but the packet's time that is damaged. So it is of a first one
 * that begins a day before the second.
 */
static bool is_out_of_line(const struct ctf_cursor *c, const struct ctf_packet *p,
			   const struct ctf_packet *after)
{
	if (!after || !CTF_HAS(p, CTF_ROLE_BEGIN_TIME))
		return false;
	if (cursor_spans_earlier(p, after))
		return true;
	if (!c->n_events)
		return cursor_begin_of(after, p) != UINT64_MAX &&
		       (after->begin - p->begin) / SECONDS_A_DAY / SLACK_PER_S > c->slack;
	if (c->last_clock < c->slack)
		return false;
	return p->begin < c->last_clock - c->slack && after->begin >= c->last_clock - c->slack;
}

/* Completes times of which the packet holds only the low bits, or none at all. */
static void complete_clock(const struct ctf_cursor *c, struct ctf_packet *p)
{
	const struct ctf_fc *context = p->cls->packet_context;
	unsigned begin_size = ctf_role_size(context, CTF_ROLE_BEGIN_TIME);
	unsigned end_size = ctf_role_size(context, CTF_ROLE_END_TIME);

	if (p->clock_size < 64)
		p->clock = ctf_clock_extend(c->last_clock, p->clock, p->clock_size);
	if (begin_size && begin_size < 64)
		p->begin = ctf_clock_extend(c->last_clock, p->begin, begin_size);
	if (end_size && end_size < 64)
		p->end = ctf_clock_extend(p->begin, p->end, end_size);
}

/*
 * Takes the next packet. The counters say that the tracer lost events since the packet before, but
 * not whether that was before or behind the packet in which they changed (events are lost when the
 * buffer is full, after the last one that fitted): both places are a gap.
 * Return: whether its events can be read.
 */
static bool take_packet(struct ctf_cursor *c, struct ctf_packet *p, const struct ctf_packet *after)
{
	c->gap |= p->follows_damage | c->gap_after_packet;
	c->gap_after_packet = p->cut;
	if (p->cls != c->stream->cls) {
		report_packet(c, DIAG_PACKET_STREAM, 1, p);
		c->gap = true;
		return false;
	}
	complete_clock(c, p);
	count_lost_packets(c, p, after);
	count_lost_events(c, p, after);
	if (c->had_packet && has_span(p) && p->begin < c->packet.end)
		report_packet(c, DIAG_PACKET_OVERLAP, 1, p);
	bool is_readable = !clock_is_impossible(p) && !is_out_of_line(c, p, after);

	c->begins_damaged |= !c->n_events && (p->follows_damage || !is_readable);
	if (!c->had_packet && is_readable && CTF_HAS(p, CTF_ROLE_SEQ_NUM) && p->seq_num)
		gaps_add(&c->damaged, INT64_MIN, to_ns(c, p->begin) - 1, false);
	c->is_disordered |= cursor_is_out_of_order(c, p);
	c->next_begin = cursor_begin_of(after, p);
	c->packet = *p;
	c->had_packet = true;
	c->any_entered |= is_readable;
	c->n_packets++;
	if (!is_readable) {
		cursor_report_refused(c, p);
		c->gap = true;
	}
	return is_readable;
}

/*
 * Events are read with it from now on; the file's next packet with the one they were read with
 * before.
 */
static void swap_readers(struct ctf_cursor *c, struct ctf_cursor_file *f)
{
	struct ctf_reader reader = c->reader;

	c->reader = f->reader;
	f->reader = reader;
}

/* The file was cut between two packets, if by its index there is one behind the last, p. */
static void cursor_end_file(struct ctf_cursor *c, const struct ctf_cursor_file *f,
			    const struct ctf_packet *p)
{
	bool is_short = f->src.size < f->index.size && p->begin < f->index.last_begin;

	c->gap_after_packet |= f->next.follows_damage | is_short;
	if (is_short && !p->cut)
		report_packet(c, DIAG_PACKETS_LOST, 1, p);
}

/*
 * Makes the next packet the current one, unless it is to be left out.
 * Return: whether there was one.
 */
static bool enter_packet(struct ctf_cursor *c)
{
	struct ctf_cursor_file *f = pick_file(c);

	if (!f)
		return false;
	struct ctf_packet p = f->next;

	move_window(c, f, p.offset);
	swap_readers(c, f);
	cursor_read_next(f, p.offset, p.size);
	put_file_back(c, f);
	if (!is_repeated(c, f, &p) && !ends_too_early(c, &p)) {
		c->file = f;
		bool has_after = f->has_next && f->next.cls == p.cls;

		if (take_packet(c, &p, has_after ? &f->next : NULL)) {
			set_clock_limits(c);
			ctf_packet_enter(&p, &c->reader);
			move_on(c);
			c->in_packet = c->is_new = true;
		}
	}
	if (!f->has_next)
		cursor_end_file(c, f, &p);
	return true;
}

static int deliver_gap(struct ctf_cursor *c, int64_t to_ns_)
{
	uint64_t begin = c->packet.begin;

	if (c->begins_damaged)
		gaps_add(&c->damaged, INT64_MIN, to_ns_ == INT64_MAX ? to_ns_ : to_ns_ - 1, false);
	c->begins_damaged = false;
	c->ns = to_ns(c, c->n_events ? c->last_clock : begin);
	c->lost_to_ns = to_ns_;
	c->lost = c->gap_lost;
	c->gap = false;
	c->gap_lost = 0;
	c->deliver_any = false;
	return CTF_CURSOR_LOST;
}

/* Return: the packet's end as far as it is known, with all times of it that were believed. */
static uint64_t cursor_end_of_packet(const struct ctf_cursor *c)
{
	const struct ctf_packet *p = &c->packet;
	uint64_t end = has_span(p) && p->end ? p->end : c->last_clock;

	end = end > c->next_begin ? c->next_begin : end;
	return end < c->last_clock ? c->last_clock : end;
}

/* Where in the packet the damage begins is not known: none of it tells anything. */
static void cursor_spoil_packet(struct ctf_cursor *c)
{
	const struct ctf_packet *p = &c->packet;
	bool has_begin = CTF_HAS(p, CTF_ROLE_BEGIN_TIME);

	gaps_add(&c->damaged, has_begin ? to_ns(c, p->begin) : INT64_MIN,
		 to_ns(c, cursor_end_of_packet(c)), false);
}

/* The rest of the packet cannot be read. */
static void give_up_packet(struct ctf_cursor *c, enum diag_id id)
{
	/* That a cut packet's last event is cut has been said already; what follows in one that was
	 * never closed is none. */
	if (!c->packet.unclosed && !(id == DIAG_EVENT_CUT && c->packet.cut)) {
		report_event(c, id, c->n_events ? c->last_clock : c->packet.begin);
		cursor_spoil_packet(c);
	}
	c->gap_after_packet = true;
	c->in_packet = false;
}

static enum diag_id diag_of(int read)
{
	return read == CTF_READ_SELECTOR ? DIAG_EVENT_SELECTOR : DIAG_EVENT_CUT;
}

/*
 * A clock that stepped back a little looks like one that wrapped around where the field holds only
 * the low bits: then the time lies past the packet's end, and one wrap earlier is a smaller step
 * back. A time of all bits, or one that is only a little past the end, is what it says.
 */
static void mend_clock(struct ctf_cursor *c)
{
	struct ctf_reader *r = &c->reader;

	if (r->clock_size >= 64 || !has_span(&c->packet) || !c->packet.end ||
	    r->clock <= c->packet.end)
		return;
	uint64_t wrap = UINT64_C(1) << r->clock_size;
	uint64_t earlier = r->clock - wrap, step = r->clock_before - earlier;

	if (earlier < r->clock && step < wrap / 64 && step < r->clock - c->packet.end)
		r->clock = earlier;
}

/* Return: whether the event's time can be believed. */
static bool check_clock(struct ctf_cursor *c)
{
	struct ctf_reader *r = &c->reader;

	mend_clock(c);
	if (r->clock > c->clock_limit || r->clock < c->clock_floor)
		return false;
	if (r->clock >= c->most_clock || !c->n_events)
		return true;
	report_event(c, DIAG_EVENT_CLOCK_BACK, r->clock);
	gaps_add(&c->damaged, to_ns(c, r->clock), to_ns(c, c->most_clock), !c->is_new);
	return true;
}

/* One more event has been read. */
static void cursor_take_clock(struct ctf_cursor *c, uint64_t clock)
{
	c->is_new = false;
	if (!c->n_events++)
		c->least_clock = c->most_clock = clock;
	c->last_clock = clock;
	c->least_clock = clock < c->least_clock ? clock : c->least_clock;
	c->most_clock = clock > c->most_clock ? clock : c->most_clock;
}

/*
 * Reads one event. Return: 1 when next() is to stop at it, 0 when not; the packet is left when the
 * event is bad.
 */
static int read_event(struct ctf_cursor *c, void *out)
{
	struct ctf_reader *r = &c->reader;
	const struct ctf_event_plan *event;
	uint64_t start = r->pos;
	uint16_t tag;
	int read = ctf_plan_header(c->plan, r, &event);

	if (read) {
		give_up_packet(c, diag_of(read));
		return 0;
	}
	if (!event) {
		give_up_packet(c, DIAG_EVENT_CLASS);
		return 0;
	}
	if (__builtin_expect(r->clock > c->quiet_limit || r->clock < c->most_clock, 0) &&
	    !check_clock(c)) {
		give_up_packet(c, DIAG_EVENT_CLOCK_JUMP);
		return 0;
	}
	uint64_t clock = r->clock;
	int interest = ctf_event_plan_interest(event, &tag);

	if (c->every_event)
		c->at_event = *r;
	read = ctf_plan_event(event, r, out);
	if (read || r->pos == start) {
		give_up_packet(c, diag_of(read));
		return 0;
	}
	cursor_take_clock(c, clock);
	if (!interest && !c->deliver_any && !c->every_event)
		return 0;
	c->ns = to_ns(c, clock);
	c->cls = ctf_event_plan_class(event);
	c->tag = interest ? tag : CTF_TAG_ANY;
	c->deliver_any = interest & CTF_THEN_ANY;
	return 1;
}

static void to_ns_all(const struct ctf_cursor *c, const struct ctf_run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct ctf_head *head = (struct ctf_head *)((char *)run->out + i * run->stride);

		head->ns = to_ns(c, (uint64_t)head->ns);
	}
}

size_t ctf_cursor_run(struct ctf_cursor *c, void *out, size_t stride, size_t max)
{
	struct ctf_run run = {.out = out,
			      .stride = stride,
			      .max = max,
			      .clock_limit = c->quiet_limit,
			      .any = c->deliver_any};

	if (!c->in_packet || c->packet.unclosed || c->every_event || !c->n_events ||
	    c->reader.clock < c->most_clock)
		return 0;
	if (c->clock_counts_ns) {
		run.ns_offset = c->ns_offset;
		run.clock_limit = c->quiet_limit < NS_SAFE ? c->quiet_limit : NS_SAFE - 1;
	}
	uint64_t end = c->reader.end, left = end - c->reader.pos;

	if (c->reader.pos < end && left > CTF_CURSOR_RUN * 8)
		c->reader.end = c->reader.pos + CTF_CURSOR_RUN * 8;
	ctf_plan_run(c->plan, &c->reader, &run);
	c->reader.end = end;
	if (!c->clock_counts_ns)
		to_ns_all(c, &run);
	if (run.passed) {
		c->is_new = false;
		c->n_events += run.passed;
		c->last_clock = c->most_clock = c->reader.clock;
	}
	c->deliver_any = run.any;
	if (c->reader.pos >= c->move_at)
		move_on(c);
	return run.n;
}

/* Return: whether nothing was written from here to the end of a packet that was never closed. */
static bool cursor_is_at_zeros(const struct ctf_cursor *c)
{
	const struct ctf_reader *r = &c->reader;

	if (!c->packet.unclosed)
		return false;
	for (uint64_t at = (r->pos + 7) / 8; at < r->end / 8; at++) {
		if (r->data[at])
			return false;
	}
	return true;
}

int ctf_cursor_next(struct ctf_cursor *c, void *out)
{
	for (;;) {
		if (!c->in_packet) {
			if (!enter_packet(c))
				break;
			if (c->in_packet && c->gap)
				return deliver_gap(c, to_ns(c, c->packet.begin));
			continue;
		}
		ctf_cursor_run(c, NULL, 0, 0);
		if (c->reader.pos >= c->move_at)
			move_on(c);
		if (c->reader.pos >= c->reader.end || cursor_is_at_zeros(c))
			c->in_packet = false;
		else if (read_event(c, out))
			return CTF_CURSOR_EVENT;
	}
	if (!c->gap && !c->gap_after_packet)
		return CTF_CURSOR_END;
	c->gap_after_packet = false;
	/* When it begins nobody knows if no packet could be read. */
	c->begins_damaged |= !c->any_entered;
	int r = deliver_gap(c, INT64_MAX);

	return c->any_entered ? r : CTF_CURSOR_END;
}

static const struct ctf_fc *root_of(const struct ctf_event_class *cls, enum ctf_scope scope)
{
	switch (scope) {
	case CTF_EVENT_COMMON_CONTEXT:
		return cls->stream->event_common_context;
	case CTF_EVENT_SPECIFIC_CONTEXT:
		return cls->specific_context;
	case CTF_EVENT_PAYLOAD:
		return cls->payload;
	default:
		return NULL;
	}
}

static void visit_packet_context(const struct ctf_cursor *c, const struct ctf_visitor *v, void *ctx)
{
	struct ctf_reader r = c->at_event;
	const struct ctf_fc *header = c->trace->type.packet_header;

	r.pos = 0;
	r.end = c->packet.content_start;
	if (header)
		ctf_visit(&r, header, NULL, &ctf_visit_nothing, NULL);
	if (c->packet.cls->packet_context)
		ctf_visit(&r, c->packet.cls->packet_context, NULL, v, ctx);
}

void ctf_cursor_visit(const struct ctf_cursor *c, enum ctf_scope scope, const struct ctf_visitor *v,
		      void *ctx)
{
	struct ctf_reader r = c->at_event;

	if (scope == CTF_PACKET_CONTEXT) {
		visit_packet_context(c, v, ctx);
		return;
	}

	/* The scopes before it have to be walked to get there. */
	for (enum ctf_scope s = CTF_EVENT_COMMON_CONTEXT; s <= scope; s++) {
		const struct ctf_fc *fc = root_of(c->cls, s);

		if (fc)
			ctf_visit(&r, fc, NULL, s == scope ? v : &ctf_visit_nothing, ctx);
	}
}

bool ctf_cursor_span(const struct ctf_cursor *c, int64_t *first_nsp, int64_t *last_nsp)
{
	if (!c->n_events)
		return false;
	*first_nsp = to_ns(c, c->least_clock);
	*last_nsp = to_ns(c, c->most_clock);
	return true;
}

struct stream_totals ctf_cursor_totals(const struct ctf_cursor *c)
{
	struct stream_totals t = {
		.n_events = c->n_events, .n_lost = c->n_lost, .n_packets = c->n_packets};

	if (!ctf_cursor_span(c, &t.first_ns, &t.last_ns)) {
		t.first_ns = INT64_MAX;
		t.last_ns = INT64_MIN;
	}
	return t;
}
