#include "server/raw_table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/member.h"
#include "base/monotonic.h"
#include "server/lines.h"

enum { COLUMN_TIME, COLUMN_MACHINE, COLUMN_CPU, COLUMN_EVENT, COLUMN_FIELDS, N_COLUMNS };

enum { EVERY = 4096, SECONDS = 20, FOUND = 0, NOT_FOUND = 3 };

static const struct lines_column table_columns_at[N_COLUMNS] = {
	[COLUMN_TIME] = {"Time", "ns since the Epoch, by the clock of the host", "TIMESTAMP"},
	[COLUMN_MACHINE] = {"Machine", "whose recording it is in", "STRING"},
	[COLUMN_CPU] = {"CPU", "of that machine", "NUMBER"},
	[COLUMN_EVENT] = {"Event", "its name, as the tracer has it", "STRING"},
	[COLUMN_FIELDS] = {"Fields", "all its fields", "STRING"},
};

static const struct lines_columns table_columns = {N_COLUMNS, table_columns_at};

void raw_table_columns(struct jsonw *j)
{
	lines_columns(j, &table_columns);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* A walk, and the number of the event that it stands at. */
struct table_walk {
	struct raw *raw;
	struct raw_event event;
	uint64_t number;
	bool at_event;
	int64_t deadline;
};

static bool table_is_late(const struct table_walk *w)
{
	return w->number % 1024 == 0 && monotonic_is_past(w->deadline);
}

static void table_next(struct table_walk *w)
{
	w->at_event = raw_next(w->raw, &w->event);
	w->number++;
}

static void table_start(struct table_walk *w, const struct raw_mark *mark)
{
	raw_seek(w->raw, mark ? mark->time : INT64_MIN / 4);
	w->number = mark ? mark->before : 0;
	w->at_event = raw_next(w->raw, &w->event);
}

/* Marks a time every so many events, by one walk. Return: 0 or RAW_TABLE_TOO_LONG. */
static int table_mark(struct dataset *d, struct table_walk *w)
{
	int64_t last = INT64_MIN;
	uint64_t marked = 0;

	for (table_start(w, NULL); w->at_event; table_next(w)) {
		if (table_is_late(w)) {
			vec_deinit(&d->raw_marks);
			return RAW_TABLE_TOO_LONG;
		}
		/* Only where time goes on: what is there before is then known by the time alone. */
		if (w->number >= marked + EVERY && w->event.time > last) {
			*vec_push(&d->raw_marks) =
				(struct raw_mark){.time = w->event.time, .before = w->number};
			marked = w->number;
		}
		last = w->event.time;
	}
	d->n_raw = w->number;
	d->known[DS_RAW] = true;
	return 0;
}

static int table_find_marks(struct dataset *d, struct table_walk *w)
{
	pthread_mutex_lock(&d->locks[DS_RAW]);
	int r = d->known[DS_RAW] ? 0 : table_mark(d, w);

	pthread_mutex_unlock(&d->locks[DS_RAW]);
	return r;
}

/* Return: the last mark with at most `number` events, or before t, before it; NULL: none. */
static const struct raw_mark *table_mark_before(const struct dataset *d, uint64_t number, int64_t t)
{
	size_t low = 0, high = d->raw_marks.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct raw_mark *m = &d->raw_marks.at[middle];

		if (m->before <= number && m->time <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &d->raw_marks.at[low - 1] : NULL;
}

static void table_go_to(const struct dataset *d, struct table_walk *w, uint64_t number)
{
	table_start(w, table_mark_before(d, number, INT64_MAX));
	while (w->at_event && w->number < number)
		table_next(w);
}

static void table_go_to_time(const struct dataset *d, struct table_walk *w, int64_t t)
{
	table_start(w, table_mark_before(d, UINT64_MAX, t));
	while (w->at_event && w->event.time < t)
		table_next(w);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void table_cells(const struct table_walk *w, char *cells[N_COLUMNS])
{
	const struct raw_event *e = &w->event;

	cells[COLUMN_TIME] = mem_printf("%" PRId64, e->time);
	cells[COLUMN_MACHINE] = mem_strdup(e->machine->name);
	cells[COLUMN_CPU] = e->cpu < 0 ? mem_strdup("") : mem_printf("%" PRId64, e->cpu);
	cells[COLUMN_EVENT] = mem_strdup(e->name);
	cells[COLUMN_FIELDS] = raw_fields(w->raw);
}

static void table_line(struct jsonw *j, const struct table_walk *w, const struct view_request *q)
{
	char *cells[N_COLUMNS];

	table_cells(w, cells);
	lines_write(j, &table_columns, q, w->number, cells);
	lines_free_cells(&table_columns, cells);
}

static bool table_match_here(const struct table_walk *w, const struct view_request *q)
{
	char *cells[N_COLUMNS];

	table_cells(w, cells);
	bool found = lines_match(&table_columns, q, cells);

	lines_free_cells(&table_columns, cells);
	return found;
}

/* Looks in [from, to) for a match, the last one if backwards. Return: FOUND and *numberp, ... */
static int table_search_part(const struct dataset *d, struct table_walk *w,
			     const struct view_request *q, uint64_t from, uint64_t to,
			     uint64_t *numberp)
{
	int found = NOT_FOUND;

	for (table_go_to(d, w, from); w->at_event && w->number < to; table_next(w)) {
		if (table_match_here(w, q)) {
			*numberp = w->number;
			found = FOUND;
			if (!q->backwards)
				return found;
		}
		if (table_is_late(w))
			return RAW_TABLE_TOO_LONG;
	}
	return found;
}

/* Return: FOUND and *numberp, NOT_FOUND or RAW_TABLE_TOO_LONG. */
static int table_search(const struct dataset *d, struct table_walk *w, const struct view_request *q,
			uint64_t *numberp)
{
	uint64_t to = *numberp < d->n_raw ? *numberp + 1 : d->n_raw;
	int r = NOT_FOUND;

	if (!q->backwards)
		return table_search_part(d, w, q, *numberp, d->n_raw, numberp);
	while (r == NOT_FOUND && to) {
		uint64_t begin = to > EVERY ? to - EVERY : 0;

		r = table_search_part(d, w, q, begin, to, numberp);
		to = begin;
	}
	return r;
}

static void table_write(struct jsonw *j, const struct dataset *d, struct table_walk *w,
			const struct view_request *q, uint64_t from, bool any)
{
	jsonw_object_begin(j);
	member_uint(j, "lowIndex", from);
	member_uint(j, "size", d->n_raw);
	lines_column_ids(j, &table_columns, q);
	member_array(j, "lines");
	if (any)
		table_go_to(d, w, from);
	for (uint32_t i = 0; any && i < q->lines && w->at_event; i++, table_next(w))
		table_line(j, w, q);
	jsonw_array_end(j);
	jsonw_object_end(j);
}

static int table_answer(struct jsonw *j, struct dataset *d, struct table_walk *w,
			const struct view_request *q)
{
	uint64_t from = q->index > 0 ? (uint64_t)q->index : 0;
	int r = table_find_marks(d, w);
	bool any = true;

	if (r)
		return r;
	if (q->index < 0 && q->has_range) {
		table_go_to_time(d, w, q->from);
		from = w->number;
	}
	if (q->search && q->searches.n) {
		r = table_search(d, w, q, &from);
		if (r == RAW_TABLE_TOO_LONG)
			return r;
		any = r == FOUND;
	}
	table_write(j, d, w, q, from, any && from < d->n_raw);
	return 0;
}

int raw_table_lines(struct jsonw *j, struct dataset *d, const struct roots *roots,
		    const struct view_request *q, struct error *err)
{
	struct table_walk w = {.deadline = monotonic_after_s(SECONDS)};
	int r = raw_new(&w.raw, d, roots, NULL, err);

	if (!r)
		r = table_answer(j, d, &w, q);
	raw_free(w.raw);
	return r;
}
