/*
 * output_args: what -o may name.
 */
#ifndef VMSCOPE_CLI_OUTPUT_ARGS_H
#define VMSCOPE_CLI_OUTPUT_ARGS_H

#include "cli/command.h"

/*
 * Refuses an output that would take the place of an input: one of these, under whatever name, or a
 * file below one, but for results files, which are no recordings. output: NULL: there is none.
 * Return: 0, or CLI_USAGE when it has been said to the user.
 */
int output_args_check(const struct command *cmd, const char *output, char *const *inputs, int n);

#endif
