#include "cli/fleet_args.h"

#include <errno.h>
#include <stdlib.h>

int fleet_args_take_detail(const struct command *cmd, const char *text, enum fleet_part *partp)
{
	static const char *const names[] = {"rollups", "all", NULL};
	int detail = cli_choice(cmd, "--detail", text, names);

	if (detail < 0)
		return CLI_OPTION_BAD;
	*partp = detail ? FLEET_RAW : FLEET_SUMS;
	return 0;
}

/* Return: 0 and a number from 1 to `most`; or CLI_OPTION_BAD, which has been said. */
static int fleet_args_take_number(const struct command *cmd, const char *option, const char *text,
				  unsigned most, unsigned *numberp)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(text, &end, 10);

	if (errno || end == text || *end || *text == '-' || !n || n > most) {
		cli_usage(cmd, "%s takes a number from 1 to %u, not '%s'", option, most, text);
		return CLI_OPTION_BAD;
	}
	*numberp = (unsigned)n;
	return 0;
}

int fleet_args_take_server(const struct command *cmd, struct clickhouse_options *server, int option)
{
	switch (option) {
	case FLEET_ARGS_CREDENTIALS:
		server->credentials = optarg;
		return 0;
	case FLEET_ARGS_CACERT:
		server->ca_file = optarg;
		return 0;
	case FLEET_ARGS_TIMEOUT:
		return fleet_args_take_number(cmd, "--timeout", optarg, 86400, &server->timeout);
	}
	return CLI_OPTION_BAD;
}

int fleet_args_take_rows(const struct command *cmd, const char *text, unsigned *rowsp)
{
	return fleet_args_take_number(cmd, "--insert-rows", text, 1u << 20, rowsp);
}
