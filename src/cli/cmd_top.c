#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/common.h"
#include "top/batch.h"
#include "top/metrics.h"
#include "top/screen.h"
#include "top/top.h"
#include "top/tracer.h"

enum option_id {
	OPT_BATCH = 1,
	OPT_FORMAT,
	OPT_INTERVAL,
	OPT_COUNT,
	OPT_REPLAY,
	OPT_TOTALS,
	OPT_OPENMETRICS,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"batch", no_argument, NULL, OPT_BATCH},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"interval", required_argument, NULL, OPT_INTERVAL},
	{"count", required_argument, NULL, OPT_COUNT},
	{"replay", required_argument, NULL, OPT_REPLAY},
	{"totals", no_argument, NULL, OPT_TOTALS},
	{"openmetrics", optional_argument, NULL, OPT_OPENMETRICS},
	{0},
};

struct top_args {
	struct top_options top;
	const char *replay;  /* or NULL: live */
	const char *metrics; /* where they are served, or NULL */
	bool batch;
	enum batch_format format;
};

/* Seconds. Return: 0, or CLI_OPTION_BAD when it is no such number. */
static int top_read_interval(const struct command *cmd, int64_t *nsp)
{
	char *end;
	double s;

	errno = 0;
	s = strtod(optarg, &end);
	if (errno || end == optarg || *end || !(s >= 0.1 && s <= 3600)) {
		cli_usage(cmd, "--interval takes 0.1 to 3600 seconds, not '%s'", optarg);
		return CLI_OPTION_BAD;
	}
	*nsp = (int64_t)llrint(s * 1e9);
	return 0;
}

static int top_read_count(const struct command *cmd, uint64_t *np)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(optarg, &end, 10);
	if (errno || end == optarg || *end || n < 1) {
		cli_usage(cmd, "--count takes a number from 1 on, not '%s'", optarg);
		return CLI_OPTION_BAD;
	}
	*np = (uint64_t)n;
	return 0;
}

static int top_read_option(const struct command *cmd, struct top_args *a, int option)
{
	static const char *const formats[] = {"text", "csv", "json", NULL};
	int format;

	switch (option) {
	case OPT_BATCH:
		a->batch = true;
		return 0;
	case OPT_FORMAT:
		format = cli_choice(cmd, "--format", optarg, formats);
		a->format = (enum batch_format)format;
		a->batch = true;
		return format < 0 ? CLI_OPTION_BAD : 0;
	case OPT_INTERVAL:
		return top_read_interval(cmd, &a->top.interval);
	case OPT_COUNT:
		return top_read_count(cmd, &a->top.count);
	case OPT_OPENMETRICS:
		a->metrics = optarg ? optarg : "";
		return 0;
	case OPT_REPLAY:
		a->replay = optarg;
		return 0;
	default:
		a->top.totals = true;
		return 0;
	}
}

/* Return: 0, or an answer for cli_option_status(). */
static int top_read_args(const struct command *cmd, struct top_args *a, int argc, char **argv)
{
	int option, r;

	*a = (struct top_args){.top = {.interval = 1000000000}};
	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		r = top_read_option(cmd, a, option);
		if (r)
			return r;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (optind < argc) {
		cli_usage(cmd, "'%s' is too much: top looks at this host", argv[optind]);
		return CLI_OPTION_BAD;
	}
	if (a->top.totals && !a->replay) {
		cli_usage(cmd, "--totals adds up a recording: give --replay FILE");
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* What ends it waits until it is asked for: whatever was switched on has to be switched off. */
static void top_hold_signals(sigset_t *ends)
{
	sigemptyset(ends);
	sigaddset(ends, SIGINT);
	sigaddset(ends, SIGTERM);
	sigaddset(ends, SIGHUP);
	sigaddset(ends, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, ends, NULL);
}

static bool top_is_ended(void)
{
	sigset_t pending;

	return !sigpending(&pending) &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
		sigismember(&pending, SIGHUP) || sigismember(&pending, SIGQUIT));
}

/* ---- batch ----------------------------------------------------------------------------------- */

static void top_print(void *ctx, const struct view *v, const struct live *l, double rate,
		      bool total)
{
	batch_print(ctx, v, l, rate, total);
}

static bool top_can_print(void *ctx, const struct live *l)
{
	const struct batch *b = ctx;

	(void)l;
	return !ferror(b->file) && !top_is_ended();
}

static int top_run_batch(const struct top_args *a, struct feed *feed,
			 const struct top_source *source, struct error *err)
{
	struct batch batch = {.file = stdout, .format = a->format};
	const struct top_viewer viewer = {.ctx = &batch, .show = top_print, .go_on = top_can_print};

	return top_run(feed, source, &viewer, &a->top, err);
}

/* ---- for Prometheus -------------------------------------------------------------------------- */

static void top_count(void *ctx, const struct view *v, const struct live *l, double rate,
		      bool total)
{
	(void)rate;
	if (!total)
		metrics_add(ctx, v, l);
}

static bool top_can_serve(void *ctx, const struct live *l)
{
	(void)ctx;
	(void)l;
	return !top_is_ended();
}

static int top_run_metrics(const struct top_args *a, struct feed *feed,
			   const struct top_source *source, struct error *err)
{
	struct metrics *m;

	if (metrics_new(&m, a->metrics, err)) {
		feed_free(feed);
		return ERR;
	}
	const struct top_viewer viewer = {.ctx = m, .show = top_count, .go_on = top_can_serve};

	fprintf(stderr, "vmscope top: %s\n", metrics_url(m));
	int r = top_run(feed, source, &viewer, &a->top, err);

	metrics_free(m);
	return r;
}

/* ---- a terminal ------------------------------------------------------------------------------ */

static bool top_can_draw(void *ctx, const struct live *l)
{
	return screen_go_on(ctx, l) && !top_is_ended();
}

static int top_run_screen(const struct top_args *a, struct feed *feed,
			  const struct top_source *source, struct error *err)
{
	struct screen *s;

	if (screen_new(&s, err)) {
		feed_free(feed);
		return ERR;
	}
	const struct top_viewer viewer = {.ctx = s, .show = screen_show, .go_on = top_can_draw};
	int r = top_run(feed, source, &viewer, &a->top, err);

	screen_free(s);
	return r;
}

static int top_run_viewer(const struct top_args *a, struct feed *feed,
			  const struct top_source *source, struct error *err)
{
	if (a->metrics)
		return top_run_metrics(a, feed, source, err);
	return !a->batch && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO)
		       ? top_run_screen(a, feed, source, err)
		       : top_run_batch(a, feed, source, err);
}

/* ---- all ------------------------------------------------------------------------------------- */

static int top_look_back(const struct command *cmd, const struct top_args *a)
{
	const struct top_source source = top_replay();
	struct error err = {0};
	struct feed *feed;

	if (feed_new_replay(&feed, a->replay, &(struct input_options){0}, &err) ||
	    top_run_viewer(a, feed, &source, &err))
		return cli_failed(cmd, &err);
	return CLI_OK;
}

/* Whatever ends it, what was switched on is switched off again. */
static int top_look(const struct command *cmd, const struct top_args *a)
{
	struct error err = {0};
	struct tracer *tracer;
	struct feed *feed;
	sigset_t ends;

	top_hold_signals(&ends);
	if (tracer_new(&tracer, &feed, &err))
		return cli_failed(cmd, &err);
	const struct top_source source = tracer_source(tracer);
	int r = top_run_viewer(a, feed, &source, &err);

	tracer_free(tracer);
	return r ? cli_failed(cmd, &err) : CLI_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct top_args a;
	int r = top_read_args(cmd, &a, argc, argv);

	if (r)
		return cli_option_status(r);
	return a.replay ? top_look_back(cmd, &a) : top_look(cmd, &a);
}

const struct command cmd_top = {
	.name = "top",
	.summary = "look live: what each vCPU does now, and who has its CPU",
	.help = "usage: vmscope top [OPTION...]\n\n"
		"Trace this host and show, each second, where the time of each vCPU goes, who has its CPU\n"
		"while it waits for one, and who runs on each CPU. Needs root; nothing is written.\n\n"
		"On a terminal keys change what is shown: h lists them.\n\n"
		"  --batch               print a table each interval\n"
		"  --format text|csv|json  of the batch: aligned columns, CSV with a header, or a line of\n"
		"                        JSON per interval\n"
		"  --interval SECONDS    how long each is (1)\n"
		"  --count N             end after so many\n"
		"  --replay FILE         instead of this host, a trace.dat\n"
		"  --totals              of a replay: the sums of all of it at the end\n"
		"  --openmetrics[=ADDR:PORT]  serve what is seen to Prometheus, by default on\n"
		"                        127.0.0.1:9617\n"
		"  --help                print this\n",
	.run = run,
};
