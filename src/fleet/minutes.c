#include "fleet/minutes.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "results/findings.h"
#include "results/naming.h"
#include "results/split.h"
#include "results/summary_scan.h"
#include "store/cursor.h"

#define NS_PER_MINUTE INT64_C(60000000000)
enum {
	MINUTES_ROWS = 256,	/* that are handed on together */
	MINUTES_MOST = 1 << 20, /* of a recording: two years */
	MINUTES_N_TABLES = FLEET_N - TABLE_N,
};

/* Rows of one table that wait to be handed on. */
struct minutes_table {
	size_t n;
	uint64_t nth; /* rows so far */
	int64_t at[FLEET_MAX_COLUMNS][MINUTES_ROWS];
};

struct minutes {
	const struct fleet_source *source;
	fleet_sink_fn *sink;
	void *ctx;
	struct error *err;
	int failed;
	const struct results *results; /* of the minute */
	int64_t minute;		       /* ns */
	struct arena arena;	       /* of the minute: texts, arrays */
	struct minutes_table *tables;  /* owned; MINUTES_N_TABLES */
};

/* ---- rows ----------------------------------------------------------------------------------- */

static int64_t minutes_text(const char *text)
{
	return text ? (int64_t)(intptr_t)text : TABLE_NULL;
}

static const char *minutes_text_of(const void *ctx, int64_t number)
{
	(void)ctx;
	return (const char *)(intptr_t)number;
}

static void minutes_flush(struct minutes *m, enum fleet_id id)
{
	struct minutes_table *t = &m->tables[id - TABLE_N];
	const struct fleet_recording *r = m->source->recording;
	const struct fleet_table *table = &m->source->tables[id];
	struct fleet_rows rows = {.table = table,
				  .n = t->n,
				  .day = r->day,
				  .recording = r->id,
				  .text = minutes_text_of};

	for (int i = FLEET_COL_NTH; i < table->n_columns; i++)
		rows.at[i] = t->at[i];
	if (t->n && !m->failed)
		m->failed = m->sink(m->ctx, &rows, m->err);
	t->n = 0;
}

/* values: in the table's order, without the columns that all tables have. */
static void minutes_add(struct minutes *m, enum fleet_id id, const int64_t *values)
{
	struct minutes_table *t = &m->tables[id - TABLE_N];
	int n = m->source->tables[id].n_columns - FLEET_COL_FIRST;
	uint64_t nth = t->nth++;

	if (!m->source->wanted[id] || nth < m->source->skip[id])
		return;
	t->at[FLEET_COL_NTH][t->n] = (int64_t)nth;
	for (int i = 0; i < n; i++)
		t->at[FLEET_COL_FIRST + i][t->n] = values[i];
	if (++t->n == MINUTES_ROWS)
		minutes_flush(m, id);
}

static void minutes_flush_all(struct minutes *m)
{
	for (int id = TABLE_N; id < FLEET_N; id++)
		minutes_flush(m, (enum fleet_id)id);
}

/* The first five columns of every table of minutes: host, VM, vCPU, its number, minute. */
static void minutes_who(const struct minutes *m, const struct res_vcpu *v, int64_t *values)
{
	values[FC_VCPU_MINUTE_HOST] = minutes_text(m->source->recording->host);
	values[FC_VCPU_MINUTE_VM] = minutes_text(m->results->machines.at[v->machine].name);
	values[FC_VCPU_MINUTE_VCPU_ID] = v->id;
	values[FC_VCPU_MINUTE_VCPU_INDEX] = v->index;
	values[FC_VCPU_MINUTE_MINUTE_NS] = m->minute;
}

/* ---- histograms ----------------------------------------------------------------------------- */

/* Puts a histogram into two columns that stand side by side. */
static void minutes_histogram(struct minutes *m, const struct histogram *h, int64_t *values)
{
	size_t n = histogram_n_classes(h);
	int64_t *bounds = arena_array(&m->arena, int64_t, 2 * n + 1), *counts = bounds + n;
	struct fleet_ints *ints = arena_array(&m->arena, struct fleet_ints, 2);

	histogram_classes(h, bounds, counts);
	ints[0] = (struct fleet_ints){.n = n, .at = bounds};
	ints[1] = (struct fleet_ints){.n = n, .at = counts};
	values[0] = (int64_t)(intptr_t)&ints[0];
	values[1] = (int64_t)(intptr_t)&ints[1];
}

/* ---- vCPUs ---------------------------------------------------------------------------------- */

static void minutes_add_split(struct minutes *m, const struct res_vcpu *v, const struct split *s)
{
	int64_t row[FC_VCPU_MINUTE_N_COLUMNS] = {
		[FC_VCPU_MINUTE_TOTAL_NS] = s->whole,
		[FC_VCPU_MINUTE_RUN_NS] = s->run,
		[FC_VCPU_MINUTE_READY_NS] = s->ready,
		[FC_VCPU_MINUTE_EXIT_NS] = s->exit,
		[FC_VCPU_MINUTE_POLL_NS] = s->poll,
		[FC_VCPU_MINUTE_IDLE_NS] = s->idle,
		[FC_VCPU_MINUTE_BLOCKED_NS] = s->blocked,
		[FC_VCPU_MINUTE_UNKNOWN_NS] = s->unknown,
		[FC_VCPU_MINUTE_NEIGHBOUR_NS] = s->of_ready[READY_NEIGHBOUR],
		[FC_VCPU_MINUTE_SIBLING_NS] = s->of_ready[READY_SIBLING],
		[FC_VCPU_MINUTE_OWN_NS] = s->of_ready[READY_OWN],
		[FC_VCPU_MINUTE_PROCESS_NS] = s->of_ready[READY_PROCESS],
		[FC_VCPU_MINUTE_KERNEL_NS] = s->of_ready[READY_KERNEL],
		[FC_VCPU_MINUTE_INTERRUPT_NS] = s->of_ready[READY_INTERRUPT],
		[FC_VCPU_MINUTE_QUOTA_NS] = s->of_ready[READY_QUOTA],
		[FC_VCPU_MINUTE_LATENCY_NS] = s->of_ready[READY_LATENCY],
		[FC_VCPU_MINUTE_UNCLEAR_NS] = s->of_ready[READY_UNCLEAR],
		[FC_VCPU_MINUTE_EXITS] = (int64_t)v->sum.n_exits,
	};

	minutes_who(m, v, row);
	minutes_add(m, FLEET_VCPU_MINUTE, row);
}

static void minutes_add_exits(struct minutes *m, const struct res_vcpu *v,
			      const struct summary_exits *e)
{
	int64_t row[FC_EXIT_MINUTE_N_COLUMNS] = {
		[FC_EXIT_MINUTE_REASON] = e->reason,
		[FC_EXIT_MINUTE_ISA] = e->isa,
		[FC_EXIT_MINUTE_NAME] = minutes_text(e->name),
		[FC_EXIT_MINUTE_EXITS] = (int64_t)e->n,
		[FC_EXIT_MINUTE_ENDED] = (int64_t)e->whole.n,
		[FC_EXIT_MINUTE_TOTAL_NS] = e->whole.sum,
		[FC_EXIT_MINUTE_MAX_NS] = e->whole.n ? e->whole.max : TABLE_NULL,
		[FC_EXIT_MINUTE_SPLIT] = (int64_t)e->n_split,
		[FC_EXIT_MINUTE_HANDLED_NS] = e->handled,
		[FC_EXIT_MINUTE_USERSPACE_NS] = e->userspace,
		[FC_EXIT_MINUTE_PREEMPTED_NS] = e->preempted,
		[FC_EXIT_MINUTE_BLOCKED_NS] = e->blocked,
		[FC_EXIT_MINUTE_POLLED_NS] = e->polled,
	};

	minutes_who(m, v, row);
	minutes_histogram(m, &e->whole, &row[FC_EXIT_MINUTE_HIST_NS]);
	minutes_add(m, FLEET_EXIT_MINUTE, row);
}

/* Return: what it is called on every host: without numbers of processes. */
static const char *minutes_thief(const struct res_occupant *o)
{
	return o->handler ? o->handler : o->thread ? o->thread->comm : NULL;
}

static void minutes_add_thief(struct minutes *m, const struct res_vcpu *v,
			      const struct summary_occupant *s)
{
	const struct results *r = m->results;
	struct res_occupant o = occupant_of(r, s);
	int64_t row[FC_THIEF_MINUTE_N_COLUMNS] = {
		[FC_THIEF_MINUTE_KIND] = minutes_text(occupant_kind_name(o.kind)),
		[FC_THIEF_MINUTE_THIEF] = minutes_text(minutes_thief(&o)),
		[FC_THIEF_MINUTE_THIEF_VM] =
			minutes_text(o.vm == NOBODY ? NULL : r->machines.at[o.vm].name),
		[FC_THIEF_MINUTE_LABEL] = minutes_text(occupant_label(r, &o, v, &m->arena)),
		[FC_THIEF_MINUTE_READY_NS] = summary_taken(s),
		[FC_THIEF_MINUTE_PREEMPTED_NS] = s->preempted,
		[FC_THIEF_MINUTE_WAITING_NS] = s->waiting,
		[FC_THIEF_MINUTE_THROTTLED_NS] = s->throttled,
		[FC_THIEF_MINUTE_TIMES] = (int64_t)s->times,
	};

	minutes_who(m, v, row);
	minutes_add(m, FLEET_THIEF_MINUTE, row);
}

static void minutes_add_wakeups(struct minutes *m, const struct res_vcpu *v)
{
	const struct histogram *stages = v->sum.stages, *whole = &stages[STAGE_WHOLE];
	int64_t row[FC_WAKEUP_MINUTE_N_COLUMNS] = {
		[FC_WAKEUP_MINUTE_WAKEUPS] = (int64_t)whole->n,
		[FC_WAKEUP_MINUTE_TOTAL_NS] = whole->sum,
		[FC_WAKEUP_MINUTE_WOKEN_NS] = stages[STAGE_VCPU_WOKEN].sum,
		[FC_WAKEUP_MINUTE_CPU_NS] = stages[STAGE_VCPU_RAN].sum,
		[FC_WAKEUP_MINUTE_ENTRY_NS] = stages[STAGE_ENTERED].sum,
		[FC_WAKEUP_MINUTE_GUEST_NS] = stages[STAGE_RAN].sum,
		[FC_WAKEUP_MINUTE_MAX_NS] = whole->max,
	};

	if (!whole->n)
		return;
	minutes_who(m, v, row);
	minutes_histogram(m, whole, &row[FC_WAKEUP_MINUTE_HIST_NS]);
	minutes_add(m, FLEET_WAKEUP_MINUTE, row);
}

static void minutes_add_vcpu(struct minutes *m, const struct res_vcpu *v)
{
	struct split s;

	split_of(&s, m->results, v);
	if (s.whole || v->sum.n_exits)
		minutes_add_split(m, v, &s);
	vec_each (o, &v->sum.occupants)
		minutes_add_thief(m, v, o);
	vec_each (e, &v->sum.exits)
		minutes_add_exits(m, v, e);
	minutes_add_wakeups(m, v);
}

/* ---- minutes -------------------------------------------------------------------------------- */

enum { MINUTES_PARTS = SUMMARY_LANES | SUMMARY_EXITS | SUMMARY_WAKEUPS };

/* Opens the results of a range, with all of it added up. Return: 0, or ERR with err set. */
static int minutes_results(const struct minutes *m, const struct results_range *range,
			   struct results *r)
{
	if (results_init(r, m->source->recording->store, range, m->err))
		return ERR;
	return summary_scan(r, MINUTES_PARTS, 1, NULL, m->err);
}

static int minutes_run_one(struct minutes *m)
{
	struct results r;
	struct results_range range = {
		.given = true, .from = m->minute, .to = m->minute + NS_PER_MINUTE};
	int status = minutes_results(m, &range, &r);

	m->results = &r;
	if (!status) {
		vec_each (v, &r.vcpus)
			minutes_add_vcpu(m, v);
		minutes_flush_all(m);
	}
	results_deinit(&r);
	arena_deinit(&m->arena);
	return status ? status : m->failed;
}

/* Return: whether a lane of this table has anything in the minute. */
static bool minutes_touch(const struct minutes *m, enum table_id table)
{
	const struct table_info *info = &m->source->recording->store->tables[table];

	vec_each (lane, &info->lanes) {
		if (lane->entry.first < m->minute + NS_PER_MINUTE && lane->entry.end >= m->minute)
			return true;
	}
	return false;
}

static int64_t minutes_floor(int64_t ns)
{
	int64_t over = ns % NS_PER_MINUTE;

	return ns - (over < 0 ? over + NS_PER_MINUTE : over);
}

static int minutes_run_all(struct minutes *m)
{
	const struct fleet_recording *r = m->source->recording;

	if (r->begin < INT64_MIN / 2 || r->end > INT64_MAX / 2 ||
	    (r->end - r->begin) / NS_PER_MINUTE > MINUTES_MOST)
		return error_set(m->err, "'%s': its span of more than two years is not possible",
				 r->path);
	for (m->minute = minutes_floor(r->begin); m->minute <= r->end; m->minute += NS_PER_MINUTE) {
		bool any = minutes_touch(m, TABLE_VCPU_STATE) || minutes_touch(m, TABLE_VM_EXIT) ||
			   minutes_touch(m, TABLE_WAKEUP);

		if (any && minutes_run_one(m))
			return ERR;
	}
	return 0;
}

/* ---- findings ------------------------------------------------------------------------------- */

static void minutes_finding_worst(const struct finding *f, int64_t *row)
{
	bool any = f->worst.ns != 0, culprit = f->culprit != NULL;

	row[FC_FINDING_WORST_BEGIN_NS] = any ? f->worst.at : TABLE_NULL;
	row[FC_FINDING_WORST_NS] = any ? f->worst.ns : TABLE_NULL;
	row[FC_FINDING_CULPRIT] = minutes_text(f->culprit);
	row[FC_FINDING_CULPRIT_PID] = culprit ? f->culprit_pid : TABLE_NULL;
	row[FC_FINDING_CULPRIT_NS] = culprit ? f->culprit_ns : TABLE_NULL;
}

static void minutes_add_finding(struct minutes *m, const struct results *r, const struct finding *f)
{
	const struct cause_info *cause = cause_info(f->cause);
	bool with_vm = f->culprit && f->culprit_vm != NOBODY;
	int64_t row[FC_FINDING_N_COLUMNS] = {
		[FC_FINDING_HOST] = minutes_text(m->source->recording->host),
		[FC_FINDING_VM] = minutes_text(f->vm == NOBODY ? NULL : r->machines.at[f->vm].name),
		[FC_FINDING_CAUSE] = minutes_text(cause->name),
		[FC_FINDING_KIND] = minutes_text(cause_kind_name(cause->kind)),
		[FC_FINDING_VCPU_INDEX] =
			f->vcpu == NOBODY ? TABLE_NULL : r->vcpus.at[f->vcpu].index,
		[FC_FINDING_VCPUS] = f->n_vcpus,
		[FC_FINDING_COST_NS] = f->cost,
		[FC_FINDING_WHOLE_NS] = f->whole,
		[FC_FINDING_TIMES] = (int64_t)f->times,
		[FC_FINDING_CULPRIT_VM] =
			minutes_text(with_vm ? r->machines.at[f->culprit_vm].name : NULL),
		[FC_FINDING_WHAT] = minutes_text(f->what ? f->what : cause->name),
		[FC_FINDING_EVIDENCE] = minutes_text(f->evidence),
		[FC_FINDING_REMEDY] = minutes_text(cause->remedy),
	};

	minutes_finding_worst(f, row);
	minutes_add(m, FLEET_FINDING, row);
}

static int minutes_run_findings(struct minutes *m)
{
	struct findings_wanted wanted = FINDINGS_OF_ALL;
	struct findings f = {0};
	struct results r;
	int status = minutes_results(m, &(struct results_range){0}, &r);

	wanted.file = m->source->recording->path;
	if (!status)
		status = findings_init(&f, &r, &wanted, m->err);
	if (!status) {
		vec_each (found, &f.at)
			minutes_add_finding(m, &r, found);
		minutes_flush_all(m);
	}
	findings_deinit(&f);
	results_deinit(&r);
	return status ? status : m->failed;
}

int fleet_minutes_run(struct fleet_source *s, fleet_sink_fn *sink, void *ctx, struct error *err)
{
	struct minutes m = {.source = s, .sink = sink, .ctx = ctx, .err = err};
	bool minutes = s->wanted[FLEET_VCPU_MINUTE] || s->wanted[FLEET_EXIT_MINUTE] ||
		       s->wanted[FLEET_THIEF_MINUTE] || s->wanted[FLEET_WAKEUP_MINUTE];
	int status = 0;

	m.tables = mem_zalloc(MINUTES_N_TABLES, sizeof(*m.tables));
	if (minutes)
		status = minutes_run_all(&m);
	if (!status && s->wanted[FLEET_FINDING])
		status = minutes_run_findings(&m);
	for (int i = 0; i < MINUTES_N_TABLES; i++)
		s->rows[TABLE_N + i] = m.tables[i].nth;
	free(m.tables);
	return status;
}
