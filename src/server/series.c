#include "server/series.h"

#include <math.h>
#include <stdlib.h>

#include "store/cursor.h"
#include "store/zoom.h"

enum { MAX_PIXELS = 8192, MAX_SERIES = 1000, SMEAR = 2, EXACT_ROWS = 1 << 16 };

struct charting {
	const struct dataset *data;
	struct chart *chart;
	int64_t from, to;
	struct error *err;
};

static struct zoom_query zoom_query(const struct charting *c, enum table_id table, size_t lane)
{
	const struct table_info *info = &c->data->store->tables[table];
	bool few = lane < info->lanes.n && info->lanes.at[lane].entry.rows <= EXACT_ROWS;

	return (struct zoom_query){.table = table,
				   .lane = lane,
				   .from = c->from,
				   .to = c->to,
				   .n_pixels = c->chart->n,
				   .smear = few ? 0 : SMEAR};
}

static double seconds(const struct charting *c, uint32_t pixel)
{
	struct zoom_query q = zoom_query(c, TABLE_VCPU_STATE, 0);

	return (double)(zoom_begin(&q, pixel + 1) - zoom_begin(&q, pixel)) / 1e9;
}

static double *add_series(struct charting *c, int32_t row, char *name)
{
	struct series *s = vec_push(&c->chart->series);

	s->row = row;
	s->name = name;
	s->y = mem_zalloc(c->chart->n, sizeof(*s->y));
	return s->y;
}

/* ---- kinds of charts ------------------------------------------------------------------------- */

/* Adds to y how many rows of the lane begin in each pixel. */
static int add_rows(struct charting *c, enum table_id table, size_t lane, double *y)
{
	struct zoom_query q = zoom_query(c, table, lane);
	struct zoom z;

	if (zoom_init(&z, c->data->store, &q, c->err))
		return ERR;
	for (uint32_t i = 0; i < c->chart->n; i++)
		y[i] += (double)z.rows[i];
	zoom_deinit(&z);
	return 0;
}

static int chart_histogram(struct charting *c, int32_t row)
{
	double *y = add_series(c, row, mem_strdup("Changes of state"));

	vec_each (cpu, &c->data->cpus) {
		if (add_rows(c, TABLE_CPU_STATE, (size_t)cpu->lane, y))
			return ERR;
	}
	return 0;
}

static void per_second(const struct charting *c, double *y)
{
	for (uint32_t i = 0; i < c->chart->n; i++) {
		double length = seconds(c, i);

		y[i] = length > 0 ? y[i] / length : NAN;
	}
}

static int chart_exits_of_vcpu(struct charting *c, int32_t row, const struct ds_vcpu *v)
{
	double *y = add_series(c, row, dataset_vcpu_text(c->data, v->id));

	if (v->exits >= 0 && add_rows(c, TABLE_VM_EXIT, (size_t)v->exits, y))
		return ERR;
	per_second(c, y);
	return 0;
}

/* Return: the pixel of t, which is in the stretch. */
static uint32_t pixel_of(const struct charting *c, int64_t t)
{
	uint64_t width = (uint64_t)c->to - (uint64_t)c->from;
	uint64_t p = (uint64_t)((unsigned __int128)((uint64_t)t - (uint64_t)c->from) * c->chart->n /
				width);

	return (uint32_t)p;
}

/* A cursor over the rows of one lane that begin in the stretch, or did before. */
static void cursor_init(struct store_cursor *cursor, const struct charting *c, enum table_id table,
			size_t lane, uint32_t columns)
{
	struct store_query q = store_query_all(c->data->store, table);

	q.lane = lane;
	q.lanes_end = lane + 1;
	q.from = c->from;
	q.to = c->to;
	q.columns = columns;
	store_cursor_init(cursor, c->data->store, &q);
}

static int count_exits(struct charting *c, const struct ds_vcpu *v, int64_t reason, double *y)
{
	struct store_cursor cursor;
	int r;

	cursor_init(&cursor, c, TABLE_VM_EXIT, (size_t)v->exits,
		    1U << COL_VM_EXIT_TS | 1U << COL_VM_EXIT_REASON);
	while ((r = store_cursor_next(&cursor, c->err)) == CURSOR_ROW) {
		int64_t ts = store_cursor_get(&cursor, COL_VM_EXIT_TS);

		if (ts >= c->from && store_cursor_get(&cursor, COL_VM_EXIT_REASON) == reason)
			y[pixel_of(c, ts)]++;
	}
	store_cursor_deinit(&cursor);
	return r;
}

static int chart_exits_of_reason(struct charting *c, int32_t row, const struct ds_exits *x)
{
	const struct ds_vcpu *v = dataset_vcpu(c->data, x->vcpu);
	char *vcpu = dataset_vcpu_text(c->data, x->vcpu);
	double *y = add_series(c, row, mem_printf("%s/%s", vcpu, x->name));

	free(vcpu);
	if (v && v->exits >= 0 && count_exits(c, v, x->reason, y))
		return ERR;
	per_second(c, y);
	return 0;
}

static int chart_steal(struct charting *c, int32_t row, const struct ds_vcpu *v)
{
	double *y = add_series(c, row, dataset_vcpu_text(c->data, v->id));
	struct zoom z;

	if (v->lane < 0)
		return 0;
	struct zoom_query q = zoom_query(c, TABLE_VCPU_STATE, (size_t)v->lane);

	if (zoom_init(&z, c->data->store, &q, c->err))
		return ERR;
	for (uint32_t i = 0; i < c->chart->n; i++) {
		const uint64_t *time = z.time + (size_t)i * z.n_sums;
		uint64_t stolen = 0, all = 0;

		for (uint32_t s = 0; s < z.n_sums; s++) {
			all += time[s];
			stolen += s == VCPU_PREEMPTED || s == VCPU_WAITING ? time[s] : 0;
		}
		y[i] = all ? 100.0 * (double)stolen / (double)all : NAN;
	}
	zoom_deinit(&z);
	return 0;
}

static int add_latencies(struct charting *c, size_t lane, double *y)
{
	struct store_cursor cursor;
	int r;

	cursor_init(&cursor, c, TABLE_WAKEUP, lane, 1U << COL_WAKEUP_TS | 1U << COL_WAKEUP_RUN_NS);
	while ((r = store_cursor_next(&cursor, c->err)) == CURSOR_ROW) {
		int64_t ts = store_cursor_get(&cursor, COL_WAKEUP_TS);
		int64_t run = store_cursor_get(&cursor, COL_WAKEUP_RUN_NS);

		if (run >= 0 && ts >= c->from && ts < c->to)
			y[pixel_of(c, ts)] = fmax(y[pixel_of(c, ts)], (double)run);
	}
	store_cursor_deinit(&cursor);
	return r;
}

static int chart_latency_of_machine(struct charting *c, int32_t row, const struct ds_machine *m)
{
	double *y = add_series(c, row, mem_strdup(m->name));

	vec_each (t, &c->data->threads) {
		if (t->machine == m->id && t->wakeups >= 0 &&
		    add_latencies(c, (size_t)t->wakeups, y))
			return ERR;
	}
	return 0;
}

static int chart_latency_of_thread(struct charting *c, int32_t row, const struct ds_thread *t)
{
	const char *machine = dataset_machine_name(c->data, t->machine);
	char *thread = dataset_thread_text(c->data, t->id);
	double *y = add_series(c, row, mem_printf("%s/%s", machine, thread));

	free(thread);
	return t->wakeups >= 0 ? add_latencies(c, (size_t)t->wakeups, y) : 0;
}

/* ---- rows ------------------------------------------------------------------------------------- */

static int chart_exits(struct charting *c, int32_t row)
{
	const struct ds_vcpu *v = dataset_vcpu(c->data, row_index(row));

	if (row_kind(row) == ROW_VCPU && v)
		return chart_exits_of_vcpu(c, row, v);
	if (row_kind(row) == ROW_EXITS && row_index(row) < (int64_t)c->data->exits.n)
		return chart_exits_of_reason(c, row, &c->data->exits.at[row_index(row)]);
	return 0;
}

static int chart_latency(struct charting *c, int32_t row)
{
	const struct ds_machine *m = dataset_machine(c->data, row_index(row));
	const struct ds_thread *t = dataset_thread(c->data, row_index(row));

	if (row_kind(row) == ROW_MACHINE && m)
		return chart_latency_of_machine(c, row, m);
	return row_kind(row) == ROW_THREAD && t ? chart_latency_of_thread(c, row, t) : 0;
}

static int chart_row(struct charting *c, enum output_id output, int32_t row)
{
	const struct ds_vcpu *v = dataset_vcpu(c->data, row_index(row));

	switch (output) {
	case OUTPUT_HISTOGRAM:
		return row_kind(row) == ROW_ALL ? chart_histogram(c, row) : 0;
	case OUTPUT_EXITS:
		return chart_exits(c, row);
	case OUTPUT_STEAL:
		return row_kind(row) == ROW_VCPU && v ? chart_steal(c, row, v) : 0;
	default:
		return chart_latency(c, row);
	}
}

/* Rows that are shown when none are named. */
static int chart_default(struct charting *c, enum output_id output)
{
	if (output == OUTPUT_HISTOGRAM)
		return chart_row(c, output, row_id(ROW_ALL, 0));
	if (output == OUTPUT_LATENCY) {
		vec_each (m, &c->data->machines) {
			if (chart_row(c, output, row_id(ROW_MACHINE, m->id)))
				return ERR;
		}
		return 0;
	}
	vec_each (v, &c->data->vcpus) {
		if (chart_row(c, output, row_id(ROW_VCPU, v->id)))
			return ERR;
	}
	return 0;
}

static void name_axes(struct chart *c, enum output_id output)
{
	c->title = output_get(output)->name;
	c->label = output == OUTPUT_HISTOGRAM ? "Changes" : output_get(output)->name;
	switch (output) {
	case OUTPUT_EXITS:
		c->unit = "1/s";
		break;
	case OUTPUT_STEAL:
		c->unit = "%";
		break;
	case OUTPUT_LATENCY:
		c->unit = "ns";
		break;
	default:
		c->unit = "";
	}
}

int chart_init(struct chart *chart, const struct dataset *d, enum output_id output,
	       const struct view_request *q, struct error *err)
{
	struct charting c = {.data = d, .chart = chart, .err = err};
	int r = 0;

	c.from = q->has_range ? q->from : d->begin;
	c.to = q->has_range ? q->to : d->end;
	*chart = (struct chart){.n = q->pixels < MAX_PIXELS ? q->pixels : MAX_PIXELS};
	chart->x = mem_zalloc(chart->n, sizeof(*chart->x));
	name_axes(chart, output);
	struct zoom_query zoom = zoom_query(&c, TABLE_VCPU_STATE, 0);

	for (uint32_t i = 0; i < chart->n; i++)
		chart->x[i] = zoom_begin(&zoom, i);
	if (!q->has_items)
		return chart_default(&c, output);
	for (size_t i = 0; !r && i < q->items.n && chart->series.n < MAX_SERIES; i++)
		r = chart_row(&c, output, q->items.at[i]);
	return r;
}

void chart_deinit(struct chart *c)
{
	vec_each (s, &c->series) {
		free(s->name);
		free(s->y);
	}
	vec_deinit(&c->series);
	free(c->x);
	*c = (struct chart){0};
}

/* ---- the protocol ----------------------------------------------------------------------------- */

static void write_axis(struct jsonw *j, const char *key, const char *label, const char *unit,
		       const char *type)
{
	jsonw_key(j, key);
	jsonw_object_begin(j);
	jsonw_key(j, "label");
	jsonw_string(j, label);
	jsonw_key(j, "unit");
	jsonw_string(j, unit);
	jsonw_key(j, "dataType");
	jsonw_string(j, type);
	jsonw_object_end(j);
}

static void write_values(struct jsonw *j, const struct chart *c, const struct series *s)
{
	jsonw_key(j, "xValues");
	jsonw_array_begin(j);
	for (uint32_t i = 0; i < c->n; i++)
		jsonw_int(j, c->x[i]);
	jsonw_array_end(j);
	jsonw_key(j, "yValues");
	jsonw_array_begin(j);
	for (uint32_t i = 0; i < c->n; i++)
		jsonw_double(j, isfinite(s->y[i]) ? s->y[i] : 0);
	jsonw_array_end(j);
}

static void write_series(struct jsonw *j, const struct chart *c, const struct series *s)
{
	bool bars = row_kind(s->row) == ROW_ALL;

	jsonw_object_begin(j);
	jsonw_key(j, "seriesId");
	jsonw_int(j, s->row);
	jsonw_key(j, "seriesName");
	jsonw_string(j, s->name);
	write_values(j, c, s);
	jsonw_key(j, "style");
	jsonw_object_begin(j);
	jsonw_key(j, "values");
	jsonw_object_begin(j);
	jsonw_key(j, "series-type");
	jsonw_string(j, bars ? "bar" : "line");
	jsonw_object_end(j);
	jsonw_object_end(j);
	write_axis(j, "xValuesDescription", "Time", "ns", "TIMESTAMP");
	write_axis(j, "yValuesDescription", c->label, c->unit, "NUMBER");
	jsonw_object_end(j);
}

void chart_write(struct jsonw *j, const struct chart *c)
{
	jsonw_object_begin(j);
	jsonw_key(j, "title");
	jsonw_string(j, c->title);
	jsonw_key(j, "series");
	jsonw_array_begin(j);
	vec_each (s, &c->series)
		write_series(j, c, s);
	jsonw_array_end(j);
	jsonw_object_end(j);
}
