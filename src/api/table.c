#include <stdlib.h>
#include <string.h>

#include "api/api_error.h"
#include "api/file.h"
#include "api/rows.h"
#include "store/cursor.h"
#include "store/sums.h"

struct api_table {
	struct vms_rows rows;
	const struct table *table;
	struct store_cursor cursor;
};

static const struct api_table *api_table_of(const struct vms_rows *rows)
{
	return (const struct api_table *)rows;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const char *api_table_name(const struct vms_rows *rows, int column)
{
	return api_table_of(rows)->table->columns[column].name;
}

static int api_table_next(struct vms_rows *rows, struct error *err)
{
	return store_cursor_next(&((struct api_table *)rows)->cursor, err);
}

/* Return: the name of a value of an enumeration; NULL where it is of a later version. */
static const char *api_label(const struct column *c, int64_t value)
{
	return value >= 0 && value < c->labels->n ? c->labels->at[value].name : NULL;
}

/* Return: the text that a value stands for; NULL: none. */
static const char *api_code_text(const struct vms_rows *rows, const struct column *c, int64_t code)
{
	return c->labels ? api_label(c, code) : store_string(rows->file->store, code);
}

static enum vms_type api_column_type(const struct column *c)
{
	if (c->labels || c->type == COLUMN_TEXT)
		return VMS_TYPE_TEXT;
	return c->type == COLUMN_REAL ? VMS_TYPE_REAL : VMS_TYPE_INT;
}

static struct api_value api_table_value(const struct vms_rows *rows, int column)
{
	const struct column *c = &api_table_of(rows)->table->columns[column];
	int64_t value = store_cursor_get(&api_table_of(rows)->cursor, column);
	struct api_value v = {.type = api_column_type(c)};

	if (value == TABLE_NULL)
		return (struct api_value){0};
	if (v.type == VMS_TYPE_REAL) {
		v.real = table_real_value(value);
	} else if (v.type == VMS_TYPE_INT) {
		v.i = value;
	} else {
		v.text = api_code_text(rows, c, value);
		v.type = v.text ? v.type : VMS_TYPE_NULL;
	}
	return v;
}

static void api_table_free(struct vms_rows *rows)
{
	store_cursor_deinit(&((struct api_table *)rows)->cursor);
	free(rows);
}

static const struct api_rows_ops api_table_ops = {
	.name = api_table_name,
	.next = api_table_next,
	.value = api_table_value,
	.free = api_table_free,
};

/* ---- what is wanted -------------------------------------------------------------------------- */

static int api_find_table(const char *name, enum table_id *idp, struct error *err)
{
	*idp = name ? table_find(name) : TABLE_NONE;
	return *idp == TABLE_NONE ? error_set(err, "there is no table '%s'", name ? name : "") : 0;
}

/* Return: whether the lane's first keys are these. */
static bool api_lane_is(const struct lane_info *lane, const int64_t *keys, size_t n)
{
	return !memcmp(lane->keys, keys, n * sizeof(*keys));
}

/* Lanes are sorted by their keys: those that begin alike stand together. */
static void api_choose_lanes(struct store_query *q, const struct table_info *info,
			     const int64_t *keys, size_t n)
{
	size_t i = 0, n_lanes = info->lanes.n;

	while (i < n_lanes && !api_lane_is(&info->lanes.at[i], keys, n))
		i++;
	q->lane = i;
	while (i < n_lanes && api_lane_is(&info->lanes.at[i], keys, n))
		i++;
	q->lanes_end = i;
}

static int api_choose_lane(struct store_query *q, const struct store *s,
			   const struct vms_select *wanted, struct error *err)
{
	const struct table *t = table_get(q->table);

	if (!wanted->lane || !wanted->n_lane)
		return 0;
	if (wanted->n_lane > (size_t)t->n_keys)
		return error_set(err, "lanes of '%s' have %d keys, not %zu", t->name, t->n_keys,
				 wanted->n_lane);
	if (wanted->n_lane < (size_t)t->n_keys) {
		api_choose_lanes(q, &s->tables[q->table], wanted->lane, wanted->n_lane);
		return 0;
	}
	int64_t lane = store_find_lane(s, q->table, wanted->lane);

	q->lane = lane < 0 ? 0 : (size_t)lane;
	q->lanes_end = lane < 0 ? 0 : (size_t)lane + 1;
	return 0;
}

static int api_choose_state(struct store_query *q, const char *state, struct error *err)
{
	const struct table *t = table_get(q->table);
	int n = table_n_states(t);

	if (!state)
		return 0;
	for (int i = 0; i < n; i++) {
		if (!strcmp(t->columns[t->state].labels->at[i].name, state)) {
			q->states = 1u << i;
			return 0;
		}
	}
	return error_set(err, "there is no state '%s' in '%s'", state, t->name);
}

static int api_choose(struct store_query *q, const struct store *s, const struct vms_select *select,
		      struct error *err)
{
	struct vms_select wanted;

	if (api_select_take(&wanted, select, err))
		return ERR;
	q->from = wanted.from_ns;
	q->to = wanted.to_ns;
	return api_choose_lane(q, s, &wanted, err) || api_choose_state(q, wanted.state, err) ? ERR
											     : 0;
}

struct vms_rows *vms_table(const struct vms_file *file, const char *name,
			   const struct vms_select *select, struct vms_error **error)
{
	struct error err = {0};
	struct store_query q;
	enum table_id id;

	if (api_find_table(name, &id, &err)) {
		api_fail(error, &err);
		return NULL;
	}
	q = store_query_all(file->store, id);
	if (api_choose(&q, file->store, select, &err)) {
		api_fail(error, &err);
		return NULL;
	}
	struct api_table *t = mem_zalloc(1, sizeof(*t));

	t->table = table_get(id);
	t->rows = (struct vms_rows){
		.ops = &api_table_ops, .file = file, .n_columns = t->table->n_columns};
	store_cursor_init(&t->cursor, file->store, &q);
	return &t->rows;
}

/* ---- many rows at once ----------------------------------------------------------------------- */

static int api_check_columns(const struct vms_rows *rows, const int *columns, size_t n,
			     struct error *err)
{
	if (!rows || rows->ops != &api_table_ops)
		return error_set(err, "only rows of a table can be fetched at once");
	for (size_t i = 0; i < n; i++) {
		if (columns[i] < 0 || columns[i] >= rows->n_columns)
			return error_set(err, "there is no column %d", columns[i]);
	}
	return 0;
}

int64_t vms_fetch(struct vms_rows *rows, const int *columns, size_t n, size_t max, int64_t *values,
		  struct vms_error **error)
{
	struct error err = {0};
	size_t i = 0;
	int r = 1;

	if (api_check_columns(rows, columns, n, &err))
		return api_fail(error, &err);
	struct store_cursor *c = &((struct api_table *)rows)->cursor;

	while (i < max && (r = store_cursor_next(c, &err)) > 0) {
		for (size_t k = 0; k < n; k++)
			values[k * max + i] = store_cursor_get(c, columns[k]);
		i++;
	}
	rows->at_row = i && r > 0;
	return r < 0 ? api_fail(error, &err) : (int64_t)i;
}

const char *vms_code_text(const struct vms_rows *rows, int column, int64_t code)
{
	if (vms_column_type(rows, column) != VMS_TYPE_TEXT)
		return NULL;
	return api_code_text(rows, &api_table_of(rows)->table->columns[column], code);
}

enum vms_type vms_column_type(const struct vms_rows *rows, int column)
{
	struct error err = {0};

	if (api_check_columns(rows, &column, 1, &err)) {
		error_deinit(&err);
		return VMS_TYPE_NULL;
	}
	return api_column_type(&api_table_of(rows)->table->columns[column]);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Return: the table's lanes; NULL: it has none. */
static const struct table_info *api_lanes(const struct vms_file *file, const char *table)
{
	enum table_id id = table ? table_find(table) : TABLE_NONE;

	return id == TABLE_NONE || !table_get(id)->n_keys ? NULL : &file->store->tables[id];
}

size_t vms_n_lanes(const struct vms_file *file, const char *table)
{
	const struct table_info *info = api_lanes(file, table);

	return info ? info->lanes.n : 0;
}

int vms_lane(const struct vms_file *file, const char *table, size_t i, struct vms_lane *lane)
{
	const struct table_info *info = api_lanes(file, table);

	*lane = (struct vms_lane){0};
	if (!info || i >= info->lanes.n)
		return -1;
	const struct lane_info *l = &info->lanes.at[i];

	lane->n_keys = (size_t)table_get(table_find(table))->n_keys;
	for (size_t k = 0; k < lane->n_keys; k++)
		lane->keys[k] = l->keys[k];
	lane->begin_ns = l->entry.first;
	lane->end_ns = l->entry.end;
	lane->rows = l->entry.rows;
	return 0;
}

const char *vms_state_name(const char *table, size_t state)
{
	enum table_id id = table ? table_find(table) : TABLE_NONE;
	const struct table *t = id == TABLE_NONE ? NULL : table_get(id);

	if (!t || state >= (size_t)table_n_states(t))
		return NULL;
	return t->columns[t->state].labels->at[state].name;
}

const char *vms_table_name(size_t i)
{
	return i < TABLE_N ? table_get((enum table_id)i)->name : NULL;
}

static int api_add_times(const struct vms_file *file, enum table_id id, const int64_t *keys,
			 const struct vms_select *range, uint64_t *sums, struct error *err)
{
	int64_t lane = store_find_lane(file->store, id, keys);

	if (lane < 0)
		return error_set(err, "there is no such lane in '%s'", table_get(id)->name);
	return sums_add(file->store, id, (size_t)lane, range->from_ns, range->to_ns, sums, err);
}

int vms_time_in_states(const struct vms_file *file, const char *table, const int64_t *lane,
		       int64_t from_ns, int64_t to_ns, int64_t *ns, size_t n,
		       struct vms_error **error)
{
	const struct vms_select range = {.from_ns = from_ns, .to_ns = to_ns};
	uint64_t sums[FORMAT_MAX_SUMS] = {0};
	struct error err = {0};
	enum table_id id;

	if (api_find_table(table, &id, &err))
		return api_fail(error, &err);
	int n_states = table_n_states(table_get(id));

	if (!n_states)
		error_set(&err, "'%s' has no states", table);
	if (!n_states || api_add_times(file, id, lane, &range, sums, &err))
		return api_fail(error, &err);
	for (size_t i = 0; i < n; i++)
		ns[i] = i < (size_t)n_states ? (int64_t)sums[i] : 0;
	return n_states;
}
