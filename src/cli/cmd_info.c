#include <stdio.h>
#include <stdlib.h>

#include "cli/common.h"
#include "cli/input_args.h"
#include "inspect/complain.h"
#include "inspect/info.h"

enum option_id { OPT_FORMAT = 1, OPT_TOP, OPT_STRICT, OPT_FREQUENCY };

enum { TOP_DEFAULT = 15 };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"top", required_argument, NULL, OPT_TOP},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"tsc-frequency", required_argument, NULL, OPT_FREQUENCY},
	{0},
};

struct request {
	bool json, strict;
	size_t top;
	struct input_options input;
};

/* Return: 0, or CLI_OPTION_BAD. */
static int take_format(const struct command *cmd, struct request *q)
{
	static const char *const formats[] = {"text", "json", NULL};
	int format = cli_choice(cmd, "--format", optarg, formats);

	q->json = format == 1;
	return format < 0 ? CLI_OPTION_BAD : 0;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int take_top(const struct command *cmd, struct request *q)
{
	char *end;

	q->top = strtoul(optarg, &end, 10);
	if (*end || *optarg < '0' || *optarg > '9') {
		cli_usage(cmd, "--top takes a number, not '%s'", optarg);
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (option == OPT_FORMAT && take_format(cmd, q))
			return CLI_OPTION_BAD;
		if (option == OPT_TOP && take_top(cmd, q))
			return CLI_OPTION_BAD;
		if (option == OPT_FREQUENCY && input_args_take_frequency(&q->input, cmd, optarg))
			return CLI_OPTION_BAD;
		if (option == OPT_STRICT)
			q->strict = true;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (optind == argc) {
		cli_usage(cmd, "name at least one trace");
		return CLI_OPTION_BAD;
	}
	return 0;
}

static int print_info(const struct command *cmd, const struct request *q, char **traces,
		      int n_traces)
{
	struct error err = {0};
	struct info info;
	int r = info_init(&info, traces, (size_t)n_traces, &q->input, &err);
	int status = info.worst == DIAG_DAMAGE && q->strict ? CLI_DAMAGED : CLI_OK;

	if (r) {
		status = cli_failed(cmd, &err);
	} else if (q->json) {
		info_print_json(&info, stdout);
	} else {
		info_print_text(&info, q->top, stdout);
	}
	if (!r || info.session.notes.n > 1)
		complain_session(stderr, &info.session);
	vec_each (m, &info.machines)
		complain_diags(stderr, m->trace, &m->diags);
	info_deinit(&info);
	return status;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.top = TOP_DEFAULT};
	int r = read_options(cmd, &q, argc, argv);

	return r ? cli_option_status(r) : print_info(cmd, &q, argv + optind, argc - optind);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "say what is in a trace, and what is missing from it",
	.help = "usage: vmscope info [OPTION...] TRACE...\n\n"
		"Print of each trace: the machine, tracer and clock, the time it spans, its CPUs and\n"
		"events, what was lost, the machine's role with the evidence for it, and which of the\n"
		"events that the analysis needs are missing and what is lost without them.\n\n"
		"  --format text|json  for people (the default), or one JSON object\n"
		"  --top N             text: list the N most frequent events (15)\n" INPUT_ARGS_HELP
		"  --strict            exit with status 3 when data was lost or damaged\n"
		"  --help              print this\n",
	.run = run,
};
