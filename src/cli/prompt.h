/*
 * prompt: statements and dot commands read line by line, from a person or from a file.
 */
#ifndef VMSCOPE_CLI_PROMPT_H
#define VMSCOPE_CLI_PROMPT_H

#include "cli/command.h"
#include "sql/print.h"

/*
 * Runs what comes from stdin. A person is prompted, keeps a history in
 * $XDG_STATE_HOME/vmscope_history (~/.local/state) if that directory is there, can interrupt a
 * statement and goes on after an error; a file ends with the first error. Errors go to stderr.
 * Return: enum cli_status.
 */
int cli_prompt(const struct command *cmd, sqlite3 *db, struct sql_output output);

#endif
