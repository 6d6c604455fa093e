#include <inttypes.h>
#include <stdio.h>

#include "cli/common.h"
#include "store/check.h"

static const struct option options[] = {
	CLI_HELP_OPTION,
	{0},
};

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, int argc, char **argv)
{
	int option = cli_next_option(cmd, argc, argv, options);

	if (option != CLI_OPTIONS_END)
		return option;
	if (argc - optind != 1) {
		cli_usage(cmd, "name one results file");
		return CLI_OPTION_BAD;
	}
	return 0;
}

static void print_wrong(const struct check_result *result)
{
	vec_each (line, &result->wrong)
		printf("%s\n", *line);
	if (result->n_wrong > result->wrong.n)
		printf("... and %" PRIu64 " more\n", result->n_wrong - result->wrong.n);
}

static int check_file(const struct command *cmd, const char *path)
{
	struct check_result result;
	struct error err = {0};
	struct store *s;

	if (store_open(&s, path, &err))
		return cli_failed(cmd, &err);
	check_store(s, &result);
	print_wrong(&result);
	printf("%s: %s; %" PRIu64 " rows in %" PRIu64 " lanes, %" PRIu64 " blocks, %zu bytes\n",
	       path, result.n_wrong ? "damaged" : "sound", result.rows, result.lanes, result.blocks,
	       s->size);
	int status = result.n_wrong ? CLI_FAILED : CLI_OK;

	check_result_deinit(&result);
	store_free(s);
	return status;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	int r = read_options(cmd, argc, argv);

	return r ? cli_option_status(r) : check_file(cmd, argv[optind]);
}

const struct command cmd_check = {
	.name = "check",
	.summary = "verify a results file",
	.help = "usage: vmscope check FILE\n\n"
		"Read all of a results file and verify it: checksums, the order of times, lanes\n"
		"without gaps, what the index says of the blocks, ids that exist. Says what is\n"
		"wrong and where, and exits with 1 if anything is.\n\n"
		"  --help  print this\n",
	.run = run,
};
