#include "server/page_api.h"

#include <string.h>

#include "server/arrows.h"
#include "server/find.h"
#include "server/findings_reply.h"
#include "server/graph.h"
#include "server/label.h"
#include "server/lane.h"
#include "server/raw_reply.h"
#include "server/series.h"
#include "server/stats.h"
#include "server/style.h"
#include "server/tsp.h"
#include "base/member.h"
#include "base/monotonic.h"

enum { DEFAULT_ARROWS = 2000, MAX_ARROWS = 20000 };

struct call {
	struct catalog *catalog;
	const struct http_request *http;
	struct reply *reply;
	struct dataset *data;
	struct view_request view;
};

static void bad_request(struct call *c, struct error *err)
{
	reply_failed(c->reply, 400, "Bad request", err);
}

/* A row's id, or null. */
static void write_row(struct jsonw *j, const char *key, enum row_kind kind, int64_t id)
{
	member_known_int(j, key, id < 0 ? id : row_id(kind, id), id >= 0);
}

/* A number of the file, or null. */
static void write_number(struct jsonw *j, const char *key, int64_t number)
{
	member_known_int(j, key, number, number != TABLE_NULL);
}

/* An id of the file that is no row's, or null. */
static void write_id(struct jsonw *j, const char *key, int64_t id)
{
	write_number(j, key, id < 0 ? TABLE_NULL : id);
}

/* Return: 0 and the output that the member `output` names; or ERR. */
static int read_output(const struct call *c, enum output_type type, enum output_id *outputp,
		       struct error *err)
{
	const char *word = "";

	if (request_text(&c->view, "output", &word, err))
		return ERR;
	*outputp = output_find_word(word, type);
	return *outputp == OUTPUT_NONE ? request_wrong("output", "one of docs/server.md", err) : 0;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Writes ns per state of a lane over everything. */
static void write_times(struct jsonw *j, const struct dataset *d, enum table_id table, int64_t lane)
{
	member_array(j, "times");
	for (int i = 0; i < table_n_states(table_get(table)); i++)
		jsonw_uint(j, lane < 0 ? 0 : d->store->tables[table].lanes.at[lane].entry.sums[i]);
	jsonw_array_end(j);
}

/* A time on the page's line, or null. */
static void write_time(struct jsonw *j, const char *key, const struct dataset *d, int64_t t)
{
	write_number(j, key, t == TABLE_NULL ? t : format_sub(t, d->begin));
}

static void write_machines(struct jsonw *j, const struct dataset *d)
{
	jsonw_array_begin(j);
	vec_each (m, &d->machines) {
		jsonw_object_begin(j);
		write_row(j, "id", ROW_MACHINE, m->id);
		member_text(j, "name", m->name);
		member_text(j, "role", m->role);
		write_row(j, "parent", ROW_MACHINE, m->parent);
		write_time(j, "begin", d, m->begin);
		write_time(j, "end", d, m->end);
		member_text(j, "time_origin", clock_origin_name(m->origin));
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_vcpus(struct jsonw *j, const struct dataset *d)
{
	jsonw_array_begin(j);
	vec_each (v, &d->vcpus) {
		jsonw_object_begin(j);
		write_row(j, "id", ROW_VCPU, v->id);
		write_row(j, "machine", ROW_MACHINE, v->machine);
		write_number(j, "index", v->index);
		write_row(j, "host", ROW_MACHINE, v->host);
		write_number(j, "tid", v->tid);
		write_times(j, d, TABLE_VCPU_STATE, v->lane);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_threads(struct jsonw *j, const struct dataset *d)
{
	jsonw_array_begin(j);
	vec_each (t, &d->threads) {
		if (t->lane < 0)
			continue;
		jsonw_object_begin(j);
		write_row(j, "id", ROW_THREAD, t->id);
		write_row(j, "machine", ROW_MACHINE, t->machine);
		member_int(j, "process", t->process);
		write_number(j, "tid", t->tid);
		write_number(j, "pid", t->pid);
		member_text(j, "comm", t->tid == 0 ? "idle" : t->comm);
		write_row(j, "vcpu", ROW_VCPU, t->vcpu);
		write_id(j, "container", t->container);
		write_times(j, d, TABLE_THREAD_STATE, t->lane);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_cpus(struct jsonw *j, const struct dataset *d)
{
	jsonw_array_begin(j);
	for (size_t i = 0; i < d->cpus.n; i++) {
		const struct ds_cpu *cpu = &d->cpus.at[i];

		jsonw_object_begin(j);
		write_row(j, "id", ROW_CPU, (int64_t)i);
		write_row(j, "machine", ROW_MACHINE, cpu->machine);
		member_int(j, "cpu", cpu->cpu);
		write_times(j, d, TABLE_CPU_STATE, cpu->lane);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_containers(struct jsonw *j, const struct dataset *d)
{
	jsonw_array_begin(j);
	vec_each (c, &d->containers) {
		jsonw_object_begin(j);
		write_id(j, "id", c->id);
		write_row(j, "machine", ROW_MACHINE, c->machine);
		write_id(j, "parent", c->parent);
		member_text(j, "name", c->name);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_warnings(struct jsonw *j, const struct dataset *d)
{
	jsonw_array_begin(j);
	vec_each (w, &d->warnings) {
		jsonw_object_begin(j);
		member_text(j, "name", w->name);
		member_text(j, "severity", w->severity);
		write_row(j, "machine", ROW_MACHINE, w->machine);
		member_int(j, "count", w->count);
		write_time(j, "first", d, w->first);
		member_text(j, "help", w->help);
		member_text(j, "detail", w->detail);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void write_sets(struct jsonw *j, unsigned sets)
{
	member_array(j, "sets");
	for (unsigned set = 1; set < 1u << STATE_N_SETS; set <<= 1) {
		if (sets & set)
			jsonw_string(j, state_set_name((enum state_set)set));
	}
	jsonw_array_end(j);
}

static void write_states(struct jsonw *j, const char *family, enum table_id table)
{
	const struct table *t = table_get(table);
	const struct state_labels *labels = t->columns[t->state].labels;

	member_array(j, family);
	for (int i = 0; i < labels->n; i++) {
		jsonw_object_begin(j);
		member_text(j, "name", labels->at[i].name);
		member_text(j, "help", labels->at[i].help);
		member_text(j, "color", style_color(table, i));
		write_sets(j, labels->at[i].sets);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static void rows(struct call *c)
{
	struct jsonw *j = reply_json(c->reply);

	jsonw_object_begin(j);
	jsonw_key(j, "machines");
	write_machines(j, c->data);
	jsonw_key(j, "vcpus");
	write_vcpus(j, c->data);
	jsonw_key(j, "threads");
	write_threads(j, c->data);
	jsonw_key(j, "cpus");
	write_cpus(j, c->data);
	jsonw_key(j, "containers");
	write_containers(j, c->data);
	jsonw_key(j, "warnings");
	write_warnings(j, c->data);
	member_object(j, "states");
	write_states(j, "vcpu", TABLE_VCPU_STATE);
	write_states(j, "thread", TABLE_THREAD_STATE);
	write_states(j, "cpu", TABLE_CPU_STATE);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

/* What the chart of exits can be drawn of. */
static void exits(struct call *c)
{
	struct jsonw *j = reply_json(c->reply);
	struct error err = {0};

	if (dataset_find_exits(c->data, &err)) {
		reply_failed(c->reply, 500, "Cannot be read", &err);
		return;
	}
	jsonw_array_begin(j);
	for (size_t i = 0; i < c->data->exits.n; i++) {
		jsonw_object_begin(j);
		write_row(j, "id", ROW_EXITS, (int64_t)i);
		write_row(j, "vcpu", ROW_VCPU, c->data->exits.at[i].vcpu);
		member_text(j, "reason", c->data->exits.at[i].name);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

/* ---- pictures ------------------------------------------------------------------------------- */

static void lanes(struct call *c)
{
	struct error err = {0};
	char *data;
	size_t size;

	if (!c->view.has_range || !c->view.has_items) {
		error_set(&err, "start, end and items are needed");
		bad_request(c, &err);
	} else if (graph_lanes(&data, &size, c->data, &c->view, &err)) {
		reply_failed(c->reply, 500, "Cannot be read", &err);
	} else {
		reply_data(c->reply, REPLY_BINARY, data, size);
	}
}

static void write_details(struct jsonw *j, const struct dataset *d, enum table_id table,
			  const struct lane_row *row)
{
	jsonw_object_begin(j);
	member_int(j, "start", row->begin - d->begin);
	member_int(j, "end", row->end - d->begin);
	member_text(j, "state", label_state(table, row->values[table_get(table)->state]));
	member_object(j, "values");
	label_details(j, d, table, row->values);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

static void details(struct call *c)
{
	const int64_t most = (int64_t)1 << 53;
	int64_t row = -1, t = -1;
	struct error err = {0};
	struct lane_row at;
	enum table_id table;
	size_t lane;
	int r = 0;

	if (request_int(&c->view, "row", 0, INT32_MAX, &row, &err) ||
	    request_int(&c->view, "time", -most, most, &t, &err)) {
		bad_request(c, &err);
		return;
	}
	if (row >= 0 && dataset_lane(c->data, (int32_t)row, &table, &lane) &&
	    !__builtin_add_overflow(t, c->data->begin, &t))
		r = lane_at(c->data->store, table, lane, t, &at, &err);
	if (r < 0)
		reply_failed(c->reply, 500, "Cannot be read", &err);
	else if (!r)
		reply_error(c->reply, 404, "Not found", "there is nothing at that time");
	else
		write_details(reply_json(c->reply), c->data, table, &at);
}

/* Writes one member of all arrows: rows as they are, times from the experiment's start. */
#define WRITE_ARROWS(j, name, arrows, value) \
	do {                                 \
		jsonw_key(j, name);          \
		jsonw_array_begin(j);        \
		vec_each (a, &(arrows)->at)  \
			jsonw_int(j, value); \
		jsonw_array_end(j);          \
	} while (0)

static void arrows(struct call *c)
{
	int64_t limit = DEFAULT_ARROWS, origin = c->data->begin;
	struct arrows found = {0};
	enum output_id output;
	struct error err = {0};

	if (read_output(c, OUTPUT_TIME_GRAPH, &output, &err) ||
	    request_int(&c->view, "limit", 0, MAX_ARROWS, &limit, &err)) {
		bad_request(c, &err);
		return;
	}
	if (arrows_init(&found, c->data, output, &c->view, (size_t)limit, &err)) {
		reply_failed(c->reply, 500, "Cannot be read", &err);
	} else {
		struct jsonw *j = reply_json(c->reply);

		jsonw_object_begin(j);
		WRITE_ARROWS(j, "from", &found, a->from);
		WRITE_ARROWS(j, "to", &found, a->to);
		WRITE_ARROWS(j, "start", &found, a->begin - origin);
		WRITE_ARROWS(j, "end", &found, a->end - origin);
		member_bool(j, "more", found.more);
		jsonw_object_end(j);
	}
	arrows_deinit(&found);
}

static void write_chart(struct jsonw *j, const struct chart *chart, int64_t origin)
{
	jsonw_object_begin(j);
	member_array(j, "x");
	for (uint32_t i = 0; i < chart->n; i++)
		jsonw_int(j, chart->x[i] - origin);
	jsonw_array_end(j);
	member_text(j, "unit", chart->unit);
	member_array(j, "series");
	vec_each (s, &chart->series) {
		jsonw_object_begin(j);
		member_int(j, "id", s->row);
		member_text(j, "name", s->name);
		jsonw_key(j, "y");
		chart_write_y(j, chart, s, "null");
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
}

static void series(struct call *c)
{
	enum output_id output;
	struct error err = {0};
	struct chart chart;

	if (read_output(c, OUTPUT_XY, &output, &err)) {
		bad_request(c, &err);
		return;
	}
	if (chart_init(&chart, c->data, output, &c->view, &err))
		reply_failed(c->reply, 500, "Cannot be read", &err);
	else
		write_chart(reply_json(c->reply), &chart, c->data->begin);
	chart_deinit(&chart);
}

/* ---- search --------------------------------------------------------------------------------- */

/* Return: 0 and a bit per state whose name is in the member `states`; or ERR. */
static int read_states(const struct call *c, enum table_id table, uint32_t *statesp,
		       struct error *err)
{
	const json_t *names = json_object_get(c->view.parameters, "states"), *v;
	const struct table *t = table_get(table);
	size_t i;

	*statesp = UINT32_MAX;
	if (!json_array_size(names))
		return 0;
	*statesp = 0;
	json_array_foreach(names, i, v)
	{
		int state = table_n_states(t) - 1;

		while (state >= 0 && json_is_string(v) &&
		       strcmp(label_state(table, state), json_string_value(v)) != 0)
			state--;
		if (state < 0 || !json_is_string(v))
			return request_wrong("states", "names of states", err);
		*statesp |= 1U << state;
	}
	return 0;
}

static int read_search(const struct call *c, struct find_query *q, struct error *err)
{
	const int64_t most = (int64_t)1 << 53;
	const char *direction = "next";
	enum output_id output;

	*q = (struct find_query){.rows = c->view.items.at, .n_rows = c->view.items.n, .from = -1};
	if (read_output(c, OUTPUT_TIME_GRAPH, &output, err) ||
	    read_states(c, output_states(output), &q->states, err) ||
	    request_text(&c->view, "label", &q->label, err) ||
	    request_text(&c->view, "direction", &direction, err) ||
	    request_int(&c->view, "from", -most, most, &q->from, err) ||
	    request_int(&c->view, "min", 0, most, &q->min, err))
		return ERR;
	if (strcmp(direction, "next") != 0 && strcmp(direction, "previous") != 0)
		return request_wrong("direction", "next or previous", err);
	q->backwards = *direction == 'p';
	return __builtin_add_overflow(q->from, c->data->begin, &q->from)
		       ? request_wrong("from", "a time", err)
		       : 0;
}

static void write_found(struct jsonw *j, const struct dataset *d, const struct found *found)
{
	char *label = label_text(d, found->label);

	jsonw_object_begin(j);
	member_int(j, "row", found->row);
	member_int(j, "start", found->begin - d->begin);
	member_int(j, "end", found->end - d->begin);
	member_text(j, "state", label_state(found->table, found->state));
	member_text(j, "label", label);
	jsonw_object_end(j);
	free(label);
}

static void search(struct call *c)
{
	struct error err = {0};
	struct find_query q;
	struct found found;
	struct jsonw *j;

	if (read_search(c, &q, &err)) {
		bad_request(c, &err);
		return;
	}
	switch (find_interval(&found, c->data, &q, &err)) {
	case FIND_FOUND:
		write_found(reply_json(c->reply), c->data, &found);
		break;
	case FIND_NOTHING:
		j = reply_json(c->reply);
		jsonw_object_begin(j);
		jsonw_object_end(j);
		break;
	case FIND_TOO_LONG:
		reply_error(c->reply, 503, "Takes too long", "the search was given up");
		break;
	default:
		reply_failed(c->reply, 500, "Cannot be read", &err);
	}
}

enum { DEFAULT_HITS = 200, MAX_HITS = 1000, HITS_SECONDS = 5 };

/* Writes what is found in one row until `to`. Return: whether there may be more; or ERR. */
static int write_hits(struct call *c, struct jsonw *j, struct find_query q, int64_t to,
		      int64_t *leftp, struct error *err)
{
	struct found found;
	int r;

	while ((r = find_interval(&found, c->data, &q, err)) == FIND_FOUND && found.begin < to) {
		if (!*leftp)
			return 1;
		write_found(j, c->data, &found);
		q.from = found.begin;
		--*leftp;
	}
	return r == FIND_TOO_LONG ? 1 : r == FIND_FOUND || r == FIND_NOTHING ? 0 : r;
}

/* All that a search finds in a range, row by row. */
static void hits(struct call *c)
{
	int64_t left = DEFAULT_HITS;
	struct error err = {0};
	struct find_query q;
	int more = 0;

	if (read_search(c, &q, &err) || request_int(&c->view, "limit", 1, MAX_HITS, &left, &err) ||
	    (!c->view.has_range && request_wrong("start", "a time", &err))) {
		bad_request(c, &err);
		return;
	}
	struct jsonw *j = reply_json(c->reply);
	const int64_t deadline = monotonic_after_s(HITS_SECONDS);

	q.backwards = false;
	q.n_rows = 1;
	q.from = c->view.from - 1;
	jsonw_object_begin(j);
	member_array(j, "hits");
	for (size_t i = 0; !more && i < c->view.items.n; i++) {
		q.rows = &c->view.items.at[i];
		more = monotonic_is_past(deadline) ? 1
						   : write_hits(c, j, q, c->view.to, &left, &err);
	}
	jsonw_array_end(j);
	member_bool(j, "more", more > 0);
	jsonw_object_end(j);
	if (more < 0)
		reply_failed(c->reply, 500, "Cannot be read", &err);
}

/* ---- statistics ----------------------------------------------------------------------------- */

static void statistics(struct call *c)
{
	int64_t from = c->view.has_range ? c->view.from : c->data->begin;
	int64_t to = c->view.has_range ? c->view.to : c->data->end;
	const char *name = "";
	struct error err = {0};
	struct stats stats;

	if (request_text(&c->view, "table", &name, &err) ||
	    (stats_find(name) == STATS_N_KINDS &&
	     request_wrong("table", "vcpus, exits, threads, cpus, steal, split or details",
			   &err))) {
		bad_request(c, &err);
		return;
	}
	if (stats_init(&stats, c->data, stats_find(name), from, to, &err))
		reply_failed(c->reply, 500, "Cannot be read", &err);
	else
		stats_write(reply_json(c->reply), &stats, c->data->begin);
	stats_deinit(&stats);
}

/* ---- findings ------------------------------------------------------------------------------- */

static void findings(struct call *c)
{
	struct findings_query q = {
		.all = !c->view.has_range, .from = c->view.from, .to = c->view.to, .vcpu = -1};
	struct findings_reply *found;
	struct error err = {0};

	if (request_int(&c->view, "row", 0, INT32_MAX, &q.vcpu, &err) ||
	    (q.vcpu >= 0 && row_kind((int32_t)q.vcpu) != ROW_VCPU &&
	     request_wrong("row", "the row of a vCPU", &err))) {
		bad_request(c, &err);
		return;
	}
	if (findings_reply_new(&found, c->data, &q, &err)) {
		reply_failed(c->reply, 500, "Cannot be read", &err);
		return;
	}
	findings_reply_write(found, reply_json(c->reply));
	findings_reply_free(found);
}

/* ---- events of the recording ----------------------------------------------------------------- */

static void events(struct call *c)
{
	struct raw_ask ask = {.from = c->view.from, .to = c->view.to - 1, .limit = 500, .row = -1};
	struct error err = {0};

	if (request_int(&c->view, "skip", 0, INT64_MAX, &ask.skip, &err) ||
	    request_int(&c->view, "limit", 1, RAW_REPLY_MOST, &ask.limit, &err) ||
	    request_int(&c->view, "row", 0, INT32_MAX, &ask.row, &err) ||
	    request_text(&c->view, "text", &ask.text, &err) ||
	    request_text(&c->view, "path", &ask.path, &err) ||
	    (!c->view.has_range && request_wrong("start", "a time", &err))) {
		bad_request(c, &err);
		return;
	}
	int r = raw_reply_write(reply_json(c->reply), c->data, catalog_roots(c->catalog), &ask,
				&err);

	if (r)
		reply_failed(c->reply, r == RAW_GONE ? 404 : 500,
			     r == RAW_GONE ? "Not found" : "Cannot be read", &err);
}

/* ---- which is it ---------------------------------------------------------------------------- */

static void open_path(struct call *c)
{
	struct uuid trace, experiment;
	const char *path = NULL;
	struct error err = {0};

	if (request_text(&c->view, "path", &path, &err) ||
	    (!path && request_wrong("path", "a path", &err))) {
		bad_request(c, &err);
		return;
	}
	enum catalog_answer answer = catalog_add_trace(c->catalog, path, NULL, &trace, &err);
	const char *uuids[] = {trace.text};

	if (answer == CATALOG_OK)
		answer = catalog_add_experiment(c->catalog, NULL, uuids, 1, &experiment, &err);
	if (answer != CATALOG_OK)
		tsp_refuse(c->reply, answer, &err);
	else
		catalog_write_for_page(c->catalog, reply_json(c->reply), experiment.text);
}

static void list(struct call *c)
{
	catalog_write_for_page(c->catalog, reply_json(c->reply), NULL);
}

static void with_body(struct call *c, void (*answer)(struct call *))
{
	struct error err = {0};

	if (view_request_init(&c->view, c->http->body, c->http->body_size, false,
			      c->data ? c->data->begin : 0, &err))
		bad_request(c, &err);
	else
		answer(c);
	view_request_deinit(&c->view);
}

/* HEAD is answered as GET is; the reply's body stays here. */
static void with_method(struct call *c, enum http_method method, void (*answer)(struct call *))
{
	bool head = c->http->method == HTTP_HEAD && method == HTTP_GET;

	if (c->http->method == method || head) {
		with_body(c, answer);
	} else {
		reply_error(c->reply, 405, "Not allowed", "wrong method");
		c->reply->allow = method == HTTP_GET ? "GET" : "POST";
	}
}

/* Requests for an experiment that can be looked at. */
static void dispatch_view(struct call *c, const char *what)
{
	static const struct {
		const char *what;
		enum http_method method;
		void (*answer)(struct call *);
		bool slow; /* can read much of the file */
	} views[] = {
		{"rows", HTTP_GET, rows, false},
		{"exits", HTTP_GET, exits, true},
		{"lanes", HTTP_POST, lanes, false},
		{"details", HTTP_POST, details, false},
		{"arrows", HTTP_POST, arrows, true},
		{"series", HTTP_POST, series, true},
		{"search", HTTP_POST, search, true},
		{"hits", HTTP_POST, hits, true},
		{"statistics", HTTP_POST, statistics, true},
		{"findings", HTTP_POST, findings, true},
		{"events", HTTP_POST, events, true},
	};

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		if (strcmp(views[i].what, what) != 0)
			continue;
		c->reply->deferred = views[i].slow && !c->http->may_wait;
		if (!c->reply->deferred)
			with_method(c, views[i].method, views[i].answer);
		return;
	}
	reply_error(c->reply, 404, "Not found", "there is no such thing here");
}

static void dispatch_experiment(struct call *c, const char *uuid, const char *what)
{
	enum catalog_status status;
	char *message;

	if (!catalog_find(c->catalog, uuid, &status, &c->data, &message))
		reply_error(c->reply, 404, "Not found", "no such experiment is open");
	else if (!c->data)
		reply_error(c->reply, 503, "Not ready", "%s",
			    status == CATALOG_RUNNING ? "the recording is being analyzed"
						      : message);
	else
		dispatch_view(c, what);
	free(message);
	dataset_release(c->data);
}

void page_api_handle(struct catalog *catalog, const struct http_request *q, struct reply *r)
{
	struct call c = {.catalog = catalog, .http = q, .reply = r};
	const struct url *u = &q->url;

	if (u->n == 2 && !strcmp(u->parts[1], "experiments"))
		with_method(&c, HTTP_GET, list);
	else if (u->n == 2 && !strcmp(u->parts[1], "open"))
		with_method(&c, HTTP_POST, open_path);
	else if (u->n == 4 && !strcmp(u->parts[1], "experiments"))
		dispatch_experiment(&c, u->parts[2], u->parts[3]);
	else
		reply_error(r, 404, "Not found", "there is no such thing here");
	reply_end(r);
}
