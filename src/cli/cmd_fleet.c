#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/common.h"
#include "cli/fleet_args.h"
#include "fleet/clickhouse.h"
#include "fleet/query.h"
#include "fleet/schema.h"

enum option_id {
	OPT_CLUSTER = 1,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_VM,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"since", required_argument, NULL, OPT_SINCE},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"vm", required_argument, NULL, OPT_VM},
	{"cluster", required_argument, NULL, OPT_CLUSTER},
	FLEET_ARGS_SERVER,
	{0},
};

struct request {
	struct clickhouse_options server;
	const char *cluster;
	struct fleet_query_part part;
	const struct fleet_query *query; /* NULL: init */
	char **rest;			 /* of the command line: what to do, and with what */
	int n_rest;
};

/* Return: 0, or CLI_OPTION_BAD. */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	switch (option) {
	case OPT_CLUSTER:
		q->cluster = optarg;
		return 0;
	case OPT_SINCE:
		q->part.since = optarg;
		return 0;
	case OPT_UNTIL:
		q->part.until = optarg;
		return 0;
	case OPT_VM:
		q->part.vm = optarg;
		return 0;
	}
	return fleet_args_take_server(cmd, &q->server, option);
}

/* Looks at what is no option. Return: 0, or what cli_usage() does. */
static int check_words(const struct command *cmd, struct request *q)
{
	bool is_init = q->n_rest && !strcmp(q->rest[0], "init");

	q->query = q->n_rest && !is_init ? fleet_query_find(q->rest[0]) : NULL;
	if (!q->n_rest)
		return cli_usage(cmd, "say what to do: init URL, or a question and URL");
	if (!is_init && !q->query)
		return cli_usage(cmd, "there is no question '%s'", q->rest[0]);
	if (q->n_rest < 2)
		return cli_usage(cmd, "name the server: vmscope fleet %s http://HOST:8123/",
				 q->rest[0]);
	if (is_init && (q->part.since || q->part.until || q->part.vm))
		return cli_usage(cmd, "--since, --until and --vm are for questions, not for init");
	if (q->query && (q->cluster || q->n_rest > 2))
		return cli_usage(cmd, "a question is asked to one server, and without --cluster");
	return 0;
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
	return check_words(cmd, q) ? CLI_OPTION_BAD : 0;
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

/* Prints the answer, with the names of columns. */
static int ask(const struct request *q, struct error *err)
{
	struct clickhouse_options how = q->server;
	struct clickhouse *server;
	const char *answer;

	how.url = q->rest[1];
	if (clickhouse_new(&server, &how, err))
		return ERR;
	char *sql = fleet_query_sql(q->query, &q->part);
	char *whole = mem_printf("%s FORMAT TabSeparatedWithNames", sql);
	int r = clickhouse_ask(server, whole, &answer, err);

	if (!r)
		fputs(answer, stdout);
	free(sql);
	free(whole);
	clickhouse_free(server);
	return r;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {0};
	struct error err = {0};
	int answer = read_options(cmd, &q, argc, argv);

	if (answer)
		return cli_option_status(answer);
	return (q.query ? ask(&q, &err) : init(&q, &err)) ? cli_failed(cmd, &err) : CLI_OK;
}

const struct command cmd_fleet = {
	.name = "fleet",
	.summary = "the results of many hosts in ClickHouse: tables, and questions to them",
	.help = "usage: vmscope fleet init [OPTION...] URL...\n"
		"       vmscope fleet QUESTION [OPTION...] URL\n\n"
		"Make the tables that `vmscope export` loads results into in ClickHouse, or add\n"
		"what later versions have. Tables that this version does not know are left alone.\n\n"
		"A QUESTION prints rows, with tabs between columns:\n\n"
		"  hosts, vms      which lost most of the time that they wanted to run\n"
		"  thieves, pairs  who took it: over all hosts; VM by VM\n"
		"  days, kernels   what was lost day by day; by version of the host's kernel\n"
		"  wakeups, exits  how long wake-ups took, per VM; VM exits, by reason\n"
		"  findings        which causes cost most\n"
		"  history         one VM over all recordings and hosts: --vm NAME\n\n"
		"  URL             http://HOST:8123/?database=NAME or https://...; the database is\n"
		"                  vmscope when none is named. With --cluster and without ZooKeeper,\n"
		"                  every server of the cluster has to be named\n"
		"  --since DAY, --until DAY\n"
		"                  only what was recorded from this day on, YYYY-MM-DD, and before\n"
		"                  that one\n"
		"  --vm NAME       history: of this VM; % stands for anything\n"
		"  --cluster NAME  init: Distributed tables over this cluster of remote_servers; their\n"
		"                  parts are replicated where the servers have a ZooKeeper\n"
		"  --credentials FILE\n"
		"                  lines user=NAME and password=WORD, readable by its owner only;\n"
		"                  otherwise VMSCOPE_CLICKHOUSE_USER and VMSCOPE_CLICKHOUSE_PASSWORD\n"
		"  --cacert FILE   certificates to trust\n"
		"  --timeout S     give up when the server says nothing for S seconds (60)\n"
		"  --help          print this\n",
	.run = run,
};
