#include "server/marks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "store/cursor.h"

enum { MAX_MARKS = 2000 };

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

static void write_mark(struct jsonw *j, const struct dataset *d, const struct store_cursor *c)
{
	char *label =
		mem_printf("%s CPU %" PRId64 ": not recorded, or lost",
			   dataset_machine_name(d, store_cursor_get(c, COL_CPU_STATE_MACHINE_ID)),
			   store_cursor_get(c, COL_CPU_STATE_CPU));

	jsonw_object_begin(j);
	jsonw_key(j, "time");
	jsonw_int(j, store_cursor_get(c, COL_CPU_STATE_TS));
	jsonw_key(j, "duration");
	jsonw_int(j, store_cursor_get(c, COL_CPU_STATE_DUR));
	jsonw_key(j, "entryId");
	jsonw_int(j, -1);
	jsonw_key(j, "type");
	jsonw_string(j, "CHART");
	jsonw_key(j, "label");
	jsonw_string(j, label);
	jsonw_key(j, "style");
	jsonw_object_begin(j);
	jsonw_key(j, "parentKey");
	jsonw_string(j, "marker.lost");
	jsonw_key(j, "values");
	jsonw_object_begin(j);
	jsonw_object_end(j);
	jsonw_object_end(j);
	jsonw_object_end(j);
	free(label);
}

/* A CPU that is unknown before its trace begins and after it ends lacks nothing. */
static bool is_gap(const struct store_cursor *c, const struct dataset *d)
{
	int64_t begin = store_cursor_get(c, COL_CPU_STATE_TS);
	int64_t end = begin + store_cursor_get(c, COL_CPU_STATE_DUR);
	const struct entry *lane = &d->store->tables[TABLE_CPU_STATE].lanes.at[c->lane].entry;

	return begin > lane->first && end < lane->end;
}

static int write_marks(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		       struct error *err)
{
	struct store_query query = store_query_all(d->store, TABLE_CPU_STATE);
	struct store_cursor c;
	int r, n = 0;

	query.from = q->has_range ? q->from : d->begin;
	query.to = q->has_range ? q->to : d->end;
	query.states = 1U << CPU_UNKNOWN;
	query.columns = 1U << COL_CPU_STATE_MACHINE_ID | 1U << COL_CPU_STATE_CPU |
			1U << COL_CPU_STATE_TS | 1U << COL_CPU_STATE_DUR;
	store_cursor_init(&c, d->store, &query);
	while ((r = store_cursor_next(&c, err)) == CURSOR_ROW && n < MAX_MARKS) {
		if (is_gap(&c, d)) {
			write_mark(j, d, &c);
			n++;
		}
	}
	store_cursor_deinit(&c);
	return r < 0 ? r : 0;
}

int marks_write(struct jsonw *j, const struct dataset *d, const struct view_request *q,
		struct error *err)
{
	int r = 0;

	jsonw_object_begin(j);
	if (is_wanted(q)) {
		jsonw_key(j, MARKS_CATEGORY);
		jsonw_array_begin(j);
		r = write_marks(j, d, q, err);
		jsonw_array_end(j);
	}
	jsonw_object_end(j);
	return r;
}
