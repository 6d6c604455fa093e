/*
 * common: what the commands' option handling shares.
 */
#ifndef VMSCOPE_CLI_COMMON_H
#define VMSCOPE_CLI_COMMON_H

#include <getopt.h>
#include <stdbool.h>

#include "base/error.h"
#include "cli/command.h"

/* Answers of cli_next_option() beside an option's own `val`, which must be positive;
 * one that is a lower-case letter is its short form as well. */
enum { CLI_OPTIONS_END = -1, CLI_OPTION_BAD = -2, CLI_OPTION_HELP = -3 };

/* The first entry of every command's options. */
#define CLI_HELP_OPTION                          \
	{                                        \
		"help", no_argument, NULL, 0x100 \
	}

/*
 * The next option of the command line; its value is in optarg, and once there are no more the rest
 * begins at argv[optind]. A wrong option has been said to the user; --help has been answered.
 * Return: its `val`, or one of the above.
 */
int cli_next_option(const struct command *cmd, int argc, char **argv, const struct option *options);

/* Return: the status to return for CLI_OPTION_BAD and CLI_OPTION_HELP. */
int cli_option_status(int answer);

/* Says what is wrong with the command line and where help is. Return: CLI_USAGE. */
int cli_usage(const struct command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Says err and frees it. Return: CLI_FAILED. */
int cli_failed(const struct command *cmd, struct error *err);

/*
 * Finds value among `names`, which ends with NULL. Says so to the user when it is not there
 * ("--format takes text or json, not 'xml'"). Return: its index, or -1.
 */
int cli_choice(const struct command *cmd, const char *option, const char *value,
	       const char *const *names);

/* Return: how many threads to use where the user does not say. */
unsigned cli_threads(void);

#endif
