#include "cli/record_watch.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "cli/common.h"
#include "top/top.h"
#include "top/tracer.h"

/* How often it looks. It takes a tenth of a second more until what was seen is decided. */
static const int64_t WATCH_NS = 200000000;

/* A vCPU for which a condition holds. */
struct watch_hold {
	size_t condition;
	int64_t tid, since; /* ns */
	bool is_met;	    /* it was saved for it; not again before it ended */
	bool is_seen;	    /* in the last look */
};

struct record_watch {
	const struct record_condition *conditions; /* borrowed */
	size_t n;
	VEC(struct watch_hold) holds;
	pthread_t thread;
	atomic_bool ends;
};

/* ---- conditions ------------------------------------------------------------------------------ */

/* "1s", "200ms". Return: ns, or -1. */
static int64_t watch_time(const char *text)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"s", 1e9}, {"ms", 1e6}, {"m", 60e9}};
	char *end;
	double n = strtod(text, &end);

	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(end, units[i].unit) && n > 0 && n * units[i].ns < 3600e9)
			return (int64_t)(n * units[i].ns);
	}
	return -1;
}

static int record_condition_read(struct record_condition *c, struct error *err)
{
	static const char word[] = " for ";
	const char *at = strstr(c->text, word);

	c->limit_text = mem_strndup(c->text, at ? (size_t)(at - c->text) : strlen(c->text));
	c->for_ns = at ? watch_time(at + strlen(word)) : 0;
	if (limit_parse(&c->limit, c->limit_text, err))
		return ERR;
	if (c->for_ns < 0)
		return error_set(err, "'%s' is no time such as 1s or 200ms", at + strlen(word));
	if (c->limit.unit != LIMIT_PERCENT)
		return error_set(err, "only shares of time can be watched, in %%");
	return 0;
}

int record_condition_take(struct record_condition *c, const struct command *cmd, const char *text)
{
	struct error err = {0};

	*c = (struct record_condition){.text = text};
	if (!record_condition_read(c, &err))
		return 0;
	cli_usage(cmd, "--when takes a condition such as 'web1 ready > 20%% for 1s': %s", err.text);
	error_deinit(&err);
	return CLI_OPTION_BAD;
}

void record_condition_deinit(struct record_condition *c)
{
	limit_deinit(&c->limit);
	free(c->limit_text);
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool watch_is_about(const struct limit *l, const struct view_vcpu *v)
{
	return !fnmatch(l->vm, v->vm, 0) && (l->vcpu == TABLE_NULL || l->vcpu == v->vcpu->index);
}

static double watch_share(const struct limit *l, const struct split *s)
{
	int64_t ns = l->metric == LIMIT_THROTTLED ? s->of_ready[READY_QUOTA] : s->parts[l->part];

	return s->whole > 0 ? 100 * (double)ns / (double)s->whole : 0;
}

static struct watch_hold *watch_hold(struct record_watch *w, size_t condition, int64_t tid)
{
	vec_each (h, &w->holds) {
		if (h->condition == condition && h->tid == tid)
			return h;
	}
	return NULL;
}

static void watch_say(const struct record_condition *c, const struct view_vcpu *v, double share,
		      int64_t ns)
{
	char *text = mem_printf("vmscope: vCPU %s of %s: %.1f %%, for %.1f s: --when '%s'\n",
				v->number, v->vm, share, (double)ns / 1e9, c->text);

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	escape_print(stderr, text);
	free(text);
}

static void watch_look(struct record_watch *w, size_t i, const struct view *view,
		       const struct view_vcpu *v)
{
	const struct record_condition *c = &w->conditions[i];
	const double share = watch_share(&c->limit, &v->split);
	struct watch_hold *h = watch_hold(w, i, v->vcpu->tid);

	if (!watch_is_about(&c->limit, v) || !limit_allows(&c->limit, share))
		return;
	if (!h) {
		h = vec_push(&w->holds);
		*h = (struct watch_hold){.condition = i, .tid = v->vcpu->tid, .since = view->begin};
	}
	h->is_seen = true;
	if (h->is_met || view->end - h->since < c->for_ns)
		return;
	h->is_met = true;
	watch_say(c, v, share, view->end - h->since);
	kill(getpid(), SIGUSR1);
}

static void watch_show(void *ctx, const struct view *view, const struct live *l, double rate,
		       bool total)
{
	struct record_watch *w = ctx;
	size_t n = 0;

	(void)l, (void)rate, (void)total;
	vec_each (h, &w->holds)
		h->is_seen = false;
	vec_each (v, &view->vcpus) {
		for (size_t i = 0; i < w->n; i++)
			watch_look(w, i, view, v);
	}
	vec_each (h, &w->holds) {
		if (h->is_seen)
			w->holds.at[n++] = *h;
	}
	w->holds.n = n;
}

static bool watch_goes_on(void *ctx, const struct live *l)
{
	struct record_watch *w = ctx;

	(void)l;
	return !atomic_load(&w->ends);
}

static void *watch_run(void *ctx)
{
	struct record_watch *w = ctx;
	const struct top_viewer viewer = {.ctx = w, .show = watch_show, .go_on = watch_goes_on};
	const struct top_options options = {.interval = WATCH_NS};
	struct error err = {0};
	struct tracer *tracer = NULL;
	struct feed *feed;
	int r = tracer_new(&tracer, &feed, &err);

	if (!r) {
		const struct top_source source = tracer_source(tracer);

		r = top_run(feed, &source, &viewer, &options, &err);
	}
	tracer_free(tracer);
	if (r)
		fprintf(stderr, "vmscope: --when: no longer looked at: %s\n", err.text);
	error_deinit(&err);
	return NULL;
}

struct record_watch *record_watch_new(const struct record_condition *conditions, size_t n)
{
	struct record_watch *w = mem_zalloc(1, sizeof(*w));

	w->conditions = conditions;
	w->n = n;
	int r = pthread_create(&w->thread, NULL, watch_run, w);

	if (!r)
		return w;
	fprintf(stderr, "vmscope: --when: cannot begin to look: %s\n", strerror(r));
	free(w);
	return NULL;
}

void record_watch_free(struct record_watch *w)
{
	if (!w)
		return;
	atomic_store(&w->ends, true);
	pthread_join(w->thread, NULL);
	vec_deinit(&w->holds);
	free(w);
}
