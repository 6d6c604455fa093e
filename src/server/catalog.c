#include "server/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fence.h"
#include "base/leftover.h"
#include "base/member.h"
#include "base/temporary.h"
#include "base/thread.h"

enum { MAX_TRACES = 1000, MAX_EXPERIMENTS = 100, MAX_NAME = 255 };

struct trace {
	struct uuid uuid;
	char *name, *path;
	bool is_results;
	bool seen; /* it is part of an experiment that was read: */
	int64_t begin, end, n_events;
};

struct experiment {
	struct uuid uuid;
	char *name;
	VEC(struct uuid) traces;
	enum catalog_status status;
	char *message;
	struct dataset *data; /* when COMPLETED */
	struct bookmarks bookmarks;
};

struct catalog {
	struct roots roots;
	catalog_analyze_fn *analyze;
	void *ctx;
	struct temporary_dir directory; /* of results that we made */

	pthread_mutex_t lock; /* of what follows */
	VEC(struct trace) traces;
	VEC(struct experiment) experiments;
	pthread_cond_t work;
	bool stopping, has_worker;
	struct uuid running; /* what is analyzed; empty: nothing */
	int stop_fd;
	pthread_t worker;
};

/* ---- finding -------------------------------------------------------------------------------- */

static struct trace *find_trace(struct catalog *c, const char *uuid)
{
	vec_each (t, &c->traces) {
		if (uuid_is(&t->uuid, uuid))
			return t;
	}
	return NULL;
}

static struct experiment *find_experiment(struct catalog *c, const char *uuid)
{
	vec_each (e, &c->experiments) {
		if (uuid_is(&e->uuid, uuid))
			return e;
	}
	return NULL;
}

static struct experiment *find_by_name(struct catalog *c, const char *name)
{
	vec_each (e, &c->experiments) {
		if (!strcmp(e->name, name))
			return e;
	}
	return NULL;
}

/* ---- analysis in the background ------------------------------------------------------------- */

static void stop_analysis(struct catalog *c)
{
	uint64_t one = 1;

	if (write(c->stop_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd does not refuse a 1 */
}

/* Return: whether the analysis was to stop; from now on it is not. */
static bool allow_analysis(struct catalog *c)
{
	uint64_t any;

	return read(c->stop_fd, &any, sizeof(any)) > 0;
}

static struct experiment *next_experiment(struct catalog *c)
{
	vec_each (e, &c->experiments) {
		if (e->status == CATALOG_RUNNING)
			return e;
	}
	return NULL;
}

typedef VEC(char *) paths_t;

static paths_t paths_of(struct catalog *c, const struct experiment *e)
{
	paths_t paths = {0};

	vec_each (uuid, &e->traces) {
		const struct trace *t = find_trace(c, uuid->text);

		if (t)
			*vec_push(&paths) = mem_strdup(t->path);
	}
	return paths;
}

/* What was good when it was opened may lead elsewhere by now. */
static int check_paths(const struct catalog *c, const paths_t *paths, struct error *err)
{
	vec_each (path, paths) {
		char *real = NULL;
		bool good = roots_resolve(&c->roots, *path, &real) == ROOT_RECORDING &&
			    !strcmp(real, *path);

		free(real);
		if (!good)
			return error_set(err, "'%s' is not what it was", *path);
	}
	return 0;
}

static int analyze_paths(struct catalog *c, const paths_t *paths, struct dataset **dp,
			 struct error *err)
{
	if (check_paths(c, paths, err))
		return ERR;
	char *output = mem_printf("%s/results.vms", c->directory.path);
	int r = c->analyze(c->ctx, paths->at, paths->n, output, c->stop_fd, err);

	if (!r)
		r = dataset_open(dp, open(output, O_RDONLY | O_CLOEXEC), output, err);
	/* What an analysis left, also one that was stopped in the middle; what is open stays. */
	leftover_remove_files(c->directory.fd);
	free(output);
	return r;
}

static bool is_within(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return !strncmp(path, directory, n) && (path[n] == '/' || path[n] == '\0');
}

/* What a client is told of a trace once it was read. */
static void describe_trace(struct trace *t, const struct dataset *d)
{
	t->seen = true;
	t->begin = d->begin;
	t->end = d->end;
	t->n_events = 0;
	vec_each (m, &d->machines) {
		if (t->is_results || (m->trace_path && is_within(m->trace_path, t->path)))
			t->n_events += m->events;
	}
}

static void complete(struct catalog *c, struct experiment *e, struct dataset *d)
{
	e->status = CATALOG_COMPLETED;
	e->data = d;
	vec_each (uuid, &e->traces) {
		struct trace *t = find_trace(c, uuid->text);

		if (t)
			describe_trace(t, d);
	}
}

/* Analyzes e, without the lock meanwhile. */
static void analyze_one(struct catalog *c, const struct experiment *e)
{
	paths_t paths = paths_of(c, e);
	struct dataset *d = NULL;
	struct error err = {0};

	c->running = e->uuid;
	allow_analysis(c);
	pthread_mutex_unlock(&c->lock);
	int r = analyze_paths(c, &paths, &d, &err);

	pthread_mutex_lock(&c->lock);
	struct experiment *now = find_experiment(c, c->running.text);
	bool stopped =
		allow_analysis(c); /* then it may have been added anew: it is analyzed anew */

	if (now && !r) {
		complete(c, now, dataset_use(d));
	} else if (now && !stopped) {
		now->status = CATALOG_FAILED;
		now->message = mem_strdup(err.text);
	}
	c->running = (struct uuid){0};
	dataset_release(d);
	error_deinit(&err);
	vec_each (p, &paths)
		free(*p);
	vec_deinit(&paths);
}

static void *work(void *arg)
{
	struct catalog *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		const struct experiment *e = next_experiment(c);

		if (e)
			analyze_one(c, e);
		else
			pthread_cond_wait(&c->work, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- life ----------------------------------------------------------------------------------- */

int catalog_new(struct catalog **cp, struct catalog_config *config, struct error *err)
{
	struct catalog *c = mem_zalloc(1, sizeof(*c));

	c->roots = config->roots;
	config->roots = (struct roots){0};
	c->analyze = config->analyze;
	c->ctx = config->ctx;
	c->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	int r = c->stop_fd < 0 ? error_errno(err, errno, "cannot begin to serve") : 0;

	if (!r)
		r = temporary_dir_init(&c->directory, "vmscope-serve", err);
	if (r) {
		catalog_free(c);
		return r;
	}
	/* What the analysis keeps aside goes there, too. */
	setenv("TMPDIR", c->directory.path, 1);
	fence_write_below(c->directory.path);
	r = thread_start(&c->worker, work, c, err);
	if (r) {
		catalog_free(c);
		return r;
	}
	c->has_worker = true;
	*cp = c;
	return 0;
}

static void free_trace(struct trace *t)
{
	free(t->name);
	free(t->path);
}

static void free_experiment(struct experiment *e)
{
	dataset_release(e->data);
	vec_deinit(&e->traces);
	bookmarks_deinit(&e->bookmarks);
	free(e->name);
	free(e->message);
}

static void stop_worker(struct catalog *c)
{
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	stop_analysis(c);
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->worker, NULL);
}

void catalog_free(struct catalog *c)
{
	if (!c)
		return;
	if (c->has_worker)
		stop_worker(c);
	vec_each (t, &c->traces)
		free_trace(t);
	vec_each (e, &c->experiments)
		free_experiment(e);
	vec_deinit(&c->traces);
	vec_deinit(&c->experiments);
	roots_deinit(&c->roots);
	temporary_dir_deinit(&c->directory);
	if (c->stop_fd >= 0)
		close(c->stop_fd);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->work);
	free(c);
}

const struct roots *catalog_roots(const struct catalog *c)
{
	return &c->roots;
}

/* ---- traces --------------------------------------------------------------------------------- */

static enum catalog_answer resolve(struct catalog *c, const char *path, char **realp,
				   bool *is_resultsp, struct error *err)
{
	enum root_answer answer = roots_resolve(&c->roots, path, realp);

	*is_resultsp = answer == ROOT_RESULTS;
	switch (answer) {
	case ROOT_RESULTS:
	case ROOT_RECORDING:
		return CATALOG_OK;
	case ROOT_OTHER:
		free(*realp);
		error_set(
			err,
			"'%s' is neither a results file nor a recording, nor a directory with recordings",
			path);
		return CATALOG_NO_TRACE;
	case ROOT_MISSING:
		error_set(err, "'%s' does not exist", path);
		return CATALOG_MISSING;
	default:
		error_set(err, "'%s' is not in a directory that is served", path);
		return CATALOG_FORBIDDEN;
	}
}

static struct uuid trace_uuid(const char *path, const char *name)
{
	char *key = mem_printf("%s\n%s", path, name);
	struct uuid u = uuid_of(key, strlen(key));

	free(key);
	return u;
}

enum catalog_answer catalog_add_trace(struct catalog *c, const char *path, const char *name,
				      struct uuid *uuidp, struct error *err)
{
	bool is_results;
	char *real;
	enum catalog_answer answer = resolve(c, path, &real, &is_results, err);

	if (answer != CATALOG_OK)
		return answer;
	if (!name || !*name)
		name = strrchr(real, '/') + 1;
	char *short_name = mem_strndup(name, strnlen(name, MAX_NAME));

	*uuidp = trace_uuid(real, short_name);
	pthread_mutex_lock(&c->lock);
	bool known = find_trace(c, uuidp->text) != NULL;

	if (!known && c->traces.n < MAX_TRACES) {
		*vec_push(&c->traces) = (struct trace){
			.uuid = *uuidp, .name = short_name, .path = real, .is_results = is_results};
		real = short_name = NULL;
	} else if (!known) {
		error_set(err, "%d traces are open; close some", MAX_TRACES);
		answer = CATALOG_FULL;
	}
	pthread_mutex_unlock(&c->lock);
	free(short_name);
	free(real);
	return answer;
}

/* Return: the experiment that a trace is part of, or NULL. */
static const struct experiment *user_of(struct catalog *c, const char *uuid)
{
	vec_each (e, &c->experiments) {
		vec_each (trace, &e->traces) {
			if (uuid_is(trace, uuid))
				return e;
		}
	}
	return NULL;
}

enum catalog_answer catalog_remove_trace(struct catalog *c, const char *uuid, struct error *err)
{
	enum catalog_answer answer = CATALOG_OK;

	pthread_mutex_lock(&c->lock);
	struct trace *t = find_trace(c, uuid);
	const struct experiment *user = user_of(c, uuid);

	if (!t) {
		error_set(err, "no trace '%.40s' is open", uuid);
		answer = CATALOG_MISSING;
	} else if (user) {
		error_set(err, "the experiment '%s' needs it; close that first", user->name);
		answer = CATALOG_IN_USE;
	} else {
		free_trace(t);
		*t = c->traces.at[--c->traces.n];
	}
	pthread_mutex_unlock(&c->lock);
	return answer;
}

bool catalog_use_bookmarks(struct catalog *c, const char *uuid,
			   void (*use)(struct bookmarks *b, void *ctx), void *ctx)
{
	pthread_mutex_lock(&c->lock);
	struct experiment *e = find_experiment(c, uuid);

	if (e)
		use(&e->bookmarks, ctx);
	pthread_mutex_unlock(&c->lock);
	return e != NULL;
}

/* ---- experiments ---------------------------------------------------------------------------- */

/* Looks whether these traces can be one experiment. Return: CATALOG_OK or why not. */
static enum catalog_answer check_traces(struct catalog *c, const char *const *traces, size_t n,
					char **results_pathp, struct error *err)
{
	size_t n_results = 0;

	for (size_t i = 0; i < n; i++) {
		const struct trace *t = find_trace(c, traces[i]);

		if (!t) {
			error_set(err, "no trace '%.40s' is open", traces[i]);
			return CATALOG_MISSING;
		}
		n_results += t->is_results;
		if (t->is_results && n == 1)
			*results_pathp = mem_strdup(t->path);
	}
	if (n && (!n_results || n == 1))
		return CATALOG_OK;
	error_set(err,
		  n ? "a results file is an experiment by itself" : "an experiment needs a trace");
	return CATALOG_BAD;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The order of the traces does not matter. */
static struct uuid experiment_uuid(const char *name, const char *const *traces, size_t n)
{
	const char **sorted = mem_alloc(n * sizeof(*sorted));
	char *key = mem_strdup(name);

	memcpy(sorted, traces, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_texts);
	for (size_t i = 0; i < n; i++) {
		char *longer = mem_printf("%s\n%s", key, sorted[i]);

		free(key);
		key = longer;
	}
	struct uuid u = uuid_of(key, strlen(key));

	free(sorted);
	free(key);
	return u;
}

/* Return: CATALOG_OK when it can be added, or is known already: *knownp. */
static enum catalog_answer check_experiment(struct catalog *c, const struct uuid *uuid,
					    const char *name, bool *knownp, struct error *err)
{
	*knownp = find_experiment(c, uuid->text) != NULL;
	if (*knownp)
		return CATALOG_OK;
	if (find_by_name(c, name)) {
		error_set(err, "there is another experiment named '%s'", name);
		return CATALOG_CONFLICT;
	}
	if (c->experiments.n < MAX_EXPERIMENTS)
		return CATALOG_OK;
	error_set(err, "%d experiments are open; close some", MAX_EXPERIMENTS);
	return CATALOG_FULL;
}

static void push_experiment(struct catalog *c, const struct uuid *uuid, const char *name,
			    const char *const *traces, size_t n, struct dataset *d)
{
	struct experiment *e = vec_push(&c->experiments);

	e->uuid = *uuid;
	e->name = mem_strdup(name);
	e->status = CATALOG_RUNNING;
	for (size_t i = 0; i < n; i++)
		*vec_push(&e->traces) = find_trace(c, traces[i])->uuid;
	if (d)
		complete(c, e, d);
	pthread_cond_signal(&c->work);
}

static enum catalog_answer add_experiment(struct catalog *c, const char *name,
					  const char *const *traces, size_t n, struct uuid *uuidp,
					  struct error *err)
{
	char *path = NULL;
	struct dataset *d = NULL;
	bool known = false;
	enum catalog_answer answer = check_traces(c, traces, n, &path, err);

	if (answer == CATALOG_OK) {
		if (!name || !*name)
			name = find_trace(c, traces[0])->name;
		*uuidp = experiment_uuid(name, traces, n);
		answer = check_experiment(c, uuidp, name, &known, err);
	}
	if (answer == CATALOG_OK && !known && path && dataset_open(&d, roots_open(path), path, err))
		answer = CATALOG_NO_TRACE;
	if (answer == CATALOG_OK && !known)
		push_experiment(c, uuidp, name, traces, n, d);
	free(path);
	return answer;
}

enum catalog_answer catalog_add_experiment(struct catalog *c, const char *name,
					   const char *const *traces, size_t n, struct uuid *uuidp,
					   struct error *err)
{
	char *short_name = name ? mem_strndup(name, strnlen(name, MAX_NAME)) : NULL;

	pthread_mutex_lock(&c->lock);
	enum catalog_answer answer = add_experiment(c, short_name, traces, n, uuidp, err);

	pthread_mutex_unlock(&c->lock);
	free(short_name);
	return answer;
}

bool catalog_remove_experiment(struct catalog *c, const char *uuid)
{
	pthread_mutex_lock(&c->lock);
	struct experiment *e = find_experiment(c, uuid);

	if (e) {
		if (uuid_is(&c->running, uuid))
			stop_analysis(c);
		free_experiment(e);
		*e = c->experiments.at[--c->experiments.n];
	}
	pthread_mutex_unlock(&c->lock);
	return e != NULL;
}

bool catalog_find(struct catalog *c, const char *uuid, enum catalog_status *statusp,
		  struct dataset **dp, char **messagep)
{
	*dp = NULL;
	*messagep = NULL;
	pthread_mutex_lock(&c->lock);
	const struct experiment *e = find_experiment(c, uuid);

	if (e) {
		*statusp = e->status;
		*dp = e->data ? dataset_use(e->data) : NULL;
		*messagep = mem_strdup(e->message ? e->message : "");
	}
	pthread_mutex_unlock(&c->lock);
	return e != NULL;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void write_trace(struct jsonw *j, const struct trace *t)
{
	jsonw_object_begin(j);
	member_text(j, "UUID", t->uuid.text);
	member_text(j, "name", t->name);
	member_text(j, "path", t->path);
	member_int(j, "start", t->begin);
	member_int(j, "end", t->end);
	member_int(j, "nbEvents", t->n_events);
	member_object(j, "properties");
	member_text(j, "kind", t->is_results ? "vmscope results" : "recording");
	jsonw_object_end(j);
	member_text(j, "indexingStatus", t->seen ? "COMPLETED" : "CLOSED");
	jsonw_object_end(j);
}

static void write_traces_of(struct catalog *c, struct jsonw *j, const struct experiment *e)
{
	member_array(j, "traces");
	vec_each (uuid, &e->traces) {
		const struct trace *t = find_trace(c, uuid->text);

		if (t)
			write_trace(j, t);
	}
	jsonw_array_end(j);
}

static void write_experiment(struct catalog *c, struct jsonw *j, const struct experiment *e)
{
	static const char *const names[] = {[CATALOG_RUNNING] = "RUNNING",
					    [CATALOG_COMPLETED] = "COMPLETED",
					    [CATALOG_FAILED] = "CLOSED"};

	jsonw_object_begin(j);
	member_text(j, "UUID", e->uuid.text);
	member_text(j, "name", e->name);
	member_int(j, "start", e->data ? e->data->begin : 0);
	member_int(j, "end", e->data ? e->data->end : 0);
	member_int(j, "nbEvents", e->data ? e->data->n_events : 0);
	member_text(j, "indexingStatus", names[e->status]);
	write_traces_of(c, j, e);
	jsonw_object_end(j);
}

static void write_page_experiment(struct catalog *c, struct jsonw *j, const struct experiment *e)
{
	static const char *const names[] = {[CATALOG_RUNNING] = "RUNNING",
					    [CATALOG_COMPLETED] = "COMPLETED",
					    [CATALOG_FAILED] = "FAILED"};
	char start[24];

	(void)c;
	snprintf(start, sizeof(start), "%" PRId64, e->data ? e->data->begin : 0);
	jsonw_object_begin(j);
	member_text(j, "id", e->uuid.text);
	member_text(j, "content", e->data ? dataset_content(e->data).text : "");
	member_text(j, "name", e->name);
	member_text(j, "status", names[e->status]);
	member_text(j, "message", e->message ? e->message : "");
	member_text(j, "start", start);
	member_int(j, "duration", e->data ? e->data->end - e->data->begin : 0);
	member_text(j, "time_origin", e->data ? clock_origin_name(e->data->origin) : NULL);
	jsonw_object_end(j);
}

bool catalog_write_traces(struct catalog *c, struct jsonw *j, const char *uuid)
{
	bool found = !uuid;

	pthread_mutex_lock(&c->lock);
	if (!uuid)
		jsonw_array_begin(j);
	vec_each (t, &c->traces) {
		if (uuid && !uuid_is(&t->uuid, uuid))
			continue;
		write_trace(j, t);
		found = true;
	}
	if (!uuid)
		jsonw_array_end(j);
	pthread_mutex_unlock(&c->lock);
	return found;
}

typedef void write_fn(struct catalog *c, struct jsonw *j, const struct experiment *e);

static bool write_experiments(struct catalog *c, struct jsonw *j, const char *uuid, write_fn *write)
{
	bool found = !uuid;

	pthread_mutex_lock(&c->lock);
	if (!uuid)
		jsonw_array_begin(j);
	vec_each (e, &c->experiments) {
		if (uuid && !uuid_is(&e->uuid, uuid))
			continue;
		write(c, j, e);
		found = true;
	}
	if (!uuid)
		jsonw_array_end(j);
	pthread_mutex_unlock(&c->lock);
	return found;
}

bool catalog_write_experiments(struct catalog *c, struct jsonw *j, const char *uuid)
{
	return write_experiments(c, j, uuid, write_experiment);
}

bool catalog_write_for_page(struct catalog *c, struct jsonw *j, const char *uuid)
{
	return write_experiments(c, j, uuid, write_page_experiment);
}
