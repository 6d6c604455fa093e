/*
 * report_args: options about how a report is printed, for all commands that print one.
 */
#ifndef VMSCOPE_CLI_REPORT_ARGS_H
#define VMSCOPE_CLI_REPORT_ARGS_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/command.h"
#include "report/report.h"

/* What is wrong with a value is said to the user. Return: 0, or CLI_OPTION_BAD. */
int report_args_take_format(struct report_options *o, const struct command *cmd, const char *value);
int report_args_take_section(struct report_options *o, const struct command *cmd, const char *name);

/* Values of --vcpu, --top and --sort; the same. */
int report_args_take_vcpu(struct report_choice *c, const struct command *cmd, const char *value);
int report_args_take_top(struct report_choice *c, const struct command *cmd, const char *value);
int report_args_take_sort(struct report_choice *c, const struct command *cmd, const char *value);

/* Prints it to stdout. Return: an exit status (CLI_DAMAGED only if strict), or ERR with err set. */
int report_args_print(const struct report_options *o, const struct store *store, bool strict,
		      struct error *err);

#endif
