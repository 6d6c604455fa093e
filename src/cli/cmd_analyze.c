#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "analyze/save.h"
#include "cli/common.h"
#include "cli/input_args.h"
#include "cli/report_args.h"
#include "cli/sync_args.h"
#include "inspect/complain.h"
#include "tally/tally.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_SECTION,
	OPT_OFFSET,
	OPT_SYNC,
	OPT_TSC,
	OPT_VM,
	OPT_ALL,
	OPT_STRICT,
	OPT_FREQUENCY,
	OPT_THREADS,
	OPT_OUTPUT = 'o',
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"section", required_argument, NULL, OPT_SECTION},
	{"clock-offset", required_argument, NULL, OPT_OFFSET},
	{"sync", required_argument, NULL, OPT_SYNC},
	{"tsc", required_argument, NULL, OPT_TSC},
	{"vm", required_argument, NULL, OPT_VM},
	{"all", no_argument, NULL, OPT_ALL},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"tsc-frequency", required_argument, NULL, OPT_FREQUENCY},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{0},
};

struct request {
	struct report_options report;
	struct analysis_options analysis;
	struct sync_args args;
	struct input_options input;
	const char *output; /* results file to write, or NULL */
	bool strict;
};

enum { MAX_THREADS = 256 };

/* Below this, reading takes less time than reading what is said about it. */
enum { LARGE = 200 << 20 };

/* ---- options --------------------------------------------------------------------------------- */

static int take_threads(const struct command *cmd, const char *text, unsigned *threadsp)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 1 || n > MAX_THREADS) {
		cli_usage(cmd, "--threads takes a number from 1 to 256, not '%s'", text);
		return CLI_OPTION_BAD;
	}
	*threadsp = (unsigned)n;
	return 0;
}

static int take_option(const struct command *cmd, struct request *q, int option)
{
	switch ((enum option_id)option) {
	case OPT_FORMAT:
		return report_args_take_format(&q->report, cmd, optarg);
	case OPT_SECTION:
		return report_args_take_section(&q->report, cmd, optarg);
	case OPT_OFFSET:
		return sync_args_take_offset(&q->args, cmd, optarg);
	case OPT_SYNC:
		return sync_args_take_method(cmd, optarg, &q->analysis.sync.method);
	case OPT_TSC:
		return sync_args_take_tsc(&q->args, cmd, optarg);
	case OPT_VM:
		return sync_args_take_vm(&q->args, cmd, optarg);
	case OPT_ALL:
		q->report.all = true;
		return 0;
	case OPT_STRICT:
		q->strict = true;
		return 0;
	case OPT_FREQUENCY:
		return input_args_take_frequency(&q->input, cmd, optarg);
	case OPT_THREADS:
		return take_threads(cmd, optarg, &q->analysis.threads);
	case OPT_OUTPUT:
		q->output = optarg;
		return 0;
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (take_option(cmd, q, option))
			return CLI_OPTION_BAD;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (optind == argc) {
		cli_usage(cmd, "name at least one trace");
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* ---- work ------------------------------------------------------------------------------------ */

static void say_progress(const struct session *s)
{
	uint64_t size = 0;

	vec_each (trace, &s->recordings)
		size += (*trace)->size;
	if (size >= LARGE && isatty(STDERR_FILENO))
		fprintf(stderr, "vmscope: reading %zu traces, %.1f GB\n", s->recordings.n,
			(double)size / 1e9);
}

/* Analyzes into a file, which is opened. Return: 0 or ERR. */
static int analyze_into(struct save *save, struct request *q, struct session *session,
			struct store **storep, struct error *err)
{
	struct analysis a;

	q->analysis.sink = save_sink(save);
	if (q->analysis.threads > 1)
		q->analysis.helper = save_use_thread(save);
	int r = analysis_init(&a, session, &q->analysis, err);

	if (!r)
		r = save_finish(save, &a, err);
	analysis_deinit(&a);
	return r ? r : save_open(save, storep, err);
}

/* The session is taken over. Return: an exit status, or ERR. */
static int analyze(struct request *q, struct session *session, struct error *err)
{
	struct store *store = NULL;
	struct save *save;

	if (save_new(&save, q->output, err)) {
		session_deinit(session);
		return ERR;
	}
	say_progress(session);
	sync_args_apply(&q->args, &q->analysis);
	int r = analyze_into(save, q, session, &store, err);

	q->report.tally = save_take_tally(save);
	save_free(save);
	q->report.threads = q->analysis.threads;
	if (!r)
		r = report_args_print(&q->report, store, q->strict, err);
	tally_free(q->report.tally);
	store_free(store);
	return r;
}

static int open_and_analyze(const struct command *cmd, struct request *q, char **traces, int n)
{
	struct session session;
	struct error err = {0};

	int r = session_open(&session, traces, (size_t)n, &q->input, &err);

	if (!r || session.notes.n > 1)
		complain_session(stderr, &session);
	if (r)
		session_deinit(&session);
	else
		r = analyze(q, &session, &err);
	return r == ERR ? cli_failed(cmd, &err) : r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.analysis = ANALYSIS_OPTIONS_AUTO};

	q.analysis.threads = cli_threads();
	int r = read_options(cmd, &q, argc, argv);
	int status =
		r ? cli_option_status(r) : open_and_analyze(cmd, &q, argv + optind, argc - optind);

	sync_args_deinit(&q.args);
	return status;
}

const struct command cmd_analyze = {
	.name = "analyze",
	.summary = "find out and report what each vCPU truly did",
	.help = "usage: vmscope analyze [OPTION...] TRACE...\n\n"
		"Read the traces of a host and of its guests, put them on one time line, and report where\n"
		"each vCPU's time went.\n\n"
		"  --format text|json|csv  how to print the report; text is the default\n"
		"  --section NAME          only this section, may be given several times: machines vcpus\n"
		"                          pcpus steal vm_exits exits threads containers latency waits\n"
		"                          sync diag\n"
		"  --clock-offset NAME=NS[,SLOPE]\n"
		"                          add NS nanoseconds to the times of machine NAME, and stretch\n"
		"                          them by SLOPE from its first event on\n"
		"  --sync auto|vmsync|containment|tsc|agent|none\n"
		"                          how to synchronize the other machines\n"
		"  --tsc NAME=OFFSET[,RATIO,FRAC]\n"
		"                          TSC offset and scale of machine NAME, as in the host's debugfs\n" INPUT_ARGS_HELP
		"  --vm NAME=PID           machine NAME is the guest of process PID of a host; if no\n"
		"                          trace is of that name, the VM without one is called so\n"
		"  --all                   text: do not cut long lists\n"
		"  -o, --output FILE       write all results to FILE (a .vms file), for report and query\n"
		"  --threads N             use up to N threads; by default as many as CPUs, up to 3. The\n"
		"                          results are the same\n"
		"  --strict                exit with status 3 when data was lost or damaged\n"
		"  --help                  print this\n",
	.run = run,
};
