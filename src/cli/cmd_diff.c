#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "report/diff.h"

enum option_id { OPT_FORMAT = 1, OPT_THRESHOLD, OPT_ALL };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"threshold", required_argument, NULL, OPT_THRESHOLD},
	{"all", no_argument, NULL, OPT_ALL},
	{0},
};

/* As diff(1): 0 is the same, 1 is different; that it could not be found out is 2, as for usage. */
enum { DIFF_TROUBLE = CLI_USAGE };

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
static int take_option(const struct command *cmd, struct diff_options *o, int option)
{
	switch ((enum option_id)option) {
	case OPT_FORMAT:
		return take_format(cmd, o, optarg);
	case OPT_THRESHOLD:
		return take_threshold(cmd, o, optarg);
	case OPT_ALL:
		o->all = true;
		return 0;
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct diff_options *o, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (take_option(cmd, o, option))
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

static int compare(const struct command *cmd, const struct diff_options *o, char **paths)
{
	struct store *a = NULL, *b = NULL;
	struct error err = {0};
	int r = store_open(&a, paths[0], &err);

	if (!r)
		r = store_open(&b, paths[1], &err);
	if (!r)
		r = diff_print(stdout, a, b, o, &err);
	store_free(a);
	store_free(b);
	if (r != ERR)
		return r;
	cli_failed(cmd, &err);
	return DIFF_TROUBLE;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct diff_options o = DIFF_OPTIONS_DEFAULT;
	int r = read_options(cmd, &o, argc, argv);

	return r ? cli_option_status(r) : compare(cmd, &o, argv + optind);
}

const struct command cmd_diff = {
	.name = "diff",
	.summary = "compare two results files",
	.help = "usage: vmscope diff [OPTION...] BEFORE AFTER\n\n"
		"Compare two results files, vCPU by vCPU: shares of states and of who took the CPU, rates of\n"
		"exits, latencies. Exit with 1 when a number changed by more than its threshold, with 0 when\n"
		"none did, with 2 when they cannot be compared.\n\n"
		"  --threshold share=PP    percentage points that a share may change by; 2 unless told\n"
		"  --threshold rate=PCT    percent that a rate may change by; 25 unless told\n"
		"  --threshold latency=PCT percent that a latency may change by; 50 unless told\n"
		"  --all                   text: show also what is within the thresholds\n"
		"  --format text|json      text is the default; json has all numbers\n"
		"  --help                  print this\n",
	.run = run,
};
