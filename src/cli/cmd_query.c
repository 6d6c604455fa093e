#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/prompt.h"
#include "sql/database.h"
#include "sql/print.h"

enum option_id { OPT_FORMAT = 1 };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{0},
};

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, enum sql_format *formatp, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		int format = cli_choice(cmd, "--format", optarg, sql_format_names);

		if (format < 0)
			return CLI_OPTION_BAD;
		*formatp = (enum sql_format)format;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (optind == argc) {
		cli_usage(cmd, "name a results file");
		return CLI_OPTION_BAD;
	}
	if (argc - optind > 2) {
		cli_usage(cmd, "all SQL is one argument: quote it");
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* Return: columns of the terminal that stdout is; 0 when it is none. */
static int terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct sql_output output = {.file = stdout, .width = terminal_width()};
	struct error err = {0};
	sqlite3 *db;
	int status = CLI_OK, r = read_options(cmd, &output.format, argc, argv);

	if (r)
		return cli_option_status(r);
	if (sql_open(&db, argv[optind], &err))
		return cli_failed(cmd, &err);
	if (optind + 1 == argc)
		status = cli_prompt(cmd, db, output);
	else if (sql_run(db, argv[optind + 1], &output, &err))
		status = cli_failed(cmd, &err);
	sqlite3_close(db);
	return status;
}

const struct command cmd_query = {
	.name = "query",
	.summary = "ask a results file anything, in SQL",
	.help = "usage: vmscope query [OPTION...] FILE [SQL]\n\n"
		"Run SQL statements on a results file that 'vmscope analyze -o FILE' wrote, and print\n"
		"what they return. Without SQL they are read from the standard input; on a terminal\n"
		"there is a prompt, where .tables lists the tables.\n\n"
		"  --format table|csv|json  aligned columns (the default), CSV with a header, or per\n"
		"                           statement an array of one object per row\n"
		"  --help                   print this\n",
	.run = run,
};
