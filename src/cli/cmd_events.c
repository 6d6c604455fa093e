#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/common.h"
#include "cli/input_args.h"
#include "cli/range_args.h"
#include "inspect/listing.h"

enum option_id {
	OPT_FORMAT = 1,
	OPT_FILTER,
	OPT_BEGIN,
	OPT_END,
	OPT_GMT,
	OPT_SECONDS,
	OPT_DATE,
	OPT_STRICT,
	OPT_FREQUENCY,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"filter", required_argument, NULL, OPT_FILTER},
	{"begin", required_argument, NULL, OPT_BEGIN},
	{"end", required_argument, NULL, OPT_END},
	{"clock-gmt", no_argument, NULL, OPT_GMT},
	{"utc", no_argument, NULL, OPT_GMT},
	{"clock-seconds", no_argument, NULL, OPT_SECONDS},
	{"clock-date", no_argument, NULL, OPT_DATE},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"tsc-frequency", required_argument, NULL, OPT_FREQUENCY},
	{0},
};

struct request {
	struct listing_options listing;
	VEC(const char *) filters;
	bool strict;
};

/* Return: 0, or CLI_OPTION_BAD. */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	static const char *const formats[] = {"text", "json", NULL};
	int format;

	switch ((enum option_id)option) {
	case OPT_FORMAT:
		format = cli_choice(cmd, "--format", optarg, formats);
		q->listing.json = format == 1;
		return format < 0 ? CLI_OPTION_BAD : 0;
	case OPT_FILTER:
		*vec_push(&q->filters) = optarg;
		return 0;
	case OPT_BEGIN:
		return range_args_take(cmd, "--begin", optarg, &q->listing.begin);
	case OPT_END:
		return range_args_take(cmd, "--end", optarg, &q->listing.end);
	case OPT_GMT:
		q->listing.clock.gmt = true;
		return 0;
	case OPT_SECONDS:
		q->listing.clock.style = CLOCK_SECONDS;
		return 0;
	case OPT_DATE:
		q->listing.clock.style = CLOCK_DATE;
		return 0;
	case OPT_FREQUENCY:
		return input_args_take_frequency(&q->listing.input, cmd, optarg);
	case OPT_STRICT:
		q->strict = true;
		return 0;
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or what cli_next_option() or take_option() answered. */
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

static int print_events(const struct command *cmd, struct request *q, char **traces, int n_traces)
{
	struct error err = {0};

	q->listing.filters = q->filters.at;
	q->listing.n_filters = q->filters.n;
	int r = listing_run(traces, (size_t)n_traces, &q->listing, stdout, stderr, &err);

	if (r < 0)
		return cli_failed(cmd, &err);
	if (r == LISTING_NO_TIME) {
		cli_usage(cmd, "%s", err.text);
		error_deinit(&err);
		return CLI_USAGE;
	}
	return r == LISTING_DAMAGED && q->strict ? CLI_DAMAGED : CLI_OK;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {0};
	int r = read_options(cmd, &q, argc, argv);
	int status = r ? cli_option_status(r) : print_events(cmd, &q, argv + optind, argc - optind);

	vec_deinit(&q.filters);
	return status;
}

const struct command cmd_events = {
	.name = "events",
	.summary = "print decoded events of any number of traces in time order",
	.help = "usage: vmscope events [OPTION...] TRACE...\n\n"
		"Print the events of all traces, decoded, in the order of time.\n\n"
		"  --format text|json  a line per event as babeltrace2 prints it (the default), or\n"
		"                      a JSON object per line\n"
		"  --filter NAME       only events of this name; * and ? match as in the shell;\n"
		"                      may be given several times\n"
		"  --begin TIME        leave out what is before TIME, which is ns since the Epoch (or\n"
		"                      since boot, where that is all that a trace knows),\n"
		"                      seconds.fraction, HH:MM:SS.fraction, or a date with that (and\n"
		"                      a zone: Z, +01:00; local time otherwise), or +seconds from the\n"
		"                      first event of the traces\n"
		"  --end TIME          leave out what is after TIME\n"
		"  --utc, --clock-gmt  print, and read, times of day as UTC, not local time\n"
		"  --clock-date        print the date too\n"
		"  --clock-seconds     print times in seconds since the Epoch\n" INPUT_ARGS_HELP
		"  --strict            exit with status 3 when data was lost or damaged\n"
		"  --help              print this\n",
	.run = run,
};
