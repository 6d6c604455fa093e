#include "server/tsp.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "server/arrows.h"
#include "server/events.h"
#include "server/graph.h"
#include "server/marks.h"
#include "server/output.h"
#include "server/raw_table.h"
#include "server/series.h"
#include "server/stats.h"
#include "server/style.h"
#include "server/tree.h"
#include "base/member.h"

enum { FIRST_PART = 2, MAX_ARROWS = 5000 }; /* parts of the path after /tsp/api */

/* A request on its way to a view. */
struct call {
	struct catalog *catalog;
	const struct http_request *http;
	struct reply *reply;
	const char *const *parts; /* after /tsp/api */
	int n;
	struct view_request view;

	/* Of requests for an output. */
	struct dataset *data;
	enum output_id output;
};

static void not_found(struct reply *r)
{
	reply_error(r, 404, "Not found", "there is no such thing here");
}

static void not_allowed(struct reply *r, const char *allow)
{
	reply_error(r, 405, "Not allowed", "here only %s can be done", allow);
	r->allow = allow;
}

static bool is_get(const struct call *c)
{
	return c->http->method == HTTP_GET || c->http->method == HTTP_HEAD;
}

static bool is_part(const struct call *c, int i, const char *text)
{
	return i < c->n && !strcmp(c->parts[i], text);
}

/* ---- the server itself ---------------------------------------------------------------------- */

static void health(struct call *c)
{
	struct jsonw *j = reply_json(c->reply);

	jsonw_object_begin(j);
	member_text(j, "status", "UP");
	jsonw_object_end(j);
}

static void identifier(struct call *c)
{
	struct jsonw *j = reply_json(c->reply);
	struct utsname os = {0};

	uname(&os);
	jsonw_object_begin(j);
	member_text(j, "version", VMSCOPE_VERSION);
	member_text(j, "os", os.sysname);
	member_text(j, "osArch", os.machine);
	member_text(j, "osVersion", os.release);
	member_int(j, "cpuCount", sysconf(_SC_NPROCESSORS_ONLN));
	member_int(j, "maxMemory", (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
	member_text(j, "productId", "vmscope");
	member_text(j, "tspVersion", "0.6.0");
	jsonw_object_end(j);
}

static void get_only(struct call *c, void (*answer)(struct call *))
{
	if (is_get(c))
		answer(c);
	else
		not_allowed(c->reply, "GET");
}

static void empty_list(struct call *c)
{
	struct jsonw *j = reply_json(c->reply);

	jsonw_array_begin(j);
	jsonw_array_end(j);
}

/* ---- traces and experiments ----------------------------------------------------------------- */

void tsp_refuse(struct reply *r, enum catalog_answer answer, struct error *err)
{
	static const struct {
		int status;
		const char *title;
	} answers[] = {
		[CATALOG_MISSING] = {404, "Not found"},
		[CATALOG_FORBIDDEN] = {403, "Forbidden"},
		[CATALOG_NO_TRACE] = {501, "Not a trace"},
		[CATALOG_CONFLICT] = {409, "Name is taken"},
		[CATALOG_IN_USE] = {409, "In use"},
		[CATALOG_FULL] = {503, "Too many"},
		[CATALOG_BAD] = {400, "Bad request"},
	};

	reply_failed(r, answers[answer].status, answers[answer].title, err);
}

typedef bool write_fn(struct catalog *c, struct jsonw *j, const char *uuid);

static void write_one(struct call *c, write_fn *write, const char *uuid)
{
	if (!write(c->catalog, reply_json(c->reply), uuid))
		not_found(c->reply);
}

static void list_or_get(struct call *c, write_fn *write)
{
	write_one(c, write, c->n > 1 ? c->parts[1] : NULL);
}

static void post_trace(struct call *c)
{
	const char *uri = NULL, *name = NULL;
	struct error err = {0};
	struct uuid uuid;

	if (request_text(&c->view, "uri", &uri, &err) ||
	    request_text(&c->view, "name", &name, &err) ||
	    (!uri && request_wrong("uri", "the path of a trace", &err))) {
		reply_failed(c->reply, 400, "Bad request", &err);
		return;
	}
	enum catalog_answer answer = catalog_add_trace(c->catalog, uri, name, &uuid, &err);

	if (answer != CATALOG_OK)
		tsp_refuse(c->reply, answer, &err);
	else
		write_one(c, catalog_write_traces, uuid.text);
}

/* Return: 0 and the UUIDs, to be freed, borrowed from the request; or ERR. */
static int read_uuids(const struct call *c, const char ***uuidsp, size_t *np, struct error *err)
{
	const json_t *array = json_object_get(c->view.parameters, "traces"), *v;
	size_t i, n = json_array_size(array);

	*uuidsp = NULL;
	if (!json_is_array(array) || n > 1000)
		return request_wrong("traces", "an array of UUIDs", err);
	*uuidsp = mem_zalloc(n + 1, sizeof(**uuidsp));
	json_array_foreach(array, i, v)
	{
		if (!json_is_string(v))
			return request_wrong("traces", "an array of UUIDs", err);
		(*uuidsp)[i] = json_string_value(v);
	}
	*np = n;
	return 0;
}

static void post_experiment(struct call *c)
{
	const char *name = NULL, **uuids = NULL;
	struct error err = {0};
	struct uuid uuid;
	size_t n = 0;

	if (request_text(&c->view, "name", &name, &err) || read_uuids(c, &uuids, &n, &err)) {
		reply_failed(c->reply, 400, "Bad request", &err);
	} else {
		enum catalog_answer answer =
			catalog_add_experiment(c->catalog, name, uuids, n, &uuid, &err);

		if (answer != CATALOG_OK)
			tsp_refuse(c->reply, answer, &err);
		else
			write_one(c, catalog_write_experiments, uuid.text);
	}
	free(uuids);
}

/* What is removed is sent once more, as clients want it. */
static void remove_trace(struct call *c)
{
	struct error err = {0};

	write_one(c, catalog_write_traces, c->parts[1]);
	if (c->reply->status != 200)
		return;
	enum catalog_answer answer = catalog_remove_trace(c->catalog, c->parts[1], &err);

	if (answer != CATALOG_OK)
		tsp_refuse(c->reply, answer, &err);
}

static void remove_experiment(struct call *c)
{
	write_one(c, catalog_write_experiments, c->parts[1]);
	if (c->reply->status == 200)
		catalog_remove_experiment(c->catalog, c->parts[1]);
}

static void traces(struct call *c)
{
	if (c->n > 2)
		not_found(c->reply);
	else if (is_get(c))
		list_or_get(c, catalog_write_traces);
	else if (c->n == 1 && c->http->method == HTTP_POST)
		post_trace(c);
	else if (c->n == 2 && c->http->method == HTTP_DELETE)
		remove_trace(c);
	else
		not_allowed(c->reply, c->n == 1 ? "GET, POST" : "GET, DELETE");
}

static void experiment(struct call *c)
{
	if (is_get(c))
		list_or_get(c, catalog_write_experiments);
	else if (c->n == 1 && c->http->method == HTTP_POST)
		post_experiment(c);
	else if (c->n == 2 && c->http->method == HTTP_DELETE)
		remove_experiment(c);
	else
		not_allowed(c->reply, c->n == 1 ? "GET, POST" : "GET, DELETE");
}

/* ---- views: each writes its model ----------------------------------------------------------- */

enum { VIEW_GONE = 4 }; /* as EVENTS_TOO_LONG: err says what is not there */

typedef int view_fn(struct call *c, struct jsonw *j, struct error *err);

static int view_tree(struct call *c, struct jsonw *j, struct error *err)
{
	if (c->output == OUTPUT_EXITS && dataset_find_exits(c->data, err))
		return ERR;
	tree_write(j, c->data, c->output);
	return 0;
}

static int view_states(struct call *c, struct jsonw *j, struct error *err)
{
	return graph_states(j, c->data, c->output, &c->view, err);
}

static void write_arrow(struct jsonw *j, const struct arrow *a, const char *style)
{
	jsonw_object_begin(j);
	member_int(j, "start", a->begin);
	member_int(j, "end", a->end);
	member_int(j, "sourceId", a->from);
	member_int(j, "targetId", a->to);
	member_object(j, "style");
	member_text(j, "parentKey", style);
	member_empty(j, "values");
	jsonw_object_end(j);
	jsonw_object_end(j);
}

static int view_arrows(struct call *c, struct jsonw *j, struct error *err)
{
	const char *style = c->output == OUTPUT_VCPUS ? "arrow.preempt" : "arrow.wakeup";
	struct arrows arrows;
	int r = arrows_init(&arrows, c->data, c->output, &c->view, MAX_ARROWS, err);

	jsonw_array_begin(j);
	vec_each (a, &arrows.at)
		write_arrow(j, a, style);
	jsonw_array_end(j);
	arrows_deinit(&arrows);
	return r;
}

static int view_tooltip(struct call *c, struct jsonw *j, struct error *err)
{
	if (!c->view.items.n || !c->view.has_range) {
		jsonw_object_begin(j);
		jsonw_object_end(j);
		return 0;
	}
	return graph_tooltip(j, c->data, c->view.items.at[0], c->view.from, err);
}

static int view_xy(struct call *c, struct jsonw *j, struct error *err)
{
	struct chart chart;
	int r = chart_init(&chart, c->data, c->output, &c->view, err);

	if (!r)
		chart_write(j, &chart);
	chart_deinit(&chart);
	return r;
}

/* Clients may ask for more to tell of a point of a chart; there is no more. */
static int view_nothing(struct call *c, struct jsonw *j, struct error *err)
{
	(void)c;
	(void)err;
	jsonw_object_begin(j);
	jsonw_object_end(j);
	return 0;
}

static int view_data(struct call *c, struct jsonw *j, struct error *err)
{
	int64_t from = c->view.has_range ? c->view.from : c->data->begin;
	int64_t to = c->view.has_range ? c->view.to : c->data->end;
	struct stats stats;
	int r = stats_init(&stats, c->data, stats_find(output_get(c->output)->word), from, to, err);

	if (!r)
		stats_write_tree(j, &stats);
	stats_deinit(&stats);
	return r;
}

static int view_columns(struct call *c, struct jsonw *j, struct error *err)
{
	(void)err;
	if (c->output == OUTPUT_RAW)
		raw_table_columns(j);
	else
		events_columns(j);
	return 0;
}

static int view_lines(struct call *c, struct jsonw *j, struct error *err)
{
	if (c->output != OUTPUT_RAW)
		return events_lines(j, c->data, &c->view, err);
	int r = raw_table_lines(j, c->data, catalog_roots(c->catalog), &c->view, err);

	return r == RAW_GONE ? VIEW_GONE : r == RAW_TABLE_TOO_LONG ? EVENTS_TOO_LONG : r;
}

static int view_style(struct call *c, struct jsonw *j, struct error *err)
{
	(void)c;
	(void)err;
	jsonw_object_begin(j);
	jsonw_key(j, "styles");
	style_write(j);
	jsonw_object_end(j);
	return 0;
}

static int view_annotations(struct call *c, struct jsonw *j, struct error *err)
{
	int r = 0;

	jsonw_object_begin(j);
	if (is_get(c)) {
		member_array(j, "annotationCategories");
		jsonw_string(j, MARKS_CATEGORY);
		jsonw_array_end(j);
	} else {
		jsonw_key(j, "annotations");
		r = marks_write(j, c->data, &c->view, err);
	}
	jsonw_object_end(j);
	return r;
}

static int view_list(struct call *c, struct jsonw *j, struct error *err)
{
	(void)c;
	(void)err;
	jsonw_array_begin(j);
	jsonw_array_end(j);
	return 0;
}

/* What a view's model is while there is nothing to show. Clients want them whole. */
static const char *empty_model(const char *view)
{
	static const struct {
		const char *view, *model;
	} models[] = {
		{"tree", "{\"headers\":[],\"entries\":[],\"autoExpandLevel\":-1}"},
		{"states", "{\"rows\":[]}"},
		{"arrows", "[]"},
		{"xy", "{\"title\":\"\",\"series\":[]}"},
		{"columns", "[]"},
		{"lines", "{\"lowIndex\":0,\"size\":0,\"columnIds\":[],\"lines\":[]}"},
		{"annotations", "{\"annotationCategories\":[],\"annotations\":{}}"},
		{"style", "{\"styles\":{}}"},
	};

	for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
		if (!strcmp(models[i].view, view))
			return models[i].model;
	}
	return "{}";
}

/* Answers while there is nothing to show yet, or never will be. */
static void not_ready(struct call *c, enum catalog_status status, const char *message)
{
	FILE *f = reply_stream(c->reply, REPLY_JSON);
	struct jsonw j;

	fprintf(f, "{\"model\":%s,\"status\":\"%s\",\"statusMessage\":",
		empty_model(c->parts[c->n - 1]), status == CATALOG_RUNNING ? "RUNNING" : "FAILED");
	jsonw_init(&j, f);
	jsonw_string(&j, status == CATALOG_RUNNING ? "the recording is being analyzed" : message);
	jsonw_deinit(&j);
	fputc('}', f);
}

/* ---- which view ----------------------------------------------------------------------------- */

enum { NEED_TIME = 1, NEED_ITEMS = 2, NEED_LINES = 4 };

/* O/{kind}/{id}/{last}, or with kind NULL O/{id}/{last}. */
static const struct {
	const char *kind, *last;
	int types; /* bit per enum output_type; others have no such view */
	bool get;  /* also by GET */
	bool post;
	view_fn *view;
	bool slow;	/* can read much of the file */
	unsigned needs; /* NEED_... that a body must have */
} views[] = {
	{"timeGraph", "tree", 1 << OUTPUT_TIME_GRAPH, false, true, view_tree, false, 0},
	{"timeGraph", "states", 1 << OUTPUT_TIME_GRAPH, false, true, view_states, false,
	 NEED_TIME | NEED_ITEMS},
	{"timeGraph", "arrows", 1 << OUTPUT_TIME_GRAPH, false, true, view_arrows, true, NEED_TIME},
	{"timeGraph", "tooltip", 1 << OUTPUT_TIME_GRAPH, false, true, view_tooltip, false,
	 NEED_TIME | NEED_ITEMS},
	{"XY", "tree", 1 << OUTPUT_XY, false, true, view_tree, true, 0},
	{"XY", "xy", 1 << OUTPUT_XY, false, true, view_xy, true, NEED_TIME | NEED_ITEMS},
	{"XY", "tooltip", 1 << OUTPUT_XY, true, true, view_nothing, false, 0},
	{"data", "tree", 1 << OUTPUT_DATA, false, true, view_data, true, 0},
	{"table", "columns", 1 << OUTPUT_TABLE, false, true, view_columns, false, 0},
	{"table", "lines", 1 << OUTPUT_TABLE, false, true, view_lines, true, NEED_LINES},
	{NULL, "style", -1, false, true, view_style, false, 0},
	{NULL, "annotations", -1, true, true, view_annotations, false, 0},
	{NULL, "configTypes", -1, true, false, view_list, false, 0},
};

/* Return: 0, or ERR with err saying what is missing. */
static int check_needs(const struct call *c, unsigned needs, struct error *err)
{
	const struct view_request *v = &c->view;

	if (is_get(c))
		return 0;
	if (needs & NEED_TIME && !v->has_range)
		return request_wrong("requested_timerange", "a stretch of time", err);
	if (needs & NEED_ITEMS && !v->has_items)
		return request_wrong("requested_items", "an array of rows", err);
	if (needs & NEED_LINES && v->index < 0 && !v->has_range)
		return request_wrong("requested_table_index", "the number of a line", err);
	return 0;
}

static void wrap_begin(struct jsonw *j)
{
	jsonw_object_begin(j);
	jsonw_key(j, "model");
}

static void wrap_end(struct jsonw *j, const char *status, const char *message)
{
	member_text(j, "status", status);
	member_text(j, "statusMessage", message);
	jsonw_object_end(j);
}

/* bare: not wrapped, as the lists of configurations are not. */
static void run_view(struct call *c, view_fn *view, bool bare)
{
	struct error err = {0};
	struct jsonw *j = reply_json(c->reply);

	if (!bare)
		wrap_begin(j);
	int r = view(c, j, &err);

	if (r == EVENTS_TOO_LONG)
		reply_error(c->reply, 503, "Takes too long", "the search was given up");
	else if (r)
		reply_failed(c->reply, r == VIEW_GONE ? 404 : 500,
			     r == VIEW_GONE ? "Not found" : "Cannot be read", &err);
	else if (!bare)
		wrap_end(j, "COMPLETED", "");
}

static bool fits(const struct call *c, int i)
{
	const char *kind = views[i].kind, *last = views[i].last;

	if (kind)
		return c->n == 6 && is_part(c, 3, kind) && is_part(c, 5, last);
	return c->n == 5 && is_part(c, 4, last);
}

static void find_view(struct call *c, enum catalog_status status, const char *message)
{
	int n = sizeof(views) / sizeof(*views), i = 0;
	struct error err = {0};

	while (i < n && !fits(c, i))
		i++;
	c->output = output_find(c->parts[c->n == 6 ? 4 : 3]);
	if (i == n || c->output == OUTPUT_NONE ||
	    !(views[i].types & 1 << output_get(c->output)->type))
		not_found(c->reply);
	else if (is_get(c) ? !views[i].get : c->http->method != HTTP_POST || !views[i].post)
		not_allowed(c->reply, views[i].post ? views[i].get ? "GET, POST" : "POST" : "GET");
	else if (!c->data)
		not_ready(c, status, message);
	else if (check_needs(c, views[i].needs, &err))
		reply_failed(c->reply, 400, "Bad request", &err);
	else if (views[i].slow && !c->http->may_wait)
		c->reply->deferred = true;
	else
		run_view(c, views[i].view, !strcmp(views[i].last, "configTypes"));
}

/* ---- outputs of an experiment --------------------------------------------------------------- */

static void list_outputs(struct call *c)
{
	struct jsonw *j = reply_json(c->reply);

	jsonw_array_begin(j);
	for (int i = 0; i < OUTPUT_N; i++)
		output_write(j, (enum output_id)i);
	jsonw_array_end(j);
}

static void one_output(struct call *c, const char *id)
{
	enum output_id output = output_find(id);

	if (output == OUTPUT_NONE)
		not_found(c->reply);
	else if (is_get(c))
		output_write(reply_json(c->reply), output);
	else
		reply_error(c->reply, 400, "Bad request", "this output makes no others");
}

static void outputs_of(struct call *c, enum catalog_status status, const char *message)
{
	if (c->n == 3)
		get_only(c, list_outputs);
	else if (c->n == 4 && is_part(c, 3, "markerSets"))
		run_view(c, view_list, false);
	else if (c->n == 4)
		one_output(c, c->parts[3]);
	else if (c->n == 5 && is_part(c, 4, "markerSets"))
		run_view(c, view_list, false);
	else
		find_view(c, status, message);
}

static void outputs(struct call *c)
{
	enum catalog_status status;
	char *message;

	if (!catalog_find(c->catalog, c->parts[1], &status, &c->data, &message))
		not_found(c->reply);
	else
		outputs_of(c, status, message);
	free(message);
	dataset_release(c->data);
}

/* ---- bookmarks ------------------------------------------------------------------------------ */

/* What a client wants a bookmark to be. */
struct bookmark_wish {
	const char *name;
	int64_t start, end;
};

/* Return: whether it is there; else the reply says what is missing. */
static bool read_bookmark(struct call *c, struct bookmark_wish *w)
{
	const int64_t most = INT64_MAX / 4;
	struct error err = {0};

	*w = (struct bookmark_wish){.start = INT64_MIN, .end = INT64_MIN};
	if (!request_text(&c->view, "name", &w->name, &err) &&
	    !request_int(&c->view, "start", -most, INT64_MAX - 1, &w->start, &err) &&
	    !request_int(&c->view, "end", -most, INT64_MAX - 1, &w->end, &err)) {
		if (!w->name)
			request_wrong("name", "a text", &err);
		else if (w->start == INT64_MIN || w->end == INT64_MIN)
			request_wrong(w->start == INT64_MIN ? "start" : "end", "a time", &err);
		else if (w->end < w->start)
			request_wrong("end", "not before start", &err);
		else
			return true;
	}
	reply_failed(c->reply, 400, "Bad request", &err);
	return false;
}

static void make_bookmark(struct call *c, struct bookmarks *b)
{
	struct bookmark_wish w;

	if (!read_bookmark(c, &w))
		return;
	const struct bookmark *made = bookmarks_add(b, w.name, w.start, w.end);

	if (made)
		bookmark_write(reply_json(c->reply), made);
	else
		reply_error(c->reply, 503, "Too many", "%d bookmarks are kept; remove some",
			    BOOKMARKS_MAX);
}

static void one_bookmark(struct call *c, struct bookmarks *b)
{
	struct bookmark *m = bookmarks_find(b, c->parts[3]);
	struct bookmark_wish w;

	if (!m) {
		not_found(c->reply);
		return;
	}
	if (c->http->method == HTTP_PUT) {
		if (!read_bookmark(c, &w))
			return;
		bookmark_set(m, w.name, w.start, w.end);
	} else if (!is_get(c) && c->http->method != HTTP_DELETE) {
		not_allowed(c->reply, "GET, PUT, DELETE");
		return;
	}
	bookmark_write(reply_json(c->reply), m);
	if (c->http->method == HTTP_DELETE)
		bookmarks_remove(b, m);
}

static void use_bookmarks(struct bookmarks *b, void *ctx)
{
	struct call *c = ctx;

	if (c->n == 4)
		one_bookmark(c, b);
	else if (is_get(c))
		bookmarks_write(reply_json(c->reply), b);
	else if (c->http->method == HTTP_POST)
		make_bookmark(c, b);
	else
		not_allowed(c->reply, "GET, POST");
}

static void bookmarks(struct call *c)
{
	if (c->n > 4 || !catalog_use_bookmarks(c->catalog, c->parts[1], use_bookmarks, c))
		not_found(c->reply);
}

static void config(struct call *c)
{
	if (c->n == 2 && is_part(c, 1, "types"))
		get_only(c, empty_list);
	else
		not_found(c->reply);
}

/* ---- the root ------------------------------------------------------------------------------- */

static void dispatch(struct call *c)
{
	if (c->n == 1 && is_part(c, 0, "health"))
		get_only(c, health);
	else if (c->n == 1 && is_part(c, 0, "identifier"))
		get_only(c, identifier);
	else if (is_part(c, 0, "traces"))
		traces(c);
	else if (is_part(c, 0, "experiments") && c->n <= 2)
		experiment(c);
	else if (is_part(c, 0, "experiments") && is_part(c, 2, "outputs"))
		outputs(c);
	else if (is_part(c, 0, "experiments") && is_part(c, 2, "bookmarks"))
		bookmarks(c);
	else if (is_part(c, 0, "config"))
		config(c);
	else
		not_found(c->reply);
}

void tsp_handle(struct catalog *catalog, const struct http_request *q, struct reply *r)
{
	struct call c = {.catalog = catalog,
			 .http = q,
			 .reply = r,
			 .parts = q->url.parts + FIRST_PART,
			 .n = q->url.n - FIRST_PART};
	struct error err = {0};

	if (view_request_init(&c.view, q->body, q->body_size, true, 0, &err)) {
		reply_failed(r, 400, "Bad request", &err);
	} else {
		dispatch(&c);
		reply_end(r);
	}
	view_request_deinit(&c.view);
}
