#include "server/stats.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/label.h"
#include "server/write.h"
#include "store/cursor.h"
#include "store/sums.h"

struct making {
	struct stats *stats;
	struct dataset *data;
	int64_t from, to;
	struct error *err;
};

enum stats_kind stats_find(const char *name)
{
	static const char *const names[STATS_N_KINDS] = {
		[STATS_VCPUS] = "vcpus", [STATS_THREADS] = "threads", [STATS_CPUS] = "cpus",
		[STATS_EXITS] = "exits", [STATS_STEAL] = "steal",
	};
	int i = 0;

	while (i < STATS_N_KINDS && strcmp(names[i], name) != 0)
		i++;
	return (enum stats_kind)i;
}

static void add_column(struct stats *s, const char *name, const char *title, enum stats_type type,
		       const char *help)
{
	s->columns[s->n_columns++] = (struct stats_column){name, title, help, type};
}

/* Begins a row. Return: its number, since rows move. */
static size_t add_row(struct stats *s, int32_t about)
{
	struct stats_row *row = vec_push(&s->rows);

	row->row = about;
	for (int i = 0; i < STATS_MAX_COLUMNS; i++)
		row->cells[i].value = TABLE_NULL;
	return s->rows.n - 1;
}

static void set_text(struct stats *s, size_t row, int column, char *text)
{
	s->rows.at[row].cells[column].text = text;
}

static void set_value(struct stats *s, size_t row, int column, int64_t value)
{
	s->rows.at[row].cells[column].value = value;
}

/* ---- time by state -------------------------------------------------------------------------- */

static void add_state_columns(struct stats *s, enum table_id table)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	add_column(s, "total", "Total", STATS_NS, "all of its time in the range");
	for (int i = 0; i < labels->n; i++)
		add_column(s, labels->at[i].name, labels->at[i].name, STATS_NS, labels->at[i].help);
}

/* Sets the columns of add_state_columns(), of which `column` is the first. */
static int set_states(struct making *m, size_t row, int column, enum table_id table, size_t lane)
{
	uint64_t sums[FORMAT_MAX_SUMS] = {0};
	uint64_t total = 0;

	if (sums_add(m->data->store, table, lane, m->from, m->to, sums, m->err))
		return ERR;
	for (int i = 0; i < table_n_states(table_get(table)); i++) {
		set_value(m->stats, row, column + 1 + i, (int64_t)sums[i]);
		total += sums[i];
	}
	set_value(m->stats, row, column, (int64_t)total);
	return 0;
}

/* Return: whether a row has something in the stretch; other recordings in the file need not. */
static bool has_lane(const struct making *m, enum table_id table, int64_t lane)
{
	if (lane < 0)
		return false;
	const struct entry *e = &m->data->store->tables[table].lanes.at[lane].entry;

	return e->first < m->to && e->end > m->from;
}

static int make_vcpus(struct making *m)
{
	add_column(m->stats, "row", "vCPU", STATS_ROW, "the vCPU");
	add_column(m->stats, "vcpu", "Name", STATS_TEXT, "its VM and number");
	add_state_columns(m->stats, TABLE_VCPU_STATE);
	vec_each (v, &m->data->vcpus) {
		if (!has_lane(m, TABLE_VCPU_STATE, v->lane))
			continue;
		size_t row = add_row(m->stats, row_id(ROW_VCPU, v->id));

		set_value(m->stats, row, 0, row_id(ROW_VCPU, v->id));
		set_text(m->stats, row, 1, dataset_vcpu_text(m->data, v->id));
		if (set_states(m, row, 2, TABLE_VCPU_STATE, (size_t)v->lane))
			return ERR;
	}
	return 0;
}

static int make_threads(struct making *m)
{
	add_column(m->stats, "row", "Thread", STATS_ROW, "the thread");
	add_column(m->stats, "machine", "Machine", STATS_TEXT, "its machine");
	add_column(m->stats, "comm", "Name", STATS_TEXT, "its name");
	add_column(m->stats, "tid", "TID", STATS_NUMBER, "its number on the machine");
	add_state_columns(m->stats, TABLE_THREAD_STATE);
	vec_each (t, &m->data->threads) {
		if (!has_lane(m, TABLE_THREAD_STATE, t->lane))
			continue;
		size_t row = add_row(m->stats, row_id(ROW_THREAD, t->id));

		set_value(m->stats, row, 0, row_id(ROW_THREAD, t->id));
		set_text(m->stats, row, 1, mem_strdup(dataset_machine_name(m->data, t->machine)));
		set_text(m->stats, row, 2, mem_strdup(t->tid == 0 ? "idle" : t->comm));
		set_value(m->stats, row, 3, t->tid);
		if (set_states(m, row, 4, TABLE_THREAD_STATE, (size_t)t->lane))
			return ERR;
	}
	return 0;
}

static bool is_physical(const struct dataset *d, const struct ds_cpu *c)
{
	const struct ds_machine *m = dataset_machine(d, c->machine);

	return m && m->parent < 0;
}

static int make_cpus(struct making *m)
{
	add_column(m->stats, "row", "CPU", STATS_ROW, "the CPU");
	add_column(m->stats, "cpu", "Name", STATS_TEXT, "its machine and number");
	add_state_columns(m->stats, TABLE_CPU_STATE);
	for (size_t i = 0; i < m->data->cpus.n; i++) {
		const struct ds_cpu *c = &m->data->cpus.at[i];

		if (!is_physical(m->data, c) || !has_lane(m, TABLE_CPU_STATE, c->lane))
			continue;
		size_t row = add_row(m->stats, row_id(ROW_CPU, (int64_t)i));

		set_value(m->stats, row, 0, row_id(ROW_CPU, (int64_t)i));
		set_text(m->stats, row, 1,
			 mem_printf("%s CPU %" PRId64, dataset_machine_name(m->data, c->machine),
				    c->cpu));
		if (set_states(m, row, 2, TABLE_CPU_STATE, (size_t)c->lane))
			return ERR;
	}
	return 0;
}

/* ---- exits ---------------------------------------------------------------------------------- */

static int32_t exits_row(const struct dataset *d, const struct exit_sum *x)
{
	for (size_t i = 0; i < d->exits.n; i++) {
		if (d->exits.at[i].vcpu == x->vcpu && d->exits.at[i].reason == x->reason)
			return row_id(ROW_EXITS, (int64_t)i);
	}
	return row_id(ROW_VCPU, x->vcpu);
}

static void add_exit_row(struct making *m, const struct exit_sum *x)
{
	struct stats *s = m->stats;
	size_t row = add_row(s, exits_row(m->data, x));
	bool any = x->max != TABLE_NULL, split = x->split == x->finished;
	const int64_t values[] = {
		x->count,
		exit_sum_cost(x),
		x->total,
		any ? x->total / x->finished : TABLE_NULL,
		exit_sum_percentile(x, 500),
		exit_sum_percentile(x, 990),
		x->max,
		x->max_at,
		split ? x->handled : TABLE_NULL,
		split ? x->userspace : TABLE_NULL,
		split ? x->preempted : TABLE_NULL,
		split ? x->blocked : TABLE_NULL,
	};

	if (x->vcpu >= 0 && x->vcpu < ROW_INDEX_END)
		set_value(s, row, 0, row_id(ROW_VCPU, x->vcpu));
	set_text(s, row, 1, dataset_vcpu_text(m->data, x->vcpu));
	set_text(s, row, 2, mem_strdup(x->name ? x->name : "?"));
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		set_value(s, row, 3 + (int)i, values[i]);
}

/* The most expensive first; their length stands in where their parts are not known. */
static int by_cost(const void *a, const void *b)
{
	const struct exit_sum *x = a, *y = b;
	int64_t s = exit_sum_cost(x), t = exit_sum_cost(y);

	s = s == TABLE_NULL ? x->total : s;
	t = t == TABLE_NULL ? y->total : t;
	if (s != t)
		return s > t ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->reason < y->reason ? -1 : x->reason > y->reason;
}

static int make_exits(struct making *m)
{
	struct stats *s = m->stats;
	const struct exit_index *index;
	struct exit_sums sums = {0};

	add_column(s, "row", "vCPU", STATS_ROW, "the vCPU");
	add_column(s, "vcpu", "Name", STATS_TEXT, "its VM and number");
	add_column(s, "reason", "Reason", STATS_TEXT, "why the guest was left");
	add_column(s, "count", "Count", STATS_NUMBER, "how often");
	add_column(s, "cost", "Cost", STATS_NS, "KVM and user space worked, without polling");
	add_column(s, "total", "Total", STATS_NS, "from exits to the next entries");
	add_column(s, "mean", "Mean", STATS_NS, "on average");
	add_column(s, "p50", "Median", STATS_NS, "half of them are at most so long, within 0.8 %");
	add_column(s, "p99", "99 %", STATS_NS, "so many are at most so long, within 0.8 %");
	add_column(s, "max", "Longest", STATS_NS, "the longest");
	add_column(s, "max_at", "Longest at", STATS_TIME, "when the longest began");
	add_column(s, "handled", "Handled", STATS_NS, "of total: KVM worked");
	add_column(s, "userspace", "User space", STATS_NS, "of total: in user space");
	add_column(s, "preempted", "Preempted", STATS_NS, "of total: runnable, without a CPU");
	add_column(s, "blocked", "Blocked", STATS_NS, "of total: asleep");
	int r = dataset_find_exits(m->data, m->err) ||
		dataset_find_exit_index(m->data, &index, m->err) ||
		exit_sums_init(&sums, m->data->store, index, m->from, m->to, m->err);

	if (sums.at.n)
		qsort(sums.at.at, sums.at.n, sizeof(*sums.at.at), by_cost);
	vec_each (x, &sums.at) {
		if (!r)
			add_exit_row(m, x);
	}
	exit_sums_deinit(&sums);
	return r ? ERR : 0;
}

/* ---- who took the CPU ----------------------------------------------------------------------- */

struct steal_sum {
	int64_t vcpu, by, times, preempted, waiting, max, max_at;
};

typedef VEC(struct steal_sum) steal_sums_t;

/* Stand for what no thread is: idle threads of all CPUs, a quota; and, from HANDLER down, for
 * interrupts' handlers, by the number of their name. */
enum { IDLE = -2, QUOTA = -3, HANDLER = -4 };

static int64_t taker_of(const struct dataset *d, const struct store_cursor *c)
{
	int64_t handler = store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_HANDLER);
	int64_t thread = store_cursor_get(c, COL_VCPU_STATE_OCCUPANT_THREAD_ID);
	const struct ds_thread *t = dataset_thread(d, thread);

	if (store_cursor_get(c, COL_VCPU_STATE_STATE) == VCPU_THROTTLED)
		return QUOTA;
	if (handler != TABLE_NULL)
		return HANDLER - handler;
	return t && t->tid == 0 && t->vcpu < 0 ? IDLE : thread;
}

/* Return: who took a CPU, for people, owned by the caller: "worker (317) of g1" is one of its own
 * process. */
static char *taker_text(const struct dataset *d, int64_t by)
{
	const struct ds_thread *t = dataset_thread(d, by);
	const struct ds_machine *vm = t && t->vcpu < 0 ? dataset_vm_of(d, t) : NULL;

	if (by == IDLE)
		return mem_strdup("idle (wake-up latency)");
	if (by == QUOTA)
		return mem_strdup("nobody: its CPU quota was used up");
	if (by <= HANDLER && by != TABLE_NULL)
		return mem_printf("interrupt %s", store_string(d->store, HANDLER - by));
	char *name = dataset_thread_text(d, by);
	char *text = vm ? mem_printf("%s of %s", name, vm->name) : mem_strdup(name);

	free(name);
	return text;
}

static void add_steal(struct making *m, struct steal_sum *x, const struct store_cursor *c)
{
	int64_t begin = store_cursor_get(c, COL_VCPU_STATE_TS);
	int64_t end = begin + store_cursor_get(c, COL_VCPU_STATE_DUR), at = begin;

	begin = begin > m->from ? begin : m->from;
	end = end < m->to ? end : m->to;
	x->times++;
	if (vcpu_state_is(store_cursor_get(c, COL_VCPU_STATE_STATE), STATE_TAKEN))
		x->preempted += end - begin;
	else
		x->waiting += end - begin;
	if (end - begin > x->max) {
		x->max = end - begin;
		x->max_at = at;
	}
}

static int collect_steal(struct making *m, steal_sums_t *sums)
{
	struct store_query query = store_query_all(m->data->store, TABLE_VCPU_STATE);
	struct map known = {0};
	struct store_cursor c;
	int r;

	query.from = m->from;
	query.to = m->to;
	query.states = vcpu_states(STATE_LOST);
	query.columns = 1U << COL_VCPU_STATE_VCPU_ID | 1U << COL_VCPU_STATE_TS |
			1U << COL_VCPU_STATE_DUR | 1U << COL_VCPU_STATE_STATE |
			1U << COL_VCPU_STATE_OCCUPANT_THREAD_ID |
			1U << COL_VCPU_STATE_OCCUPANT_HANDLER;
	store_cursor_init(&c, m->data->store, &query);
	while ((r = store_cursor_next(&c, m->err)) == CURSOR_ROW) {
		int64_t vcpu = store_cursor_get(&c, COL_VCPU_STATE_VCPU_ID);
		int64_t by = taker_of(m->data, &c);
		uint64_t *i = map_put(&known, (uint64_t)vcpu << 32 ^ (uint64_t)by, sums->n);

		if (*i == sums->n)
			*vec_push(sums) = (struct steal_sum){.vcpu = vcpu, .by = by};
		add_steal(m, &sums->at[*i], &c);
	}
	store_cursor_deinit(&c);
	map_deinit(&known);
	return r;
}

static void add_steal_row(struct making *m, const struct steal_sum *x)
{
	struct stats *s = m->stats;
	const struct ds_thread *by = dataset_thread(m->data, x->by);
	size_t row = add_row(s, dataset_vcpu(m->data, x->vcpu) ? row_id(ROW_VCPU, x->vcpu) : -1);

	set_value(s, row, 0, s->rows.at[row].row);
	set_text(s, row, 1, dataset_vcpu_text(m->data, x->vcpu));
	if (by)
		set_value(s, row, 2, row_id(ROW_THREAD, by->id));
	set_text(s, row, 3, taker_text(m->data, x->by));
	set_value(s, row, 4, x->times);
	set_value(s, row, 5, x->preempted + x->waiting);
	set_value(s, row, 6, x->preempted);
	set_value(s, row, 7, x->waiting);
	set_value(s, row, 8, x->max);
	set_value(s, row, 9, x->max_at);
}

static int make_steal(struct making *m)
{
	struct stats *s = m->stats;
	steal_sums_t sums = {0};

	add_column(s, "row", "vCPU", STATS_ROW, "the vCPU that could run");
	add_column(s, "vcpu", "vCPU", STATS_TEXT, "its VM and number");
	add_column(s, "by", "By", STATS_ROW, "the thread that had the CPU");
	add_column(
		s, "by_name", "By whom", STATS_TEXT,
		"its name; of a VM: another thread of its process on the host; an interrupt, or the "
		"VM's own quota");
	add_column(s, "times", "Times", STATS_NUMBER, "how often");
	add_column(s, "steal", "Stolen", STATS_NS, "how long in all");
	add_column(s, "preempted", "Preempted", STATS_NS, "of that: the CPU was taken away");
	add_column(s, "waiting", "Waiting", STATS_NS, "of that: woken, and not yet given a CPU");
	add_column(s, "max", "Longest", STATS_NS, "the longest");
	add_column(s, "max_at", "Longest at", STATS_TIME, "when that began");
	int r = collect_steal(m, &sums);

	vec_each (x, &sums)
		add_steal_row(m, x);
	vec_deinit(&sums);
	return r;
}

/* ---- life ----------------------------------------------------------------------------------- */

int stats_init(struct stats *s, struct dataset *d, enum stats_kind kind, int64_t from, int64_t to,
	       struct error *err)
{
	static int (*const make[STATS_N_KINDS])(struct making *) = {
		[STATS_VCPUS] = make_vcpus, [STATS_THREADS] = make_threads,
		[STATS_CPUS] = make_cpus,   [STATS_EXITS] = make_exits,
		[STATS_STEAL] = make_steal,
	};
	struct making m = {.stats = s, .data = d, .from = from, .to = to, .err = err};

	*s = (struct stats){0};
	return make[kind](&m);
}

void stats_deinit(struct stats *s)
{
	vec_each (row, &s->rows) {
		for (int i = 0; i < s->n_columns; i++)
			free(row->cells[i].text);
	}
	vec_deinit(&s->rows);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_columns(struct jsonw *j, const struct stats *s)
{
	static const char *const types[] = {[STATS_TEXT] = "text",
					    [STATS_NUMBER] = "number",
					    [STATS_NS] = "ns",
					    [STATS_ROW] = "row",
					    [STATS_TIME] = "time"};

	jsonw_array_begin(j);
	for (int i = 0; i < s->n_columns; i++) {
		jsonw_object_begin(j);
		write_text(j, "name", s->columns[i].name);
		write_text(j, "title", s->columns[i].title);
		write_text(j, "type", types[s->columns[i].type]);
		write_text(j, "help", s->columns[i].help);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

void stats_write(struct jsonw *j, const struct stats *s, int64_t origin)
{
	jsonw_object_begin(j);
	jsonw_key(j, "columns");
	write_columns(j, s);
	write_array(j, "rows");
	vec_each (row, &s->rows) {
		jsonw_array_begin(j);
		for (int i = 0; i < s->n_columns; i++) {
			const struct stats_cell *cell = &row->cells[i];

			if (s->columns[i].type == STATS_TEXT)
				jsonw_string(j, cell->text);
			else if (cell->value == TABLE_NULL)
				jsonw_null(j);
			else
				jsonw_int(j, s->columns[i].type == STATS_TIME
						     ? format_sub(cell->value, origin)
						     : cell->value);
		}
		jsonw_array_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

/* Row ids are for programs, and stand in the entry itself. */
static bool is_in_tree(const struct stats_column *c)
{
	return c->type != STATS_ROW;
}

static void write_header(struct jsonw *j, const struct stats_column *c)
{
	static const char *const types[] = {[STATS_TEXT] = "STRING",
					    [STATS_NUMBER] = "NUMBER",
					    [STATS_NS] = "DURATION",
					    [STATS_ROW] = "NUMBER",
					    [STATS_TIME] = "TIMESTAMP"};

	jsonw_object_begin(j);
	write_text(j, "name", c->title);
	write_text(j, "tooltip", c->help);
	write_text(j, "dataType", types[c->type]);
	jsonw_object_end(j);
}

static void write_labels(struct jsonw *j, const struct stats *s, const struct stats_row *row)
{
	char number[24];

	write_array(j, "labels");
	for (int i = 0; i < s->n_columns; i++) {
		const struct stats_cell *cell = &row->cells[i];

		if (!is_in_tree(&s->columns[i]))
			continue;
		snprintf(number, sizeof(number), "%" PRId64, cell->value);
		jsonw_string(j, s->columns[i].type == STATS_TEXT ? cell->text
				: cell->value == TABLE_NULL	 ? ""
								 : number);
	}
	jsonw_array_end(j);
}

void stats_write_tree(struct jsonw *j, const struct stats *s)
{
	int32_t id = 0;

	jsonw_object_begin(j);
	write_array(j, "headers");
	for (int i = 0; i < s->n_columns; i++) {
		if (is_in_tree(&s->columns[i]))
			write_header(j, &s->columns[i]);
	}
	jsonw_array_end(j);
	write_array(j, "entries");
	vec_each (row, &s->rows) {
		jsonw_object_begin(j);
		write_int(j, "id", row->row >= 0 ? row->row : id);
		write_int(j, "parentId", -1);
		write_labels(j, s, row);
		write_bool(j, "hasData", true);
		jsonw_object_end(j);
		id++;
	}
	jsonw_array_end(j);
	write_int(j, "autoExpandLevel", 1);
	jsonw_object_end(j);
}
