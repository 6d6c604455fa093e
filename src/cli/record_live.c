#include "cli/record_live.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "cli/analyzed.h"
#include "cli/common.h"
#include "cli/report_args.h"
#include "inspect/recipe.h"
#include "tracefs/instance.h"
#include "tracefs/tracing.h"

enum { RECORD_STEP_MS = 200, RECORD_START_MS = 60000, RECORD_QUIET_S = 10 };

/* A recording while it is made. */
struct record_work {
	struct record_request *q;
	char *dir;	 /* owned */
	char *path;	 /* owned: the host's recording */
	char *log;	 /* owned: of another recorder */
	int signals;	 /* owned: a signalfd, or -1 */
	sigset_t before; /* what was blocked before */
	bool is_terminal;
};

/* ---- signals --------------------------------------------------------------------------------- */

/* They are read when it is their turn, so that nothing is left half done. */
static void record_take_signals(struct record_work *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &w->before);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Return: the signal that came, or 0. */
static int record_next_signal(const struct record_work *w)
{
	struct signalfd_siginfo info;

	return read(w->signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

static void record_give_signals_back(struct record_work *w)
{
	while (record_next_signal(w))
		;
	close(w->signals);
	w->signals = -1;
	sigprocmask(SIG_SETMASK, &w->before, NULL);
}

/* ---- places ---------------------------------------------------------------------------------- */

static char *record_time_text(const char *format)
{
	char text[64];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), format, &tm);
	return mem_strdup(text);
}

static char *record_dir(const struct record_request *q)
{
	return q->dir ? mem_strdup(q->dir) : record_time_text("vmscope-%Y%m%d-%H%M%S");
}

static const char *record_host_file(enum record_backend backend)
{
	return backend == RECORD_PERF	 ? "host.perf.data"
	       : backend == RECORD_LTTNG ? "host"
					 : "host.dat";
}

static void record_place(struct record_work *w, enum record_backend backend)
{
	free(w->path);
	w->path = mem_printf("%s/%s", w->dir, record_host_file(backend));
}

static int record_make_dir(const struct record_work *w, struct error *err)
{
	if (mkdir(w->dir, 0777) && errno != EEXIST)
		return error_errno(err, errno, "cannot make the directory '%s'", w->dir);
	if (!access(w->path, F_OK))
		return error_set(err,
				 "there is a recording in '%s' already; name another one "
				 "with -o",
				 w->dir);
	return 0;
}

/* ---- what is said while it records ----------------------------------------------------------- */

static void record_say_counts(FILE *f, const struct drain_counts *c)
{
	fprintf(f, "%" PRIu64 " events, %.1f MB, ", c->events, (double)c->bytes / 1e6);
	if (c->lost)
		fprintf(f, "%" PRIu64 " LOST", c->lost);
	else
		fputs("none lost", f);
}

/* On a terminal in one line that changes, else now and then in a line of its own. */
static int record_say_progress(const struct record_work *w, const struct recorder *r,
			       int64_t *next_s, struct error *err)
{
	int64_t age_s = recorder_age_ns(r) / 1000000000;
	struct drain_counts c;

	if (age_s < *next_s)
		return 0;
	*next_s = age_s + (w->is_terminal ? 1 : RECORD_QUIET_S);
	if (drain_count(&r->drain, &c, err))
		return ERR;
	fprintf(stderr, "%s%4" PRId64 " s: ", w->is_terminal ? "\r\033[K" : "vmscope: ", age_s);
	if (r->options.flight_s)
		fprintf(stderr, "the last %.0f s are in memory (%u KB per CPU)",
			recorder_holds_s(r), r->buffer_kb);
	else
		record_say_counts(stderr, &c);
	fputs(w->is_terminal ? "" : "\n", stderr);
	return 0;
}

static void record_say_quotas(const struct recorder *r)
{
	vec_each (vm, &r->end.vms) {
		vec_each (before, &r->begin.vms) {
			if (before->pid != vm->pid || vm->quota_us < 0 || before->n_throttled < 0)
				continue;
			char *label = host_vm_label(vm);

			fprintf(stderr,
				"vmscope: %s may use %.2f CPUs (%s); meanwhile its group was "
				"throttled %" PRId64 " times, %.3f s\n",
				label, (double)vm->quota_us / (double)vm->period_us,
				vm->quota_cgroup, vm->n_throttled - before->n_throttled,
				(double)(vm->throttled_us - before->throttled_us) / 1e6);
			free(label);
		}
	}
}

/* ---- by ourselves ---------------------------------------------------------------------------- */

static int record_save_flight(const struct record_work *w, struct recorder *r, struct error *err)
{
	char *name = record_time_text("host-%Y%m%d-%H%M%S.dat");
	char *path = mem_printf("%s/%s", w->dir, name);
	struct drain_counts c;
	int result = recorder_save(r, path, &c, err);

	if (!result)
		fprintf(stderr, "%svmscope: saved '%s'; vmscope analyze %s\n",
			w->is_terminal ? "\r\033[K" : "", path, path);
	free(path);
	free(name);
	return result;
}

/* Return: 1 to go on, 0 when it is over, or ERR. */
static int record_answer_signal(const struct record_work *w, struct recorder *r, struct error *err)
{
	int signal = record_next_signal(w);

	if (signal == SIGUSR1 && r->options.flight_s)
		return record_save_flight(w, r, err) ? ERR : 1;
	return !signal || signal == SIGUSR1;
}

static int record_until_over(const struct record_work *w, struct recorder *r, struct error *err)
{
	int64_t next_s = w->is_terminal ? 1 : RECORD_QUIET_S;
	double for_ns = w->q->for_s * 1e9;
	int go_on = 1;

	while (go_on > 0 && (for_ns <= 0 || (double)recorder_age_ns(r) < for_ns)) {
		double left_ms = (for_ns - (double)recorder_age_ns(r)) / 1e6;
		int ms = for_ns > 0 && left_ms < RECORD_STEP_MS ? (int)left_ms + 1 : RECORD_STEP_MS;
		bool has_signal;

		if (recorder_step(r, w->signals, ms, &has_signal, err) ||
		    record_say_progress(w, r, &next_s, err))
			return ERR;
		if (has_signal)
			go_on = record_answer_signal(w, r, err);
	}
	return go_on < 0 ? ERR : 0;
}

static void record_say_begin(const struct record_work *w, const struct recorder *r)
{
	fprintf(stderr, "vmscope: recording to '%s' by a tracefs instance of its own; clock %s; ",
		w->dir, r->clock.name);
	if (r->options.flight_s)
		fprintf(stderr,
			"keeping the last %u s. `vmscope record --save` or SIGUSR1 to process %ld "
			"saves them, Ctrl-C ends\n",
			r->options.flight_s, (long)getpid());
	else if (w->q->for_s > 0)
		fprintf(stderr, "for %g s, Ctrl-C ends it before\n", w->q->for_s);
	else
		fputs("Ctrl-C ends it\n", stderr);
	vec_each (e, &r->wanted.events) {
		if (e->required && e->required->need == NEED_CORE && !recorder_has(e))
			fprintf(stderr, "vmscope: this kernel has no %s: %s%s\n", e->name,
				e->required->without,
				!strncmp(e->name, "kvm:", 4) ? " (is the module kvm loaded?)" : "");
	}
}

static int record_with_recorder(struct record_work *w, struct recorder *r, struct error *err)
{
	struct drain_counts c;

	record_say_begin(w, r);
	w->q->guests.clock = r->clock.name;
	record_guests_begin(&w->q->guests);
	if (w->q->guests.all.n) /* what is recorded begins when all do */
		r->since_ns += recorder_age_ns(r);
	struct record_watch *watch = NULL;

	if (w->q->when.n)
		watch = record_watch_new(w->q->when.at, w->q->when.n);
	int result = record_until_over(w, r, err);

	record_watch_free(watch);
	record_guests_end(&w->q->guests);
	if (result || r->options.flight_s)
		return result;
	result = recorder_save(r, w->path, &c, err);
	if (!result) {
		fprintf(stderr, "%svmscope: recorded ", w->is_terminal ? "\r\033[K" : "");
		record_say_counts(stderr, &c);
		fputs("\n", stderr);
		record_say_quotas(r);
	}
	return result;
}

static int record_by_tracefs(struct record_work *w, struct error *err)
{
	struct recorder r;
	int result = recorder_begin(&r, &w->q->recorder, w->dir, err);

	result = result ? result : record_with_recorder(w, &r, err);
	recorder_deinit(&r);
	return result;
}

/* ---- by another program ---------------------------------------------------------------------- */

static enum tracer record_tracer(enum record_backend backend)
{
	return backend == RECORD_PERF	 ? TRACER_PERF
	       : backend == RECORD_LTTNG ? TRACER_LTTNG
					 : TRACER_TRACE_CMD;
}

/* The recipe, with what it is asked for before it. LTTng's only starts it. */
static char *record_script(const struct record_work *w, enum record_backend backend)
{
	char *output = runner_quote(w->path), *cids = record_guests_cids(&w->q->guests);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f) {
		fprintf(f, "OUTPUT=%s\nGUESTS='%s'\nSYSCALLS=%s\n", output, cids,
			w->q->recorder.wanted.syscalls ? "yes" : "no");
		recipe_print(ROLE_HOST, record_tracer(backend), f);
		if (backend == RECORD_LTTNG)
			fputs("\"$@\"\nlttng stop vmscope\nlttng destroy vmscope\n", f);
		fclose(f);
	}
	free(cids);
	free(output);
	return text;
}

static void record_wait(const struct record_work *w)
{
	struct pollfd signals = {.fd = w->signals, .events = POLLIN};
	const int64_t begin = monotonic_ns();

	while (w->q->for_s <= 0 || (double)(monotonic_ns() - begin) / 1e9 < w->q->for_s) {
		if (poll(&signals, 1, RECORD_STEP_MS) > 0 && record_next_signal(w) != SIGUSR1)
			return;
	}
}

/* trace-cmd calls agents' files host-CID.dat. */
static void record_name_agents_files(const struct record_work *w)
{
	vec_each (guest, &w->q->guests.all) {
		if (guest->way != RECORD_BY_AGENT)
			continue;
		char *from = mem_printf("%s/host-%s.dat", w->dir, guest->where);

		if (rename(from, guest->path))
			fprintf(stderr, "vmscope: guest %s: there is no '%s': %s\n", guest->name,
				from, strerror(errno));
		free(from);
	}
}

static int record_with_runner(struct record_work *w, struct runner *runner, const char *name,
			      struct error *err)
{
	if (!runner_wait(runner, RECORD_START_MS)) {
		runner_end(runner);
		return error_set(err, "%s does not record; '%s' says why", name, w->log);
	}
	fprintf(stderr, "vmscope: %s is recording; Ctrl-C ends it\n", name);
	record_guests_begin(&w->q->guests);
	record_wait(w);
	record_guests_end(&w->q->guests);
	if (runner_end(runner))
		return error_set(err, "%s failed; '%s' says why", name, w->log);
	record_name_agents_files(w);
	return 0;
}

static int record_by_program(struct record_work *w, enum record_backend backend, struct error *err)
{
	char *script = record_script(w, backend);
	struct runner_options o = {script, NULL, w->log};
	struct runner runner;
	const char *name = tracer_name(record_tracer(backend));

	w->q->guests.clock = "mono"; /* that of the recipes */
	int result = runner_start(&runner, &o, err);

	result = result ? result : record_with_runner(w, &runner, name, err);
	free(script);
	return result;
}

/* ---- which ----------------------------------------------------------------------------------- */

static bool record_has_program(const char *name)
{
	char *rest = NULL, *path = mem_strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	bool found = false;

	for (char *dir = strtok_r(path, ":", &rest); dir && !found;
	     dir = strtok_r(NULL, ":", &rest)) {
		char *file = mem_printf("%s/%s", dir, name);

		found = !access(file, X_OK);
		free(file);
	}
	free(path);
	return found;
}

/* Return: what records where nothing was asked for; *whyp: because. */
static enum record_backend record_choose(const struct record_request *q, const char **whyp)
{
	if (q->backend != RECORD_AUTO) {
		*whyp = "it was asked for";
		return q->backend;
	}
	if (record_guests_has(&q->guests, RECORD_BY_AGENT)) {
		*whyp = "guests are recorded by its agent, which also measures their clocks";
		return RECORD_TRACE_CMD;
	}
	*whyp = "nothing else is needed, and nobody else's tracing is touched";
	return RECORD_TRACEFS;
}

static const char *record_backend_name(enum record_backend backend)
{
	return backend == RECORD_TRACEFS ? "a tracefs instance of its own"
					 : tracer_name(record_tracer(backend));
}

/* Where we cannot have an instance but tracefs can be read, perf may do. */
static int record_host(struct record_work *w, enum record_backend backend, struct error *err)
{
	struct error other = {0};
	int result = backend == RECORD_TRACEFS ? record_by_tracefs(w, err)
					       : record_by_program(w, backend, err);

	if (result != ERR || w->q->backend != RECORD_AUTO || backend != RECORD_TRACEFS ||
	    w->q->recorder.flight_s || access(w->path, F_OK) == 0)
		return result;
	bool can_read = !tracing_find(&other);

	error_deinit(&other);
	if (!can_read || !record_has_program("perf"))
		return result;
	fprintf(stderr, "vmscope: trying perf, since %s\n", err->text);
	error_deinit(err);
	record_place(w, RECORD_PERF);
	return record_by_program(w, RECORD_PERF, err);
}

/* ---- afterwards ------------------------------------------------------------------------------ */

static int record_analyze(const struct record_work *w, struct error *err)
{
	const struct record_guests *g = &w->q->guests;
	struct report_options report = {.findings = FINDINGS_OF_ALL};
	struct analysis_options options = ANALYSIS_OPTIONS_AUTO;
	struct input_options input = {0};
	char **traces = mem_zalloc(g->all.n + 1, sizeof(*traces));
	char *results = mem_printf("%s/results.vms", w->dir);
	struct run a;
	size_t n = 0;

	options.threads = report.threads = cli_threads();
	traces[n++] = mem_strdup(w->path);
	vec_each (guest, &g->all) {
		if (guest->is_there)
			traces[n++] = mem_printf("%s=%s", guest->name, guest->path);
	}
	int result = analyzed_init(&a, traces, n, &options, &input, results, err);

	report.tally = a.tally;
	result = result ? result : report_args_print(&report, a.store, false, err);
	run_deinit(&a);
	for (size_t i = 0; i < n; i++)
		free(traces[i]);
	free(traces);
	free(results);
	return result;
}

static void record_say_files(const struct record_work *w)
{
	fflush(stdout);
	fprintf(stderr,
		"\nvmscope: in '%s': %s (also for trace-cmd and KernelShark), results.vms\n"
		"  vmscope report %s/results.vms --all\n"
		"  vmscope serve %s\n",
		w->dir, record_host_file(w->q->backend), w->dir, w->dir);
}

static int record_finish(struct record_work *w, struct error *err)
{
	record_guests_fetch(&w->q->guests, w->signals);
	record_give_signals_back(w);
	if (w->q->no_analysis) {
		fprintf(stderr, "vmscope: look at it: vmscope analyze %s\n", w->dir);
		return 0;
	}
	int result = record_analyze(w, err);

	if (result != ERR)
		record_say_files(w);
	return result;
}

/* What killed ones have left goes first. */
static int record_sweep(struct error *err)
{
	int n = instance_sweep(err);

	if (n > 0)
		fprintf(stderr,
			"vmscope: removed %d tracefs instance%s that killed ones have left\n", n,
			n == 1 ? "" : "s");
	return n < 0 ? ERR : 0;
}

static int record_all(struct record_work *w, struct error *err)
{
	const char *why;
	enum record_backend backend = record_choose(w->q, &why);

	record_place(w, backend);
	if (backend == RECORD_TRACEFS && record_sweep(err))
		return ERR;
	if (record_make_dir(w, err))
		return ERR;
	if (backend != RECORD_TRACEFS)
		fprintf(stderr, "vmscope: recording to '%s' by %s: %s\n", w->dir,
			record_backend_name(backend), why);
	int result = record_host(w, backend, err);

	if (result == ERR)
		rmdir(w->dir); /* if there is nothing in it */
	return result || w->q->recorder.flight_s ? result : record_finish(w, err);
}

int record_live(const struct command *cmd, struct record_request *q)
{
	struct error err = {0};
	struct record_work w = {.q = q, .signals = -1, .is_terminal = isatty(STDERR_FILENO)};

	w.dir = record_dir(q);
	w.log = mem_printf("%s/host.log", w.dir);
	record_guests_place(&q->guests, w.dir);
	q->guests.syscalls = q->recorder.wanted.syscalls;
	record_take_signals(&w);
	int result = record_all(&w, &err);

	if (w.signals >= 0)
		record_give_signals_back(&w);
	free(w.log);
	free(w.path);
	free(w.dir);
	return result == ERR ? cli_failed(cmd, &err) : result;
}

/* ---- beforehand ------------------------------------------------------------------------------ */

static void record_print_events(const struct record_request *q)
{
	struct wanted wanted;
	const char *what = "";

	wanted_init(&wanted, &q->recorder.wanted);
	puts("\nEvents, and what they are for:");
	vec_each (e, &wanted.events) {
		if (strcmp(what, e->what) != 0)
			printf("  %s\n", e->what);
		what = e->what;
		printf("    %s", e->name);
		if (!recorder_has(e))
			printf("\tnot here%s%s", e->required ? ": " : "",
			       e->required ? e->required->without : "");
		puts("");
	}
	wanted_deinit(&wanted);
}

static void record_print_vm(const struct host_vm *vm)
{
	char *label = host_vm_label(vm);

	printf("  %s (%s, pid %d)", label, vm->monitor, vm->pid);
	free(label);
	if (vm->quota_us >= 0)
		printf(", may use %.2f CPUs (%s)", (double)vm->quota_us / (double)vm->period_us,
		       vm->quota_cgroup);
	puts("");
	vec_each (v, &vm->vcpus)
		printf("    vCPU %d: thread %d, CPUs %s%s\n", v->number, v->tid,
		       v->cpus ? v->cpus : "not known",
		       v->has_tsc_offset ? ", TSC offset known" : "");
}

static int record_print_host(struct error *err)
{
	struct host h;
	int result = host_init(&h, "", err);

	if (!result) {
		printf("\nVMs on %s (%u CPUs):\n", h.name ? h.name : "this host", h.n_cpus);
		vec_each (vm, &h.vms)
			record_print_vm(vm);
		if (!h.vms.n)
			puts("  none");
		if (h.halt_poll_ns >= 0)
			printf("  KVM polls for up to %" PRId64 " ns before a halt\n",
			       h.halt_poll_ns);
	}
	host_deinit(&h);
	return result;
}

static void record_print_way(const struct record_request *q, const char *dir, bool may_trace)
{
	const char *why;
	enum record_backend backend = record_choose(q, &why);
	struct record_clock clock;

	printf("Would record this host to '%s' by %s: %s.\n", dir, record_backend_name(backend),
	       why);
	if (backend == RECORD_TRACEFS && may_trace) {
		struct host h;
		struct error err = {0};
		unsigned most, first;

		record_clock_choose(&clock);
		printf("Clock %s: %s.\n", clock.name, clock.reason);
		if (host_init(&h, "", &err))
			error_deinit(&err);
		first = recorder_first_buffer_kb(h.n_cpus, &most);
		host_deinit(&h);
		printf("Buffers of %u KB for each CPU; after a second more if the rate asks for "
		       "it, up to %u KB.\n",
		       first, most);
	}
	vec_each (c, &q->when)
		printf("Would look each 0.2 s, by a second instance, and save when %s.\n", c->text);
	printf("Beside it goes a snapshot of the host: VMs, cgroups, KVM's counters, threads.\n");
	record_guests_print(&q->guests);
}

static void record_print_others(void)
{
	static const char *const names[] = {"trace-cmd", "perf", "lttng"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("%s%s %s", i ? ", " : "Other recorders: ", names[i],
		       record_has_program(names[i]) ? "is here" : "is not installed");
	puts(".");
}

int record_live_dry(const struct command *cmd, struct record_request *q)
{
	struct error err = {0};
	char *dir = record_dir(q);
	int missing = tracing_find(&err);

	record_print_way(q, dir, !missing);
	record_print_others();
	free(dir);
	if (!missing)
		record_print_events(q);
	int result = missing ? missing : record_print_host(&err);

	return result ? cli_failed(cmd, &err) : CLI_OK;
}

static void record_ask(void *context, int pid)
{
	int *n_failed = context;

	if (kill(pid, SIGUSR1)) {
		fprintf(stderr, "vmscope: cannot signal process %d: %s\n", pid, strerror(errno));
		++*n_failed;
	} else {
		printf("asked the flight recorder of process %d to save; it says where\n", pid);
	}
}

int record_live_ask_to_save(const struct command *cmd)
{
	struct error err = {0};
	int n_failed = 0;
	int n = instance_each_owner("flight", record_ask, &n_failed, &err);

	if (!n)
		error_set(&err, "no flight recorder runs here; `vmscope record --flight 30` "
				"starts one");
	if (n <= 0)
		return cli_failed(cmd, &err);
	return n_failed ? CLI_FAILED : CLI_OK;
}
