#include "server/find.h"

#include <stdlib.h>

#include "base/monotonic.h"
#include "server/label.h"
#include "store/cursor.h"

enum { FIND_SECONDS = 5, CHECK_EVERY = 4096 };

/* First window that is looked at going backwards; each is twice as long as the one before. */
#define FIRST_WINDOW ((int64_t)10000000)

struct finding {
	const struct dataset *data;
	const struct find_query *query;
	struct found *found;
	bool any;
	struct map labels; /* label -> whether it has the text */
	unsigned looked_at;
	int64_t deadline;
	struct error *err;
};

static bool is_late(struct finding *f)
{
	return ++f->looked_at % CHECK_EVERY == 0 && monotonic_is_past(f->deadline);
}

static bool has_text(struct finding *f, uint64_t label)
{
	const uint64_t *known;

	if (!f->query->label || !*f->query->label)
		return true;
	known = map_get(&f->labels, label);
	if (known)
		return *known;
	char *text = label_text(f->data, label);
	bool has = strcasestr(text, f->query->label) != NULL;

	free(text);
	map_put(&f->labels, label, has);
	return has;
}

/* Return: whether what was found at `begin` is nearer than what there is. */
static bool is_nearer(const struct finding *f, int64_t begin)
{
	if (!f->any)
		return true;
	return f->query->backwards ? begin > f->found->begin : begin < f->found->begin;
}

/* Looks at the row of c. Return: whether it is what is sought. */
static bool look_at(struct finding *f, const struct store_cursor *c, struct found *one)
{
	int64_t values[TABLE_MAX_COLUMNS];
	const struct table *t = c->table;

	if (store_cursor_get(c, t->dur) < f->query->min)
		return false;
	for (int i = 0; i < t->n_columns; i++)
		values[i] = store_cursor_get(c, i);
	one->begin = values[t->ts];
	one->end = one->begin + values[t->dur];
	one->state = values[t->state];
	one->label = label_of(one->table, values);
	return has_text(f, one->label);
}

/* Looks at what begins in [from, to) of a row. Return: 0, FIND_TOO_LONG or ERR. */
static int look_in(struct finding *f, int32_t row, enum table_id table, size_t lane, int64_t from,
		   int64_t to)
{
	struct store_query query = store_query_all(f->data->store, table);
	struct found one = {.row = row, .table = table};
	struct store_cursor c;
	int r;

	query.lane = lane;
	query.lanes_end = lane + 1;
	query.from = from;
	query.to = to;
	query.states = f->query->states;
	store_cursor_init(&c, f->data->store, &query);
	while ((r = store_cursor_next(&c, f->err)) == CURSOR_ROW) {
		int64_t begin = store_cursor_get(&c, c.table->ts);

		if (is_late(f)) {
			r = FIND_TOO_LONG;
			break;
		}
		if (!f->query->backwards && !is_nearer(f, begin))
			break;
		if (begin < from || begin >= to || !look_at(f, &c, &one) ||
		    !is_nearer(f, one.begin))
			continue;
		*f->found = one;
		f->any = true;
		if (!f->query->backwards)
			break;
	}
	store_cursor_deinit(&c);
	return r == CURSOR_ROW ? 0 : r;
}

static int look_in_all(struct finding *f, int64_t from, int64_t to)
{
	for (size_t i = 0; i < f->query->n_rows; i++) {
		enum table_id table;
		size_t lane;

		if (!dataset_lane(f->data, f->query->rows[i], &table, &lane))
			continue;
		int r = look_in(f, f->query->rows[i], table, lane, from, to);

		if (r)
			return r;
	}
	return 0;
}

static int look_forwards(struct finding *f)
{
	int64_t from = f->query->from;

	return from == INT64_MAX ? 0 : look_in_all(f, from + 1, INT64_MAX);
}

static int look_backwards(struct finding *f)
{
	int64_t to = f->query->from < f->data->end ? f->query->from : f->data->end;
	int64_t window = FIRST_WINDOW;
	int r = 0;

	while (!r && !f->any && to > f->data->begin) {
		int64_t from = to - f->data->begin > window ? to - window : f->data->begin;

		r = look_in_all(f, from, to);
		to = from;
		window = window < INT64_MAX / 2 ? window * 2 : window;
	}
	return r;
}

int find_interval(struct found *found, const struct dataset *d, const struct find_query *q,
		  struct error *err)
{
	struct finding f = {.data = d,
			    .query = q,
			    .found = found,
			    .deadline = monotonic_after_s(FIND_SECONDS),
			    .err = err};
	int r = q->backwards ? look_backwards(&f) : look_forwards(&f);

	map_deinit(&f.labels);
	if (r)
		return r;
	return f.any ? FIND_FOUND : FIND_NOTHING;
}
