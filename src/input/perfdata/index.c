#include "input/perfdata/index.h"

#include <stdlib.h>

#include "input/perfdata/glance.h"
#include "input/perfdata/setup.h"
#include "input/perfdata/side.h"

enum {
	SEGMENT_RECORDS = 1024,	   /* so many fit in a CPU's cache */
	SEGMENT_SIZE = 128 << 10,  /* bytes */
	SEGMENT_FOREIGN = 4 << 10, /* bytes: of others between two records of a segment */
	SCAN_STEP = 1 << 20,	   /* bytes: that are mapped at once */
	PREPARED_MAX = 16,	   /* often: attributes are found among other records */
};

/*
 * ns: plain samples are this early, and so soon after the one before, or else looked at one by one.
 */
#define PLAIN_LAST (INT64_C(1) << (PERFDATA_TIME_BITS - 1))
#define PLAIN_STEP UINT64_C(1000000000)

/* What is known of a lane while it is scanned, but for the one that records are being found of. */
struct scan_lane {
	uint64_t end;			 /* of its last record, in the source */
	uint32_t source, damage, round;	 /* as they were then; round counts from 1 */
	bool after_loss;		 /* that record tells of a loss */
	uint64_t lost;			 /* in all, as LOST records tell */
	uint64_t late, late_tracepoints; /* in all, as perf sums it up at its end; of tracepoints */
	bool is_doubted;		 /* its last record was far behind the one before */
	int64_t doubted;		 /* that record's time */
};

/*
 * The lane that records are being found of, and its last segment: nearly every record goes on with
 * it.
 */
struct scan_run {
	bool is_open; /* no damage, round or source lies between */
	bool has_cpu, is_sorted, after_loss;
	uint32_t cpu, n;
	uint64_t offset, end;
	int64_t first, last;
	int64_t before; /* the time of the record before the last; INT64_MIN: not known */
};

struct scan {
	struct perfdata *p;
	const struct perfdata_source *source;
	uint32_t source_index;
	uint32_t damage; /* that was met so far */
	uint32_t round;
	int64_t last;	  /* the time of the last record */
	uint64_t last_at; /* where it begins, in the source */
	bool had_sample, is_prepared;
	unsigned n_prepared;
	VEC(struct scan_lane) lanes; /* beside p->lanes */
	struct map lane_of_cpu;	     /* UINT32_MAX: of none */
	size_t lane;		     /* of the last record */
	struct scan_run run;	     /* of that lane */
	struct map comm_of_tid;	     /* index in comms */
	VEC(struct event_text) comms;
	struct map thread_of_tid; /* index in the recording's threads */
};

static uint64_t offset_of(const struct scan *s, const struct perfdata_record *r)
{
	return (uint64_t)(r->at - s->source->at);
}

static uint64_t u64_at(const struct scan *s, const struct perfdata_record *r, unsigned at)
{
	return load_u64(r->at + at, s->p->big_endian);
}

/* ---- segments -------------------------------------------------------------------------------- */

static size_t find_lane(struct scan *s, bool has_cpu, uint32_t cpu)
{
	struct perfdata *p = s->p;
	uint64_t *i = map_put(&s->lane_of_cpu, has_cpu ? cpu : UINT32_MAX, p->lanes.n);

	if (*i == p->lanes.n) {
		struct perfdata_lane *l = vec_push(&p->lanes);

		l->cpu = cpu;
		l->has_cpu = has_cpu;
		vec_push(&s->lanes);
	}
	return *i;
}

static struct perfdata_segment *last_segment(const struct scan *s)
{
	struct perfdata_lane *l = &s->p->lanes.at[s->lane];

	return &l->segments.at[l->segments.n - 1];
}

/* What was found of the lane at hand is put down. */
static void close_run(struct scan *s)
{
	struct scan_run *run = &s->run;

	if (!run->is_open)
		return;
	struct perfdata_segment *seg = last_segment(s);

	seg->first = run->first;
	seg->last = run->last;
	seg->n = run->n;
	seg->size = (uint32_t)(run->end - run->offset);
	seg->is_sorted = run->is_sorted;
	s->lanes.at[s->lane].end = run->end;
	s->lanes.at[s->lane].after_loss = run->after_loss;
	run->is_open = false;
}

/* A loss and the record that it was written with stay together. */
static bool continues(const struct scan *s, const struct scan_lane *sl,
		      const struct perfdata_lane *l, uint64_t at)
{
	if (!l->segments.n || sl->source != s->source_index || sl->damage != s->damage)
		return false;
	const struct perfdata_segment *seg = &l->segments.at[l->segments.n - 1];
	uint32_t more = sl->after_loss ? 2 : 1;

	return at - sl->end <= SEGMENT_FOREIGN && seg->n < more * SEGMENT_RECORDS &&
	       at - seg->offset < more * SEGMENT_SIZE;
}

static void begin_segment(const struct scan *s, const struct scan_lane *sl, struct perfdata_lane *l,
			  uint64_t at)
{
	struct perfdata_segment *seg = vec_push(&l->segments);

	seg->offset = at;
	seg->first = INT64_MAX;
	seg->last = INT64_MIN;
	seg->is_sorted = true;
	seg->source = (uint16_t)s->source_index;
	seg->follows_damage = s->damage != sl->damage;
}

/* Records of this lane, the next one of which is at `at`, are found from now on. */
static void open_run(struct scan *s, size_t lane, uint64_t at)
{
	struct perfdata_lane *l = &s->p->lanes.at[lane];
	struct scan_lane *sl = &s->lanes.at[lane];

	close_run(s);
	if (!continues(s, sl, l, at))
		begin_segment(s, sl, l, at);
	s->lane = lane;
	struct perfdata_segment *seg = last_segment(s);

	seg->rounds += sl->round != s->round;
	sl->round = s->round;
	sl->source = s->source_index;
	sl->damage = s->damage;
	s->run = (struct scan_run){.is_open = true,
				   .has_cpu = l->has_cpu,
				   .cpu = l->cpu,
				   .n = seg->n,
				   .offset = seg->offset,
				   .end = at,
				   .first = seg->first,
				   .last = seg->last,
				   .before = INT64_MIN,
				   .is_sorted = seg->is_sorted};
}

/* Return: whether a record at `at` of that CPU goes on with the segment at hand. */
static inline bool run_goes_on(const struct scan_run *run, uint64_t at, bool has_cpu, uint32_t cpu)
{
	return run->is_open && run->cpu == cpu && run->has_cpu == has_cpu &&
	       at - run->end <= SEGMENT_FOREIGN && run->n < SEGMENT_RECORDS &&
	       at - run->offset < SEGMENT_SIZE;
}

static inline void run_add(struct scan *s, const struct perfdata_record *r, int64_t time)
{
	struct scan_run *run = &s->run;

	run->is_sorted &= time >= run->last;
	run->before = run->n ? run->last : INT64_MIN;
	run->first = time < run->first ? time : run->first;
	run->last = time > run->last ? time : run->last;
	run->n++;
	run->end = offset_of(s, r) + r->size;
	run->after_loss = r->type == PERFDATA_LOST;
	s->last = time;
}

/* The record is one of this lane. */
static void place(struct scan *s, size_t lane, const struct perfdata_record *r, int64_t time)
{
	open_run(s, lane, offset_of(s, r));
	run_add(s, r, time);
}

/* Records of any CPU may be missing here. */
static void on_missing(struct scan *s)
{
	close_run(s);
	s->damage++;
}

/*
 * Where a record should be is none: what is damaged may have begun within the one before, which is
 * not believed.
 */
static void on_damage(struct scan *s)
{
	struct scan_run *run = &s->run;

	if (run->is_open && run->n > 1 && run->end > s->last_at && run->offset < s->last_at) {
		run->n--;
		run->end = s->last_at;
	}
	on_missing(s);
}

static void sample_is_damaged(struct scan *s, const struct perfdata_record *r)
{
	perfdata_note(s->p, DIAG_SAMPLE_DAMAGED, 1, s->source, r->at);
	on_missing(s);
}

static void last_is_damaged(struct scan *s)
{
	perfdata_note(s->p, DIAG_SAMPLE_DAMAGED, 1, s->source, s->source->at + s->last_at);
	on_damage(s);
}

/* ns: records of one buffer are nearer together in time than this, but for the CPU's idling. */
#define SCAN_STEP_BACK INT64_C(1000000000)
#define SCAN_STEP_ON   (86400 * SCAN_STEP_BACK)

/*
 * Where each event has an id per CPU, the id of what seems to be another CPU's record says whether
 * it is.
 * Return: whether that is so, as far as it is known.
 */
static bool scan_is_cpu(const struct scan *s, const struct perfdata_record *r,
			const struct perfdata_glance *g)
{
	const struct perfdata_layout *l = &s->p->attrs.at.at[g->attr].layout;
	const uint64_t *cpu = l->id ? map_get(&s->p->cpu_of_id, u64_at(s, r, l->id)) : NULL;

	return !cpu || !l->cpu || (g->has_cpu && *cpu == g->cpu);
}

/*
 * One that is far behind the one before it, in a buffer of one CPU: either is damaged. Return:
 * whether the record's time can be believed.
 */
static bool scan_is_time(struct scan *s, const struct perfdata_record *r,
			 const struct perfdata_glance *g, int64_t time)
{
	const struct scan_run *run = &s->run;

	if (!s->p->cpu_of_id.n || !s->had_sample)
		return true;
	if (time > s->last && time - s->last > SCAN_STEP_ON)
		return false;
	if (!run->is_open || run->end != offset_of(s, r) || run->cpu != g->cpu ||
	    run->has_cpu != g->has_cpu || run->last - time < SCAN_STEP_BACK)
		return true;
	if (run->before > time)
		return false;
	last_is_damaged(s);
	return true;
}

/*
 * The same of a record of a CPU whose last one is not the last of all. When two in a row are far
 * behind, it was the one before them that is damaged. Return: whether the time can be believed.
 */
static bool scan_is_time_of_lane(struct scan *s, size_t lane, int64_t time)
{
	const struct perfdata_lane *l = &s->p->lanes.at[lane];
	struct scan_lane *sl = &s->lanes.at[lane];

	if (!s->p->cpu_of_id.n || !l->segments.n)
		return true;
	bool at_hand = s->run.is_open && lane == s->lane;
	int64_t last = at_hand ? s->run.last : l->segments.at[l->segments.n - 1].last;
	bool is_far = last > INT64_MIN + SCAN_STEP_BACK && time < last - SCAN_STEP_BACK;
	bool is_doubted = is_far && !(sl->is_doubted && time >= sl->doubted);

	if (is_far && !is_doubted)
		on_missing(s);
	sl->is_doubted = is_doubted;
	sl->doubted = time;
	return !is_doubted;
}

/*
 * A record that went on with a run is believed about its CPU, for that is quick, until it ends:
 * then its last one could be the first of another CPU. Return: whether that is not so.
 */
static bool scan_was_cpu(const struct scan *s)
{
	const struct scan_run *run = &s->run;
	const uint8_t *at = s->source->at + s->last_at;
	struct perfdata_record r;
	struct perfdata_glance g;

	return !s->p->cpu_of_id.n || !run->is_open || run->n < 2 || run->end <= s->last_at ||
	       perfdata_record_read(at, run->end - s->last_at, s->p->big_endian, &r) ||
	       r.type != PERFDATA_SAMPLE || !perfdata_glance_sample(s->p, &r, &g) ||
	       scan_is_cpu(s, &r, &g);
}

static void on_sample(struct scan *s, const struct perfdata_record *r)
{
	struct perfdata_glance g;

	if (__builtin_expect(!perfdata_glance_sample(s->p, r, &g), 0)) {
		sample_is_damaged(s, r);
		return;
	}
	int64_t time = g.has_time ? g.time : s->last;
	bool goes_on = run_goes_on(&s->run, offset_of(s, r), g.has_cpu, g.cpu);

	if (!scan_is_time(s, r, &g, time) || (!goes_on && !scan_is_cpu(s, r, &g))) {
		sample_is_damaged(s, r);
		return;
	}
	if (__builtin_expect(goes_on && s->run.is_open, 1)) {
		s->had_sample = true;
		run_add(s, r, time);
		return;
	}
	if (!scan_was_cpu(s))
		last_is_damaged(s);
	size_t lane = find_lane(s, g.has_cpu, g.cpu);

	if (!scan_is_time_of_lane(s, lane, time)) {
		sample_is_damaged(s, r);
		return;
	}
	s->had_sample = true;
	place(s, lane, r, time);
}

/* ---- threads --------------------------------------------------------------------------------- */

static struct recording_thread *get_thread(struct scan *s, int32_t tid)
{
	struct recording *r = &s->p->base;
	uint64_t *i = map_put(&s->thread_of_tid, (uint32_t)tid, r->threads.n);

	if (*i == r->threads.n)
		*vec_push(&r->threads) =
			(struct recording_thread){.tid = tid, .pid = NO_VALUE, .comm = ""};
	return &r->threads.at[*i];
}

static struct event_text *comm_of(struct scan *s, int32_t tid)
{
	uint64_t *i = map_put(&s->comm_of_tid, (uint32_t)tid, s->comms.n);

	if (*i == s->comms.n)
		vec_push(&s->comms);
	return &s->comms.at[*i];
}

static void on_comm(struct scan *s, const struct perfdata_thread *t, bool is_old)
{
	const char *comm = arena_strndup(&s->p->base.arena, t->comm.at, t->comm.n);

	*comm_of(s, t->tid) = (struct event_text){comm, t->comm.n};
	if (!is_old)
		return;
	struct recording_thread *known = get_thread(s, t->tid);

	known->pid = t->pid;
	known->comm = comm;
}

/* What perf synthesizes for a thread that was there before says its process, too. */
static void on_fork(struct scan *s, const struct perfdata_thread *t, int64_t time, bool is_old)
{
	if (is_old) {
		get_thread(s, t->tid)->pid = t->pid;
		return;
	}
	struct event_text comm = *comm_of(s, t->parent_tid);

	*comm_of(s, t->tid) = comm;
	*vec_push(&s->p->births) = (struct perfdata_birth){
		.time = time, .tid = t->tid, .pid = t->pid, .comm = comm, .pid_ns = NO_VALUE};
}

/* A new thread's namespaces are told right behind its FORK. */
static void on_namespaces(struct scan *s, const struct perfdata_thread *t, bool is_old)
{
	struct perfdata_birth *last = s->p->births.n ? &s->p->births.at[s->p->births.n - 1] : NULL;

	if (is_old)
		get_thread(s, t->tid)->pid_ns = t->pid_ns;
	else if (last && last->tid == t->tid && last->pid_ns == NO_VALUE)
		last->pid_ns = t->pid_ns;
}

/* is_old: it was so before the recording began. */
static void on_thread(struct scan *s, const struct perfdata_record *r, int64_t time, bool is_old)
{
	struct perfdata_thread t;

	if (!perfdata_thread_read(r, s->p->big_endian, &t) || t.tid < 0)
		return;
	if (r->type == PERFDATA_COMM)
		on_comm(s, &t, is_old);
	else if (r->type == PERFDATA_FORK)
		on_fork(s, &t, time, is_old);
	else
		on_namespaces(s, &t, is_old);
}

/* ---- losses ---------------------------------------------------------------------------------- */

/* perf's sum of what an event lost on a CPU in all, with what LOST records have told. */
static void on_lost_late(struct scan *s, const struct perfdata_record *r,
			 const struct perfdata_glance *g)
{
	const struct perfdata_attr *a = &s->p->attrs.at.at[g->attr];
	uint64_t lost = perfdata_side_lost(r, s->p->big_endian);
	uint16_t end = a->layout.end_id;
	bool has_id = end && r->size >= PERFDATA_HEAD + a->layout.end_size;
	const uint64_t *cpu =
		has_id ? map_get(&s->p->cpu_of_id, u64_at(s, r, r->size - end)) : NULL;
	size_t lane = find_lane(s, cpu || g->has_cpu, cpu ? (uint32_t)*cpu : g->cpu);

	s->lanes.at[lane].late += lost;
	if (a->type == PERFDATA_TRACEPOINT)
		s->lanes.at[lane].late_tracepoints += lost;
}

/* ---- records --------------------------------------------------------------------------------- */

/* Return: whether it says something of the recording, and did not happen at a time. */
static bool on_old(struct scan *s, const struct perfdata_record *r, const struct perfdata_glance *g)
{
	bool is_old = g->has_time ? !g->time : !s->had_sample;

	switch (r->type) {
	case PERFDATA_COMM:
	case PERFDATA_FORK:
	case PERFDATA_NAMESPACES:
		on_thread(s, r, g->has_time ? g->time : s->last, is_old);
		return is_old;
	case PERFDATA_LOST_SAMPLES:
		if (is_old)
			on_lost_late(s, r, g);
		return is_old;
	default:
		return false;
	}
}

static void on_other(struct scan *s, const struct perfdata_record *r)
{
	struct perfdata_glance g;

	/* Without attributes there is neither time nor CPU. */
	if (!s->p->attrs.at.n)
		return;
	if (!perfdata_glance_other(s->p, r, &g)) {
		perfdata_note(s->p, DIAG_RECORD_DAMAGED, 1, s->source, r->at);
		return;
	}
	if (on_old(s, r, &g))
		return;
	/* One that does not say its CPU is of the buffer that is being copied. */
	size_t lane = g.has_cpu || !s->p->lanes.n ? find_lane(s, g.has_cpu, g.cpu) : s->lane;

	place(s, lane, r, g.has_time ? g.time : s->last);
	if (r->type == PERFDATA_LOST)
		s->lanes.at[lane].lost += perfdata_side_lost(r, s->p->big_endian);
}

static void on_attr(struct scan *s, const struct perfdata_record *r)
{
	/* A pipe's attributes come first. */
	if (s->n_prepared < PREPARED_MAX)
		perfdata_setup(s->p, s->source, r);
	else
		perfdata_note(s->p, DIAG_METADATA_DAMAGED, 1, s->source, r->at);
	s->is_prepared = false;
}

/* A record of perf's own. */
static void on_setup(struct scan *s, const struct perfdata_record *r)
{
	switch (r->type) {
	case PERFDATA_ATTR:
		on_attr(s, r);
		break;
	case PERFDATA_FINISHED_ROUND:
		close_run(s);
		s->round++;
		break;
	case PERFDATA_GAP:
		on_missing(s);
		break;
	case PERFDATA_COMPRESSED:
	case PERFDATA_COMPRESSED2:
		perfdata_note(s->p, DIAG_COMPRESSION_DAMAGED, 1, s->source, r->at);
		on_missing(s);
		break;
	default:
		perfdata_setup(s->p, s->source, r);
	}
}

static void prepare(struct scan *s)
{
	s->is_prepared = true;
	if (s->n_prepared++ < PREPARED_MAX)
		perfdata_attrs_prepare(&s->p->attrs, s->p->big_endian);
}

/* Return: whether a record is a sample by all but its type, which is damaged. */
static bool scan_is_disguised(const struct scan *s, const struct perfdata_record *r)
{
	struct perfdata_glance g;
	int64_t apart;

	if (!s->p->cpu_of_id.n || !s->had_sample || !s->is_prepared ||
	    !perfdata_glance_sample(s->p, r, &g) || !g.has_time || !g.has_cpu)
		return false;
	const struct perfdata_layout *l = &s->p->attrs.at.at[g.attr].layout;

	apart = g.time - s->last;
	return l->id && map_get(&s->p->cpu_of_id, u64_at(s, r, l->id)) && scan_is_cpu(s, r, &g) &&
	       apart > -SCAN_STEP_BACK && apart < SCAN_STEP_BACK;
}

static void on_record(struct scan *s, const struct perfdata_record *r)
{
	if (__builtin_expect(r->type != PERFDATA_SAMPLE, 0) && scan_is_disguised(s, r)) {
		perfdata_note(s->p, DIAG_RECORD_DAMAGED, 1, s->source, r->at);
		on_missing(s);
		return;
	}
	if (r->type >= PERFDATA_ATTR) {
		on_setup(s, r);
		return;
	}
	if (__builtin_expect(!s->is_prepared, 0))
		prepare(s);
	if (__builtin_expect(r->type == PERFDATA_SAMPLE, 1))
		on_sample(s, r);
	else if (perfdata_is_of_stream(r->type))
		on_other(s, r);
}

/* ---- the scan -------------------------------------------------------------------------------- */

/* Bytes of the source that are mapped; a record can reach a bit further. */
struct scan_window {
	const struct perfdata_source *source;
	uint64_t from, to;
};

static void drop_window(const struct scan_window *w)
{
	const struct perfdata_source *source = w->source;
	uint64_t base = (uint64_t)(source->at - source->map.data);

	if (perfdata_is_copied(source))
		file_map_drop_range(&source->map, base + w->from, base + w->to);
}

static void move_window(struct scan_window *w, uint64_t at)
{
	const struct perfdata_source *source = w->source;
	uint64_t base = (uint64_t)(source->at - source->map.data);

	drop_window(w);
	w->from = at;
	w->to = at + SCAN_STEP;
	if (perfdata_is_copied(source))
		file_map_enclose(&source->map, base + w->from, base + w->to);
}

/* Takes samples that go on with the segment at hand, in order. Return: where that ends. */
static uint64_t take_plain(struct scan *s, uint64_t at, uint64_t end)
{
	const struct perfdata_plain plain = s->p->attrs.plain;
	struct scan_run *run = &s->run;
	const uint8_t *start = s->source->at, *here = start + at, *to = start + end, *before = here;
	uint64_t last = (uint64_t)run->last, time_before = (uint64_t)run->before;
	uint32_t n = run->n, cpu = run->cpu;
	struct perfdata_glimpse g;

	/* Times that go back, or are much later, give a large difference. */
	while (here < to && n < SEGMENT_RECORDS && perfdata_glimpse(&plain, here, &g) &&
	       g.cpu == cpu && g.time - last < PLAIN_STEP) {
		time_before = last;
		last = g.time;
		before = here;
		here += g.size;
		n++;
	}
	if (n > run->n) {
		s->last_at = (uint64_t)(before - start);
		run->before = (int64_t)time_before;
		run->last = s->last = (int64_t)last;
		run->end = (uint64_t)(here - start);
		run->n = n;
		run->after_loss = false;
		s->had_sample = true;
	}
	return (uint64_t)(here - start);
}

/*
 * Return: up to where plain samples can be taken as they come. What is behind it may be no whole
 * record.
 */
static uint64_t plain_end(const struct scan *s, const struct scan_window *w)
{
	uint64_t end = s->run.offset + SEGMENT_SIZE, size = s->source->size;
	uint64_t whole = size > UINT16_MAX ? size - UINT16_MAX : 0;

	end = end < w->to ? end : w->to;
	return end < whole ? end : whole;
}

/* Nothing but its own records were found since the last one. */
static bool is_plain_here(const struct scan *s, uint64_t at)
{
	return s->is_prepared && s->p->attrs.plain.is_plain && s->run.is_open && s->run.has_cpu &&
	       s->run.end == at && s->run.last < PLAIN_LAST;
}

static void scan_source(struct scan *s)
{
	const struct perfdata_source *source = s->source;
	struct scan_window window = {.source = source};
	uint64_t at = 0;
	struct perfdata_record r;

	s->round++;
	while (at < source->size) {
		uint64_t left = source->size - at;

		if (at >= window.to)
			move_window(&window, at);
		if (is_plain_here(s, at)) {
			uint64_t after = take_plain(s, at, plain_end(s, &window));

			if (after > at) {
				at = after;
				continue;
			}
		}
		int result = perfdata_record_read(source->at + at, left, s->p->big_endian, &r);

		if (__builtin_expect(result, 0)) {
			if (result == PERFDATA_READ_BAD)
				on_damage(s);
			else
				on_missing(s);
			at += perfdata_skip(s->p, source, result, source->at + at);
			continue;
		}
		on_record(s, &r);
		s->last_at = at;
		at += r.span;
	}
	drop_window(&window);
	close_run(s);
	s->damage += source->is_cut;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int segments_by_time(const void *a, const void *b)
{
	const struct perfdata_segment *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->source != y->source ? compare(x->source, y->source)
				      : compare(x->offset, y->offset);
}

static int lanes_by_cpu(const void *a, const void *b)
{
	const struct perfdata_lane *x = a, *y = b;

	return x->has_cpu != y->has_cpu ? y->has_cpu - x->has_cpu : compare(x->cpu, y->cpu);
}

static int births_by_tid(const void *a, const void *b)
{
	const struct perfdata_birth *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->time > y->time) - (x->time < y->time);
}

static void finish_lane(const struct scan *s, size_t i)
{
	struct perfdata_lane *l = &s->p->lanes.at[i];
	const struct scan_lane *sl = &s->lanes.at[i];

	l->ends_in_damage = sl->damage != s->damage;
	uint64_t late = sl->late > sl->lost ? sl->late - sl->lost : 0;

	l->lost_late = late < sl->late_tracepoints ? late : sl->late_tracepoints;
	l->lost_others = late - l->lost_late;
	if (l->segments.n > 1)
		qsort(l->segments.at, l->segments.n, sizeof(*l->segments.at), segments_by_time);
	if (l->segments.n && (!s->p->begin || l->segments.at[0].first < s->p->begin))
		s->p->begin = l->segments.at[0].first;
}

void perfdata_index(struct perfdata *p)
{
	struct scan s = {.p = p};

	for (uint32_t i = 0; i < p->sources.n; i++) {
		s.source = &p->sources.at[i];
		s.source_index = i;
		scan_source(&s);
	}
	perfdata_attrs_prepare(&p->attrs, p->big_endian);
	for (size_t i = 0; i < p->lanes.n; i++)
		finish_lane(&s, i);
	if (p->lanes.n > 1)
		qsort(p->lanes.at, p->lanes.n, sizeof(*p->lanes.at), lanes_by_cpu);
	if (p->births.n > 1)
		qsort(p->births.at, p->births.n, sizeof(*p->births.at), births_by_tid);
	vec_deinit(&s.lanes);
	vec_deinit(&s.comms);
	map_deinit(&s.lane_of_cpu);
	map_deinit(&s.comm_of_tid);
	map_deinit(&s.thread_of_tid);
}
