/*
 * fleet_args: how a ClickHouse server is reached, and how much of a recording is wanted, for all
 * commands that have to do with a fleet.
 */
#ifndef VMSCOPE_CLI_FLEET_ARGS_H
#define VMSCOPE_CLI_FLEET_ARGS_H

#include "cli/common.h"
#include "fleet/clickhouse.h"
#include "fleet/table.h"

/* Options of all that reach a server, for a command's own. */
enum { FLEET_ARGS_CREDENTIALS = 0x200, FLEET_ARGS_CACERT, FLEET_ARGS_TIMEOUT };

#define FLEET_ARGS_SERVER                                                 \
	{"credentials", required_argument, NULL, FLEET_ARGS_CREDENTIALS}, \
		{"cacert", required_argument, NULL, FLEET_ARGS_CACERT},   \
	{                                                                 \
		"timeout", required_argument, NULL, FLEET_ARGS_TIMEOUT    \
	}

/* Takes one of these; it borrows optarg. Return: 0, or CLI_OPTION_BAD, as for any other option. */
int fleet_args_take_server(const struct command *cmd, struct clickhouse_options *server,
			   int option);

/* Takes `all` or `rollups`. Return: 0, or CLI_OPTION_BAD, which has been said. */
int fleet_args_take_detail(const struct command *cmd, const char *text, enum fleet_part *partp);

/* Takes a number of rows. Return: 0, or CLI_OPTION_BAD, which has been said. */
int fleet_args_take_rows(const struct command *cmd, const char *text, unsigned *rowsp);

#endif
