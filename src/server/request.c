#include "server/request.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { DEFAULT_PIXELS = 1000, DEFAULT_LINES = 100 };

#define MOST_INDEX (((int64_t)1 << 53) - 1) /* that every client can hold */

int request_wrong(const char *key, const char *wanted, struct error *err)
{
	return error_set(err, "'%s' must be %s", key, wanted);
}

/* Reads an integer; a real without a fraction is one, too. Return: 0 or ERR. */
static int read_int(const json_t *v, const char *key, int64_t *p, struct error *err)
{
	double x;

	if (json_is_integer(v)) {
		*p = json_integer_value(v);
		return 0;
	}
	x = json_is_real(v) ? json_real_value(v) : 0.5;
	if (x < -9007199254740992.0 || x > 9007199254740992.0 || x != (double)(int64_t)x)
		return request_wrong(key, "an integer", err);
	*p = (int64_t)x;
	return 0;
}

int request_int(const struct view_request *r, const char *key, int64_t min, int64_t max, int64_t *p,
		struct error *err)
{
	const json_t *v = json_object_get(r->parameters, key);
	int64_t x;

	if (!v || json_is_null(v))
		return 0;
	if (read_int(v, key, &x, err))
		return ERR;
	if (x < min || x > max)
		return error_set(err, "'%s' must be from %" PRId64 " to %" PRId64, key, min, max);
	*p = x;
	return 0;
}

int request_text(const struct view_request *r, const char *key, const char **p, struct error *err)
{
	const json_t *v = json_object_get(r->parameters, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return request_wrong(key, "a text", err);
	*p = json_string_value(v);
	return 0;
}

/* Return: 0 and an array or NULL; ERR when there is something else. */
static int get_array(const json_t *in, const char *key, const json_t **p, struct error *err)
{
	*p = json_object_get(in, key);
	if (!*p || json_is_null(*p))
		*p = NULL;
	else if (!json_is_array(*p))
		return request_wrong(key, "an array", err);
	return 0;
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Puts [from, to] in order; a stretch has at least 1 ns and can be measured. */
static int set_range(struct view_request *r, int64_t from, int64_t to, int64_t pixels,
		     const char *key, struct error *err)
{
	if (from > to || from < -(INT64_MAX / 4) || to > INT64_MAX - 1 ||
	    (uint64_t)to - (uint64_t)from > INT64_MAX / 2)
		return request_wrong(key, "a stretch of time: start before end", err);
	if (pixels < 1)
		pixels = 1;
	r->has_range = true;
	r->from = from;
	r->to = to + 1;
	r->pixels = pixels > REQUEST_MAX_PIXELS ? REQUEST_MAX_PIXELS : (uint32_t)pixels;
	return 0;
}

static int read_timerange(struct view_request *r, const json_t *range, struct error *err)
{
	static const char key[] = "requested_timerange";
	const json_t *start, *end, *n;
	int64_t from, to, pixels = DEFAULT_PIXELS;

	if (!json_is_object(range))
		return request_wrong(key, "an object", err);
	start = json_object_get(range, "start");
	end = json_object_get(range, "end");
	n = json_object_get(range, "nbTimes");
	if (!n)
		n = json_object_get(range, "nbSamples");
	if (!start || !end)
		return request_wrong(key, "an object with start and end", err);
	if (read_int(start, "start", &from, err) || read_int(end, "end", &to, err) ||
	    (n && !json_is_null(n) && read_int(n, "nbTimes", &pixels, err)))
		return ERR;
	return set_range(r, from, to, pixels, key, err);
}

static int read_times(struct view_request *r, const json_t *times, struct error *err)
{
	static const char key[] = "requested_times";
	int64_t from = INT64_MAX, to = INT64_MIN, t;
	size_t i, n = json_array_size(times);
	const json_t *v;

	if (!n)
		return 0;
	json_array_foreach(times, i, v)
	{
		if (read_int(v, key, &t, err))
			return ERR;
		from = t < from ? t : from;
		to = t > to ? t : to;
	}
	return set_range(r, from, to, (int64_t)n, key, err);
}

static int read_tsp_range(struct view_request *r, struct error *err)
{
	const json_t *range = json_object_get(r->parameters, "requested_timerange");
	const json_t *times;

	if (range && !json_is_null(range))
		return read_timerange(r, range, err);
	if (get_array(r->parameters, "requested_times", &times, err))
		return ERR;
	return times ? read_times(r, times, err) : 0;
}

static int read_page_range(struct view_request *r, int64_t origin, struct error *err)
{
	const int64_t most = (int64_t)1 << 53;
	int64_t from = -1, to = -1, pixels = DEFAULT_PIXELS;

	if (request_int(r, "start", -most, most, &from, err) ||
	    request_int(r, "end", -most, most, &to, err) ||
	    request_int(r, "pixels", 1, REQUEST_MAX_PIXELS, &pixels, err))
		return ERR;
	if (!json_object_get(r->parameters, "start") || !json_object_get(r->parameters, "end"))
		return 0;
	if (from >= to || __builtin_add_overflow(from, origin, &from) ||
	    __builtin_add_overflow(to, origin, &to))
		return request_wrong("end", "after start", err);
	return set_range(r, from, to - 1, pixels, "end", err);
}

/* ---- rows and columns ----------------------------------------------------------------------- */

static int read_items(struct view_request *r, const char *key, struct error *err)
{
	const json_t *array, *v;
	size_t i;
	int64_t id;

	if (get_array(r->parameters, key, &array, err))
		return ERR;
	if (!array)
		return 0;
	if (json_array_size(array) > REQUEST_MAX_ITEMS)
		return error_set(err, "'%s' has more than %d rows", key, REQUEST_MAX_ITEMS);
	r->has_items = true;
	json_array_foreach(array, i, v)
	{
		if (read_int(v, key, &id, err))
			return ERR;
		*vec_push(&r->items) = id < 0 || id > INT32_MAX ? -1 : (int32_t)id;
	}
	return 0;
}

static int read_columns(struct view_request *r, struct error *err)
{
	const json_t *array, *v;
	size_t i;
	int64_t id;

	if (get_array(r->parameters, "requested_table_column_ids", &array, err))
		return ERR;
	if (array && json_array_size(array) > 100)
		return error_set(err, "more than 100 columns");
	json_array_foreach(array, i, v)
	{
		if (read_int(v, "requested_table_column_ids", &id, err))
			return ERR;
		*vec_push(&r->columns) = id;
	}
	return 0;
}

/* ---- searches ------------------------------------------------------------------------------- */

static int add_search(struct view_request *r, const char *column, const json_t *v,
		      struct error *err)
{
	char *end;
	long long id = strtoll(column, &end, 10);
	struct pattern *pattern;

	if (end == column || *end || !json_is_string(v))
		return request_wrong("table_search_expressions",
				     "patterns by number of their column", err);
	pattern = r->searches.n < 100 ? pattern_new(json_string_value(v)) : NULL;
	if (!pattern)
		return error_set(err, "'%.100s' is no pattern that can be searched for",
				 json_string_value(v));
	*vec_push(&r->searches) = (struct request_search){.column = id, .pattern = pattern};
	return 0;
}

static int read_searches(struct view_request *r, struct error *err)
{
	json_t *map = json_object_get(r->parameters, "table_search_expressions"), *v;
	const char *direction = NULL, *column;

	if (request_text(r, "table_search_direction", &direction, err))
		return ERR;
	if (direction && strcmp(direction, "NEXT") != 0 && strcmp(direction, "PREVIOUS") != 0)
		return request_wrong("table_search_direction", "NEXT or PREVIOUS", err);
	r->search = direction != NULL;
	r->backwards = direction && *direction == 'P';
	if (!map || json_is_null(map))
		return 0;
	if (!json_is_object(map))
		return request_wrong("table_search_expressions", "an object", err);
	json_object_foreach(map, column, v)
	{
		if (add_search(r, column, v, err))
			return ERR;
	}
	return 0;
}

static int read_table(struct view_request *r, struct error *err)
{
	int64_t lines = DEFAULT_LINES;

	r->index = -1;
	if (request_int(r, "requested_table_index", 0, MOST_INDEX, &r->index, err) ||
	    request_int(r, "requested_table_count", 0, INT32_MAX, &lines, err) ||
	    read_columns(r, err))
		return ERR;
	r->lines = lines > REQUEST_MAX_LINES ? REQUEST_MAX_LINES : (uint32_t)lines;
	return read_searches(r, err);
}

/* ---- filters -------------------------------------------------------------------------------- */

static int read_filter(struct view_request *r, const json_t *map, enum filter_effect effect,
		       const char *key, struct error *err)
{
	const json_t *array, *v;
	size_t i;

	if (get_array(map, key, &array, err))
		return ERR;
	json_array_foreach(array, i, v)
	{
		if (!json_is_string(v) || strlen(json_string_value(v)) > REQUEST_MAX_FILTER ||
		    i == 100)
			return request_wrong("filter_expressions_map", "a few short texts", err);
		*vec_push(&r->filters[effect]) = json_string_value(v);
	}
	return 0;
}

static int read_filters(struct view_request *r, struct error *err)
{
	const json_t *filter = json_object_get(r->parameters, "filter_query_parameters"), *map;

	if (!filter || json_is_null(filter))
		return 0;
	map = json_object_get(filter, "filter_expressions_map");
	if (!json_is_object(filter) || (map && !json_is_object(map)))
		return request_wrong("filter_query_parameters", "an object", err);
	return !map || (!read_filter(r, map, FILTER_DIM, "1", err) &&
			!read_filter(r, map, FILTER_EXCLUDE, "4", err))
		       ? 0
		       : ERR;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static int load(struct view_request *r, const char *body, size_t size, struct error *err)
{
	json_error_t why;

	while (size && isspace((unsigned char)body[size - 1]))
		size--;
	r->root = size ? json_loadb(body, size, JSON_REJECT_DUPLICATES, &why) : json_object();
	if (!r->root)
		return error_set(err, "the body is not JSON: %s at byte %d", why.text,
				 why.position);
	return json_is_object(r->root) ? 0 : error_set(err, "the body must be an object");
}

int view_request_init(struct view_request *r, const char *body, size_t size, bool tsp,
		      int64_t origin, struct error *err)
{
	*r = (struct view_request){.index = -1, .pixels = DEFAULT_PIXELS};
	if (load(r, body, size, err))
		return ERR;
	r->parameters = tsp ? json_object_get(r->root, "parameters") : r->root;
	if (r->parameters && !json_is_null(r->parameters) && !json_is_object(r->parameters))
		return request_wrong("parameters", "an object", err);
	r->all_labels = !tsp && json_is_true(json_object_get(r->parameters, "labels"));
	if (!tsp)
		return read_page_range(r, origin, err) || read_items(r, "items", err) ? ERR : 0;
	return read_tsp_range(r, err) || read_items(r, "requested_items", err) ||
			       read_table(r, err) || read_filters(r, err)
		       ? ERR
		       : 0;
}

void view_request_deinit(struct view_request *r)
{
	vec_each (s, &r->searches)
		pattern_free(s->pattern);
	vec_deinit(&r->searches);
	vec_deinit(&r->items);
	vec_deinit(&r->columns);
	for (int i = 0; i < FILTER_N; i++)
		vec_deinit(&r->filters[i]);
	json_decref(r->root);
	*r = (struct view_request){0};
}
