#include "analyze/recipe.h"

#include <string.h>

static void print_introduction(enum role role, FILE *f)
{
	bool is_host = role == ROLE_HOST;

	fprintf(f,
		"#!/bin/sh\n"
		"# Starts recording a KVM %s with LTTng, for `vmscope analyze`.\n"
		"# Printed by `vmscope record --print %s`. Run it as root; LTTng's tools and kernel\n"
		"# modules must be installed. The trace goes to $OUTPUT.\n"
		"#\n"
		"# Order: start the host, then the guests, do what is to be seen, stop the guests, then the\n"
		"# host. To stop, on each machine:\n"
		"#\tlttng stop; lttng destroy\n"
		"# Then copy the guests' traces to the host's and name all of them:\n"
		"#\tvmscope analyze host=DIRECTORY guest=DIRECTORY\n",
		is_host ? "host" : "guest", is_host ? "host" : "guest");
	if (is_host)
		fputs("#\n"
		      "# Not enabled on purpose: kvm_mmio (with lttng-modules 2.13.9 on a 6.1 kernel it can\n"
		      "# crash a vCPU's thread), and so not kvm_* as a whole either.\n"
		      "# Kernel modules of LTTng that were built without the kernel's full source have no\n"
		      "# kvm_x86_* events; then this says so below and vCPUs cannot be seen.\n",
		      f);
	else
		fputs("#\n"
		      "# A guest that runs guests itself is a host too: run the host's commands on it.\n",
		      f);
}

static void print_session(enum role role, FILE *f)
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

/* What stands next to each other for the same words is enabled once. */
static void print_enable(const struct required_event *r, const struct required_event *before,
			 FILE *f)
{
	if (!r->enable)
		fprintf(f, "enable %s\n", r->names[0]);
	else if (!before || !before->enable || strcmp(before->enable, r->enable) != 0)
		fprintf(f, "enable %s\n", r->enable);
}

void recipe_print(enum role role, FILE *f)
{
	const struct required_event *before = NULL;

	print_introduction(role, f);
	print_session(role, f);
	for (size_t i = 0; i < n_required_events; i++) {
		const struct required_event *r = &required_events[i];

		if (!(r->roles & role))
			continue;
		if (!before || strcmp(before->topic, r->topic) != 0)
			fprintf(f, "\n# %s\n", r->topic);
		print_enable(r, before, f);
		before = r;
	}
	fputs("\nlttng start || exit 1\n", f);
}
