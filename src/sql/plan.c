#include "sql/plan.h"

#include <math.h>
#include <stdlib.h>

#include "sql/rows.h"

/* Operators as a plan writes them. */
enum op {
	OP_EQUAL = '=',
	OP_LESS = '<',
	OP_AT_MOST = '[',
	OP_MORE = '>',
	OP_AT_LEAST = ']',
	OP_NOT = '!',
	OP_IN = 'i',
	OP_NONE = 0,
};

enum { FIRST_COLUMN_LETTER = 'A' };

/* --- values to what a scan asks for --- */

/* Of integers. */
struct range {
	int64_t low, high; /* both in it; low > high: empty */
};

static const struct range nothing = {1, 0};

/* The integers next to a real, which may lie outside of what 64 bits hold. */
static struct range around(double x)
{
	if (x >= 0x1p63)
		return (struct range){INT64_MAX, INT64_MAX};
	if (x < -0x1p63)
		return (struct range){INT64_MIN, INT64_MIN};
	return (struct range){(int64_t)floor(x), (int64_t)ceil(x)};
}

static struct range range_of(char op, struct range at)
{
	switch (op) {
	case OP_EQUAL:
		return at.low == at.high ? at : nothing;
	case OP_LESS:
		if (at.low == at.high && at.high != INT64_MIN)
			at.high--;
		return (struct range){INT64_MIN, at.high};
	case OP_AT_MOST:
		return (struct range){INT64_MIN, at.high};
	default:
		return (struct range){at.low, INT64_MAX};
	}
}

/*
 * Integers that include all x with `x op value`; exact for = when the value is not too large a
 * real. A text that is no number is larger than any, so only = tells something.
 */
static struct range wanted_range(char op, sqlite3_value *value)
{
	const struct range all = {INT64_MIN, INT64_MAX};
	int64_t i;

	switch (sqlite3_value_numeric_type(value)) {
	case SQLITE_INTEGER:
		i = sqlite3_value_int64(value);
		return range_of(op, (struct range){i, i});
	case SQLITE_FLOAT:
		return range_of(op, around(sqlite3_value_double(value)));
	case SQLITE_NULL:
		return nothing;
	default:
		return op == OP_EQUAL ? nothing : all;
	}
}

static void want_time(struct store_query *q, struct range r)
{
	q->from = r.low > q->from ? r.low : q->from;
	if (r.high != INT64_MAX && r.high + 1 < q->to)
		q->to = r.high + 1;
}

/* A row that ends within [low, high] may do so exactly at low, where it no longer overlaps. */
static void want_end(struct store_query *q, struct range r)
{
	if (r.low != INT64_MIN)
		r.low--;
	want_time(q, r);
}

/* The value that equality asks for. Return: whether any row can have it. */
static bool wanted_value(sqlite3_value *value, int64_t *xp)
{
	struct range r = wanted_range(OP_EQUAL, value);

	*xp = r.low;
	return r.low <= r.high && r.low != TABLE_NULL;
}

static uint32_t state_bit(const struct state_labels *labels, sqlite3_value *value)
{
	if (sqlite3_value_type(value) != SQLITE_TEXT)
		return 0;
	const char *text = (const char *)sqlite3_value_text(value);
	size_t n = (size_t)sqlite3_value_bytes(value);

	for (int i = 0; i < labels->n; i++) {
		if (strlen(labels->at[i].name) == n && !memcmp(labels->at[i].name, text, n))
			return 1U << i;
	}
	return 0;
}

static uint32_t states_in_list(const struct state_labels *labels, sqlite3_value *list)
{
	uint32_t states = 0;
	sqlite3_value *value;

	for (int r = sqlite3_vtab_in_first(list, &value); r == SQLITE_OK && value;
	     r = sqlite3_vtab_in_next(list, &value))
		states |= state_bit(labels, value);
	return states;
}

static uint32_t wanted_states(const struct state_labels *labels, char op, sqlite3_value *value)
{
	uint32_t all = (1U << labels->n) - 1;

	if (op == OP_IN)
		return states_in_list(labels, value);
	if (sqlite3_value_type(value) == SQLITE_NULL)
		return 0;
	return op == OP_NOT ? all & ~state_bit(labels, value) : state_bit(labels, value);
}

static void take_equal_key(struct sql_scan *scan, int key, sqlite3_value *value)
{
	int64_t x;

	if (!wanted_value(value, &x) || (scan->has_key[key] && scan->keys[key] != x))
		scan->empty = true;
	scan->has_key[key] = true;
	scan->keys[key] = x;
}

static void take_constraint(struct sql_scan *scan, const struct table *t, char op, int column,
			    sqlite3_value *value)
{
	if (t->kind == TABLE_ROWS) {
		scan->has_id = true;
		scan->empty |= !wanted_value(value, &scan->id);
	} else if (column < t->n_keys) {
		take_equal_key(scan, column, value);
	} else if (column == t->state) {
		uint32_t states = wanted_states(t->columns[column].labels, op, value);

		scan->query.states &= states;
		scan->empty |= !scan->query.states;
	} else {
		struct range r = wanted_range(op, value);

		scan->empty |= r.low > r.high;
		if (column == t->ts)
			want_time(&scan->query, r);
		else
			want_end(&scan->query, r);
	}
}

/* --- lanes --- */

/* Return: the first lane whose first key is at least `key`; lanes are sorted by keys. */
static size_t lower_bound(const struct table_info *info, int64_t key)
{
	size_t low = 0, high = info->lanes.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (info->lanes.at[middle].keys[0] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void narrow_lanes(struct sql_scan *scan, const struct store *s, enum table_id table)
{
	const struct table_info *info = &s->tables[table];
	int n_keys = table_get(table)->n_keys, n_given = 0;

	for (int i = 0; i < n_keys; i++)
		n_given += scan->has_key[i];
	if (n_given && n_given == n_keys) {
		int64_t lane = store_find_lane(s, table, scan->keys);

		scan->empty |= lane < 0;
		scan->query.lane = lane < 0 ? 0 : (size_t)lane;
		scan->query.lanes_end = lane < 0 ? 0 : (size_t)lane + 1;
	} else if (scan->has_key[0]) {
		scan->query.lane = lower_bound(info, scan->keys[0]);
		scan->query.lanes_end = scan->keys[0] == INT64_MAX
						? info->lanes.n
						: lower_bound(info, scan->keys[0] + 1);
	}
}

static bool keys_wanted(const struct sql_scan *scan, const struct lane_info *lane)
{
	for (int i = 0; i < TABLE_MAX_KEYS; i++) {
		if (scan->has_key[i] && scan->keys[i] != lane->keys[i])
			return false;
	}
	return true;
}

bool sql_scan_next_lanes(const struct sql_scan *scan, const struct store *s, size_t from,
			 size_t end, struct store_query *query)
{
	const struct lane_info *lanes = s->tables[query->table].lanes.at;

	while (from < end && !keys_wanted(scan, &lanes[from]))
		from++;
	query->lane = from;
	while (from < end && keys_wanted(scan, &lanes[from]))
		from++;
	query->lanes_end = from;
	return query->lane < query->lanes_end;
}

struct sql_scan sql_plan_scan(const struct store *s, enum table_id table, const char *plan,
			      sqlite3_value **values)
{
	struct sql_scan scan = {.query = store_query_all(s, table)};

	for (int i = 0; plan && plan[2 * i]; i++) {
		int column = plan[2 * i + 1] - FIRST_COLUMN_LETTER;

		if (values[i])
			take_constraint(&scan, table_get(table), plan[2 * i], column, values[i]);
	}
	narrow_lanes(&scan, s, table);
	return scan;
}

/* --- the plan --- */

static char op_of(const struct sqlite3_index_constraint *c)
{
	switch (c->op) {
	case SQLITE_INDEX_CONSTRAINT_EQ:
		return OP_EQUAL;
	case SQLITE_INDEX_CONSTRAINT_LT:
		return OP_LESS;
	case SQLITE_INDEX_CONSTRAINT_LE:
		return OP_AT_MOST;
	case SQLITE_INDEX_CONSTRAINT_GT:
		return OP_MORE;
	case SQLITE_INDEX_CONSTRAINT_GE:
		return OP_AT_LEAST;
	case SQLITE_INDEX_CONSTRAINT_NE:
		return OP_NOT;
	default:
		return OP_NONE;
	}
}

/* Return: the operator by which a scan can use constraint number i, or OP_NONE. */
static char usable_op(const struct table *t, sqlite3_index_info *info, int i)
{
	const struct sqlite3_index_constraint *c = &info->aConstraint[i];
	char op = op_of(c);

	if (!c->usable || c->iColumn < 0 || !op)
		return OP_NONE;
	if (t->kind == TABLE_ROWS)
		return c->iColumn == sql_rows_id_column(t) && op == OP_EQUAL ? op : OP_NONE;
	if (c->iColumn < t->n_keys)
		return op == OP_EQUAL ? op : OP_NONE;
	if (c->iColumn == t->ts || c->iColumn == t->n_columns)
		return op == OP_NOT ? OP_NONE : op;
	if (c->iColumn != t->state || (op != OP_EQUAL && op != OP_NOT) ||
	    strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0)
		return OP_NONE;
	return op == OP_EQUAL && sqlite3_vtab_in(info, i, 1) ? OP_IN : op;
}

/* Rows that the scan finds are right already; SQLite need not look again. */
static bool is_exact(const struct table *t, int column)
{
	return t->kind != TABLE_ROWS && (column < t->n_keys || column == t->state);
}

/* How much of [first, end] the query asks for. */
static double share_of_time(const struct store_query *q, const struct entry *e)
{
	double first = (double)e->first, end = (double)e->end + 1;
	double from = (double)q->from, to = (double)q->to;
	double wanted = (to < end ? to : end) - (from > first ? from : first);

	return wanted <= 0 ? 0 : wanted / (end - first);
}

static double share_of_states(const struct table_info *info, const struct store_query *q,
			      const struct entry *e)
{
	double wanted = 0, all = 0;

	for (int i = 0; i < info->n_sums; i++) {
		all += (double)e->sums[i];
		wanted += q->states >> i & 1 ? (double)e->sums[i] : 0;
	}
	return all > 0 ? wanted / all : 1;
}

static double lane_rows(const struct table *t, const struct table_info *info,
			const struct store_query *q, const struct entry *e)
{
	double rows = (double)e->rows;

	if (t->ts != NO_COLUMN)
		rows *= share_of_time(q, e);
	if (t->state != NO_COLUMN && q->states != QUERY_ALL_STATES)
		rows *= share_of_states(info, q, e);
	return rows;
}

/* By what the directory says, which is in memory. */
static double estimate_rows(const struct store *s, enum table_id table, const struct sql_scan *scan)
{
	const struct table_info *info = &s->tables[table];
	struct store_query q = scan->query;
	double rows = 0;

	if (scan->empty)
		return 0;
	for (size_t from = q.lane, end = q.lanes_end; sql_scan_next_lanes(scan, s, from, end, &q);
	     from = q.lanes_end) {
		for (size_t i = q.lane; i < q.lanes_end; i++)
			rows += lane_rows(table_get(table), info, &q, &info->lanes.at[i].entry);
	}
	return rows;
}

/* What a constraint whose value is not known before the scan leaves of the rows. */
static double guess_share(const struct store *s, enum table_id table, char op, int column)
{
	const struct table *t = table_get(table);
	const struct table_info *info = &s->tables[table];

	if (t->kind == TABLE_ROWS)
		return 1.0 / (double)(info->rows + 1);
	if (column < t->n_keys)
		return pow((double)info->lanes.n + 1, -1.0 / t->n_keys);
	if (column == t->state)
		return op == OP_NOT ? 0.8 : 0.3;
	return op == OP_EQUAL ? 2.0 / ((double)info->rows + 2) : 0.3;
}

/* Whether rows come in the wanted order anyway: by keys, then ts. */
static bool is_ordered(const struct table *t, const char *plan, const sqlite3_index_info *info)
{
	bool fixed[TABLE_MAX_COLUMNS + 1] = {0};
	int next = 0;

	if (t->kind == TABLE_ROWS)
		return false;
	for (int i = 0; plan[i]; i += 2)
		fixed[plan[i + 1] - FIRST_COLUMN_LETTER] |= plan[i] == OP_EQUAL;
	for (int i = 0; i < info->nOrderBy; i++) {
		const struct sqlite3_index_orderby *by = &info->aOrderBy[i];

		while (next < t->n_keys && fixed[next] && by->iColumn != next)
			next++;
		if (by->desc || by->iColumn != next || next > t->ts)
			return false;
		next++;
	}
	return true;
}

/* Takes what can be used of the constraints. Return: the plan, by sqlite3_malloc(); NULL: no
 * memory. */
static char *make_plan(const struct store *s, enum table_id table, sqlite3_index_info *info,
		       sqlite3_value **values, double *sharep)
{
	const struct table *t = table_get(table);
	char *plan = sqlite3_malloc(2 * info->nConstraint + 1);
	int n = 0;

	*sharep = 1;
	for (int i = 0; plan && i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn;
		char op = usable_op(t, info, i);

		if (op == OP_NONE)
			continue;
		plan[2 * n] = op;
		plan[2 * n + 1] = (char)(FIRST_COLUMN_LETTER + column);
		if (op == OP_IN || sqlite3_vtab_rhs_value(info, i, &values[n]) != SQLITE_OK)
			values[n] = NULL;
		if (!values[n])
			*sharep *= guess_share(s, table, op, column);
		info->aConstraintUsage[i].argvIndex = ++n;
		info->aConstraintUsage[i].omit = is_exact(t, column);
	}
	if (plan)
		plan[2 * n] = 0;
	return plan;
}

int sql_plan_choose(const struct store *s, enum table_id table, sqlite3_index_info *info)
{
	enum { SEEK_COST = 20 };
	sqlite3_value **values = mem_zalloc((size_t)info->nConstraint + 1, sizeof(sqlite3_value *));
	double share;
	char *plan = make_plan(s, table, info, values, &share);

	if (plan) {
		struct sql_scan scan = sql_plan_scan(s, table, plan, values);
		double rows = estimate_rows(s, table, &scan) * share;

		info->idxStr = plan;
		info->needToFreeIdxStr = 1;
		info->idxNum = (int)(info->colUsed & INT32_MAX);
		info->orderByConsumed = is_ordered(table_get(table), plan, info);
		info->estimatedRows = (sqlite3_int64)rows + 1;
		info->estimatedCost = rows + SEEK_COST;
		if (scan.has_id)
			info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	}
	free(values);
	return plan ? SQLITE_OK : SQLITE_NOMEM;
}
