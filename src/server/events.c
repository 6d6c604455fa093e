#include "server/events.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/member.h"
#include "base/monotonic.h"
#include "server/label.h"
#include "server/lines.h"
#include "store/block.h"
#include "store/cursor.h"

enum { COLUMN_TIME, COLUMN_VCPU, COLUMN_WHAT, COLUMN_NAME, COLUMN_LENGTH, COLUMN_ABOUT, N_COLUMNS };

enum { MAX_LANES = 2000, SEARCH_SECONDS = 5, WINDOW = 16384 };

struct source {
	enum table_id table;
	size_t lane;
	uint64_t rows;
};

struct events {
	const struct dataset *data;
	VEC(struct source) sources;
	uint64_t rows;
	int64_t first, end; /* times of all rows are in [first, end) */
	struct block *block;
	struct error *err;
};

static void add_source(struct events *e, enum table_id table, int64_t lane)
{
	if (lane < 0 || e->sources.n == MAX_LANES)
		return;
	const struct entry *entry = &e->data->store->tables[table].lanes.at[lane].entry;

	*vec_push(&e->sources) = (struct source){table, (size_t)lane, entry->rows};
	e->rows += entry->rows;
	e->first = entry->first < e->first ? entry->first : e->first;
	e->end = entry->end >= e->end ? entry->end + 1 : e->end;
}

static void events_init(struct events *e, const struct dataset *d, struct error *err)
{
	*e = (struct events){
		.data = d, .first = INT64_MAX, .end = INT64_MIN, .block = block_new(), .err = err};
	vec_each (v, &d->vcpus) {
		add_source(e, TABLE_VM_EXIT, v->exits);
		add_source(e, TABLE_VCPU_STATE, v->lane);
	}
}

static void events_deinit(struct events *e)
{
	vec_deinit(&e->sources);
	free(e->block);
}

/* ---- numbers and times ---------------------------------------------------------------------- */

/* Adds how many rows of the block begin before t. */
static int count_in_block(struct events *e, const struct source *s, const struct entry *entry,
			  int64_t t, uint64_t *np)
{
	const struct lane_info *lane = &e->data->store->tables[s->table].lanes.at[s->lane];
	uint32_t i = 0;

	if (block_read(e->data->store, s->table, lane->keys, entry, 0, e->block, e->err))
		return ERR;
	while (i < e->block->n && e->block->at[table_get(s->table)->ts][i] < t)
		i++;
	*np += i;
	return 0;
}

/* Goes down to the one block that t is in; all before it are counted by the index. */
static int count_before(struct events *e, const struct source *s, int64_t t, uint64_t *np)
{
	const struct lane_info *lane = &e->data->store->tables[s->table].lanes.at[s->lane];
	struct entry entry = lane->entry;
	struct node *node = mem_alloc(sizeof(*node));
	int r = 0;

	for (uint32_t level = lane->level; !r && level && entry.first < t; level--) {
		uint32_t i = 0;

		r = node_read(e->data->store, s->table, &entry, node, e->err);
		while (!r && i + 1 < node->n && node->entries[i + 1].first < t)
			*np += node->entries[i++].rows;
		if (!r)
			entry = node->entries[i];
	}
	free(node);
	if (!r && entry.first < t)
		r = count_in_block(e, s, &entry, t, np);
	return r;
}

static int number_at(struct events *e, int64_t t, uint64_t *np)
{
	*np = 0;
	vec_each (s, &e->sources) {
		if (count_before(e, s, t, np))
			return ERR;
	}
	return 0;
}

/* Finds a time before which there are at most `number` rows, as few less as can be; *beforep: how
 * many. */
static int time_of(struct events *e, uint64_t number, int64_t *tp, uint64_t *beforep)
{
	int64_t low = e->first, high = e->end;

	*beforep = 0;
	while ((uint64_t)high - (uint64_t)low > 1) {
		int64_t middle = (int64_t)((uint64_t)low + ((uint64_t)high - (uint64_t)low) / 2);
		uint64_t before;

		if (number_at(e, middle, &before))
			return ERR;
		if (before <= number) {
			low = middle;
			*beforep = before;
		} else {
			high = middle;
		}
	}
	*tp = low;
	return 0;
}

/* ---- going through -------------------------------------------------------------------------- */

/* All lanes side by side, from a time on. */
struct walk {
	struct events *events;
	struct store_cursor *cursors; /* owned; one per source */
	bool *at_row;		      /* owned */
	size_t now;		      /* the source of the current row */
	uint64_t number;	      /* of the current row */
};

static int64_t time_at(const struct walk *w, size_t i)
{
	return store_cursor_get(&w->cursors[i], table_get(w->events->sources.at[i].table)->ts);
}

static int advance(struct walk *w, size_t i, int64_t from)
{
	int r;

	do
		r = store_cursor_next(&w->cursors[i], w->events->err);
	while (r == CURSOR_ROW && time_at(w, i) < from);
	w->at_row[i] = r == CURSOR_ROW;
	return r < 0 ? r : 0;
}

static void choose(struct walk *w)
{
	size_t n = w->events->sources.n, best = n;

	for (size_t i = 0; i < n; i++) {
		if (w->at_row[i] && (best == n || time_at(w, i) < time_at(w, best)))
			best = i;
	}
	w->now = best;
}

static bool walk_done(const struct walk *w)
{
	return w->now == w->events->sources.n;
}

static int walk_next(struct walk *w)
{
	if (advance(w, w->now, INT64_MIN))
		return ERR;
	w->number++;
	choose(w);
	return 0;
}

static void walk_deinit(struct walk *w)
{
	for (size_t i = 0; i < w->events->sources.n; i++)
		store_cursor_deinit(&w->cursors[i]);
	free(w->cursors);
	free(w->at_row);
}

/* Goes to row `number`. Return: 0 or ERR; deinitialize in every case. */
static int walk_init(struct walk *w, struct events *e, uint64_t number)
{
	int64_t t = e->first;
	uint64_t before = 0;
	int r = number ? time_of(e, number, &t, &before) : 0;

	*w = (struct walk){.events = e, .number = before};
	w->cursors = mem_zalloc(e->sources.n + 1, sizeof(*w->cursors));
	w->at_row = mem_zalloc(e->sources.n + 1, sizeof(*w->at_row));
	for (size_t i = 0; i < e->sources.n; i++) {
		struct store_query q = store_query_all(e->data->store, e->sources.at[i].table);

		q.lane = e->sources.at[i].lane;
		q.lanes_end = q.lane + 1;
		q.from = t;
		store_cursor_init(&w->cursors[i], e->data->store, &q);
		if (!r)
			r = advance(w, i, t);
	}
	choose(w);
	while (!r && !walk_done(w) && w->number < number)
		r = walk_next(w);
	return r;
}

/* ---- a line --------------------------------------------------------------------------------- */

static const struct lines_column event_columns_at[N_COLUMNS] = {
	[COLUMN_TIME] = {"Time", "when it began, ns since the Epoch", "TIMESTAMP"},
	[COLUMN_VCPU] = {"vCPU", "the VM and number of the vCPU", "STRING"},
	[COLUMN_WHAT] = {"What", "exit, or state: what the vCPU then did", "STRING"},
	[COLUMN_NAME] = {"Name", "reason of the exit, or the state", "STRING"},
	[COLUMN_LENGTH] = {"Duration", "how long it took, ns", "DURATION"},
	[COLUMN_ABOUT] = {"About", "the guest's thread that was left; who has the CPU", "STRING"},
};

static const struct lines_columns event_columns = {N_COLUMNS, event_columns_at};

static char *duration_text(int64_t ns)
{
	return ns == TABLE_NULL ? mem_strdup("") : mem_printf("%" PRId64, ns);
}

static char *exit_about(const struct dataset *d, const struct store_cursor *c)
{
	int64_t thread = store_cursor_get(c, COL_VM_EXIT_GUEST_THREAD_ID);

	return thread == TABLE_NULL ? mem_strdup("") : dataset_thread_text(d, thread);
}

static void exit_cells(char **cells, const struct dataset *d, const struct store_cursor *c)
{
	const char *name = store_string(d->store, store_cursor_get(c, COL_VM_EXIT_NAME));

	cells[COLUMN_WHAT] = mem_strdup("exit");
	cells[COLUMN_NAME] = mem_strdup(name ? name : "?");
	cells[COLUMN_LENGTH] = duration_text(store_cursor_get(c, COL_VM_EXIT_DUR));
	cells[COLUMN_ABOUT] = exit_about(d, c);
}

static void state_cells(char **cells, const struct dataset *d, const struct store_cursor *c)
{
	int64_t values[TABLE_MAX_COLUMNS];

	for (int i = 0; i < COL_VCPU_STATE_N_COLUMNS; i++)
		values[i] = store_cursor_get(c, i);
	cells[COLUMN_WHAT] = mem_strdup("state");
	cells[COLUMN_NAME] =
		mem_strdup(label_state(TABLE_VCPU_STATE, values[COL_VCPU_STATE_STATE]));
	cells[COLUMN_LENGTH] = duration_text(values[COL_VCPU_STATE_DUR]);
	cells[COLUMN_ABOUT] = label_text(d, label_of(TABLE_VCPU_STATE, values));
}

/* Makes the texts of the current row, to be freed. */
static void make_cells(const struct walk *w, char *cells[N_COLUMNS])
{
	const struct dataset *d = w->events->data;
	const struct store_cursor *c = &w->cursors[w->now];

	cells[COLUMN_TIME] = mem_printf("%" PRId64, time_at(w, w->now));
	cells[COLUMN_VCPU] = dataset_vcpu_text(d, store_cursor_get(c, 0));
	if (w->events->sources.at[w->now].table == TABLE_VM_EXIT)
		exit_cells(cells, d, c);
	else
		state_cells(cells, d, c);
}

static void write_line(struct jsonw *j, const struct walk *w, const struct view_request *q)
{
	char *cells[N_COLUMNS];

	make_cells(w, cells);
	lines_write(j, &event_columns, q, w->number, cells);
	lines_free_cells(&event_columns, cells);
}

/* ---- searching ------------------------------------------------------------------------------ */

enum { FOUND = 0, NOT_FOUND = 2 };

static bool row_matches(const struct walk *w, const struct view_request *q)
{
	char *cells[N_COLUMNS];

	make_cells(w, cells);
	bool found = lines_match(&event_columns, q, cells);

	lines_free_cells(&event_columns, cells);
	return found;
}

/*
 * Looks in rows [from, to) for a match, the first or the last one.
 * Return: FOUND and *numberp, NOT_FOUND, EVENTS_TOO_LONG or ERR.
 */
static int search_window(struct events *e, const struct view_request *q, uint64_t from, uint64_t to,
			 int64_t deadline, uint64_t *numberp)
{
	struct walk w;
	int r = walk_init(&w, e, from), found = NOT_FOUND;

	while (!r && !walk_done(&w) && w.number < to) {
		if (row_matches(&w, q)) {
			*numberp = w.number;
			found = FOUND;
			if (!q->backwards)
				break;
		}
		if (w.number % 1024 == 0 && monotonic_is_past(deadline)) {
			found = EVENTS_TOO_LONG;
			break;
		}
		r = walk_next(&w);
	}
	walk_deinit(&w);
	return r ? r : found;
}

/* Return: FOUND and *numberp, NOT_FOUND, EVENTS_TOO_LONG or ERR. */
static int search(struct events *e, const struct view_request *q, uint64_t from, uint64_t *numberp)
{
	const int64_t deadline = monotonic_after_s(SEARCH_SECONDS);
	int r = NOT_FOUND;

	if (!q->backwards)
		return search_window(e, q, from, e->rows, deadline, numberp);
	for (uint64_t to = from < e->rows ? from + 1 : e->rows; r == NOT_FOUND && to;) {
		uint64_t begin = to > WINDOW ? to - WINDOW : 0;

		r = search_window(e, q, begin, to, deadline, numberp);
		to = begin;
	}
	return r;
}

/* ---- the protocol --------------------------------------------------------------------------- */

void events_columns(struct jsonw *j)
{
	lines_columns(j, &event_columns);
}

static int write_lines(struct jsonw *j, struct events *e, const struct view_request *q,
		       uint64_t from, bool any)
{
	struct walk w;
	int r = 0;

	member_array(j, "lines");
	if (any) {
		r = walk_init(&w, e, from);
		for (uint32_t i = 0; !r && i < q->lines && !walk_done(&w); i++) {
			write_line(j, &w, q);
			r = walk_next(&w);
		}
		walk_deinit(&w);
	}
	jsonw_array_end(j);
	return r;
}

/* Return: 0 and the number of the first line asked for, before any search; or ERR. */
static int first_line(struct events *e, const struct view_request *q, uint64_t *fromp)
{
	*fromp = q->index > 0 ? (uint64_t)q->index : 0;
	return q->index < 0 && q->has_range ? number_at(e, q->from, fromp) : 0;
}

int events_lines(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		 struct error *err)
{
	struct events e;
	uint64_t from;
	bool any = true;

	events_init(&e, d, err);
	int r = first_line(&e, q, &from);

	if (!r && q->search && q->searches.n) {
		r = search(&e, q, from, &from);
		any = r == FOUND;
		r = r == NOT_FOUND ? 0 : r;
	}
	if (!r) {
		jsonw_object_begin(j);
		member_uint(j, "lowIndex", from);
		member_uint(j, "size", e.rows);
		lines_column_ids(j, &event_columns, q);
		r = write_lines(j, &e, q, from, any && from < e.rows);
		jsonw_object_end(j);
	}
	events_deinit(&e);
	return r;
}
