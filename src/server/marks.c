#include "server/marks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/member.h"
#include "store/cursor.h"

enum { MAX_MARKS = 2000, MAX_KEPT = 10 * MAX_MARKS };

static bool is_wanted(const struct view_request *q)
{
	const json_t *categories = json_object_get(q->parameters, "requested_marker_categories");
	const json_t *v;
	size_t i;

	if (!json_is_array(categories))
		return true;
	json_array_foreach(categories, i, v)
	{
		if (json_is_string(v) && !strcmp(json_string_value(v), MARKS_CATEGORY))
			return true;
	}
	return false;
}

struct mark {
	int64_t begin, length, machine, cpu;
};

typedef VEC(struct mark) marks_t;

static void write_mark(struct jsonw *j, const struct dataset *d, const struct mark *m)
{
	char *label = mem_printf("%s CPU %" PRId64 ": not recorded, or lost",
				 dataset_machine_name(d, m->machine), m->cpu);

	jsonw_object_begin(j);
	member_int(j, "time", m->begin);
	member_int(j, "duration", m->length);
	member_int(j, "entryId", -1);
	member_text(j, "type", "CHART");
	member_text(j, "label", label);
	member_object(j, "style");
	member_text(j, "parentKey", "marker.lost");
	member_empty(j, "values");
	jsonw_object_end(j);
	jsonw_object_end(j);
	free(label);
}

/* A CPU that is unknown before its trace begins and after it ends lacks nothing. */
static bool is_gap(const struct store_cursor *c, const struct mark *m)
{
	const struct entry *lane = &c->store->tables[TABLE_CPU_STATE].lanes.at[c->lane].entry;

	return m->begin > lane->first && m->begin + m->length < lane->end;
}

static int by_length(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->length < y->length) - (x->length > y->length);
}

/* Keeps the longest, of about as many as may be shown. */
static void keep_longest(marks_t *marks)
{
	if (marks->n <= MAX_MARKS)
		return;
	qsort(marks->at, marks->n, sizeof(*marks->at), by_length);
	marks->n = MAX_MARKS;
}

static int find_marks(marks_t *marks, const struct dataset *d, const struct view_request *q,
		      struct error *err)
{
	struct store_query query = store_query_all(d->store, TABLE_CPU_STATE);
	struct store_cursor c;
	int r;

	query.from = q->has_range ? q->from : d->begin;
	query.to = q->has_range ? q->to : d->end;
	query.states = cpu_states(STATE_UNKNOWN);
	query.columns = 1U << COL_CPU_STATE_MACHINE_ID | 1U << COL_CPU_STATE_CPU |
			1U << COL_CPU_STATE_TS | 1U << COL_CPU_STATE_DUR;
	store_cursor_init(&c, d->store, &query);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW) {
		struct mark m = {.begin = store_cursor_get(&c, COL_CPU_STATE_TS),
				 .length = store_cursor_get(&c, COL_CPU_STATE_DUR),
				 .machine = store_cursor_get(&c, COL_CPU_STATE_MACHINE_ID),
				 .cpu = store_cursor_get(&c, COL_CPU_STATE_CPU)};

		if (is_gap(&c, &m))
			*vec_push(marks) = m;
		if (marks->n == MAX_KEPT)
			keep_longest(marks);
	}
	store_cursor_deinit(&c);
	keep_longest(marks);
	return r;
}

static int write_marks(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		       struct error *err)
{
	marks_t marks = {0};
	int r = find_marks(&marks, d, q, err);

	vec_each (m, &marks)
		write_mark(j, d, m);
	vec_deinit(&marks);
	return r;
}

int marks_write(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		struct error *err)
{
	int r = 0;

	jsonw_object_begin(j);
	if (is_wanted(q)) {
		member_array(j, MARKS_CATEGORY);
		r = write_marks(j, d, q, err);
		jsonw_array_end(j);
	}
	jsonw_object_end(j);
	return r;
}
