#include <stdlib.h>

#include "cli/analyzed.h"
#include "cli/common.h"
#include "cli/input_args.h"
#include "cli/output_args.h"
#include "cli/report_args.h"
#include "cli/sync_args.h"

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
	OPT_UTC,
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
	{"utc", no_argument, NULL, OPT_UTC},
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
	case OPT_UTC:
		q->report.utc = true;
		return 0;
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
	return output_args_check(cmd, q->output, argv + optind, argc - optind) ? CLI_OPTION_BAD : 0;
}

/* ---- work ------------------------------------------------------------------------------------ */

static int analyze(const struct command *cmd, struct request *q, char **traces, int n)
{
	struct error err = {0};
	struct run a;

	sync_args_apply(&q->args, &q->analysis);
	int r = analyzed_init(&a, traces, (size_t)n, &q->analysis, &q->input, q->output, &err);

	q->report.tally = a.tally;
	q->report.threads = q->analysis.threads;
	if (!r)
		r = report_args_print(&q->report, a.store, q->strict, &err);
	run_deinit(&a);
	return r == ERR ? cli_failed(cmd, &err) : r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.analysis = ANALYSIS_OPTIONS_AUTO, .report.findings = FINDINGS_OF_ALL};

	q.analysis.threads = cli_threads();
	int r = read_options(cmd, &q, argc, argv);
	int status = r ? cli_option_status(r) : analyze(cmd, &q, argv + optind, argc - optind);

	sync_args_deinit(&q.args);
	return status;
}

const struct command cmd_analyze = {
	.name = "analyze",
	.summary = "find out and report what each vCPU truly did",
	.help = "usage: vmscope analyze [OPTION...] TRACE...\n\n"
		"Read the traces of a host and of its guests, put them on one time line, and report where\n"
		"each vCPU's time went. Text is an overview of at most 40 lines, unless sections are named.\n\n"
		"  --format text|json|csv  how to print the report; text is the default\n"
		"  --section NAME          only this section, may be given several times: findings missing\n"
		"                          split machines vcpus pcpus steal vm_exits exits exit_details\n"
		"                          threads containers latency waits sync diag\n"
		"  --clock-offset NAME=NS[,SLOPE]\n"
		"                          add NS nanoseconds to the times of machine NAME, and stretch\n"
		"                          them by SLOPE from its first event on\n"
		"  --sync auto|vmsync|containment|tsc|agent|none\n"
		"                          how to synchronize the other machines\n"
		"  --tsc NAME=OFFSET[,RATIO,FRAC]\n"
		"                          TSC offset and scale of machine NAME, as in the host's debugfs\n" INPUT_ARGS_HELP
		"  --vm NAME=PID           machine NAME is the guest of process PID of a host; if no\n"
		"                          trace is of that name, the VM without one is called so\n"
		"  --all                   text: all sections, and do not cut long lists\n"
		"  --utc                   print times of day as UTC, not local time\n"
		"  -o, --output FILE       write all results to FILE (a .vms file), for report and query\n"
		"  --threads N             use up to N threads; by default as many as CPUs, up to 3. The\n"
		"                          results are the same\n"
		"  --strict                exit with status 3 when data was lost or damaged\n"
		"  --help                  print this\n",
	.run = run,
};
