/*
 * command: what main knows of each command.
 *
 * A command is one file, cmd_NAME.c, which defines its entry; main.c lists the entries.
 */
#ifndef VMSCOPE_CLI_COMMAND_H
#define VMSCOPE_CLI_COMMAND_H

/* Exit statuses, as the manual promises them. */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_DAMAGED = 3, /* done, but data was lost or damaged; only with --strict */
};

struct command {
	const char *name;
	const char *summary; /* half a line, for the list of commands */
	const char *help;    /* what --help prints */
	/*
	 * argv[0] is the command's name. Data goes to stdout, messages to stderr; main flushes
	 * stdout and looks whether that worked. Return: enum cli_status.
	 */
	int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command cmd_analyze;
extern const struct command cmd_check;
extern const struct command cmd_diff;
extern const struct command cmd_events;
extern const struct command cmd_export;
extern const struct command cmd_fleet;
extern const struct command cmd_info;
extern const struct command cmd_query;
extern const struct command cmd_record;
extern const struct command cmd_report;
extern const struct command cmd_serve;
extern const struct command cmd_top;
extern const struct command cmd_why;

#endif
