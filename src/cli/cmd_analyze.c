#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "analyze/complain.h"
#include "base/mem.h"
#include "cli/common.h"
#include "report/report.h"

enum option_id { OPT_FORMAT = 1, OPT_SECTION, OPT_OFFSET, OPT_SYNC, OPT_ALL, OPT_STRICT };

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"format", required_argument, NULL, OPT_FORMAT},
	{"section", required_argument, NULL, OPT_SECTION},
	{"clock-offset", required_argument, NULL, OPT_OFFSET},
	{"sync", required_argument, NULL, OPT_SYNC},
	{"all", no_argument, NULL, OPT_ALL},
	{"strict", no_argument, NULL, OPT_STRICT},
	{0},
};

struct request {
	struct report_options report;
	struct analysis_options analysis;
	VEC(struct sync_given) given; /* machine names are owned */
	bool strict;
};

/* Below this, reading takes less time than reading what is said about it. */
enum { LARGE = 200 << 20 };

/* ---- options --------------------------------------------------------------------------------- */

/* Return: 0, or CLI_OPTION_BAD. */
static int take_format(const struct command *cmd, struct request *q)
{
	static const char *const formats[] = {
		[REPORT_TEXT] = "text", [REPORT_JSON] = "json", [REPORT_CSV] = "csv", NULL};
	int format = cli_choice(cmd, "--format", optarg, formats);

	q->report.format = (enum report_format)format;
	return format < 0 ? CLI_OPTION_BAD : 0;
}

static int take_section(const struct command *cmd, struct request *q)
{
	int section = cli_choice(cmd, "--section", optarg, report_section_names());

	if (section < 0)
		return CLI_OPTION_BAD;
	q->report.sections |= 1u << section;
	return 0;
}

static int take_sync(const struct command *cmd, struct request *q)
{
	static const char *const names[] = {"auto", "vmsync", "containment", "none", NULL};
	static const int methods[] = {SYNC_AUTO, SYNC_VMSYNC, SYNC_CONTAINMENT, SYNC_AS_IS};
	int i = cli_choice(cmd, "--sync", optarg, names);

	if (i < 0)
		return CLI_OPTION_BAD;
	q->analysis.sync.method = methods[i];
	return 0;
}

/* "NS" or "NS,SLOPE". Return: whether it is that. */
static bool read_offset(struct sync_given *g, const char *text)
{
	double slope = 1;
	char *end;

	errno = 0;
	g->offset_ns = strtoll(text, &end, 10);
	if (end == text || errno)
		return false;
	if (*end == ',') {
		text = end + 1;
		slope = strtod(text, &end);
		if (end == text)
			return false;
	}
	g->drift = slope - 1;
	/* No two clocks differ by more; a wrong unit or an offset in the slope's place does. */
	return !*end && slope > 0.5 && slope < 2;
}

static int take_offset(const struct command *cmd, struct request *q)
{
	const char *equals = strrchr(optarg, '=');
	struct sync_given g;

	if (!equals || equals == optarg || !read_offset(&g, equals + 1)) {
		cli_usage(cmd, "--clock-offset takes NAME=NS or NAME=NS,SLOPE, not '%s'", optarg);
		return CLI_OPTION_BAD;
	}
	g.machine = mem_strndup(optarg, (size_t)(equals - optarg));
	vec_each (other, &q->given) {
		if (strcmp(other->machine, g.machine))
			continue;
		cli_usage(cmd, "--clock-offset is given twice for '%s'", g.machine);
		free((char *)g.machine);
		return CLI_OPTION_BAD;
	}
	*vec_push(&q->given) = g;
	return 0;
}

static int take_option(const struct command *cmd, struct request *q, int option)
{
	switch ((enum option_id)option) {
	case OPT_FORMAT:
		return take_format(cmd, q);
	case OPT_SECTION:
		return take_section(cmd, q);
	case OPT_OFFSET:
		return take_offset(cmd, q);
	case OPT_SYNC:
		return take_sync(cmd, q);
	case OPT_ALL:
		q->report.all = true;
		return 0;
	case OPT_STRICT:
		q->strict = true;
		return 0;
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
	if (optind == argc) {
		cli_usage(cmd, "name at least one trace");
		return CLI_OPTION_BAD;
	}
	return 0;
}

/* ---- work ------------------------------------------------------------------------------------ */

static void say_progress(const struct ctf_session *s)
{
	uint64_t size = 0;

	vec_each (trace, &s->traces)
		size += (*trace)->size;
	if (size >= LARGE && isatty(STDERR_FILENO))
		fprintf(stderr, "vmscope: reading %zu traces, %.1f GB\n", s->traces.n,
			(double)size / 1e9);
}

/* What people look at is coloured, unless they say no (https://no-color.org). */
static bool wants_color(void)
{
	const char *no = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && terminal && strcmp(terminal, "dumb") != 0;
}

static int analyze(const struct command *cmd, struct request *q, struct ctf_session *session)
{
	struct error err = {0};
	struct analysis a;
	int status;

	complain_session(stderr, session);
	say_progress(session);
	q->analysis.sync.given = q->given.at;
	q->analysis.sync.n_given = q->given.n;
	q->report.color = q->report.format == REPORT_TEXT && wants_color();
	if (analysis_init(&a, session, &q->analysis, &err)) {
		status = cli_failed(cmd, &err);
	} else {
		report_print(stdout, &a, &q->report);
		status = q->strict && report_is_damaged(&a) ? CLI_DAMAGED : CLI_OK;
	}
	analysis_deinit(&a);
	return status;
}

static int open_and_analyze(const struct command *cmd, struct request *q, char **traces, int n)
{
	struct ctf_session session;
	struct error err = {0};

	if (!ctf_session_open(&session, traces, (size_t)n, &err))
		return analyze(cmd, q, &session);
	complain_session(stderr, &session);
	ctf_session_deinit(&session);
	return cli_failed(cmd, &err);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct request q = {.analysis = ANALYSIS_OPTIONS_AUTO};
	int r = read_options(cmd, &q, argc, argv);
	int status =
		r ? cli_option_status(r) : open_and_analyze(cmd, &q, argv + optind, argc - optind);

	vec_each (g, &q.given)
		free((char *)g->machine);
	vec_deinit(&q.given);
	return status;
}

const struct command cmd_analyze = {
	.name = "analyze",
	.summary = "find out and report what each vCPU truly did",
	.help = "usage: vmscope analyze [OPTION...] TRACE...\n\n"
		"Read the traces of a host and of its guests, put them on one time line, and report where\n"
		"each vCPU's time went.\n\n"
		"  --format text|json|csv  how to print the report; text is the default\n"
		"  --section NAME          only this section, may be given several times: machines vcpus\n"
		"                          pcpus steal vm_exits exits sync diag\n"
		"  --clock-offset NAME=NS[,SLOPE]\n"
		"                          add NS nanoseconds to the times of machine NAME, and stretch\n"
		"                          them by SLOPE from its first event on\n"
		"  --sync auto|vmsync|containment|none\n"
		"                          how to synchronize the other machines\n"
		"  --all                   text: do not cut long lists\n"
		"  --strict                exit with status 3 when data was lost or damaged\n"
		"  --help                  print this\n",
	.run = run,
};
