#include <stdio.h>

#include "cli/common.h"
#include "inspect/recipe.h"

enum option_id { OPT_PRINT = 1, OPT_TRACER };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"print", required_argument, NULL, OPT_PRINT},
	{"tracer", required_argument, NULL, OPT_TRACER},
	{0},
};

struct query {
	int machine, tracer; /* machine: -1: not said */
};

static int choose_tracer(const struct command *cmd)
{
	const char *names[N_TRACERS + 1] = {0};

	for (int i = 0; i < N_TRACERS; i++)
		names[i] = tracer_name((enum tracer)i);
	return cli_choice(cmd, "--tracer", optarg, names);
}

/* Return: whether the option's value is one of those that there are; if not, that has been said. */
static bool take_option(struct query *q, const struct command *cmd, int option)
{
	static const char *const machines[] = {"host", "guest", NULL};

	if (option == OPT_TRACER)
		return (q->tracer = choose_tracer(cmd)) >= 0;
	return (q->machine = cli_choice(cmd, "--print", optarg, machines)) >= 0;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct query q = {.machine = -1, .tracer = TRACER_TRACE_CMD};
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (!take_option(&q, cmd, option))
			return CLI_USAGE;
	}
	if (option != CLI_OPTIONS_END)
		return cli_option_status(option);
	if (q.machine < 0 || optind != argc)
		return cli_usage(cmd, "say '--print host' or '--print guest', and no more");
	recipe_print(q.machine ? ROLE_GUEST : ROLE_HOST, (enum tracer)q.tracer, stdout);
	return CLI_OK;
}

const struct command cmd_record = {
	.name = "record",
	.summary = "print the commands that record a host or a guest",
	.help = "usage: vmscope record --print host|guest [--tracer trace-cmd|perf|lttng]\n\n"
		"Print the commands that record what `vmscope analyze` needs, as a commented shell\n"
		"script to read and then to run as root on that machine. Nothing is run here.\n\n"
		"  --print host|guest  which machine\n"
		"  --tracer trace-cmd|perf|lttng\n"
		"                      with which recorder; trace-cmd, the default, and perf are\n"
		"                      packages of every distribution, and need nothing built\n"
		"  --help              print this\n",
	.run = run,
};
