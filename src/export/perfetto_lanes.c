#include <stdlib.h>

#include "export/perfetto_lanes.h"
#include "store/zoom.h"

/* Fields of a TrackEvent and of a DebugAnnotation. */
enum {
	EVENT_CATEGORY_IIDS = 3,
	EVENT_ANNOTATIONS = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_IID = 10,
	EVENT_TRACK_UUID = 11,
	EVENT_DOUBLE_COUNTER = 44,
	EVENT_FLOW_IDS = 47,
	EVENT_TERMINATING_FLOW_IDS = 48,
	ANNOTATION_NAME_IID = 1,
	ANNOTATION_INT = 4,
	ANNOTATION_STRING_IID = 17,
};

enum event_type { TYPE_SLICE_BEGIN = 1, TYPE_SLICE_END = 2, TYPE_INSTANT = 3, TYPE_COUNTER = 4 };

enum { COUNTER_STEPS = 1000, PROGRESS_ROWS = 1 << 16 };

/* Numbers of flows: wake-ups and takeovers count by themselves. */
enum flow_kind { FLOW_TAKEOVER, FLOW_WAKEUP };

/* A row of a lane, and flows; 0: none. */
struct slice_row {
	int64_t values[TABLE_MAX_COLUMNS];
	int64_t begin, end;
	uint64_t out;	       /* to who gets the CPU after it */
	uint64_t taken, woken; /* from who had the CPU, from who woke it */
};

/* Wake-ups of the thread whose lane is written, read alongside. */
struct wakeups {
	struct store_cursor cursor;
	bool open;     /* there is one */
	int64_t ran;   /* when the thread ran after it */
	uint64_t flow; /* 0: nobody to come from */
};

struct lane_writer {
	struct perfetto *p;
	enum table_id table;
	const struct table *kind;
	size_t lane;
	uint64_t track;
	bool by_vcpu, takes; /* it is one that can take over CPUs */
	size_t takeover;     /* the next one into this lane */
	uint32_t *lost;	     /* how many takeovers were counted out of lanes so far */
	struct wakeups wakeups;
};

static uint64_t flow_id(enum flow_kind kind, uint64_t number)
{
	return number << 1 | kind;
}

/* ---- events --------------------------------------------------------------------------------- */

static void begin_event(struct perfetto *p, int64_t t, enum event_type type, uint64_t track)
{
	perfetto_begin_packet(p, t);
	proto_uint(&p->packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_NEEDED);
	proto_begin(&p->packet, PACKET_TRACK_EVENT);
	proto_uint(&p->packet, EVENT_TYPE, type);
	proto_uint(&p->packet, EVENT_TRACK_UUID, track);
}

static void end_event(struct perfetto *p)
{
	proto_end(&p->packet);
	perfetto_end_packet(p);
}

/* ---- what a slice says ---------------------------------------------------------------------- */

/* Return: whether nothing happens in it, so that a gap says it better than a slice. */
static bool is_idle(enum table_id table, int64_t state)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	/* That costs its host a CPU. */
	if (table == TABLE_VCPU_STATE && state == VCPU_POLLING)
		return false;
	return state >= 0 && state < labels->n &&
	       labels->at[state].sets & (STATE_IDLE | STATE_ABSENT);
}

/* A value that is a text, or somebody's id. */
static struct entity entity_in(const struct column *c, int64_t value)
{
	if (c->type == COLUMN_TEXT)
		return entity_of(ENTITY_STRING, value);
	switch (c->unit == UNIT_ID ? c->ref : TABLE_NONE) {
	case TABLE_MACHINE:
		return entity_of(ENTITY_MACHINE, value);
	case TABLE_VCPU:
		return entity_of(ENTITY_VCPU, value);
	case TABLE_THREAD:
		return entity_of(ENTITY_THREAD, value);
	default:
		return (struct entity){0};
	}
}

static void put_annotation(struct perfetto *p, enum table_id table, int column, int64_t value)
{
	struct entity entity = entity_in(&table_get(table)->columns[column], value);

	proto_begin(&p->packet, EVENT_ANNOTATIONS);
	proto_uint(&p->packet, ANNOTATION_NAME_IID, interned_key(&p->interned, table, column));
	if (entity.kind)
		proto_uint(&p->packet, ANNOTATION_STRING_IID, interned_value(&p->interned, entity));
	else
		proto_int(&p->packet, ANNOTATION_INT, value);
	proto_end(&p->packet);
}

static void put_annotations(const struct lane_writer *w, const struct slice_row *row)
{
	for (int i = w->kind->state + 1; i < w->kind->n_columns; i++) {
		if (row->values[i] != TABLE_NULL)
			put_annotation(w->p, w->table, i, row->values[i]);
	}
}

static void write_slice(const struct lane_writer *w, const struct slice_row *row)
{
	struct perfetto *p = w->p;
	int64_t state = row->values[w->kind->state];

	if (is_idle(w->table, state) && !p->job->idle)
		return;
	begin_event(p, row->begin, TYPE_SLICE_BEGIN, w->track);
	proto_uint(&p->packet, EVENT_CATEGORY_IIDS,
		   interned_category(&p->interned, w->table, state));
	proto_uint(&p->packet, EVENT_NAME_IID,
		   interned_event(&p->interned, w->table, state,
				  entity_of_state(w->table, row->values)));
	put_annotations(w, row);
	if (row->out)
		proto_fixed64(&p->packet, EVENT_FLOW_IDS, row->out);
	if (row->taken)
		proto_fixed64(&p->packet, EVENT_TERMINATING_FLOW_IDS, row->taken);
	if (row->woken)
		proto_fixed64(&p->packet, EVENT_TERMINATING_FLOW_IDS, row->woken);
	end_event(p);
	begin_event(p, row->end, TYPE_SLICE_END, w->track);
	end_event(p);
}

/* ---- wake-ups ------------------------------------------------------------------------------- */

static bool has_lane(const struct perfetto *p, int64_t thread)
{
	return store_find_lane(p->store, TABLE_THREAD_STATE, (int64_t[TABLE_MAX_KEYS]){thread}) >=
	       0;
}

/* Who wakes somebody does so at a moment of its own; from there the arrow goes to where that one
 * runs. */
static void write_wake(struct perfetto *p, const struct store_cursor *c, uint64_t flow)
{
	begin_event(p, store_cursor_get(c, COL_WAKEUP_TS), TYPE_INSTANT,
		    track_uuid(TRACK_THREAD, store_cursor_get(c, COL_WAKEUP_WAKER_THREAD_ID)));
	proto_uint(&p->packet, EVENT_CATEGORY_IIDS, interned_wake_category(&p->interned));
	proto_uint(
		&p->packet, EVENT_NAME_IID,
		interned_wake(&p->interned,
			      entity_of(ENTITY_THREAD, store_cursor_get(c, COL_WAKEUP_THREAD_ID))));
	for (int i = COL_WAKEUP_VCPU_ID; i <= COL_WAKEUP_RUN_NS; i++) {
		if (store_cursor_get(c, i) != TABLE_NULL)
			put_annotation(p, TABLE_WAKEUP, i, store_cursor_get(c, i));
	}
	proto_fixed64(&p->packet, EVENT_FLOW_IDS, flow);
	end_event(p);
}

/* Goes to the next wake-up after which the thread ran. Return: 0, or ERR with p->err set. */
static int next_wakeup(struct lane_writer *w)
{
	struct wakeups *u = &w->wakeups;
	const struct store_cursor *c = &u->cursor;
	int r;

	while ((r = store_cursor_next(&u->cursor, w->p->err)) == CURSOR_ROW) {
		int64_t run = store_cursor_get(c, COL_WAKEUP_RUN_NS);

		if (run < 0 || !has_lane(w->p, store_cursor_get(c, COL_WAKEUP_WAKER_THREAD_ID)) ||
		    __builtin_add_overflow(store_cursor_get(c, COL_WAKEUP_TS), run, &u->ran))
			continue;
		u->flow += 1 << 1;
		write_wake(w->p, c, u->flow);
		return 0;
	}
	u->open = false;
	return r;
}

/*
 * A flow's number says the lane and which of its wake-ups it is; there are fewer lanes than 2^32
 * and no lane has 2^31 wake-ups in a file of that size.
 */
static int begin_wakeups(struct lane_writer *w)
{
	int64_t thread = w->p->store->tables[w->table].lanes.at[w->lane].keys[0];
	struct store_query q = store_query_all(w->p->store, TABLE_WAKEUP);

	w->wakeups = (struct wakeups){0};
	const uint64_t *lane = map_get(&w->p->wakeup_lanes, (uint64_t)thread);

	if (w->table != TABLE_THREAD_STATE || !lane)
		return 0;
	q.lane = *lane;
	q.lanes_end = *lane + 1;
	q.from = w->p->from;
	q.to = w->p->to;
	store_cursor_init(&w->wakeups.cursor, w->p->store, &q);
	w->wakeups.open = true;
	w->wakeups.flow = flow_id(FLOW_WAKEUP, *lane << 31);
	return next_wakeup(w);
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static int find_flows_in(struct lane_writer *w, struct slice_row *row)
{
	struct wakeups *u = &w->wakeups;
	uint32_t takeover = w->takes ? takeovers_take(&w->p->takeovers, &w->takeover, w->by_vcpu,
						      w->lane, row->begin)
				     : 0;

	if (takeover)
		row->taken = flow_id(FLOW_TAKEOVER, takeover);
	while (u->open && u->ran <= row->begin) {
		if (u->ran == row->begin)
			row->woken = u->flow;
		if (next_wakeup(w))
			return ERR;
	}
	return 0;
}

/* Whether the vCPU loses its CPU after `row`; numbers are counted as takeovers.h does. */
static void find_flow_out(const struct lane_writer *w, struct slice_row *row,
			  const struct slice_row *next)
{
	if (w->table != TABLE_VCPU_STATE || *w->lost == TAKEOVERS_MAX)
		return;
	if (takeover_between(row->values[COL_VCPU_STATE_STATE], next->values[COL_VCPU_STATE_STATE],
			     next->values[COL_VCPU_STATE_OCCUPANT_THREAD_ID]))
		row->out = flow_id(FLOW_TAKEOVER, ++*w->lost);
}

static void get_row(const struct lane_writer *w, const struct store_cursor *c,
		    struct slice_row *row)
{
	for (int i = 0; i < w->kind->n_columns; i++)
		row->values[i] = store_cursor_get(c, i);
	int64_t begin = row->values[w->kind->ts], end = begin + row->values[w->kind->dur];

	row->begin = begin > w->p->from ? begin : w->p->from;
	row->end = end < w->p->to ? end : w->p->to;
	row->out = row->taken = row->woken = 0;
}

static void count_row(struct perfetto *p, enum table_id table)
{
	if (++p->rows_done % PROGRESS_ROWS == 0)
		export_progress(p->job, table_get(table)->name, p->rows_done, p->rows_total);
}

/* A slice is written when the one after it is known. */
static int write_rows(struct lane_writer *w, struct store_cursor *c)
{
	struct slice_row rows[2];
	int i = 0, r;
	bool any = false;

	while ((r = store_cursor_next(c, w->p->err)) == CURSOR_ROW && !out_failed(&w->p->out)) {
		struct slice_row *row = &rows[i], *before = &rows[1 - i];

		get_row(w, c, row);
		if (any) {
			find_flow_out(w, before, row);
			write_slice(w, before);
		}
		if (find_flows_in(w, row))
			return ERR;
		count_row(w->p, w->table);
		any = true;
		i = 1 - i;
	}
	if (any && r == CURSOR_END)
		write_slice(w, &rows[1 - i]);
	return r < 0 ? r : 0;
}

static int write_lane(struct lane_writer *w)
{
	struct store_query q = store_query_all(w->p->store, w->table);
	struct store_cursor c;

	q.lane = w->lane;
	q.lanes_end = w->lane + 1;
	q.from = w->p->from;
	q.to = w->p->to;
	w->takeover = takeovers_find(&w->p->takeovers, w->by_vcpu, w->lane);
	store_cursor_init(&c, w->p->store, &q);
	int r = begin_wakeups(w) || write_rows(w, &c) ? ERR : 0;

	store_cursor_deinit(&c);
	if (w->wakeups.cursor.store)
		store_cursor_deinit(&w->wakeups.cursor);
	return r;
}

static uint64_t track_of(enum table_id table, size_t lane, int64_t key)
{
	switch (table) {
	case TABLE_VCPU_STATE:
		return track_uuid(TRACK_VCPU, key);
	case TABLE_THREAD_STATE:
		return track_uuid(TRACK_THREAD, key);
	default:
		return track_uuid(TRACK_CPU, (int64_t)lane);
	}
}

static bool is_chosen(const struct chosen_ids *c, enum table_id table, int64_t key)
{
	switch (table) {
	case TABLE_THREAD_STATE:
		return chosen_ids_have(c, &c->threads, key);
	case TABLE_CPU_STATE:
		return chosen_ids_have(c, &c->related, key);
	default:
		return chosen_ids_have(c, &c->vcpus, key);
	}
}

int perfetto_write_lanes(struct perfetto *p, enum table_id table)
{
	const struct table_info *info = &p->store->tables[table];
	uint32_t lost = 0;

	for (size_t i = 0; i < info->lanes.n; i++) {
		struct lane_writer w = {
			.p = p,
			.table = table,
			.kind = table_get(table),
			.lane = i,
			.track = track_of(table, i, info->lanes.at[i].keys[0]),
			.by_vcpu = table == TABLE_VCPU_STATE,
			.takes = table != TABLE_CPU_STATE,
			.lost = &lost,
		};

		if (is_chosen(&p->chosen, table, info->lanes.at[i].keys[0]) && write_lane(&w))
			return ERR;
	}
	return 0;
}

/* ---- counters ------------------------------------------------------------------------------- */

/* What a counter shows of a step, `width` s long. */
typedef double measure_fn(const struct zoom *z, uint32_t step, double width);

static double measure_steal(const struct zoom *z, uint32_t step, double width)
{
	const uint64_t *time = z->time + (size_t)step * z->n_sums;
	uint64_t all = 0, stolen = 0;

	(void)width;
	for (uint32_t i = 0; i < z->n_sums; i++) {
		all += time[i];
		stolen += vcpu_state_is(i, STATE_LOST) ? time[i] : 0;
	}
	return all ? 100.0 * (double)stolen / (double)all : 0;
}

static double measure_rate(const struct zoom *z, uint32_t step, double width)
{
	return (double)z->rows[step] / width;
}

static void write_value(struct perfetto *p, int64_t t, uint64_t track, double value)
{
	begin_event(p, t, TYPE_COUNTER, track);
	proto_double(&p->packet, EVENT_DOUBLE_COUNTER, value);
	end_event(p);
}

/* A value holds until the next one; at the end it is 0. */
static int write_counter(struct perfetto *p, enum table_id table, size_t lane, uint64_t track,
			 measure_fn *measure)
{
	uint64_t length = (uint64_t)p->to - (uint64_t)p->from;
	struct zoom_query q = {.table = table,
			       .lane = lane,
			       .from = p->from,
			       .to = p->to,
			       .n_pixels =
				       length < COUNTER_STEPS ? (uint32_t)length : COUNTER_STEPS};
	struct zoom z;
	double last = -1;

	if (zoom_init(&z, p->store, &q, p->err))
		return ERR;
	for (uint32_t i = 0; i < q.n_pixels; i++) {
		int64_t begin = zoom_begin(&q, i), end = zoom_begin(&q, i + 1);
		double value = measure(&z, i, (double)((uint64_t)end - (uint64_t)begin) / 1e9);

		if (value != last)
			write_value(p, begin, track, value);
		last = value;
	}
	write_value(p, p->to, track, 0);
	zoom_deinit(&z);
	return 0;
}

static int write_counters_of(struct perfetto *p, enum table_id table, enum track_kind kind,
			     measure_fn *measure)
{
	const struct table_info *info = &p->store->tables[table];

	for (size_t i = 0; i < info->lanes.n; i++) {
		int64_t vcpu = info->lanes.at[i].keys[0];

		if (is_chosen(&p->chosen, table, vcpu) &&
		    write_counter(p, table, i, track_uuid(kind, vcpu), measure))
			return ERR;
	}
	return 0;
}

int perfetto_write_counters(struct perfetto *p)
{
	if (p->from >= p->to)
		return 0;
	return write_counters_of(p, TABLE_VCPU_STATE, TRACK_STEAL, measure_steal) ||
			       write_counters_of(p, TABLE_VM_EXIT, TRACK_EXITS, measure_rate)
		       ? ERR
		       : 0;
}
