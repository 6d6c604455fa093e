#include "input/perfdata/cursor.h"

#include <stdlib.h>

#include "input/perfdata/glance.h"
#include "input/perfdata/side.h"

enum { COPIES_MAX = 64 /* at once; what overlaps even more is read in the file's mapping */ };

/* ---- a segment's bytes ----------------------------------------------------------------------- */

/* Return: whether all of them could be read. */
static bool read_bytes(const struct perfdata_source *source, const struct perfdata_segment *seg,
		       uint8_t *to)
{
	uint64_t at = (uint64_t)(source->at - source->map.data) + seg->offset;
	size_t n = file_read_at(source->fd, to, seg->size, at);

	memset(to + n, 0, seg->size - n);
	return n == seg->size;
}

/* Sets run->base to the segment's bytes, and run->copy. */
static void get_bytes(struct perfdata_cursor *c, struct perfdata_run *run)
{
	const struct perfdata_segment *seg = run->segment;
	const struct perfdata_source *source = &c->p->sources.at[seg->source];

	run->base = source->at + seg->offset;
	if (!perfdata_is_copied(source) || c->copies.n_taken >= COPIES_MAX)
		return;
	run->copy = perfdata_copies_take(&c->copies, seg->size);
	run->base = run->copy.at;
	if (!read_bytes(source, seg, run->copy.at)) {
		struct diag where = {.first_ns = perfdata_ns(c->p, seg->first),
				     .file = source->path,
				     .packet = seg->offset};

		diag_add(&c->diags, DIAG_FILE_UNREADABLE, 1, &where);
		c->gap = true;
	}
}

/* ---- a segment's records --------------------------------------------------------------------- */

static inline bool is_ours(const struct perfdata_lane *l, const struct perfdata_glance *g)
{
	return g->has_cpu == l->has_cpu && g->cpu == l->cpu;
}

/* Return: whether the record is one of the stream. */
static bool glance_other(const struct perfdata_cursor *c, struct perfdata_run *run,
			 const struct perfdata_record *r, struct perfdata_glance *g)
{
	if (!perfdata_is_of_stream(r->type) || !perfdata_glance_other(c->p, r, g) ||
	    (g->has_time && !g->time))
		return false;
	if (g->has_cpu)
		run->is_ours = is_ours(c->lane, g);
	return run->is_ours;
}

/* Finds the stream's next record in the segment as it lies there. Return: whether there is one. */
static inline bool pass(const struct perfdata_cursor *c, struct perfdata_run *run)
{
	uint64_t size = run->segment->size;
	struct perfdata_record *r = &run->record;
	struct perfdata_glance g;

	while (run->at < size &&
	       !perfdata_record_read(run->base + run->at, size - run->at, c->p->big_endian, r)) {
		bool found;

		run->at += r->span;
		if (__builtin_expect(r->type == PERFDATA_SAMPLE, 1))
			found = perfdata_glance_sample(c->p, r, &g) &&
				(run->is_ours = is_ours(c->lane, &g));
		else
			found = glance_other(c, run, r, &g);
		if (__builtin_expect(found, 1)) {
			run->time = g.has_time ? g.time : run->time;
			run->attr = g.attr;
			return true;
		}
	}
	return false;
}

/* Losses that this sample was written with are before it. */
static void move_losses(const struct perfdata_run *run)
{
	int64_t time = run->list[run->n - 1].time;

	for (uint32_t i = run->n - 1; i && run->list[i - 1].type == PERFDATA_LOST; i--) {
		if (run->list[i - 1].time > time)
			run->list[i - 1].time = time;
	}
}

/* Nearly all are in order, and those that are not belong a few places before. */
static void sort_list(struct perfdata_entry *list, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct perfdata_entry e = list[i];
		uint32_t to = i;

		for (; to && list[to - 1].time > e.time; to--)
			list[to] = list[to - 1];
		list[to] = e;
	}
}

static void make_list(const struct perfdata_cursor *c, struct perfdata_run *run)
{
	uint32_t max = run->segment->n;
	struct perfdata_entry *list = mem_alloc(max * sizeof(*list));

	run->list = list;
	while (run->n < max && pass(c, run)) {
		list[run->n++] =
			(struct perfdata_entry){.time = run->time,
						.at = (uint32_t)(run->record.at - run->base),
						.attr = run->attr,
						.type = (uint16_t)run->record.type};
		if (run->record.type == PERFDATA_SAMPLE && run->n > 1)
			move_losses(run);
	}
	sort_list(list, run->n);
}

static bool take_listed(const struct perfdata_cursor *c, struct perfdata_run *run)
{
	if (run->next == run->n)
		return false;
	const struct perfdata_entry *e = &run->list[run->next++];

	run->time = e->time;
	run->attr = e->attr;
	return !perfdata_record_read(run->base + e->at, run->segment->size - e->at,
				     c->p->big_endian, &run->record);
}

/* Return: whether the segment has another record. */
static inline bool advance(const struct perfdata_cursor *c, struct perfdata_run *run)
{
	return __builtin_expect(!run->list, 1) ? pass(c, run) : take_listed(c, run);
}

/* ---- merging --------------------------------------------------------------------------------- */

static bool is_before(const struct perfdata_run *a, const struct perfdata_run *b)
{
	if (a->time != b->time)
		return a->time < b->time;
	if (a->segment->source != b->segment->source)
		return a->segment->source < b->segment->source;
	return a->segment->offset + (uint64_t)(a->record.at - a->base) <
	       b->segment->offset + (uint64_t)(b->record.at - b->base);
}

static void swap_runs(struct perfdata_run *a, struct perfdata_run *b)
{
	struct perfdata_run t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct perfdata_cursor *c)
{
	struct perfdata_run *at = c->runs.at;
	size_t i = 0;

	for (;;) {
		size_t least = i, child = 2 * i + 1;

		for (size_t k = child; k < child + 2 && k < c->runs.n; k++)
			least = is_before(&at[k], &at[least]) ? k : least;
		if (least == i)
			return;
		swap_runs(&at[i], &at[least]);
		i = least;
	}
}

static void sift_up(struct perfdata_cursor *c)
{
	struct perfdata_run *at = c->runs.at;

	for (size_t i = c->runs.n - 1; i && is_before(&at[i], &at[(i - 1) / 2]); i = (i - 1) / 2)
		swap_runs(&at[i], &at[(i - 1) / 2]);
}

static void free_run(struct perfdata_cursor *c, struct perfdata_run *run)
{
	perfdata_copies_give(&c->copies, run->copy);
	free(run->list);
}

static void open_segment(struct perfdata_cursor *c, const struct perfdata_segment *seg)
{
	struct perfdata_run *run = vec_push(&c->runs);

	*run = (struct perfdata_run){.segment = seg, .time = seg->first, .is_ours = true};
	get_bytes(c, run);
	c->totals.n_packets += seg->rounds;
	c->gap |= seg->follows_damage;
	if (!seg->is_sorted)
		make_list(c, run);
	if (advance(c, run)) {
		sift_up(c);
	} else {
		free_run(c, run);
		c->runs.n--;
	}
}

/* The first run has nothing more. */
static void close_run(struct perfdata_cursor *c)
{
	struct perfdata_run *first = c->runs.at;

	free_run(c, first);
	*first = c->runs.at[--c->runs.n];
	if (c->runs.n)
		sift_down(c);
}

static const struct perfdata_segment *next_segment(const struct perfdata_cursor *c)
{
	return c->next_segment < c->lane->segments.n ? &c->lane->segments.at[c->next_segment]
						     : NULL;
}

/* Opens all segments that begin before the next record that is known. */
static void open_segments(struct perfdata_cursor *c)
{
	const struct perfdata_segment *seg;

	while ((seg = next_segment(c)) && (!c->runs.n || seg->first <= c->runs.at->time)) {
		c->next_segment++;
		if (perfdata_ns(c->p, seg->last) >= c->skip_before_ns)
			open_segment(c, seg);
	}
	c->next_begin = seg ? seg->first : INT64_MAX;
}

/* Return: whether there is one, which is then in c->record, with its attribute and time. */
static inline bool take_next(struct perfdata_cursor *c)
{
	if (__builtin_expect(!c->runs.n || c->runs.at->time >= c->next_begin, 0))
		open_segments(c);
	if (!c->runs.n)
		return false;
	struct perfdata_run *run = c->runs.at;

	c->record = run->record;
	c->attr = &c->p->attrs.at.at[run->attr];
	c->time = run->time;
	c->segment = run->segment;
	c->record_offset = run->segment->offset + (uint64_t)(run->record.at - run->base);
	run->copy.used = c->copies.turn;
	if (__builtin_expect(!advance(c, run), 0))
		close_run(c);
	else if (__builtin_expect(c->runs.n > 1, 0))
		sift_down(c);
	return true;
}

/* ---- what is missing ------------------------------------------------------------------------- */

static void count(struct perfdata_cursor *c, enum diag_id id, uint64_t n, int64_t ns)
{
	struct diag where = {.first_ns = ns};

	if (c->segment) {
		const struct perfdata_source *source = &c->p->sources.at[c->segment->source];

		where.file = source->path;
		where.packet = c->record_offset;
		if (source->map.data)
			where.packet += (uint64_t)(source->at - source->map.data);
	}
	diag_add(&c->diags, id, n, &where);
}

void perfdata_cursor_report(struct perfdata_cursor *c, enum diag_id id, int64_t ns)
{
	count(c, id, 1, ns);
}

/* When what is missing begins: with the last that was told, or else as early as it can. */
static int64_t missing_from(const struct perfdata_cursor *c, int64_t to)
{
	if (c->told != INT64_MIN)
		return c->told;
	return to < INT64_MAX ? to : perfdata_ns(c->p, c->p->begin);
}

static int tell_missing(struct perfdata_cursor *c, int64_t to, uint64_t n)
{
	c->ns = missing_from(c, to);
	c->missing_to = to;
	c->missing = n;
	c->gap = false;
	c->told = to < INT64_MAX ? to : c->ns;
	return PERFDATA_MISSING;
}

/* A LOST may be of any event; LOST_SAMPLES are of one. */
static int on_lost(struct perfdata_cursor *c, int64_t ns)
{
	uint64_t n = perfdata_side_lost(&c->record, c->p->big_endian);
	bool is_other =
		c->record.type == PERFDATA_LOST_SAMPLES && c->attr->type != PERFDATA_TRACEPOINT;

	if (!n)
		return PERFDATA_END;
	c->totals.n_lost += n;
	count(c, is_other ? DIAG_SAMPLES_LOST : DIAG_EVENTS_LOST, n, ns);
	return !is_other || c->tells_others ? tell_missing(c, ns, n) : PERFDATA_END;
}

static void on_throttle(struct perfdata_cursor *c, int64_t ns)
{
	bool begins = c->record.type == PERFDATA_THROTTLE;
	uint64_t id;

	if (!perfdata_side_throttled(&c->record, c->p->big_endian, &id))
		return;
	long i = perfdata_attr_find(&c->p->attrs, id);
	const struct perfdata_attr *a = i < 0 ? c->attr : &c->p->attrs.at.at[i];

	if (a->type != PERFDATA_TRACEPOINT)
		return;
	if (begins) {
		map_put(&c->throttled, id, 0);
		count(c, DIAG_EVENTS_THROTTLED, 1, ns);
	} else if (map_get(&c->throttled, id)) {
		map_remove(&c->throttled, id);
		c->gap = true;
	}
}

/* A sample of a tracepoint says that it is not left out any more. */
static void end_throttle(struct perfdata_cursor *c)
{
	uint16_t at = c->attr->layout.id;

	c->gap = true;
	if (at)
		map_remove(&c->throttled, load_u64(c->record.at + at, c->p->big_endian));
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int tell(struct perfdata_cursor *c, int64_t ns)
{
	c->is_held = false;
	c->ns = c->told = ns;
	if (c->record.type != PERFDATA_SAMPLE)
		return PERFDATA_SIDE;
	c->totals.n_events++;
	c->totals.first_ns = ns < c->totals.first_ns ? ns : c->totals.first_ns;
	c->totals.last_ns = ns > c->totals.last_ns ? ns : c->totals.last_ns;
	return PERFDATA_EVENT;
}

static int hold(struct perfdata_cursor *c, int64_t ns)
{
	c->is_held = true;
	return tell_missing(c, ns, 0);
}

/* Return: enum perfdata_step; END: there is nothing to tell of it. */
static int on_other(struct perfdata_cursor *c, int64_t ns)
{
	switch (c->record.type) {
	case PERFDATA_LOST:
	case PERFDATA_LOST_SAMPLES:
		return on_lost(c, ns);
	case PERFDATA_THROTTLE:
	case PERFDATA_UNTHROTTLE:
		on_throttle(c, ns);
		return PERFDATA_END;
	default:
		return c->gap ? hold(c, ns) : tell(c, ns);
	}
}

/* What was lost, and is known of only at the end. Return: how much of it is told. */
static uint64_t lose_late(struct perfdata_cursor *c)
{
	const struct perfdata_lane *l = c->lane;
	int64_t ns = c->told == INT64_MIN ? DIAG_NO_TIME : c->told;

	c->totals.n_lost += l->lost_late + l->lost_others;
	if (l->lost_late)
		count(c, DIAG_EVENTS_LOST, l->lost_late, ns);
	if (l->lost_others)
		count(c, DIAG_SAMPLES_LOST, l->lost_others, ns);
	return l->lost_late + (c->tells_others ? l->lost_others : 0);
}

static int at_end(struct perfdata_cursor *c)
{
	if (c->ended)
		return PERFDATA_END;
	uint64_t n = lose_late(c);

	c->ended = true;
	return n || c->gap || c->lane->ends_in_damage ? tell_missing(c, INT64_MAX, n)
						      : PERFDATA_END;
}

int perfdata_cursor_next(struct perfdata_cursor *c)
{
	if (__builtin_expect(c->is_held, 0))
		return tell(c, perfdata_ns(c->p, c->time));
	while (take_next(c)) {
		int64_t ns = perfdata_ns(c->p, c->time);
		int step;

		if (__builtin_expect(c->record.type == PERFDATA_SAMPLE, 1)) {
			if (__builtin_expect(c->throttled.n > 0, 0))
				end_throttle(c);
			return c->gap ? hold(c, ns) : tell(c, ns);
		}
		step = on_other(c, ns);
		if (step != PERFDATA_END)
			return step;
	}
	return at_end(c);
}

/* ---- bursts ---------------------------------------------------------------------------------- */

struct perfdata_burst perfdata_burst_begin(struct perfdata_cursor *c)
{
	const struct perfdata_run *run = c->runs.at;
	struct perfdata_burst b = {.cpu = c->lane->cpu};
	uint16_t need = c->p->attrs.plain.need;

	if (c->runs.n != 1 || run->list || c->is_held || c->gap || c->throttled.n ||
	    !c->p->attrs.plain.is_plain || !c->lane->has_cpu || run->time >= c->next_begin)
		return b;
	b.at = run->record.at;
	b.end = run->base + run->segment->size;
	b.limit = run->segment->size < need ? b.at : b.end - need + 1;
	b.before = (uint64_t)c->next_begin;
	if (b.before > UINT64_C(1) << PERFDATA_TIME_BITS)
		b.before = UINT64_C(1) << PERFDATA_TIME_BITS;
	return b;
}

void perfdata_burst_end(struct perfdata_cursor *c, const struct perfdata_burst *b)
{
	struct perfdata_run *run = c->runs.at;

	if (!b->n)
		return;
	if (!c->totals.n_events)
		c->totals.first_ns = perfdata_ns(c->p, run->time);
	c->totals.n_events += b->n;
	c->told = c->totals.last_ns = perfdata_ns(c->p, (int64_t)b->last);
	run->time = (int64_t)b->last;
	run->at = (uint64_t)(b->at - run->base);
	run->is_ours = b->is_ours;
	run->copy.used = c->copies.turn;
	if (!advance(c, run))
		close_run(c);
}

/* ---- life ------------------------------------------------------------------------------------ */

void perfdata_cursor_init(struct perfdata_cursor *c, const struct perfdata *p, size_t stream,
			  int64_t skip_before_ns)
{
	*c = (struct perfdata_cursor){.p = p,
				      .lane = &p->lanes.at[stream],
				      .skip_before_ns = skip_before_ns,
				      .next_begin = INT64_MIN,
				      .totals.first_ns = INT64_MAX,
				      .totals.last_ns = INT64_MIN,
				      .told = INT64_MIN};
}

void perfdata_cursor_deinit(struct perfdata_cursor *c)
{
	vec_each (run, &c->runs)
		free_run(c, run);
	vec_deinit(&c->runs);
	perfdata_copies_deinit(&c->copies);
	map_deinit(&c->throttled);
}
