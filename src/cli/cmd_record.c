#include <stdio.h>
#include <string.h>

#include "cli/common.h"
#include "cli/record_live.h"
#include "inspect/recipe.h"

enum option_id {
	OPT_PRINT = 1,
	OPT_TRACER,
	OPT_FOR,
	OPT_GUEST,
	OPT_LITE,
	OPT_SYSCALLS,
	OPT_NET,
	OPT_BLOCK,
	OPT_DRY_RUN,
	OPT_FLIGHT,
	OPT_WHEN,
	OPT_SAVE,
	OPT_NO_ANALYSIS,
	OPT_OUTPUT = 'o',
};

static const struct option options[] = {
	CLI_HELP_OPTION,
	{"print", required_argument, NULL, OPT_PRINT},
	{"tracer", required_argument, NULL, OPT_TRACER},
	{"for", required_argument, NULL, OPT_FOR},
	{"guest", required_argument, NULL, OPT_GUEST},
	{"lite", no_argument, NULL, OPT_LITE},
	{"syscalls", no_argument, NULL, OPT_SYSCALLS},
	{"net", no_argument, NULL, OPT_NET},
	{"block", no_argument, NULL, OPT_BLOCK},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"flight", required_argument, NULL, OPT_FLIGHT},
	{"when", required_argument, NULL, OPT_WHEN},
	{"save", no_argument, NULL, OPT_SAVE},
	{"no-analysis", no_argument, NULL, OPT_NO_ANALYSIS},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{0},
};

struct query {
	struct record_request live;
	int machine; /* of --print; -1: not said */
	bool dry_run, save;
};

#define NS_PER_S INT64_C(1000000000)

enum { MAX_SECONDS = 7 * 24 * 3600, MAX_FLIGHT_SECONDS = 3600 };

/* ---- options --------------------------------------------------------------------------------- */

static bool choose_tracer(struct query *q, const struct command *cmd)
{
	static const char *const names[] = {"tracefs", "trace-cmd", "perf", "lttng", NULL};
	int i = cli_choice(cmd, "--tracer", optarg, names);

	if (i >= 0)
		q->live.backend = (enum record_backend)(RECORD_TRACEFS + i);
	return i >= 0;
}

static bool choose_machine(struct query *q, const struct command *cmd)
{
	static const char *const machines[] = {"host", "guest", NULL};

	return (q->machine = cli_choice(cmd, "--print", optarg, machines)) >= 0;
}

/* "10s", "1.5m", "500ms", "10": seconds. Return: whether it is one; if not, that has been said. */
static bool take_seconds(const struct command *cmd, const char *option, double most, double *sp)
{
	static const struct {
		const char *unit;
		double s;
	} units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"min", 60}, {"h", 3600}};
	char *end;
	double n = strtod(optarg, &end);

	for (size_t i = 0; end != optarg && i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(end, units[i].unit) && n * units[i].s > 0 && n * units[i].s <= most) {
			*sp = n * units[i].s;
			return true;
		}
	}
	cli_usage(cmd, "%s takes a time such as 10s or 2m, up to %.0f s, not '%s'", option, most,
		  optarg);
	return false;
}

static bool take_flight(struct query *q, const struct command *cmd)
{
	double s;

	if (!take_seconds(cmd, "--flight", MAX_FLIGHT_SECONDS, &s))
		return false;
	q->live.recorder.flight_s = s < 1 ? 1 : (unsigned)(s + 0.5);
	return true;
}

/* Return: whether the option's value is a good one; if not, that has been said. */
static bool take_option(struct query *q, const struct command *cmd, int option)
{
	struct wanted_options *wanted = &q->live.recorder.wanted;

	switch ((enum option_id)option) {
	case OPT_PRINT:
		return choose_machine(q, cmd);
	case OPT_TRACER:
		return choose_tracer(q, cmd);
	case OPT_FOR:
		return take_seconds(cmd, "--for", MAX_SECONDS, &q->live.for_s);
	case OPT_GUEST:
		return !record_guests_take(&q->live.guests, cmd, optarg);
	case OPT_FLIGHT:
		return take_flight(q, cmd);
	case OPT_WHEN:
		return !record_condition_take(vec_push(&q->live.when), cmd, optarg);
	case OPT_LITE:
		return wanted->lite = true;
	case OPT_SYSCALLS:
		return wanted->syscalls = true;
	case OPT_NET:
		return wanted->net = true;
	case OPT_BLOCK:
		return wanted->block = true;
	case OPT_DRY_RUN:
		return q->dry_run = true;
	case OPT_SAVE:
		return q->save = true;
	case OPT_NO_ANALYSIS:
		return q->live.no_analysis = true;
	case OPT_OUTPUT:
		q->live.dir = optarg;
		return true;
	}
	return false;
}

/* ---- work ------------------------------------------------------------------------------------ */

static int print_recipe(const struct command *cmd, const struct query *q)
{
	static const enum tracer tracers[] = {[RECORD_TRACE_CMD] = TRACER_TRACE_CMD,
					      [RECORD_PERF] = TRACER_PERF,
					      [RECORD_LTTNG] = TRACER_LTTNG};

	if (q->live.backend == RECORD_TRACEFS)
		return cli_usage(cmd, "--print has no script for tracefs: `vmscope record` is it");
	recipe_print(q->machine ? ROLE_GUEST : ROLE_HOST, tracers[q->live.backend], stdout);
	return CLI_OK;
}

/* Return: what is wrong with what was asked for as a whole, or NULL. */
static const char *find_fault(const struct query *q)
{
	const struct record_request *l = &q->live;
	bool is_other = l->backend != RECORD_AUTO && l->backend != RECORD_TRACEFS;
	const struct wanted_options *w = &l->recorder.wanted;

	if (l->recorder.flight_s && (is_other || l->guests.all.n))
		return "--flight is for this host alone, by its own tracefs instance";
	if (is_other && (w->lite || w->net || w->block))
		return "--lite, --net and --block are for its own tracefs instance alone";
	if (is_other && l->backend != RECORD_TRACE_CMD &&
	    record_guests_has(&l->guests, RECORD_BY_AGENT))
		return "guests with trace-cmd's agent are recorded by trace-cmd";
	if (l->backend == RECORD_TRACEFS && record_guests_has(&l->guests, RECORD_BY_AGENT))
		return "guests with trace-cmd's agent are recorded by trace-cmd";
	return NULL;
}

/* What is to be seen has to be in what is kept, with some time before it. */
static const char *find_fault_of_when(const struct record_request *l)
{
	if (l->when.n && !l->recorder.flight_s)
		return "--when is for --flight, which it has saved";
	vec_each (c, &l->when) {
		if (c->for_ns + NS_PER_S > l->recorder.flight_s * NS_PER_S)
			return "--flight has to keep a second more than a condition of --when holds";
	}
	return NULL;
}

static int go(const struct command *cmd, struct query *q)
{
	const char *fault = find_fault(q);

	fault = fault ? fault : find_fault_of_when(&q->live);
	if (q->machine >= 0)
		return print_recipe(cmd, q);
	if (q->save)
		return record_live_ask_to_save(cmd);
	if (fault)
		return cli_usage(cmd, "%s", fault);
	return q->dry_run ? record_live_dry(cmd, &q->live) : record_live(cmd, &q->live);
}

static void query_deinit(struct query *q)
{
	record_guests_deinit(&q->live.guests);
	vec_each (c, &q->live.when)
		record_condition_deinit(c);
	vec_deinit(&q->live.when);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct query q = {.machine = -1};
	int option, status;

	while ((option = cli_next_option(cmd, argc, argv, options)) > 0) {
		if (!take_option(&q, cmd, option)) {
			query_deinit(&q);
			return CLI_USAGE;
		}
	}
	if (option != CLI_OPTIONS_END)
		status = cli_option_status(option);
	else if (optind != argc)
		status = cli_usage(cmd, "'%s' is no option; recordings go to a directory, -o DIR",
				   argv[optind]);
	else
		status = go(cmd, &q);
	query_deinit(&q);
	return status;
}

const struct command cmd_record = {
	.name = "record",
	.summary = "record this host and its guests, and analyze what was recorded",
	.help = "usage: vmscope record [--for TIME] [-o DIR] [--guest GUEST]... [OPTION...]\n"
		"       vmscope record --flight TIME [--when CONDITION]... [-o DIR]\n"
		"       vmscope record --save\n"
		"       vmscope record --print host|guest [--tracer trace-cmd|perf|lttng]\n\n"
		"Record this KVM host, as root, until Ctrl-C; then analyze it, and say where the files\n"
		"are. Everything that was switched on is switched off again.\n\n"
		"  --for TIME          for so long: 10s, 500ms, 2m\n"
		"  -o, --output DIR    where files go; a directory named after the time by default\n"
		"  --guest NAME=ssh:DESTINATION\n"
		"                      record that guest along, by the trace-cmd in it\n"
		"  --guest NAME=vsock:CID\n"
		"                      by trace-cmd's agent in it; trace-cmd then records the host, too\n"
		"  --guest NAME        by hand: prints the commands, and waits for the file\n"
		"  --lite              only events without which a part of the report is missing\n"
		"  --syscalls          system calls, too: half of a busy machine's events\n"
		"  --net, --block      packets; requests to disks: for other programs that read the file\n"
		"  --tracer tracefs|trace-cmd|perf|lttng\n"
		"                      what records the host; tracefs, by ourselves, is the default\n"
		"  --dry-run           print all that would be done, and do nothing\n"
		"  --no-analysis       only record\n"
		"  --flight TIME       keep the last so many seconds in memory, and save them on SIGUSR1\n"
		"  --when CONDITION    and save them when it holds: 'web1 ready > 20% for 1s'; a share of\n"
		"                      time as for `check --limit`; may be given several times\n"
		"  --save              have running flight recorders save\n"
		"  --print host|guest  print a shell script that records a host or a guest, to read and\n"
		"                      then to run as root on that machine. Nothing is run here\n"
		"  --help              print this\n",
	.run = run,
};
