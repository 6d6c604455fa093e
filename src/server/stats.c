#include "server/stats.h"

#include <inttypes.h>
#include <stdlib.h>

#include "results/split.h"
#include "results/summary_scan.h"
#include "server/label.h"
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
		[STATS_VCPUS] = "vcpus",     [STATS_THREADS] = "threads", [STATS_CPUS] = "cpus",
		[STATS_EXITS] = "exits",     [STATS_STEAL] = "steal",	  [STATS_SPLIT] = "split",
		[STATS_DETAILS] = "details",
	};
	int i = 0;

	while (i < STATS_N_KINDS && strcmp(names[i], name) != 0)
		i++;
	return (enum stats_kind)i;
}

/* ---- time by state -------------------------------------------------------------------------- */

static void add_state_columns(struct stats *s, enum table_id table)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	stats_add_column(s, "total", "Total", STATS_NS, "all of its time in the range");
	for (int i = 0; i < labels->n; i++)
		stats_add_column(s, labels->at[i].name, labels->at[i].name, STATS_NS,
				 labels->at[i].help);
}

/* Sets the columns of add_state_columns(), of which `column` is the first. */
static int set_states(struct making *m, size_t row, int column, enum table_id table, size_t lane)
{
	uint64_t sums[FORMAT_MAX_SUMS] = {0};
	uint64_t total = 0;

	if (sums_add(m->data->store, table, lane, m->from, m->to, sums, m->err))
		return ERR;
	for (int i = 0; i < table_n_states(table_get(table)); i++) {
		stats_set_value(m->stats, row, column + 1 + i, (int64_t)sums[i]);
		total += sums[i];
	}
	stats_set_value(m->stats, row, column, (int64_t)total);
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
	stats_add_column(m->stats, "row", "vCPU", STATS_ROW, "the vCPU");
	stats_add_column(m->stats, "vcpu", "Name", STATS_TEXT, "its VM and number");
	add_state_columns(m->stats, TABLE_VCPU_STATE);
	vec_each (v, &m->data->vcpus) {
		if (!has_lane(m, TABLE_VCPU_STATE, v->lane))
			continue;
		size_t row = stats_add_row(m->stats, row_id(ROW_VCPU, v->id));

		stats_set_value(m->stats, row, 0, row_id(ROW_VCPU, v->id));
		stats_set_text(m->stats, row, 1, dataset_vcpu_text(m->data, v->id));
		if (set_states(m, row, 2, TABLE_VCPU_STATE, (size_t)v->lane))
			return ERR;
	}
	return 0;
}

static int make_threads(struct making *m)
{
	stats_add_column(m->stats, "row", "Thread", STATS_ROW, "the thread");
	stats_add_column(m->stats, "machine", "Machine", STATS_TEXT, "its machine");
	stats_add_column(m->stats, "comm", "Name", STATS_TEXT, "its name");
	stats_add_column(m->stats, "tid", "TID", STATS_NUMBER, "its number on the machine");
	add_state_columns(m->stats, TABLE_THREAD_STATE);
	vec_each (t, &m->data->threads) {
		if (!has_lane(m, TABLE_THREAD_STATE, t->lane))
			continue;
		size_t row = stats_add_row(m->stats, row_id(ROW_THREAD, t->id));

		stats_set_value(m->stats, row, 0, row_id(ROW_THREAD, t->id));
		stats_set_text(m->stats, row, 1,
			       mem_strdup(dataset_machine_name(m->data, t->machine)));
		stats_set_text(m->stats, row, 2, mem_strdup(t->tid == 0 ? "idle" : t->comm));
		stats_set_value(m->stats, row, 3, t->tid);
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
	stats_add_column(m->stats, "row", "CPU", STATS_ROW, "the CPU");
	stats_add_column(m->stats, "cpu", "Name", STATS_TEXT, "its machine and number");
	add_state_columns(m->stats, TABLE_CPU_STATE);
	for (size_t i = 0; i < m->data->cpus.n; i++) {
		const struct ds_cpu *c = &m->data->cpus.at[i];

		if (!is_physical(m->data, c) || !has_lane(m, TABLE_CPU_STATE, c->lane))
			continue;
		size_t row = stats_add_row(m->stats, row_id(ROW_CPU, (int64_t)i));

		stats_set_value(m->stats, row, 0, row_id(ROW_CPU, (int64_t)i));
		stats_set_text(m->stats, row, 1,
			       mem_printf("%s CPU %" PRId64,
					  dataset_machine_name(m->data, c->machine), c->cpu));
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
	size_t row = stats_add_row(s, exits_row(m->data, x));
	const struct histogram *h = &x->whole;
	bool any = h->n, split = (uint64_t)x->split == h->n;
	const int64_t values[] = {
		x->count,
		exit_sum_cost(x),
		h->sum,
		any ? h->sum / (int64_t)h->n : TABLE_NULL,
		any ? histogram_quantile(h, 0.5) : TABLE_NULL,
		any ? histogram_quantile(h, 0.99) : TABLE_NULL,
		any ? h->max : TABLE_NULL,
		x->max_at,
		split ? x->handled : TABLE_NULL,
		split ? x->userspace : TABLE_NULL,
		split ? x->preempted : TABLE_NULL,
		split ? x->blocked : TABLE_NULL,
	};

	if (x->vcpu >= 0 && x->vcpu < ROW_INDEX_END)
		stats_set_value(s, row, 0, row_id(ROW_VCPU, x->vcpu));
	stats_set_text(s, row, 1, dataset_vcpu_text(m->data, x->vcpu));
	stats_set_text(s, row, 2, mem_strdup(x->name ? x->name : "?"));
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		stats_set_value(s, row, 3 + (int)i, values[i]);
}

/* The most expensive first; their length stands in where their parts are not known. */
static int by_cost(const void *a, const void *b)
{
	const struct exit_sum *x = a, *y = b;
	int64_t s = exit_sum_cost(x), t = exit_sum_cost(y);

	s = s == TABLE_NULL ? x->whole.sum : s;
	t = t == TABLE_NULL ? y->whole.sum : t;
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

	stats_add_column(s, "row", "vCPU", STATS_ROW, "the vCPU");
	stats_add_column(s, "vcpu", "Name", STATS_TEXT, "its VM and number");
	stats_add_column(s, "reason", "Reason", STATS_TEXT, "why the guest was left");
	stats_add_column(s, "count", "Count", STATS_NUMBER, "how often");
	stats_add_column(s, "cost", "Cost", STATS_NS, "KVM and user space worked, without polling");
	stats_add_column(s, "total", "Total", STATS_NS, "from exits to the next entries");
	stats_add_column(s, "mean", "Mean", STATS_NS, "on average");
	stats_add_column(s, "p50", "Median", STATS_NS,
			 "half of them are at most so long, within 0.8 %");
	stats_add_column(s, "p99", "99 %", STATS_NS, "so many are at most so long, within 0.8 %");
	stats_add_column(s, "max", "Longest", STATS_NS, "the longest");
	stats_add_column(s, "max_at", "Longest at", STATS_TIME, "when the longest began");
	stats_add_column(s, "handled", "Handled", STATS_NS, "of total: KVM worked");
	stats_add_column(s, "userspace", "User space", STATS_NS, "of total: in user space");
	stats_add_column(s, "preempted", "Preempted", STATS_NS,
			 "of total: runnable, without a CPU");
	stats_add_column(s, "blocked", "Blocked", STATS_NS, "of total: asleep");
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
	int64_t vcpu, by, times, preempted, waiting, throttled, max, max_at;
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
		return mem_strdup("nobody: its own CPU quota");
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
	switch (store_cursor_get(c, COL_VCPU_STATE_STATE)) {
	case VCPU_PREEMPTED:
		x->preempted += end - begin;
		break;
	case VCPU_WAITING:
		x->waiting += end - begin;
		break;
	default:
		x->throttled += end - begin;
	}
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
	size_t row =
		stats_add_row(s, dataset_vcpu(m->data, x->vcpu) ? row_id(ROW_VCPU, x->vcpu) : -1);

	stats_set_value(s, row, 0, s->rows.at[row].row);
	stats_set_text(s, row, 1, dataset_vcpu_text(m->data, x->vcpu));
	if (by)
		stats_set_value(s, row, 2, row_id(ROW_THREAD, by->id));
	stats_set_text(s, row, 3, taker_text(m->data, x->by));
	stats_set_value(s, row, 4, x->times);
	stats_set_value(s, row, 5, x->preempted + x->waiting + x->throttled);
	stats_set_value(s, row, 6, x->preempted);
	stats_set_value(s, row, 7, x->waiting);
	stats_set_value(s, row, 8, x->throttled);
	stats_set_value(s, row, 9, x->max);
	stats_set_value(s, row, 10, x->max_at);
}

static int make_steal(struct making *m)
{
	struct stats *s = m->stats;
	steal_sums_t sums = {0};

	stats_add_column(s, "row", "vCPU", STATS_ROW, "the vCPU that could run");
	stats_add_column(s, "vcpu", "vCPU", STATS_TEXT, "its VM and number");
	stats_add_column(s, "by", "By", STATS_ROW, "the thread that had the CPU");
	stats_add_column(
		s, "by_name", "By whom", STATS_TEXT,
		"its name; of a VM: another thread of its process on the host; an interrupt, or the "
		"VM's own quota");
	stats_add_column(s, "times", "Times", STATS_NUMBER, "how often");
	stats_add_column(s, "steal", "Stolen", STATS_NS, "how long in all");
	stats_add_column(s, "preempted", "Preempted", STATS_NS, "of that: the CPU was taken away");
	stats_add_column(s, "waiting", "Waiting", STATS_NS,
			 "of that: woken, and not yet given a CPU");
	stats_add_column(s, "throttled", "Throttled", STATS_NS,
			 "of that: its own quota was used up");
	stats_add_column(s, "max", "Longest", STATS_NS, "the longest");
	stats_add_column(s, "max_at", "Longest at", STATS_TIME, "when that began");
	int r = collect_steal(m, &sums);

	vec_each (x, &sums)
		add_steal_row(m, x);
	vec_deinit(&sums);
	return r;
}

/* ---- as the report has it ------------------------------------------------------------------- */

/* Adds up what the report does. Return: 0, or ERR with m->err set; deinitialize in every case. */
static int read_results(struct making *m, struct results *r, unsigned parts)
{
	const struct dataset *d = m->data;
	const struct results_range range = {
		.given = m->from > d->begin || m->to < d->end, .from = m->from, .to = m->to};

	return results_init(r, d->store, &range, m->err) || summary_scan(r, parts, 1, NULL, m->err)
		       ? ERR
		       : 0;
}

static void add_split_row(struct making *m, const struct results *r, const struct res_vcpu *v)
{
	struct stats *s = m->stats;
	struct split split;
	int column = 3;

	split_of(&split, r, v);
	if (!split.whole)
		return;
	size_t row = stats_add_row(s, row_id(ROW_VCPU, v->id));

	stats_set_value(s, row, 0, row_id(ROW_VCPU, v->id));
	stats_set_text(s, row, 1, dataset_vcpu_text(m->data, v->id));
	stats_set_value(s, row, 2, split.whole);
	for (int i = 0; i < SPLIT_N; i++)
		stats_set_value(s, row, column++, split.parts[i]);
	for (int i = 0; i < READY_N; i++)
		stats_set_value(s, row, column++, split.of_ready[i]);
}

static int make_split(struct making *m)
{
	static const char *const names[SPLIT_N] = {
		[SPLIT_RUN] = "run",	     [SPLIT_READY] = "ready", [SPLIT_EXIT] = "exit",
		[SPLIT_POLL] = "poll",	     [SPLIT_IDLE] = "idle",   [SPLIT_BLOCKED] = "blocked",
		[SPLIT_UNKNOWN] = "unknown",
	};
	static const char *const helps[SPLIT_N] = {
		[SPLIT_RUN] = "in the guest",
		[SPLIT_READY] = "could run, and had no CPU",
		[SPLIT_EXIT] = "in KVM or user space, for an exit",
		[SPLIT_POLL] = "halted, with its CPU kept busy",
		[SPLIT_IDLE] = "halted",
		[SPLIT_BLOCKED] = "asleep for another reason",
		[SPLIT_UNKNOWN] = "not known",
	};
	struct stats *s = m->stats;
	struct results r;
	int status = read_results(m, &r, SUMMARY_LANES);

	stats_add_column(s, "row", "vCPU", STATS_ROW, "the vCPU");
	stats_add_column(s, "vcpu", "Name", STATS_TEXT, "its VM and number");
	stats_add_column(s, "total", "Total", STATS_NS, "all of its time in the range");
	for (int i = 0; i < SPLIT_N; i++)
		stats_add_column(s, names[i], split_part_name((enum split_part)i), STATS_NS,
				 helps[i]);
	for (int i = 0; i < READY_N; i++) {
		const char *name = split_ready_name((enum split_ready)i);

		stats_add_column(s, name, name, STATS_NS, "of READY: who or what had the CPU");
	}
	vec_each (v, &r.vcpus) {
		if (!status)
			add_split_row(m, &r, v);
	}
	results_deinit(&r);
	return status;
}

static void add_detail_row(struct making *m, const struct res_machine *vm,
			   const struct tally_detail *d)
{
	bool split = summary_detail_is_split(d);
	const char *about = store_string(m->data->store, d->name);
	size_t row = stats_add_row(m->stats, row_id(ROW_MACHINE, vm->id));

	stats_set_value(m->stats, row, 0, row_id(ROW_MACHINE, vm->id));
	stats_set_text(m->stats, row, 1, mem_strdup(vm->name));
	stats_set_text(m->stats, row, 2, mem_strdup(about ? about : "?"));
	stats_set_value(m->stats, row, 3, (int64_t)d->n);
	stats_set_value(m->stats, row, 4, split ? d->cost : TABLE_NULL);
	stats_set_value(m->stats, row, 5, d->total);
	if (!d->n_whole)
		return;
	stats_set_value(m->stats, row, 6, d->total / (int64_t)d->n_whole);
	stats_set_value(m->stats, row, 7, d->max);
}

static void add_details(struct making *m, const struct results *r, int vm)
{
	struct vm_details details;

	vm_details_init(&details, r, vm, TABLE_NULL);
	vec_each (d, &details.details)
		add_detail_row(m, &r->machines.at[vm], d);
	vm_details_deinit(&details);
}

static int make_details(struct making *m)
{
	struct stats *s = m->stats;
	struct results r;
	int status = read_results(m, &r, SUMMARY_EXITS);

	stats_add_column(s, "row", "VM", STATS_ROW, "the VM");
	stats_add_column(s, "vm", "Name", STATS_TEXT, "its name");
	stats_add_column(s, "about", "About", STATS_TEXT,
			 "what exits were about: an MSR, a port, ...");
	stats_add_column(s, "count", "Count", STATS_NUMBER, "how often");
	stats_add_column(s, "cost", "Cost", STATS_NS, "KVM and user space worked, without polling");
	stats_add_column(s, "total", "Total", STATS_NS, "from exits to the next entries");
	stats_add_column(s, "mean", "Mean", STATS_NS, "on average");
	stats_add_column(s, "max", "Longest", STATS_NS, "the longest");
	vec_each (vm, &r.vms) {
		if (!status)
			add_details(m, &r, *vm);
	}
	results_deinit(&r);
	return status;
}

/* ---- life ----------------------------------------------------------------------------------- */

int stats_init(struct stats *s, struct dataset *d, enum stats_kind kind, int64_t from, int64_t to,
	       struct error *err)
{
	static int (*const make[STATS_N_KINDS])(struct making *) = {
		[STATS_VCPUS] = make_vcpus,	[STATS_THREADS] = make_threads,
		[STATS_CPUS] = make_cpus,	[STATS_EXITS] = make_exits,
		[STATS_STEAL] = make_steal,	[STATS_SPLIT] = make_split,
		[STATS_DETAILS] = make_details,
	};
	struct making m = {.stats = s, .data = d, .from = from, .to = to, .err = err};

	*s = (struct stats){0};
	return make[kind](&m);
}
