#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "cli/range_args.h"
#include "cli/report_args.h"
#include "report/diff.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_THRESHOLD,
	OPT_ALL,
	OPT_BEGIN,
	OPT_END,
	OPT_UTC,
	OPT_VM,
	OPT_VCPU,
	OPT_TOP,
	OPT_SORT,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"threshold", required_argument, NULL, OPT_THRESHOLD},
	{"all", no_argument, NULL, OPT_ALL},
	{"begin", required_argument, NULL, OPT_BEGIN},
	{"end", required_argument, NULL, OPT_END},
	{"utc", no_argument, NULL, OPT_UTC},
	{"vm", required_argument, NULL, OPT_VM},
	{"vcpu", required_argument, NULL, OPT_VCPU},
	{"top", required_argument, NULL, OPT_TOP},
	{"sort", required_argument, NULL, OPT_SORT},
	{0},
};

/* As diff(1): 0 is the same, 1 is different; that it could not be found out is 2, as for usage. */
enum { DIFF_TROUBLE = CLI_USAGE };

struct request {
	struct diff_options diff;
	struct range_args range;
};

/* Return: 0, or CLI_OPTION_BAD. */
static int take_format(const struct command *cmd, struct diff_options *o, const char *value)
{
	static const char *const formats[] = {"text", "json", NULL};
	int format = cli_choice(cmd, "--format", value, formats);

	o->json = format == 1;
	return format < 0 ? CLI_OPTION_BAD : 0;
}

/* KIND=NUMBER. Return: 0, or CLI_OPTION_BAD. */
static int take_threshold(const struct command *cmd, struct diff_options *o, const char *value)
{
	for (int k = 0; k < DIFF_N_KINDS; k++) {
		const char *name = diff_kind_name((enum diff_kind)k);
		size_t n = strlen(name);
		char *end;

		if (strncmp(value, name, n) != 0 || value[n] != '=')
			continue;
		double number = strtod(value + n + 1, &end);

		if (end == value + n + 1 || *end || !(number >= 0) || isinf(number))
			break;
		o->threshold[k] = number;
		return 0;
	}
	cli_usage(cmd, "--threshold takes share=, rate= or latency= and a number, not '%s'", value);
	return CLI_OPTION_BAD;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int take_sort(const struct command *cmd, struct diff_options *o, const char *value)
{
	static const char *const orders[] = {"worst", "vcpu", NULL};
	int order = cli_choice(cmd, "--sort", value, orders);

	o->by_vcpu = order == 1;
	return order < 0 ? CLI_OPTION_BAD : 0;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	struct diff_options *o = &q->diff;

	switch ((enum option_id)option) {
	case OPT_FORMAT:
		return take_format(cmd, o, optarg);
	case OPT_THRESHOLD:
		return take_threshold(cmd, o, optarg);
	case OPT_ALL:
		o->all = true;
		return 0;
	case OPT_BEGIN:
		return range_args_take(cmd, "--begin", optarg, &q->range.begin);
	case OPT_END:
		return range_args_take(cmd, "--end", optarg, &q->range.end);
	case OPT_UTC:
		q->range.clock.gmt = true;
		return 0;
	case OPT_VM:
		o->choice.vm = optarg;
		return 0;
	case OPT_VCPU:
		return report_args_take_vcpu(&o->choice, cmd, optarg);
	case OPT_TOP:
		return report_args_take_top(&o->choice, cmd, optarg);
	case OPT_SORT:
		return take_sort(cmd, o, optarg);
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
	if (argc - optind != 2) {
		cli_usage(cmd, "name two results files");
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* Of each file its own part. Return: 0, CLI_OPTION_BAD, or ERR with err set. */
static int read_ranges(const struct command *cmd, struct request *q, char **paths,
		       struct error *err)
{
	struct results_range *ranges[] = {&q->diff.before, &q->diff.after};

	for (int i = 0; i < 2; i++) {
		int r = range_args_read(&q->range, cmd, paths[i], &ranges[i]->from, &ranges[i]->to,
					err);

		if (r < 0)
			return r;
		ranges[i]->given = r > 0;
	}
	return 0;
}

/* Return: as diff_print(). */
static int compare_files(const struct request *q, char **paths, struct error *err)
{
	struct store *a = NULL, *b = NULL;
	int r = store_open(&a, paths[0], err);

	if (!r)
		r = store_open(&b, paths[1], err);
	if (!r)
		r = diff_print(stdout, a, b, &q->diff, err);
	store_free(a);
	store_free(b);
	return r;
}

static int compare(const struct command *cmd, struct request *q, char **paths)
{
	struct error err = {0};
	int r = read_ranges(cmd, q, paths, &err);

	if (r == CLI_OPTION_BAD)
		return CLI_USAGE;
	if (!r) {
		char *asked = range_args_words(&q->range);

		q->diff.asked = q->diff.before.given ? asked : NULL;
		r = compare_files(q, paths, &err);
		free(asked);
	}
	if (r != ERR)
		return r;
	cli_failed(cmd, &err);
	return DIFF_TROUBLE;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.diff = DIFF_OPTIONS_DEFAULT};
	int r = read_options(cmd, &q, argc, argv);

	return r ? cli_option_status(r) : compare(cmd, &q, argv + optind);
}

const struct command cmd_diff = {
	.name = "diff",
	.summary = "compare two results files",
	.help = "usage: vmscope diff [OPTION...] BEFORE AFTER\n\n"
		"Compare two results files, vCPU by vCPU: shares of states and of who took the CPU, rates of\n"
		"exits, latencies. Exit with 1 when a number changed by more than its threshold, with 0 when\n"
		"none did, with 2 when they cannot be compared. The worst comes first.\n\n"
		"  --threshold share=PP    percentage points that a share may change by; 2 unless told\n"
		"  --threshold rate=PCT    percent that a rate may change by; 25 unless told\n"
		"  --threshold latency=PCT percent that a latency may change by; 50 unless told\n"
		"  --all                   text: show also what is within the thresholds\n"
		"  --begin TIME            compare what was from TIME on, as `vmscope report` takes it;\n"
		"                          +seconds are from the begin of each file's recording\n"
		"  --end TIME              compare what was before TIME\n"
		"  --utc                   read times of day as UTC, not local time\n"
		"  --vm NAME               only this VM; * and ? match as in the shell\n"
		"  --vcpu N                only the vCPUs of this number\n"
		"  --top N                 text: at most N lines\n"
		"  --sort worst|vcpu       in which order; worst is the default\n"
		"  --format text|json      text is the default; json has all numbers\n"
		"  --help                  print this\n",
	.run = run,
};
