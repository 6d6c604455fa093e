/*
 * fleet_args: how a ClickHouse server is reached, and how much of a recording is wanted, for all
 * commands that have to do with a fleet.
 */
#ifndef VMSCOPE_CLI_FLEET_ARGS_H
#define VMSCOPE_CLI_FLEET_ARGS_H

#include "cli/common.h"
#include "fleet/clickhouse.h"
#include "fleet/table.h"

/* Takes `all` or `rollups`. Return: 0, or CLI_OPTION_BAD, which has been said. */
int fleet_args_take_detail(const struct command *cmd, const char *text, enum fleet_part *partp);

/* Takes a number of rows. Return: 0, or CLI_OPTION_BAD, which has been said. */
int fleet_args_take_rows(const struct command *cmd, const char *text, unsigned *rowsp);

/* Takes a number of seconds. Return: 0, or CLI_OPTION_BAD, which has been said. */
int fleet_args_take_timeout(const struct command *cmd, const char *text, unsigned *timeoutp);

#endif
