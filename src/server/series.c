#include "server/series.h"

#include <math.h>
#include <stdlib.h>

#include "base/member.h"
#include "store/block.h"

enum { MAX_PIXELS = 8192, MAX_SERIES = 1000, ROWS_DECODED = 1 << 18, MIN_BUDGET = 2048 };

struct charting {
	struct dataset *data;
	struct chart *chart;
	int64_t from, to;
	double pixels_per_ns;
	uint64_t budget;    /* rows that may be decoded for a lane */
	struct parts parts; /* of one lane after the other */
	struct block *block;
	struct error *err;
};

static double *add_series(struct charting *c, int32_t row, char *name)
{
	struct series *s = vec_push(&c->chart->series);

	s->row = row;
	s->name = name;
	s->y = mem_zalloc(c->chart->n, sizeof(*s->y));
	return s->y;
}

/* ---- pixels --------------------------------------------------------------------------------- */

static double time_between(int64_t begin, int64_t end)
{
	return (double)((uint64_t)end - (uint64_t)begin);
}

/* Return: when pixel p begins; that after the last one, when that ends. */
static int64_t pixel_begin(const struct charting *c, uint32_t p)
{
	return p < c->chart->n ? c->chart->x[p] : c->to;
}

/* Return: the pixel of t, which is in the stretch. */
static uint32_t pixel_of(const struct charting *c, int64_t t)
{
	uint32_t p = (uint32_t)(time_between(c->from, t) * c->pixels_per_ns);

	p = p < c->chart->n ? p : c->chart->n - 1;
	while (t < pixel_begin(c, p))
		p--;
	while (t >= pixel_begin(c, p + 1))
		p++;
	return p;
}

static bool is_in(const struct charting *c, int64_t t)
{
	return t >= c->from && t < c->to;
}

/* Spreads an amount evenly over [begin, end), and adds what of that is in the stretch. */
static void spread(const struct charting *c, double *y, int64_t begin, int64_t end, double amount)
{
	if (begin == end) {
		if (is_in(c, begin))
			y[pixel_of(c, begin)] += amount;
		return;
	}
	double per_ns = amount / time_between(begin, end);

	begin = begin > c->from ? begin : c->from;
	end = end < c->to ? end : c->to;
	if (begin >= end)
		return;
	for (uint32_t p = pixel_of(c, begin); begin < end; p++) {
		int64_t next = pixel_begin(c, p + 1);
		int64_t stop = end < next ? end : next;

		y[p] += per_ns * (double)(stop - begin);
		begin = stop;
	}
}

static double seconds(const struct charting *c, uint32_t p)
{
	return (double)(pixel_begin(c, p + 1) - pixel_begin(c, p)) / 1e9;
}

static void per_second(const struct charting *c, double *y)
{
	for (uint32_t i = 0; i < c->chart->n; i++) {
		double length = seconds(c, i);

		y[i] = length > 0 ? y[i] / length : NAN;
	}
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static struct parts_query query_for(const struct charting *c, enum table_id table, size_t lane)
{
	int64_t pixel = (int64_t)(((uint64_t)c->to - (uint64_t)c->from) / c->chart->n);

	return (struct parts_query){.store = c->data->store,
				    .nodes = c->data->nodes,
				    .table = table,
				    .lane = lane,
				    .from = c->from,
				    .to = c->to,
				    .pixel = pixel > 0 ? pixel : 1,
				    .budget = c->budget,
				    .whole = c->budget};
}

static int read_block(struct charting *c, enum table_id table, size_t lane, const struct part *part,
		      uint32_t columns)
{
	const struct table_info *info = &c->data->store->tables[table];

	return block_read(c->data->store, table, info->lanes.at[lane].keys, part->entry, columns,
			  c->block, c->err);
}

/* Adds to y how many rows of the lane begin in each pixel. */
static int add_rows(struct charting *c, enum table_id table, size_t lane, double *y)
{
	const struct parts_query q = query_for(c, table, lane);
	const int64_t *ts = c->block->at[table_get(table)->ts];
	bool whole;

	if (parts_find(&c->parts, &q, &whole, c->err))
		return ERR;
	vec_each (part, &c->parts.at) {
		if (!part_is_read(&c->parts, part)) {
			spread(c, y, part->entry->first, part->entry->end,
			       (double)part->entry->rows);
			continue;
		}
		if (read_block(c, table, lane, part, 0))
			return ERR;
		for (uint32_t i = 0; i < c->block->n; i++) {
			if (is_in(c, ts[i]))
				y[pixel_of(c, ts[i])]++;
		}
	}
	return 0;
}

/* Adds to y the exits for one reason. */
static int add_exits(struct charting *c, const struct ds_exits *x, double *y)
{
	const struct parts_query q = query_for(c, TABLE_VM_EXIT, x->lane);
	const struct digest *digest = &c->data->exit_digest;
	const struct block *b = c->block;
	size_t block = digest_parts(digest, &q, &c->parts);

	vec_each (part, &c->parts.at) {
		uint32_t n = digest_count(&digest->lanes.at[x->lane], block++, x->place);

		if (!n)
			continue;
		if (!part_is_read(&c->parts, part)) {
			spread(c, y, part->entry->first, part->entry->end, n);
			continue;
		}
		if (read_block(c, TABLE_VM_EXIT, x->lane, part, 1U << COL_VM_EXIT_REASON))
			return ERR;
		for (uint32_t i = 0; i < b->n; i++) {
			if (b->at[COL_VM_EXIT_REASON][i] == x->reason &&
			    is_in(c, b->at[COL_VM_EXIT_TS][i]))
				y[pixel_of(c, b->at[COL_VM_EXIT_TS][i])]++;
		}
	}
	return 0;
}

static void add_latency(const struct charting *c, double *y, int64_t t, int64_t latency)
{
	if (latency < 0 || !is_in(c, t))
		return;
	double *most = &y[pixel_of(c, t)];

	*most = fmax(*most, (double)latency);
}

/* Raises y to the longest latencies. Of a block that is not decoded only its longest is known. */
static int add_latencies(struct charting *c, size_t lane, double *y)
{
	const struct parts_query q = query_for(c, TABLE_WAKEUP, lane);
	const struct digest *digest = &c->data->wakeup_digest;
	const struct digest_block *block =
		digest->lanes.at[lane].blocks.at + digest_parts(digest, &q, &c->parts);
	const struct block *b = c->block;

	vec_each (part, &c->parts.at) {
		if (!part_is_read(&c->parts, part)) {
			add_latency(c, y, block->max_at, block->max);
		} else if (read_block(c, TABLE_WAKEUP, lane, part, 1U << COL_WAKEUP_RUN_NS)) {
			return ERR;
		} else {
			for (uint32_t i = 0; i < b->n; i++)
				add_latency(c, y, b->at[COL_WAKEUP_TS][i],
					    b->at[COL_WAKEUP_RUN_NS][i]);
		}
		block++;
	}
	return 0;
}

static int add_stolen_of_block(struct charting *c, size_t lane, const struct part *part,
			       double *stolen, double *known)
{
	const struct block *b = c->block;

	if (read_block(c, TABLE_VCPU_STATE, lane, part, 0))
		return ERR;
	for (uint32_t i = 0; i < b->n; i++) {
		int64_t ts = b->at[COL_VCPU_STATE_TS][i], dur = b->at[COL_VCPU_STATE_DUR][i];
		int64_t state = b->at[COL_VCPU_STATE_STATE][i];

		if (dur && digest_is_stolen(state))
			spread(c, stolen, ts, ts + dur, (double)dur);
		if (dur && vcpu_state_is(state, STATE_UNKNOWN))
			spread(c, known, ts, ts + dur, -(double)dur);
	}
	return 0;
}

/* Adds to stolen and known how much of each pixel's time was stolen, and of how much one knows. */
static int add_stolen(struct charting *c, size_t lane, double *stolen, double *known)
{
	const struct parts_query q = query_for(c, TABLE_VCPU_STATE, lane);
	const struct digest *digest = &c->data->steal_digest;
	const struct digest_block *block =
		digest->lanes.at[lane].blocks.at + digest_parts(digest, &q, &c->parts);
	int64_t begin = c->from, end = c->from; /* what touches each other */

	vec_each (part, &c->parts.at) {
		const struct entry *e = part->entry;

		if (e->first != end) {
			spread(c, known, begin, end, time_between(begin, end));
			begin = e->first;
		}
		end = e->end;
		bool read = part_is_read(&c->parts, part);

		if (!read && block->stolen)
			spread(c, stolen, e->first, e->end, (double)block->stolen);
		if (!read && block->unknown)
			spread(c, known, e->first, e->end, -(double)block->unknown);
		if (read && add_stolen_of_block(c, lane, part, stolen, known))
			return ERR;
		block++;
	}
	spread(c, known, begin, end, time_between(begin, end));
	return 0;
}

/* ---- kinds of charts ------------------------------------------------------------------------ */

static int chart_histogram(struct charting *c, int32_t row)
{
	double *y = add_series(c, row, mem_strdup("Changes of state"));

	vec_each (cpu, &c->data->cpus) {
		if (add_rows(c, TABLE_CPU_STATE, (size_t)cpu->lane, y))
			return ERR;
	}
	return 0;
}

static int chart_exits_of_vcpu(struct charting *c, int32_t row, const struct ds_vcpu *v)
{
	double *y = add_series(c, row, dataset_vcpu_text(c->data, v->id));

	if (v->exits >= 0 && add_rows(c, TABLE_VM_EXIT, (size_t)v->exits, y))
		return ERR;
	per_second(c, y);
	return 0;
}

static int chart_exits_of_reason(struct charting *c, int32_t row, const struct ds_exits *x)
{
	char *vcpu = dataset_vcpu_text(c->data, x->vcpu);
	double *y = add_series(c, row, mem_printf("%s/%s", vcpu, x->name));

	free(vcpu);
	if (add_exits(c, x, y))
		return ERR;
	per_second(c, y);
	return 0;
}

static int chart_steal(struct charting *c, int32_t row, const struct ds_vcpu *v)
{
	double *y = add_series(c, row, dataset_vcpu_text(c->data, v->id));

	if (v->lane < 0)
		return 0;
	double *known = mem_zalloc(c->chart->n, sizeof(*known));
	int r = add_stolen(c, (size_t)v->lane, y, known);

	/* Sums of parts of a ns are not exact. */
	for (uint32_t i = 0; i < c->chart->n; i++)
		y[i] = known[i] >= 0.5 ? fmin(100 * y[i] / known[i], 100) : NAN;
	free(known);
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

/* ---- rows ----------------------------------------------------------------------------------- */

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

static int chart_rows(struct charting *c, enum output_id output, const struct view_request *q)
{
	int r = 0;

	if (!q->has_items)
		return chart_default(c, output);
	for (size_t i = 0; !r && i < q->items.n && c->chart->series.n < MAX_SERIES; i++)
		r = chart_row(c, output, q->items.at[i]);
	return r;
}

/* Learns what the output needs to know. */
static int prepare(struct dataset *d, enum output_id output, struct error *err)
{
	switch (output) {
	case OUTPUT_EXITS:
		return dataset_find_exits(d, err);
	case OUTPUT_LATENCY:
		return dataset_find_wakeups(d, err);
	case OUTPUT_STEAL:
		return dataset_find_steal(d, err);
	default:
		return 0;
	}
}

/* Return: how many lanes will be looked at, about. */
static size_t count_lanes(const struct dataset *d, enum output_id output,
			  const struct view_request *q)
{
	if (output == OUTPUT_HISTOGRAM)
		return d->cpus.n;
	return q->has_items ? q->items.n : d->vcpus.n;
}

static void set_pixels(struct charting *c, uint32_t n)
{
	uint64_t width = (uint64_t)c->to - (uint64_t)c->from;

	c->chart->n = n < MAX_PIXELS ? n : MAX_PIXELS;
	c->pixels_per_ns = c->chart->n / (double)width;
	c->chart->x = mem_zalloc(c->chart->n, sizeof(*c->chart->x));
	for (uint32_t i = 0; i < c->chart->n; i++)
		c->chart->x[i] = c->from + (int64_t)((unsigned __int128)width * i / c->chart->n);
}

int chart_init(struct chart *chart, struct dataset *d, enum output_id output,
	       const struct view_request *q, struct error *err)
{
	struct charting c = {.data = d, .chart = chart, .err = err};
	size_t n_lanes = count_lanes(d, output, q);

	c.from = q->has_range ? q->from : d->begin;
	c.to = q->has_range ? q->to : d->end;
	c.budget = ROWS_DECODED / (n_lanes ? n_lanes : 1);
	c.budget = c.budget > MIN_BUDGET ? c.budget : MIN_BUDGET;
	*chart = (struct chart){0};
	set_pixels(&c, q->pixels);
	name_axes(chart, output);
	if (prepare(d, output, err))
		return ERR;
	parts_init(&c.parts);
	c.block = block_new();
	int r = chart_rows(&c, output, q);

	parts_deinit(&c.parts);
	free(c.block);
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

/* ---- the protocol --------------------------------------------------------------------------- */

static void write_axis(struct jsonw *j, const char *key, const char *label, const char *unit,
		       const char *type)
{
	member_object(j, key);
	member_text(j, "label", label);
	member_text(j, "unit", unit);
	member_text(j, "dataType", type);
	jsonw_object_end(j);
}

/* There are very many: 6 decimals are enough for a chart, and ten times as fast as all. */
static void put_value(struct out *o, double y)
{
	const double exact = 9007199254740992.0, scale = 1e6;

	if (y < 0 || y >= exact / scale) {
		if (y == floor(y) && fabs(y) < exact)
			out_int(o, (int64_t)y);
		else
			out_double(o, y);
		return;
	}
	uint64_t scaled = (uint64_t)(y * scale + 0.5);

	out_uint(o, scaled / (uint64_t)scale);
	if (scaled % (uint64_t)scale) {
		out_char(o, '.');
		out_padded(o, scaled % (uint64_t)scale, 6);
	}
}

void chart_write_y(struct jsonw *j, const struct chart *c, const struct series *s,
		   const char *otherwise)
{
	jsonw_array_begin(j);
	for (uint32_t i = 0; i < c->n; i++) {
		struct out *o = jsonw_raw(j);

		if (isfinite(s->y[i]))
			put_value(o, s->y[i]);
		else
			out_str(o, otherwise);
	}
	jsonw_array_end(j);
}

/* Return: all times as JSON, owned by the caller. */
static char *x_text(const struct chart *c, size_t *np)
{
	char *text = NULL;
	FILE *f = mem_given(open_memstream(&text, np));
	struct jsonw j;

	jsonw_init(&j, f);
	jsonw_array_begin(&j);
	for (uint32_t i = 0; i < c->n; i++)
		jsonw_int(&j, c->x[i]);
	jsonw_array_end(&j);
	jsonw_deinit(&j);
	fclose(f);
	return text;
}

/* x: the times, which are the same for all. */
static void write_series(struct jsonw *j, const struct chart *c, const struct series *s,
			 const char *x, size_t x_size)
{
	bool bars = row_kind(s->row) == ROW_ALL;

	jsonw_object_begin(j);
	member_int(j, "seriesId", s->row);
	member_text(j, "seriesName", s->name);
	jsonw_key(j, "xValues");
	out_bytes(jsonw_raw(j), x, x_size);
	jsonw_key(j, "yValues");
	chart_write_y(j, c, s, "0");
	member_object(j, "style");
	member_object(j, "values");
	member_text(j, "series-type", bars ? "bar" : "line");
	jsonw_object_end(j);
	jsonw_object_end(j);
	write_axis(j, "xValuesDescription", "Time", "ns", "TIMESTAMP");
	write_axis(j, "yValuesDescription", c->label, c->unit, "NUMBER");
	jsonw_object_end(j);
}

void chart_write(struct jsonw *j, const struct chart *c)
{
	size_t x_size;
	char *x = x_text(c, &x_size);

	jsonw_object_begin(j);
	member_text(j, "title", c->title);
	member_array(j, "series");
	vec_each (s, &c->series)
		write_series(j, c, s, x, x_size);
	jsonw_array_end(j);
	jsonw_object_end(j);
	free(x);
}
