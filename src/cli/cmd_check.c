#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/common.h"
#include "cli/range_args.h"
#include "report/limits.h"
#include "store/check.h"

enum option_id { OPT_LIMIT = 1, OPT_FORMAT, OPT_BEGIN, OPT_END, OPT_UTC };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"begin", required_argument, NULL, OPT_BEGIN},
	{"end", required_argument, NULL, OPT_END},
	{"utc", no_argument, NULL, OPT_UTC},
	{0},
};

/* With limits as diff(1): 2 is that it could not be found out, as for usage. */
enum { CHECK_TROUBLE = CLI_USAGE };

struct request {
	VEC(struct limit) limits;
	struct limits_job job;
	struct range_args range;
	const char *format; /* as written; NULL: not given */
	const char *path;
};

/* ---- the command line ------------------------------------------------------------------------ */

/* Return: 0, or CLI_OPTION_BAD. */
static int check_take_limit(const struct command *cmd, struct request *q, const char *text)
{
	struct error err = {0};

	if (!limit_parse(vec_push(&q->limits), text, &err))
		return 0;
	cli_usage(cmd, "--limit: %s", err.text);
	error_deinit(&err);
	return CLI_OPTION_BAD;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int check_take_format(const struct command *cmd, struct request *q, const char *value)
{
	static const char *const formats[] = {
		[LIMITS_TEXT] = "text", [LIMITS_JSON] = "json", [LIMITS_JUNIT] = "junit", NULL};
	int format = cli_choice(cmd, "--format", value, formats);

	q->format = value;
	q->job.format = (enum limits_format)format;
	return format < 0 ? CLI_OPTION_BAD : 0;
}

/* Return: 0, or CLI_OPTION_BAD. */
static int check_take_option(const struct command *cmd, struct request *q, int option)
{
	switch ((enum option_id)option) {
	case OPT_LIMIT:
		return check_take_limit(cmd, q, optarg);
	case OPT_FORMAT:
		return check_take_format(cmd, q, optarg);
	case OPT_BEGIN:
		return range_args_take(cmd, "--begin", optarg, &q->range.begin);
	case OPT_END:
		return range_args_take(cmd, "--end", optarg, &q->range.end);
	case OPT_UTC:
		q->range.clock.gmt = true;
		return 0;
	}
	return CLI_OPTION_BAD;
}

/* Return: 0, or an answer for cli_option_status(). */
static int check_read_options(const struct command *cmd, struct request *q, int argc, char **argv)
{
	int option;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (check_take_option(cmd, q, option))
			return CLI_OPTION_BAD;
	}
	if (option != CLI_OPTIONS_END)
		return option;
	if (argc - optind != 1) {
		cli_usage(cmd, "name one results file");
		return CLI_OPTION_BAD;
	}
	if (!q->limits.n && (q->format || q->range.begin || q->range.end)) {
		cli_usage(cmd, "%s is for --limit", q->format ? "--format" : "a range");
		return CLI_OPTION_BAD;
	}
	q->path = argv[optind];
	q->job.limits = q->limits.at;
	q->job.n_limits = q->limits.n;
	return 0;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static int check_limits(const struct command *cmd, struct request *q)
{
	struct results_range *range = &q->job.range;
	struct store *store = NULL;
	struct error err = {0};
	int r = range_args_read(&q->range, cmd, q->path, &range->from, &range->to, &err);

	if (r == CLI_OPTION_BAD)
		return CLI_USAGE;
	range->given = r > 0;
	if (r != ERR)
		r = store_open(&store, q->path, &err);
	char *asked = range_args_words(&q->range);

	q->job.asked = asked;
	if (!r)
		r = limits_print(stdout, store, &q->job, &err);
	free(asked);
	store_free(store);
	if (r != ERR)
		return r;
	cli_failed(cmd, &err);
	return CHECK_TROUBLE;
}

/* ---- the file itself ------------------------------------------------------------------------- */

static void print_wrong(const struct check_result *result)
{
	vec_each (line, &result->wrong)
		printf("%s\n", *line);
	if (result->n_wrong > result->wrong.n)
		printf("... and %" PRIu64 " more\n", result->n_wrong - result->wrong.n);
}

static int check_file(const struct command *cmd, const char *path)
{
	struct check_result result;
	struct error err = {0};
	struct store *s;

	if (store_open(&s, path, &err))
		return cli_failed(cmd, &err);
	check_store(s, &result);
	print_wrong(&result);
	printf("%s: %s; %" PRIu64 " rows in %" PRIu64 " lanes, %" PRIu64 " blocks, %zu bytes\n",
	       path, result.n_wrong ? "damaged" : "sound", result.rows, result.lanes, result.blocks,
	       s->size);
	int status = result.n_wrong ? CLI_FAILED : CLI_OK;

	check_result_deinit(&result);
	store_free(s);
	return status;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.job.threads = cli_threads()};
	int r = check_read_options(cmd, &q, argc, argv);
	int status = r		  ? cli_option_status(r)
		     : q.limits.n ? check_limits(cmd, &q)
				  : check_file(cmd, q.path);

	vec_each (l, &q.limits)
		limit_deinit(l);
	vec_deinit(&q.limits);
	return status;
}

const struct command cmd_check = {
	.name = "check",
	.summary = "verify a results file; or whether a run keeps limits",
	.help = "usage: vmscope check FILE\n"
		"       vmscope check FILE --limit LIMIT...\n\n"
		"Read all of a results file and verify it: checksums, the order of times, lanes\n"
		"without gaps, what the index says of the blocks, ids that exist. Says what is\n"
		"wrong and where, and exits with 1 if anything is.\n\n"
		"With limits, hold what the file says of each vCPU against them instead. Exit with 1\n"
		"when one is broken, with 2 when that could not be found out, else with 0.\n\n"
		"  --limit LIMIT   VM [VCPU] METRIC <|<=|>|>= NUMBER[UNIT], as 'web1 ready < 5%' or\n"
		"                  'g1 0 exits.p99(NPF) < 1ms'; may be given several times. VM is a name,\n"
		"                  in which * and ? match as in the shell. METRIC is one of\n"
		"                    run ready steal exit poll idle blocked unknown throttled: in %,\n"
		"                    or in ns, us, ms, s\n"
		"                    exits.count, exits.rate (in /s), exits.mean, .p50, .p99, .max (a\n"
		"                    time), each with (REASON) or of all exits\n"
		"                    wakeup.count, .mean, .p50, .p99, .max, also with (STAGE)\n"
		"  --format text|json|junit\n"
		"                  how to print the verdicts; text is the default\n"
		"  --begin TIME    what was from TIME on counts, as `vmscope report` takes it\n"
		"  --end TIME      what was before TIME counts\n"
		"  --utc           read times of day as UTC, not local time\n"
		"  --help          print this\n",
	.run = run,
};
