#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/common.h"
#include "cli/fleet_args.h"
#include "cli/output_args.h"
#include "cli/range_args.h"
#include "cli/report_args.h"
#include "export/export.h"
#include "fleet/file.h"
#include "fleet/load.h"

enum option_id {
	OPT_TO = 1,
	OPT_TABLE,
	OPT_BEGIN,
	OPT_END,
	OPT_GMT,
	OPT_IDLE,
	OPT_VM,
	OPT_VCPU,
	OPT_TOP,
	OPT_SORT,
	OPT_URL,
	OPT_HOST,
	OPT_LINK,
	OPT_DETAIL,
	OPT_INSERT_ROWS,
	OPT_OUTPUT = 'o',
};

enum format {
	TO_NOTHING = -1,
	TO_PERFETTO,
	TO_CSV,
	TO_SQLITE,
	TO_HTML,
	TO_CLICKHOUSE,
	TO_CLICKHOUSE_NATIVE,
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"to", required_argument, NULL, OPT_TO},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{"table", required_argument, NULL, OPT_TABLE},
	{"begin", required_argument, NULL, OPT_BEGIN},
	{"end", required_argument, NULL, OPT_END},
	{"clock-gmt", no_argument, NULL, OPT_GMT},
	{"utc", no_argument, NULL, OPT_GMT},
	{"idle", no_argument, NULL, OPT_IDLE},
	{"vm", required_argument, NULL, OPT_VM},
	{"vcpu", required_argument, NULL, OPT_VCPU},
	{"top", required_argument, NULL, OPT_TOP},
	{"sort", required_argument, NULL, OPT_SORT},
	{"url", required_argument, NULL, OPT_URL},
	{"host", required_argument, NULL, OPT_HOST},
	{"link", required_argument, NULL, OPT_LINK},
	{"detail", required_argument, NULL, OPT_DETAIL},
	FLEET_ARGS_SERVER,
	{"insert-rows", required_argument, NULL, OPT_INSERT_ROWS},
	{0},
};

struct request {
	struct export_job job;
	enum format to;
	VEC(const char *) tables;
	struct range_args range;
	struct report_choice choice;
	struct clickhouse_options server;
	const char *host, *link;
	enum fleet_part part;
	bool detail_given;
	unsigned insert_rows;
	char **files; /* on the command line */
	int n_files;
};

/* ---- the command line ----------------------------------------------------------------------- */

/* What is for fleets. Return: 0, or CLI_OPTION_BAD. */
static int take_fleet_option(const struct command *cmd, struct request *q, int option)
{
	switch (option) {
	case OPT_URL:
		q->server.url = optarg;
		return 0;
	case OPT_HOST:
		q->host = optarg;
		return 0;
	case OPT_LINK:
		q->link = optarg;
		return 0;
	case OPT_DETAIL:
		q->detail_given = true;
		return fleet_args_take_detail(cmd, optarg, &q->part);
	case OPT_INSERT_ROWS:
		return fleet_args_take_rows(cmd, optarg, &q->insert_rows);
	}
	return fleet_args_take_server(cmd, &q->server, option);
}

/* Naming it twice is naming it: a set has one file of each. */
static void add_table(struct request *q, const char *name)
{
	vec_each (known, &q->tables) {
		if (!strcmp(*known, name))
			return;
	}
	*vec_push(&q->tables) = name;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int take_option(const struct command *cmd, struct request *q, int option)
{
	static const char *const formats[] = {
		[TO_PERFETTO] = "perfetto",
		[TO_CSV] = "csv",
		[TO_SQLITE] = "sqlite",
		[TO_HTML] = "html",
		[TO_CLICKHOUSE] = "clickhouse",
		[TO_CLICKHOUSE_NATIVE] = "clickhouse-native",
		NULL,
	};

	switch (option) {
	case OPT_TO:
		q->to = (enum format)cli_choice(cmd, "--to", optarg, formats);
		return q->to == TO_NOTHING ? CLI_OPTION_BAD : 0;
	case OPT_OUTPUT:
		q->job.output = optarg;
		return 0;
	case OPT_TABLE:
		add_table(q, optarg);
		return 0;
	case OPT_BEGIN:
		return range_args_take(cmd, "--begin", optarg, &q->range.begin);
	case OPT_END:
		return range_args_take(cmd, "--end", optarg, &q->range.end);
	case OPT_GMT:
		q->range.clock.gmt = true;
		q->job.utc = true;
		return 0;
	case OPT_IDLE:
		q->job.idle = true;
		return 0;
	case OPT_VM:
		q->choice.vm = optarg;
		return 0;
	case OPT_VCPU:
		return report_args_take_vcpu(&q->choice, cmd, optarg);
	case OPT_TOP:
		return report_args_take_top(&q->choice, cmd, optarg);
	case OPT_SORT:
		q->job.sort = optarg;
		return 0;
	}
	return take_fleet_option(cmd, q, option);
}

static bool is_for_fleets(const struct request *q)
{
	return q->to == TO_CLICKHOUSE || q->to == TO_CLICKHOUSE_NATIVE;
}

/* Return: what is wrong with options for fleets, or NULL. */
static const char *fleet_contradiction(const struct request *q)
{
	const struct clickhouse_options *s = &q->server;

	if (!is_for_fleets(q) && (q->host || q->detail_given))
		return "--host and --detail are for --to clickhouse and clickhouse-native";
	if (q->to != TO_CLICKHOUSE &&
	    (s->url || q->link || s->credentials || s->ca_file || s->timeout || q->insert_rows))
		return "--url, --link, --credentials, --cacert, --timeout and --insert-rows are for --to "
		       "clickhouse";
	if (!is_for_fleets(q))
		return NULL;
	if (q->host && !*q->host)
		return "--host needs a name";
	if (q->range.begin || q->range.end || choice_is_some(&q->choice))
		return "whole recordings go to ClickHouse: no --begin, --end, --vm and --vcpu";
	if (q->to == TO_CLICKHOUSE && !s->url)
		return "say where the server is: --url http://HOST:8123/";
	if (q->to == TO_CLICKHOUSE && (q->job.output || q->tables.n))
		return "--output and --table are not for --to clickhouse, but for clickhouse-native";
	return NULL;
}

/* Return: what is wrong with where it is written to, or NULL. */
static const char *output_contradiction(const struct request *q)
{
	if (q->to == TO_SQLITE && !q->job.output)
		return "a database needs a name: -o FILE";
	if ((q->to == TO_CSV || q->to == TO_CLICKHOUSE_NATIVE) && q->tables.n != 1 &&
	    !q->job.output)
		return "several tables need a directory: -o DIRECTORY; or name one: --table NAME";
	if ((q->to == TO_PERFETTO || q->to == TO_CLICKHOUSE_NATIVE) && !q->job.output &&
	    isatty(STDOUT_FILENO))
		return "this is not for terminals: -o FILE";
	return NULL;
}

/* Return: what is wrong with these options taken together, or NULL. */
static const char *contradiction(const struct request *q)
{
	const char *wrong = fleet_contradiction(q);

	if (q->to == TO_NOTHING)
		return "say --to perfetto, csv, sqlite, html, clickhouse or clickhouse-native";
	if (wrong)
		return wrong;
	if (q->tables.n && q->to != TO_CSV && q->to != TO_CLICKHOUSE_NATIVE)
		return "--table is for --to csv and clickhouse-native; the others hold all tables";
	if (q->job.idle && q->to != TO_PERFETTO)
		return "--idle is for --to perfetto";
	if (q->to != TO_CSV && (q->job.sort || q->choice.top))
		return "--sort and --top are for --to csv";
	if (q->to == TO_SQLITE && choice_is_some(&q->choice))
		return "--vm and --vcpu are not for --to sqlite, which holds all tables";
	return output_contradiction(q);
}

/* Return: 0, or an answer for cli_option_status(). */
static int read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	const char *wrong = NULL;
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (take_option(cmd, q, option))
			return CLI_OPTION_BAD;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	q->job.path = argv[optind];
	q->files = argv + optind;
	q->n_files = argc - optind;
	q->job.tables = q->tables.at;
	q->job.n_tables = q->tables.n;
	q->job.choice = (struct export_choice){
		.vm = q->choice.vm, .one_vcpu = q->choice.one_vcpu, .vcpu = q->choice.vcpu};
	q->job.top = q->choice.top;
	if (optind == argc)
		wrong = "name a results file, as `vmscope analyze -o FILE` writes it";
	else if (optind + 1 < argc && q->to != TO_CLICKHOUSE)
		wrong = "only one results file can be exported at a time";
	else
		wrong = contradiction(q);
	if (wrong)
		cli_usage(cmd, "%s", wrong);
	return wrong || output_args_check(cmd, q->job.output, q->files, q->n_files) ? CLI_OPTION_BAD
										    : 0;
}

/* ---- work ----------------------------------------------------------------------------------- */

static void show_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	(void)ctx;
	fprintf(stderr, "\r\033[Kvmscope: %3.0f %%  %s",
		total ? 100.0 * (double)done / (double)total : 0.0, what);
	fflush(stderr);
}

static void show_note(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%svmscope export: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
}

static void show_file(void *ctx, const char *file, size_t done, size_t total)
{
	(void)ctx;
	show_progress(NULL, file, done, total);
}

static int load(const struct request *q, struct error *err)
{
	struct fleet_table *tables = fleet_tables_new();
	struct load_job job = {.files = (const char *const *)q->files,
			       .n_files = (size_t)q->n_files,
			       .host = q->host,
			       .link = q->link,
			       .part = q->part,
			       .insert_rows = q->insert_rows,
			       .progress = q->job.progress ? show_file : NULL};
	struct load_done done;
	struct clickhouse *server;
	int r = clickhouse_new(&server, &q->server, err);

	if (!r) {
		r = load_run(server, tables, &job, &done, err);
		clickhouse_free(server);
	}
	free(tables);
	if (!r)
		fprintf(stderr, "%svmscope export: %zu loaded, %zu there before, %llu rows\n",
			q->job.progress ? "\r\033[K" : "", done.loaded, done.known,
			(unsigned long long)done.rows);
	return r;
}

static int write_native(const struct request *q, struct error *err)
{
	struct fleet_file_job job = {.path = q->job.path,
				     .host = q->host,
				     .output = q->job.output,
				     .tables = q->job.tables,
				     .n_tables = q->job.n_tables,
				     .part = q->part};

	return fleet_write_native(&job, err);
}

static int export(const struct request *q, struct error *err)
{
	switch (q->to) {
	case TO_PERFETTO:
		return export_perfetto(&q->job, err);
	case TO_CSV:
		return export_csv(&q->job, err);
	case TO_SQLITE:
		return export_sqlite(&q->job, err);
	case TO_CLICKHOUSE:
		return load(q, err);
	case TO_CLICKHOUSE_NATIVE:
		return write_native(q, err);
	default:
		return export_html(&q->job, err);
	}
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.to = TO_NOTHING, .part = FLEET_RAW};
	struct error err = {0};
	int answer = read_options(cmd, &q, argc, argv), r = 0;

	if (!answer) {
		q.job.note = show_note;
		q.job.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
		if (!is_for_fleets(&q))
			r = range_args_read(&q.range, cmd, q.job.path, &q.job.range.from,
					    &q.job.range.to, &err);
		if (r == CLI_OPTION_BAD)
			answer = r;
		q.job.range.given = r > 0;
		r = r < 0 ? r : export(&q, &err);
		if (q.job.progress)
			fputs("\r\033[K", stderr);
	}
	vec_deinit(&q.tables);
	if (answer)
		return cli_option_status(answer);
	return r ? cli_failed(cmd, &err) : CLI_OK;
}

const struct command cmd_export = {
	.name = "export",
	.summary =
		"results for other programs: Perfetto, CSV, SQLite, ClickHouse; a report with pictures",
	.help = "usage: vmscope export --to FORMAT [OPTION...] FILE...\n\n"
		"Write what a results file holds for other programs and people.\n\n"
		"  --to FORMAT     perfetto  a trace for Perfetto's UI and trace_processor\n"
		"                  csv       tables and views, as `vmscope query` prints them in CSV\n"
		"                  sqlite    a database with all tables, views and indexes\n"
		"                  html      a report with pictures in one file, for a ticket or an\n"
		"                            e-mail\n"
		"                  clickhouse         into the tables of a fleet (vmscope fleet init);\n"
		"                                     takes several FILEs; the same command again goes\n"
		"                                     on where one ended, and loads nothing twice\n"
		"                  clickhouse-native  the same as files of its Native format\n"
		"  -o, --output OUT\n"
		"                  the file to make, or to replace; for several tables in CSV the\n"
		"                  directory; without it, the standard output\n"
		"  --table NAME    csv, clickhouse-native: this table (csv: or view) only; may be given\n"
		"                  several times\n"
		"  --begin TIME    leave out what is before TIME, which is ns since the Epoch (or since\n"
		"                  boot, where that is all that is known), seconds.fraction,\n"
		"                  HH:MM:SS.fraction, or a date with that (and a zone: Z, +01:00; local\n"
		"                  time otherwise), or +seconds from the begin of the recording\n"
		"  --end TIME      leave out what is after TIME\n"
		"  --utc, --clock-gmt\n"
		"                  print, and read, times of day as UTC, not local time\n"
		"  --vm NAME       csv, html, perfetto: only what this VM did, its CPUs and its host's;\n"
		"                  * and ? match as in the shell\n"
		"  --vcpu N        csv, html, perfetto: only the vCPUs of this number\n"
		"  --sort COLUMN   csv: sort rows by this column, most first\n"
		"  --top N         csv: at most N rows of each table\n"
		"  --idle          perfetto: slices for states in which nothing happens, too\n"
		"  --url URL       clickhouse: http://HOST:8123/?database=NAME, or https://\n"
		"  --host NAME     clickhouse, clickhouse-native: what the host is called, instead of\n"
		"                  what the recording says\n"
		"  --detail WHAT   the same: all; or rollups: sums per minute and findings, without\n"
		"                  intervals, exits, wake-ups and threads\n"
		"  --link URL      clickhouse: where the results files are served, followed by their\n"
		"                  names, for the column recording.link\n"
		"  --credentials FILE, --cacert FILE, --timeout S\n"
		"                  clickhouse: as for `vmscope fleet`\n"
		"  --insert-rows N clickhouse: at most so many rows per statement (131072)\n"
		"  --help          print this\n",
	.run = run,
};
