#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cause.h"

enum kind { COUNT, SEED, SECONDS, SIZE, PERCENT, FACTOR, MICROSECONDS, ON, OFF, CHOICE, CAUSES };

static const struct option {
	const char *name;
	enum kind kind;
	size_t at;
	double min, max;
	const char *help;
} OPTIONS[] = {
#define AT(field) offsetof(struct options, field)
	{"seed", SEED, AT(seed), 0, 1.8e19, "N  the same seed and options give the same bytes (1)"},
	{"format", CHOICE, AT(format), 0, 0, "ctf|trace.dat|perf.data  of the recordings (ctf)"},
	{"pcpus", COUNT, AT(pcpus), 1, 64, "N  CPUs of the host (2)"},
	{"vms", COUNT, AT(vms), 0, 256, "N  virtual machines (1)"},
	{"vcpus", COUNT, AT(vcpus), 1, 64, "N  virtual CPUs of each (1)"},
	{"untraced", COUNT, AT(untraced), 0, 256,
	 "N  the last N virtual machines have no trace (0)"},
	{"load", COUNT, AT(load), 0, 1000, "N  workloads on each machine (4)"},
	{"calm", MICROSECONDS, AT(calm), 0, 1e9,
	 "US  each rests about so long after every bit of work: for long recordings (0)"},
	{"duration", SECONDS, AT(duration), 0, 1e6,
	 "S  seconds recorded (1, or no limit with the next)"},
	{"events", SIZE, AT(events), 0, 1e15, "N[kMG]  stop when so many events are written"},
	{"size", SIZE, AT(size), 0, 1e15, "N[kMG]  stop when so many bytes are written"},
	{"packet-size", SIZE, AT(packet_size), 4096, 1 << 26, "N[kMG]  bytes a packet (64k)"},
	{"warmup", SECONDS, AT(warmup), 0, 1e4, "S  simulated before tracing begins (0.05)"},
	{"slow", FACTOR, AT(slow), 0.01, 1000,
	 "F  all kernel work takes F times as long (1; 30 is like a recording on an emulator)"},
	{"halt-poll", MICROSECONDS, AT(halt_poll), 0, 1e6,
	 "US  poll so long before a halt sleeps (0)"},
	{"isa", CHOICE, AT(vmx), 0, 0, "svm|vmx  exit codes and order of events (svm)"},
	{"cause", CAUSES, AT(causes), 0, 0,
	 "NAME[,NAME]  why g1 is slow: see README.md; 3 VMs, 8 CPUs, unless said behind it"},
	{"late-quota", ON, AT(late_quota), 0, 0,
	 "  a thread whose quota is used up stops when it runs, as from kernel 6.18 on"},
	{"poll-events", ON, AT(poll_events), 0, 0,
	 "  kvm_vcpu_wakeup and kvm_halt_poll_ns are recorded"},
	{"no-timer-events", OFF, AT(timer_events), 0, 0, "  hrtimers are not recorded"},
	{"compact", ON, AT(compact), 0, 0, "  event_header_compact instead of large"},
	{"channels", ON, AT(channels), 0, 0,
	 "  KVM's events in a channel, or ftrace instance, of their own"},
	{"old-names", ON, AT(old_names), 0, 0, "  events as lttng-modules 2.7 names them"},
	{"stock-probe", ON, AT(stock_probe), 0, 0, "  kvm_x86_entry's vcpu_id is half a pointer"},
	{"no-statedump", OFF, AT(statedump), 0, 0, "  no lttng_statedump events"},
	{"no-ioctl", OFF, AT(ioctl), 0, 0, "  KVM_RUN's system call is not recorded"},
	{"no-truth", OFF, AT(truth), 0, 0, "  no interval files in truth/, for large traces"},
	{"identical", ON, AT(identical), 0, 0, "  all virtual machines run the same workloads"},
	{"contention", ON, AT(contention), 0, 0,
	 "  vCPUs on half of the host's CPUs, endless loops everywhere"},
	{"containers", ON, AT(containers), 0, 0, "  some processes in PID namespaces, one nested"},
	{"late-guests", ON, AT(late_guests), 0, 0,
	 "  every second machine starts in the recording"},
	{"late-tracing", ON, AT(late_tracing), 0, 0, "  guests are traced from somewhere in it on"},
	{"vmsync", ON, AT(vmsync), 0, 0, "  vmsync events"},
	{"vmsync-every", MICROSECONDS, AT(vmsync_every), 1, 1e9,
	 "US  time between them, about (10000)"},
	{"vmsync-decoys", PERCENT, AT(vmsync_decoys), 0, 100,
	 "PCT  exchanges with a vmsync_gh_host beside them that means nothing (0)"},
	{"vmsync-lost", PERCENT, AT(vmsync_lost), 0, 100, "PCT  of vmsync events not recorded (0)"},
	{"lost-events", PERCENT, AT(lost_events), 0, 90,
	 "PCT  of events dropped for want of a packet (0)"},
	{"lost-packets", PERCENT, AT(lost_packets), 0, 90, "PCT  of packets overwritten (0)"},
	{"clock-offset", FACTOR, AT(clock_offset), 0, 1e8,
	 "S  guests' time of day is off by up to S seconds (2)"},
	{"clock-drift", FACTOR, AT(drift_ppm), 0, 1000,
	 "PPM  guests' clocks drift by up to PPM (20)"},
	{"clock-slew", FACTOR, AT(slew_ppm), 0, 1000,
	 "PPM  and the drift changes by up to PPM (0)"},
	{"clock-slew-every", SECONDS, AT(slew_every), 1e-3, 1e6, "S  about every S seconds (16)"},
	{"clock-step", COUNT, AT(steps), 0, 1000, "N  guests' clocks jump N times (0)"},
	{"clock-step-us", MICROSECONDS, AT(step_ns), -1e12, 1e12,
	 "US  by US microseconds; negative jumps make CTF readers unhappy (250000)"},
	{"odd-cpu", COUNT, AT(odd_cpu), 0, 1000,
	 "N  the CPU of guests whose clock differs from the others' by the next two (1)"},
	{"odd-cpu-us", MICROSECONDS, AT(odd_cpu_ns), -1e12, 1e12,
	 "US  by US microseconds; negative: it is behind (0); not with --tsc-clock"},
	{"odd-cpu-drift", FACTOR, AT(odd_cpu_ppm), -1000, 1000, "PPM  and goes faster by PPM (0)"},
	{"tsc-clock", ON, AT(tsc_clock), 0, 0,
	 "  clocks count TSC cycles; virtual machines start in the recording"},
	{"tsc-scale", ON, AT(tsc_scale), 0, 0, "  and guests' TSCs are slower than the host's"},
	{"no-tsc2nsec", OFF, AT(tsc2nsec), 0, 0,
	 "  trace.dat: it is not said how cycles become ns"},
	{"no-wall-clock", OFF, AT(wall_clock), 0, 0,
	 "  perf.data: perf's own clock, whose time of day is not known"},
	{"saved-names", COUNT, AT(saved_names), 0, 32768,
	 "N  trace.dat: names of threads that the kernel keeps (128)"},
	{"agent", ON, AT(agent), 0, 0,
	 "  trace.dat: guests are recorded with their host, by trace-cmd's agent"},
	{"agent-error", MICROSECONDS, AT(agent_error), -1e9, 1e9,
	 "US  by which it is wrong about their clocks (0)"},
	{"trace-compress", CHOICE, AT(compression), 0, 0,
	 "none|zlib|zstd  trace.dat; perf.data with zstd alone (none)"},
#undef AT
};

enum { N_OPTIONS = sizeof(OPTIONS) / sizeof(*OPTIONS) };

static void help(void)
{
	printf("usage: vmscope-sim [OPTION...] DIR\n\nSimulates a KVM host and its guests and writes "
	       "what is\nrecorded of each into DIR/host, DIR/g1, ... and what truly happened into DIR/truth "
	       "(see tests/sim/README.md).\n\n");
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		const char *text = strchr(OPTIONS[i].help, ' ');
		char name[64];
		snprintf(name, sizeof(name), "--%s %.*s", OPTIONS[i].name,
			 (int)(text - OPTIONS[i].help), OPTIONS[i].help);
		printf("  %-26s%s\n", name, text + 1);
	}
}

static int bad(const char *name, const char *value)
{
	fprintf(stderr, "vmscope-sim: --%s does not take '%s'\n", name, value);
	return ERR;
}

static double unit_of(enum kind kind)
{
	return kind == SECONDS ? 1e9 : kind == MICROSECONDS ? 1e3 : 1;
}

static double suffix(enum kind kind, char **endp)
{
	static const char letters[] = "kMG";
	const char *at = kind == SIZE && **endp ? strchr(letters, **endp) : NULL;
	static const double factors[] = {1e3, 1e6, 1e9};

	if (!at)
		return 1;
	++*endp;
	return factors[at - letters];
}

static int set_number(struct options *o, const struct option *opt, const char *value)
{
	void *p = (char *)o + opt->at;
	char *end;
	double v = strtod(value, &end);

	v *= suffix(opt->kind, &end);
	if (end == value || *end || !(v >= opt->min && v <= opt->max))
		return bad(opt->name, value);
	if (opt->kind == COUNT)
		*(unsigned *)p = (unsigned)v;
	else if (opt->kind == PERCENT || opt->kind == FACTOR)
		*(double *)p = v;
	else if (opt->kind == SEED)
		*(uint64_t *)p = strtoull(value, NULL, 10);
	else
		*(int64_t *)p = (int64_t)(v * unit_of(opt->kind));
	return 0;
}

/* Sets a byte to the number of the word among those that its help begins with. */
static int set_choice(struct options *o, const struct option *opt, const char *value)
{
	const char *word = opt->help;
	size_t n = strlen(value);

	for (uint8_t i = 0;; i++) {
		size_t len = strcspn(word, "| ");
		if (len == n && !memcmp(word, value, n)) {
			memcpy((char *)o + opt->at, &i, 1);
			return 0;
		}
		if (word[len] == ' ')
			return bad(opt->name, value);
		word += len + 1;
	}
}

/* The scene is set for them, unless later options change it. */
static int set_causes(struct options *o, const struct option *opt, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, ",");
		int cause = cause_by_name(value, n);
		if (cause < 0)
			return bad(opt->name, value);
		o->causes |= 1u << cause;
		value += n + (value[n] == ',');
	}
	o->pcpus = 8;
	o->vms = 3;
	o->vcpus = 2;
	if (o->causes >> CAUSE_POLLING & 1)
		o->halt_poll = 200000;
	return 0;
}

static int set(struct options *o, const struct option *opt, const char *value)
{
	if (opt->kind == CAUSES)
		return set_causes(o, opt, value);
	if (opt->kind == CHOICE)
		return set_choice(o, opt, value);
	return set_number(o, opt, value);
}

static const struct option *find(const char *arg)
{
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		if (!strcmp(OPTIONS[i].name, arg))
			return &OPTIONS[i];
	}
	fprintf(stderr, "vmscope-sim: there is no option --%s; see --help\n", arg);
	return NULL;
}

static bool is_flag(const struct option *opt)
{
	return opt->kind == ON || opt->kind == OFF;
}

/* Takes argv[*ip], and the value behind it. */
static int take(struct options *o, int argc, char **argv, int *ip)
{
	const struct option *opt = find(argv[*ip] + 2);

	if (!opt)
		return ERR;
	if (is_flag(opt)) {
		*(bool *)((char *)o + opt->at) = opt->kind == ON;
		return 0;
	}
	if (++*ip == argc)
		return bad(opt->name, "");
	return set(o, opt, argv[*ip]);
}

static const struct options DEFAULTS = {
	.seed = 1,
	.pcpus = 2,
	.vms = 1,
	.vcpus = 1,
	.load = 4,
	.duration = -1,
	.packet_size = 65536,
	.warmup = 50000000,
	.slow = 1,
	.vmsync_every = 10000000,
	.clock_offset = 2,
	.drift_ppm = 20,
	.slew_every = 16000000000,
	.step_ns = 250000000,
	.odd_cpu = 1,
	.statedump = true,
	.ioctl = true,
	.truth = true,
	.timer_events = true,
	.tsc2nsec = true,
	.wall_clock = true,
	.saved_names = 128,
};

static int complete(struct options *o)
{
	if (!o->out) {
		fprintf(stderr, "vmscope-sim: which directory? see --help\n");
		return ERR;
	}
	if (o->duration < 0)
		o->duration = o->events || o->size ? 0 : 1000000000;
	if (!o->duration && !o->events && !o->size) {
		fprintf(stderr, "vmscope-sim: that would never end\n");
		return ERR;
	}
	if (o->untraced > o->vms)
		o->untraced = o->vms;
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	*o = DEFAULTS;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			help();
			return 1;
		}
		if (strncmp(argv[i], "--", 2)) {
			o->out = argv[i];
			continue;
		}
		if (take(o, argc, argv, &i))
			return ERR;
	}
	return complete(o);
}
