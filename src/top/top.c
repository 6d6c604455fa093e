#include "top/top.h"

/*
 * A bucket is shown so long after it has ended: by then nearly all is decided that shows in how it
 * ends, as whether a vCPU without a CPU was throttled.
 */
static const int64_t SETTLE_NS = 100000000;

/* What is told anew when somebody new comes: so long, and no more bytes of it than this. */
static const int64_t KEEP_NS = INT64_C(10000000000);
enum { KEEP_BYTES = 16 << 20, WAIT_MS = 50 };

struct top {
	struct live live;
	const struct top_source *source;
	const struct top_viewer *viewer;
	const struct top_options *options;
	int64_t next; /* number of the bucket to be shown next */
	bool began;   /* it is known */
	uint64_t shown, events;
};

static int64_t top_keep(const struct top_options *o)
{
	int64_t least = 3 * o->interval;

	return least > KEEP_NS ? least : KEEP_NS;
}

static void top_show(struct top *t, int64_t number, bool total)
{
	uint64_t events = live_events(&t->live);
	double seconds = (double)t->options->interval / 1e9;
	struct view v;

	view_init(&v, &t->live, number);
	t->viewer->show(t->viewer->ctx, &v, &t->live, (double)(events - t->events) / seconds,
			total);
	view_deinit(&v);
	t->events = events;
}

static bool top_is_done(const struct top *t)
{
	return (t->options->count && t->shown == t->options->count) ||
	       (t->viewer->go_on && !t->viewer->go_on(t->viewer->ctx, &t->live));
}

/* Shows the buckets that are complete. */
static void top_show_ready(struct top *t, int64_t settled)
{
	int64_t interval = t->options->interval;

	if (!t->began) {
		t->next = t->live.span.begin / interval;
		t->began = true;
	}
	/* What is older than all buckets has passed while nobody looked. */
	int64_t last = settled / interval - 1;

	if (last - t->next >= WINDOW_BUCKETS)
		t->next = last - WINDOW_BUCKETS + 1;
	while ((t->next + 1) * interval <= settled && !top_is_done(t)) {
		top_show(t, t->next++, false);
		t->shown++;
	}
}

static void top_retell(struct top *t, int64_t complete)
{
	if (t->source->ask_host)
		t->source->ask_host(t->source->ctx, t->live.recording, &t->live.host);
	live_retell(&t->live, complete);
}

static void top_advance(struct top *t, int64_t complete)
{
	int64_t before = complete - top_keep(t->options);

	if (!t->live.model)
		top_retell(t, complete);
	else
		live_advance(&t->live, complete);
	if (t->live.is_stale)
		top_retell(t, complete);
	if (t->live.span.begin < t->live.span.end)
		top_show_ready(t, complete - SETTLE_NS);
	if (!t->source->keeps_all)
		feed_forget(t->live.feed, complete, before, KEEP_BYTES);
}

/* Until something is there. */
static int top_first(struct top *t, int64_t *completep, struct error *err)
{
	int64_t enough = INT64_MIN;
	int r;

	while ((r = t->source->more(t->source->ctx, t->live.feed, WAIT_MS, completep, err)) > 0) {
		if (enough == INT64_MIN && *completep != INT64_MIN)
			enough = *completep + t->options->interval;
		if (*completep >= enough && *completep != INT64_MIN)
			break;
		if (t->viewer->go_on && !t->viewer->go_on(t->viewer->ctx, &t->live))
			return 0;
	}
	return r;
}

static int top_loop(struct top *t, struct error *err)
{
	int64_t complete = INT64_MIN, told = INT64_MIN;
	int r = top_first(t, &complete, err);

	for (; r > 0 && !top_is_done(t);
	     r = t->source->more(t->source->ctx, t->live.feed, WAIT_MS, &complete, err)) {
		/* A little at a time costs more than much at once. */
		if (told != INT64_MIN && complete - told < t->options->interval / 8)
			continue;
		if (complete == INT64_MAX)
			break;
		top_advance(t, complete);
		told = complete;
	}
	return r;
}

static void top_finish(struct top *t)
{
	feed_end(t->live.feed);
	if (!t->live.model)
		top_retell(t, INT64_MIN);
	live_finish(&t->live);
	if (t->live.span.begin < t->live.span.end && !top_is_done(t))
		top_show_ready(t, t->live.told);
	if (t->options->totals)
		top_show(t, INT64_MIN, true);
}

int top_run(struct feed *feed, const struct top_source *source, const struct top_viewer *viewer,
	    const struct top_options *options, struct error *err)
{
	const struct live_options live = {.bucket = options->interval, .totals = options->totals};
	struct top t = {.source = source, .viewer = viewer, .options = options};

	live_init(&t.live, feed, &live);
	int r = top_loop(&t, err);

	if (r >= 0 && source->keeps_all)
		top_finish(&t);
	live_deinit(&t.live);
	return r < 0 ? ERR : 0;
}

/* ---- replay ---------------------------------------------------------------------------------- */

static int top_pull(void *ctx, struct feed *feed, int wait_ms, int64_t *completep,
		    struct error *err)
{
	(void)ctx;
	(void)wait_ms;
	(void)err;
	if (!feed_pull(feed))
		return 0;
	*completep = feed_complete_ns(feed);
	return 1;
}

struct top_source top_replay(void)
{
	return (struct top_source){.more = top_pull, .keeps_all = true};
}
