#include <stdlib.h>

#include "base/leftover.h"
#include "base/mem.h"
#include "base/temporary.h"
#include "cli/analyzed.h"
#include "cli/common.h"
#include "cli/input_args.h"
#include "cli/range_args.h"
#include "cli/report_args.h"
#include "results/thread_cost.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_VM,
	OPT_VCPU,
	OPT_THREAD,
	OPT_BEGIN,
	OPT_END,
	OPT_GMT,
	OPT_ALL,
	OPT_FREQUENCY,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"vm", required_argument, NULL, OPT_VM},
	{"vcpu", required_argument, NULL, OPT_VCPU},
	{"thread", required_argument, NULL, OPT_THREAD},
	{"begin", required_argument, NULL, OPT_BEGIN},
	{"end", required_argument, NULL, OPT_END},
	{"clock-gmt", no_argument, NULL, OPT_GMT},
	{"utc", no_argument, NULL, OPT_GMT},
	{"all", no_argument, NULL, OPT_ALL},
	{"tsc-frequency", required_argument, NULL, OPT_FREQUENCY},
	{0},
};

struct request {
	const char *thread; /* NULL: of VMs */
	struct report_options report;
	struct range_args range;
	struct input_options input;
};

/* ---- options --------------------------------------------------------------------------------- */

static int why_take_vcpu(const struct command *cmd, int64_t *vcpup)
{
	char *end;
	long n = strtol(optarg, &end, 10);

	if (end == optarg || *end || n < 0) {
		cli_usage(cmd, "--vcpu takes the number of a vCPU in its VM, not '%s'", optarg);
		return CLI_OPTION_BAD;
	}
	*vcpup = n;
	return 0;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int why_take_option(const struct command *cmd, struct request *q, int option)
{
	switch ((enum option_id)option) {
	case OPT_FORMAT:
		return report_args_take_format(&q->report, cmd, optarg);
	case OPT_VM:
		q->report.findings.vm = optarg;
		return 0;
	case OPT_VCPU:
		return why_take_vcpu(cmd, &q->report.findings.vcpu);
	case OPT_THREAD:
		q->thread = optarg;
		return 0;
	case OPT_BEGIN:
		return range_args_take(cmd, "--begin", optarg, &q->range.begin);
	case OPT_END:
		return range_args_take(cmd, "--end", optarg, &q->range.end);
	case OPT_GMT:
		q->range.clock.gmt = true;
		q->report.utc = true;
		return 0;
	case OPT_ALL:
		q->report.all = true;
		return 0;
	case OPT_FREQUENCY:
		return input_args_take_frequency(&q->input, cmd, optarg);
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or an answer for cli_option_status(). */
static int why_read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (why_take_option(cmd, q, option))
			return CLI_OPTION_BAD;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (q->thread && q->report.findings.vcpu != TABLE_NULL) {
		cli_usage(cmd, "--thread is about all vCPUs that it ran on, without --vcpu");
		return CLI_OPTION_BAD;
	}
	if (optind == argc) {
		cli_usage(cmd, "name a results file, or at least one trace");
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* ---- work ------------------------------------------------------------------------------------ */

/* Tells of one thread. Return: an exit status, or ERR. */
static int why_of_thread(struct request *q, const struct store *store, struct error *err)
{
	struct thread_cost t = {0};
	struct results r;
	int status = results_init(&r, store, &q->report.range, err);

	if (!status)
		status = thread_cost_init(&t, &r, q->report.findings.vm, q->thread, err);
	if (!status) {
		q->report.findings.thread = &t;
		q->report.tally = t.tally;
		status = report_args_print(&q->report, store, false, err);
	} else {
		status = ERR;
	}
	thread_cost_deinit(&t);
	results_deinit(&r);
	return status;
}

/* Tells of a file. Return: an exit status, or ERR. */
static int why_of_file(const struct command *cmd, struct request *q, const char *path,
		       struct error *err)
{
	struct results_range *range = &q->report.range;
	struct store *store = NULL;
	int r = range_args_read(&q->range, cmd, path, &range->from, &range->to, err);

	if (r == CLI_OPTION_BAD)
		return CLI_USAGE;
	range->given = r > 0;
	if (r != ERR)
		r = store_open(&store, path, err);
	if (!r && q->thread)
		r = why_of_thread(q, store, err);
	else if (!r)
		r = report_args_print(&q->report, store, false, err);
	store_free(store);
	return r;
}

static int why_by_file(const struct command *cmd, struct request *q,
		       const struct analysis_options *analysis, char **traces, size_t n,
		       const char *path, struct error *err)
{
	struct run a;
	int r = analyzed_init(&a, traces, n, analysis, &q->input, path, err);

	run_deinit(&a);
	return r ? r : why_of_file(cmd, q, path, err);
}

/* Times of a range are looked up in a file that has a name. Return: an exit status, or ERR. */
static int why_of_part(const struct command *cmd, struct request *q,
		       const struct analysis_options *analysis, char **traces, size_t n,
		       struct error *err)
{
	struct temporary_dir dir;

	if (temporary_dir_init(&dir, "vmscope-why", err))
		return ERR;
	char *path = mem_printf("%s/results.vms", dir.path);

	leftover_add(path);
	int r = why_by_file(cmd, q, analysis, traces, n, path, err);

	temporary_dir_deinit(&dir);
	leftover_drop(path);
	free(path);
	return r;
}

static int why_of_traces(const struct command *cmd, struct request *q, char **traces, size_t n,
			 struct error *err)
{
	struct analysis_options analysis = ANALYSIS_OPTIONS_AUTO;
	struct run a;

	analysis.threads = q->report.threads;
	if (q->range.begin || q->range.end || q->thread)
		return why_of_part(cmd, q, &analysis, traces, n, err);
	int r = analyzed_init(&a, traces, n, &analysis, &q->input, NULL, err);

	q->report.tally = a.tally;
	if (!r)
		r = report_args_print(&q->report, a.store, false, err);
	run_deinit(&a);
	return r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.report = {.threads = cli_threads(), .findings = FINDINGS_OF_ALL}};
	int r = why_read_options(cmd, &q, argc, argv);
	struct error err = {0};

	if (r)
		return cli_option_status(r);
	q.report.sections = 1u << REPORT_FINDINGS | 1u << REPORT_MISSING;
	/* What its VM's vCPUs did is another matter. */
	if (!q.thread)
		q.report.sections |= 1u << REPORT_SPLIT;
	if (argc == optind + 1 && store_is_results(argv[optind])) {
		q.report.findings.file = argv[optind];
		r = why_of_file(cmd, &q, argv[optind], &err);
	} else {
		r = why_of_traces(cmd, &q, argv + optind, (size_t)(argc - optind), &err);
	}
	return r == ERR ? cli_failed(cmd, &err) : r;
}

const struct command cmd_why = {
	.name = "why",
	.summary = "say why VMs were slow: who it was, what it cost, the proof, what helps",
	.help = "usage: vmscope why [OPTION...] FILE|TRACE...\n\n"
		"Say why VMs were slow, what costs most first: who it was, when it was worst, the proof, what\n"
		"helps, and what cannot be told because it was not recorded. FILE is what `vmscope analyze\n"
		"-o FILE` wrote; traces are analyzed first.\n\n"
		"  --format text|json|csv  how to print it; text is the default\n"
		"  --vm NAME               only of this VM\n"
		"  --vcpu N                only of the vCPUs with this number\n"
		"  --thread T              of one thread of a guest that was recorded, by tid or name: what it\n"
		"                          wanted, what it got, and what took the rest\n"
		"  --begin TIME            only of what was from TIME on, which is ns since the Epoch (or\n"
		"                          since boot, where that is all that is known), seconds.fraction,\n"
		"                          HH:MM:SS.fraction, or a date with that, or +seconds from the\n"
		"                          begin of the recording\n"
		"  --end TIME              only of what was before TIME\n"
		"  --utc, --clock-gmt      read times of day as UTC, not local time\n"
		"  --all                   text: all findings\n" INPUT_ARGS_HELP
		"  --help                  print this\n",
	.run = run,
};
