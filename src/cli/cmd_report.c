#include <stdlib.h>

#include "cli/common.h"
#include "cli/range_args.h"
#include "cli/report_args.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_ALL,
	OPT_STRICT,
	OPT_BEGIN,
	OPT_END,
	OPT_GMT,
	OPT_VM,
	OPT_VCPU,
	OPT_TOP,
	OPT_SORT,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"all", no_argument, NULL, OPT_ALL},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"begin", required_argument, NULL, OPT_BEGIN},
	{"end", required_argument, NULL, OPT_END},
	{"clock-gmt", no_argument, NULL, OPT_GMT},
	{"utc", no_argument, NULL, OPT_GMT},
	{"vm", required_argument, NULL, OPT_VM},
	{"vcpu", required_argument, NULL, OPT_VCPU},
	{"top", required_argument, NULL, OPT_TOP},
	{"sort", required_argument, NULL, OPT_SORT},
	{0},
};

struct request {
	struct report_options report;
	struct range_args range;
	const char *path;
	bool strict;
};

/* Return: 0, or CLI_OPTION_BAD. */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	switch ((enum option_id)option) {
	case OPT_FORMAT:
		return report_args_take_format(&q->report, cmd, optarg);
	case OPT_ALL:
		q->report.all = true;
		return 0;
	case OPT_STRICT:
		q->strict = true;
		return 0;
	case OPT_BEGIN:
		return range_args_take(cmd, "--begin", optarg, &q->range.begin);
	case OPT_END:
		return range_args_take(cmd, "--end", optarg, &q->range.end);
	case OPT_GMT:
		q->range.clock.gmt = true;
		return 0;
	case OPT_VM:
		q->report.choice.vm = optarg;
		return 0;
	case OPT_VCPU:
		return report_args_take_vcpu(&q->report.choice, cmd, optarg);
	case OPT_TOP:
		return report_args_take_top(&q->report.choice, cmd, optarg);
	case OPT_SORT:
		return report_args_take_sort(&q->report.choice, cmd, optarg);
	}
	return CLI_OPTION_BAD;
}

/* The file, and the sections that are wanted. Return: 0, or CLI_OPTION_BAD. */
static int take_words(const struct command *cmd, struct request *q, int argc, char **argv)
{
	if (optind == argc) {
		cli_usage(cmd, "name a results file, as `vmscope analyze -o FILE` writes it");
		return CLI_OPTION_BAD;
	}
	q->path = argv[optind++];
	for (; optind < argc; optind++) {
		if (report_args_take_section(&q->report, cmd, argv[optind]))
			return CLI_OPTION_BAD;
	}
	return 0;
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (take_option(cmd, q, option))
			return CLI_OPTION_BAD;
	}
	return option == CLI_OPTIONS_END ? take_words(cmd, q, argc, argv) : option;
}

static int print(const struct command *cmd, struct request *q)
{
	struct results_range *range = &q->report.range;
	struct error err = {0};
	struct store *store = NULL;
	int r = range_args_read(&q->range, cmd, q->path, &range->from, &range->to, &err);

	if (r == CLI_OPTION_BAD)
		return CLI_USAGE;
	char *asked = range_args_words(&q->range);

	range->given = r > 0;
	q->report.asked = asked;
	q->report.utc = q->range.clock.gmt;
	if (r != ERR)
		r = store_open(&store, q->path, &err);
	if (!r)
		r = report_args_print(&q->report, store, q->strict, &err);
	free(asked);
	store_free(store);
	return r == ERR ? cli_failed(cmd, &err) : r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.report = {.threads = cli_threads(), .findings = FINDINGS_OF_ALL}};
	int r = read_options(cmd, &q, argc, argv);

	return r ? cli_option_status(r) : print(cmd, &q);
}

const struct command cmd_report = {
	.name = "report",
	.summary = "print the report of a results file, or sections of it",
	.help = "usage: vmscope report [OPTION...] FILE [SECTION...]\n\n"
		"Print what `vmscope analyze -o FILE` found out: why VMs were slow, where each vCPU's time went,\n"
		"who took it, and how well that is known. SECTION is one of: findings missing split machines\n"
		"vcpus pcpus steal vm_exits exits exit_details threads containers latency waits sync diag.\n"
		"Without one, text is an overview of at most 40 lines, JSON and CSV are all of it.\n\n"
		"  --format text|json|csv  how to print it; text is the default\n"
		"  --all                   text: all sections, and do not cut long lists\n"
		"  --vm NAME               tell only of this VM; * and ? match as in the shell\n"
		"  --vcpu N                tell only of the vCPUs of this number\n"
		"  --top N                 at most N entries of each list; JSON, CSV: rows of a section\n"
		"  --sort KEY              most first: vCPUs by run, ready, exit, poll, idle, blocked,\n"
		"                          unknown or exits; exits by count, cost (time on a CPU for them),\n"
		"                          total, mean, p50, p99 or max\n"
		"  --begin TIME            tell only of what was from TIME on, which is ns since the\n"
		"                          Epoch (or since boot, where that is all that is known),\n"
		"                          seconds.fraction, HH:MM:SS.fraction, or a date with that\n"
		"                          (and a zone: Z, +01:00; local time otherwise), or +seconds\n"
		"                          from the begin of the recording\n"
		"  --end TIME              tell only of what was before TIME\n"
		"  --utc, --clock-gmt      print, and read, times of day as UTC, not local time\n"
		"  --strict                exit with status 3 when data was lost or damaged\n"
		"  --help                  print this\n",
	.run = run,
};
