#include "inspect/recipe.h"

#include <string.h>

/* ---- what is to be recorded ----------------------------------------------------------------- */

/* Events of `roles`, but those that `without` needs. */
struct part {
	enum tracer tracer;
	unsigned roles, without;
};

static bool is_in(const struct required_event *r, const struct part *p)
{
	return (r->roles & p->roles) && !(r->roles & p->without) && required_by(r, p->tracer);
}

static const char *how_to_enable(const struct required_event *r, enum tracer tracer)
{
	return r->enable[tracer] ? r->enable[tracer] : r->names[tracer][0];
}

/* Return: whether one of the part's entries before this one enables it already. */
static bool is_enabled(const struct required_event *r, const struct part *p)
{
	const char *how = how_to_enable(r, p->tracer);

	for (const struct required_event *other = required_events; other < r; other++) {
		if (is_in(other, p) && !strcmp(how_to_enable(other, p->tracer), how))
			return true;
	}
	return false;
}

/* The shell's function `verb` is called for each. */
static void print_events(const struct part *p, const char *verb, FILE *f)
{
	const char *topic = "";

	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *r = &required_events[i];

		if (!is_in(r, p) || is_enabled(r, p))
			continue;
		if (strcmp(topic, r->topic) != 0)
			fprintf(f, "\n# %s\n", r->topic);
		topic = r->topic;
		fprintf(f, "%s%s %s\n", r->is_bulky ? "[ \"${SYSCALLS:-}\" = no ] || " : "", verb,
			how_to_enable(r, p->tracer));
	}
}

static void print_title(const char *recorder, enum role role, enum tracer tracer, FILE *f)
{
	const char *machine = role == ROLE_HOST ? "host" : "guest";

	fprintf(f,
		"#!/bin/sh\n"
		"# Records a KVM %s with %s, for `vmscope analyze`.\n"
		"# Printed by `vmscope record --print %s --tracer %s`. Run it as root.\n",
		machine, recorder, machine, tracer_name(tracer));
}

static void print_nested(enum role role, FILE *f)
{
	if (role == ROLE_GUEST)
		fputs("#\n"
		      "# A guest that runs guests itself is a host too: run the host's script on it.\n",
		      f);
}

/* ---- the kernel's tracepoints, which trace-cmd and perf record ------------------------------ */

/* extension: of the file that is recorded. */
static void print_usage(enum role role, const char *extension, FILE *f)
{
	fprintf(f,
		"#\n"
		"#\tsh SCRIPT\t\tuntil Ctrl-C; then wait until it is done\n"
		"#\tsh SCRIPT sleep 30\twhile the command runs\n"
		"#\n"
		"# Order: start the host, then the guests, do what is to be seen, stop the guests, then the\n"
		"# host. Then bring the files to one machine, and look:\n"
		"#\tvmscope info host.%s GUEST.%s\n"
		"#\tvmscope analyze host.%s GUEST.%s\n",
		extension, extension, extension, extension);
	print_nested(role, f);
}

static void print_want(enum role role, const char *extension, FILE *f)
{
	fprintf(f,
		"\n"
		"OUTPUT=${OUTPUT:-%s.%s}\n"
		"TRACEFS=/sys/kernel/tracing\n"
		"[ -d $TRACEFS/events ] || mount -t tracefs nodev $TRACEFS || exit 1\n"
		"\n"
		"# An event that this kernel does not have is named, and the rest goes on. KVM's are there once\n"
		"# its modules are loaded.\n"
		"EVENTS=\n"
		"want()\n"
		"{\n"
		"\tfor dir in $TRACEFS/events/${1%%%%:*}/${1#*:}; do\n"
		"\t\tif [ -d \"$dir\" ]; then\n"
		"\t\t\tEVENTS=\"$EVENTS -e ${1%%%%:*}:${dir##*/} ${2:-}\"\n"
		"\t\telse\n"
		"\t\t\techo \"not available here: $1\" >&2\n"
		"\t\tfi\n"
		"\tdone\n"
		"}\n",
		role == ROLE_HOST ? "host" : "$(uname -n)", extension);
}

/* ---- trace-cmd ------------------------------------------------------------------------------ */

enum { TRACE_CMD_BUFFER_KB = 16384 };

static void print_trace_cmd_head(enum role role, FILE *f)
{
	print_title("trace-cmd", role, TRACER_TRACE_CMD, f);
	fputs("#\tapt-get install trace-cmd\tDebian, Ubuntu\n"
	      "#\tdnf install trace-cmd\t\tRHEL, Fedora\n",
	      f);
	print_usage(role, "dat", f);
	if (role == ROLE_HOST)
		fputs("#\n"
		      "# Instead of starting the guests' scripts by hand, have trace-cmd's agents record them; then\n"
		      "# their clocks are known too. A guest needs a vsock device (libvirt: <vsock model='virtio'>\n"
		      "# <cid auto='yes'/></vsock>; QEMU: -device vhost-vsock-pci,guest-cid=3) and runs\n"
		      "#\ttrace-cmd agent\n"
		      "# Name the guests' CIDs; each is recorded to a file of its own, host-CID.dat:\n"
		      "#\tGUESTS='3 4' sh SCRIPT\n",
		      f);
}

static void print_agents(FILE *f)
{
	fprintf(f,
		"\n"
		"# Guests' agents are asked for the same, without KVM's. trace-cmd can tie clocks that count\n"
		"# the processor's cycles, and takes that clock when no other is given.\n"
		"AGENTS=\n"
		"for cid in ${GUESTS:-}; do\n"
		"\tAGENTS=\"$AGENTS -A $cid -b %d $EVENTS\"\n"
		"\tCLOCK=\n"
		"done\n",
		TRACE_CMD_BUFFER_KB);
}

static void print_trace_cmd(enum role role, FILE *f)
{
	bool is_host = role == ROLE_HOST;

	print_trace_cmd_head(role, f);
	print_want(role, "dat", f);
	if (is_host) {
		print_events(&(struct part){TRACER_TRACE_CMD, ROLE_HOST, ROLE_GUEST}, "want", f);
		fputs("\nHOST_EVENTS=$EVENTS\nEVENTS=\n", f);
	}
	print_events(&(struct part){TRACER_TRACE_CMD, ROLE_GUEST, 0}, "want", f);
	fputs("\n"
	      "# mono is CLOCK_MONOTONIC: ns on every machine, and what the other recorders' scripts take.\n"
	      "# vmscope ties guests' clocks to their host's by the events. --date notes the time of day.\n"
	      "CLOCK=${CLOCK:--C mono --date}\n",
	      f);
	if (is_host)
		print_agents(f);
	fprintf(f,
		"\n"
		"# -b: KB of buffer for each CPU; double it if `vmscope info` finds lost events. --cmdlines-size:\n"
		"# how many threads' names are kept. --no-filter: trace-cmd's own threads are seen like all others.\n"
		"# -d: the function tracer is not touched. In the end trace-cmd switches off what it switched on\n"
		"# and puts $OUTPUT.cpu0, $OUTPUT.cpu1, ... together into $OUTPUT, compressed; only the buffers\n"
		"# stay as large as they are.\n"
		"trap : INT # Ctrl-C ends the recording, not this script\n"
		"trace-cmd record -d --no-filter -o \"$OUTPUT\" $CLOCK -b %d --cmdlines-size 8192 \\\n"
		"\t%s$EVENTS%s \"$@\"\n"
		"STATUS=$?\n"
		"echo 1408 >$TRACEFS/buffer_size_kb # the kernel's own size\n"
		"exit $STATUS\n",
		TRACE_CMD_BUFFER_KB, is_host ? "$HOST_EVENTS " : "", is_host ? " $AGENTS" : "");
}

/* ---- perf ----------------------------------------------------------------------------------- */

static void print_perf(enum role role, FILE *f)
{
	print_title("perf", role, TRACER_PERF, f);
	fputs("#\tapt-get install linux-perf\t\t\tDebian\n"
	      "#\tapt-get install linux-tools-$(uname -r)\t\tUbuntu\n"
	      "#\tdnf install perf\t\t\t\tRHEL, Fedora\n",
	      f);
	print_usage(role, "perf.data", f);
	print_want(role, "perf.data", f);
	if (role == ROLE_HOST)
		fputs("\n"
		      "# By name and not as kvm:*, which is several times as much, and of which `perf data convert`\n"
		      "# cannot read kvm:kvm_emulate_insn.\n",
		      f);
	print_events(&(struct part){TRACER_PERF, role, 0}, "want", f);
	fputs("\n"
	      "# -k: the clock that the other recorders' scripts take; perf notes the time of day with it.\n"
	      "# -m: buffer for each CPU; double it if `vmscope info` finds lost events. -B: does not look up build\n"
	      "# ids in the end, which takes long and which nothing here needs. --namespaces: which threads are a\n"
	      "# container's. --exclude-perf: of perf's own system calls, each that is recorded makes more of them.\n"
	      "exec perf record -o \"$OUTPUT\" -a -k CLOCK_MONOTONIC -m 4M -B --namespaces $EVENTS -- \"$@\"\n",
	      f);
}

/* ---- LTTng ---------------------------------------------------------------------------------- */

static void print_lttng_head(enum role role, FILE *f)
{
	print_title("LTTng", role, TRACER_LTTNG, f);
	fputs("# LTTng's tools and kernel modules must be installed. The trace goes to $OUTPUT.\n"
	      "#\n"
	      "# Order: start the host, then the guests, do what is to be seen, stop the guests, then the\n"
	      "# host. To stop, on each machine:\n"
	      "#\tlttng stop; lttng destroy\n"
	      "# Then copy the guests' traces to the host's and name all of them:\n"
	      "#\tvmscope analyze host=DIRECTORY guest=DIRECTORY\n",
	      f);
	if (role == ROLE_HOST)
		fputs("#\n"
		      "# Not enabled on purpose: kvm_mmio (with lttng-modules 2.13.9 on a 6.1 kernel it can\n"
		      "# crash a vCPU's thread), and so not kvm_* as a whole either.\n"
		      "# Kernel modules of LTTng that were built without the kernel's full source have no\n"
		      "# kvm_x86_* events; then this says so below and vCPUs cannot be seen.\n",
		      f);
	print_nested(role, f);
}

static void print_lttng_session(enum role role, FILE *f)
{
	fprintf(f,
		"\n"
		"OUTPUT=${OUTPUT:-/tmp/vmscope-%s}\n"
		"lttng create vmscope --output=\"$OUTPUT\" || exit 1\n"
		"\n"
		"# 8 sub-buffers of 4 MB for each CPU. If `vmscope info` finds lost events, double the number.\n"
		"lttng enable-channel --kernel --subbuf-size=4M --num-subbuf=8 k || exit 1\n"
		"\n"
		"# An event that this kernel or tracer does not have is named, and the rest goes on.\n"
		"enable()\n"
		"{\n"
		"\tlttng enable-event --kernel --channel=k \"$@\" >/dev/null 2>&1 ||\n"
		"\t\techo \"not available here: $*\" >&2\n"
		"}\n",
		role == ROLE_HOST ? "host" : "guest");
}

static void print_lttng(enum role role, FILE *f)
{
	print_lttng_head(role, f);
	print_lttng_session(role, f);
	print_events(&(struct part){TRACER_LTTNG, role, 0}, "enable", f);
	fputs("\nlttng start || exit 1\n", f);
}

void recipe_print(enum role role, enum tracer tracer, FILE *f)
{
	static void (*const print[N_TRACERS])(enum role, FILE *) = {
		[TRACER_TRACE_CMD] = print_trace_cmd,
		[TRACER_PERF] = print_perf,
		[TRACER_LTTNG] = print_lttng,
	};

	print[tracer](role, f);
}
