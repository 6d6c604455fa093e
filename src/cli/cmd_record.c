#include <stdio.h>

#include "analyze/recipe.h"
#include "cli/common.h"

enum option_id { OPT_PRINT = 1 };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"print", required_argument, NULL, OPT_PRINT},
	{0},
};

static int run(const struct command *cmd, int argc, char **argv)
{
	static const char *const machines[] = {"host", "guest", NULL};
	int option, machine = -1;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		machine = cli_choice(cmd, "--print", optarg, machines);
		if (machine < 0)
			return CLI_USAGE;
	}
	if (option != CLI_OPTIONS_END)
		return cli_option_status(option);
	if (machine < 0 || optind != argc)
		return cli_usage(cmd, "say '--print host' or '--print guest', and no more");
	recipe_print(machine ? ROLE_GUEST : ROLE_HOST, stdout);
	return CLI_OK;
}

const struct command cmd_record = {
	.name = "record",
	.summary = "print the commands that record a host or a guest",
	.help = "usage: vmscope record --print host|guest\n\n"
		"Print the lttng commands that record what `vmscope analyze` needs, as a commented\n"
		"shell script to read and then to run as root on that machine. Nothing is run here.\n\n"
		"  --print host|guest  which machine\n"
		"  --help              print this\n",
	.run = run,
};
