#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/common.h"
#include "cli/fleet_args.h"
#include "fleet/clickhouse.h"
#include "fleet/schema.h"

enum option_id { OPT_CLUSTER = 1, OPT_CREDENTIALS, OPT_CACERT, OPT_TIMEOUT };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"cluster", required_argument, NULL, OPT_CLUSTER},
	{"credentials", required_argument, NULL, OPT_CREDENTIALS},
	{"cacert", required_argument, NULL, OPT_CACERT},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{0},
};

struct request {
	struct clickhouse_options server;
	const char *cluster;
	char **rest; /* of the command line: what to do, and with what */
	int n_rest;
};

/* Return: 0, or CLI_OPTION_BAD. */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	switch (option) {
	case OPT_CLUSTER:
		q->cluster = optarg;
		return 0;
	case OPT_CREDENTIALS:
		q->server.credentials = optarg;
		return 0;
	case OPT_CACERT:
		q->server.ca_file = optarg;
		return 0;
	case OPT_TIMEOUT:
		return fleet_args_take_timeout(cmd, optarg, &q->server.timeout);
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (take_option(cmd, q, option))
			return CLI_OPTION_BAD;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	q->rest = argv + optind;
	q->n_rest = argc - optind;
	if (q->n_rest < 1 || strcmp(q->rest[0], "init") != 0)
		cli_usage(cmd, "say what to do: init URL");
	else if (q->n_rest < 2)
		cli_usage(cmd, "name the server: vmscope fleet init http://HOST:8123/");
	else
		return 0;
	return CLI_OPTION_BAD;
}

static void show_note(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "vmscope fleet: %s\n", text);
}

static int make_tables(const struct request *q, const char *url, const struct fleet_table *tables,
		       struct error *err)
{
	struct clickhouse_options how = q->server;
	struct clickhouse *server;

	how.url = url;
	if (clickhouse_new(&server, &how, err))
		return ERR;
	int r = schema_make(server, tables, q->cluster, show_note, NULL, err);

	clickhouse_free(server);
	return r;
}

static int init(const struct request *q, struct error *err)
{
	struct fleet_table *tables = fleet_tables_new();
	int r = 0;

	for (int i = 1; !r && i < q->n_rest; i++)
		r = make_tables(q, q->rest[i], tables, err);
	free(tables);
	return r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {0};
	struct error err = {0};
	int answer = read_options(cmd, &q, argc, argv);

	if (answer)
		return cli_option_status(answer);
	return init(&q, &err) ? cli_failed(cmd, &err) : CLI_OK;
}

const struct command cmd_fleet = {
	.name = "fleet",
	.summary = "tables for the results of many hosts in ClickHouse",
	.help = "usage: vmscope fleet init [OPTION...] URL...\n\n"
		"Make the tables that `vmscope export` loads results into in ClickHouse, or add\n"
		"what later versions have. Tables that this version does not know are left alone.\n\n"
		"  URL             http://HOST:8123/?database=NAME or https://...; the database is\n"
		"                  vmscope when none is named. With --cluster and without ZooKeeper,\n"
		"                  every server of the cluster has to be named\n"
		"  --cluster NAME  Distributed tables over this cluster of remote_servers; their\n"
		"                  parts are replicated where the servers have a ZooKeeper\n"
		"  --credentials FILE\n"
		"                  lines user=NAME and password=WORD, readable by its owner only;\n"
		"                  otherwise VMSCOPE_CLICKHOUSE_USER and VMSCOPE_CLICKHOUSE_PASSWORD\n"
		"  --cacert FILE   certificates to trust\n"
		"  --timeout S     give up when the server says nothing for S seconds (60)\n"
		"  --help          print this\n",
	.run = run,
};
