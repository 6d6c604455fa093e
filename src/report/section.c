#include "report/section.h"

#include <stddef.h>

const char *const *report_section_names(void)
{
	static const char *const names[REPORT_N_SECTIONS + 1] = {
		[REPORT_FINDINGS] = "findings", [REPORT_MISSING] = "missing",
		[REPORT_SPLIT] = "split",	[REPORT_MACHINES] = "machines",
		[REPORT_VCPUS] = "vcpus",	[REPORT_PCPUS] = "pcpus",
		[REPORT_STEAL] = "steal",	[REPORT_VM_EXITS] = "vm_exits",
		[REPORT_EXITS] = "exits",	[REPORT_EXIT_DETAILS] = "exit_details",
		[REPORT_THREADS] = "threads",	[REPORT_CONTAINERS] = "containers",
		[REPORT_LATENCY] = "latency",	[REPORT_WAITS] = "waits",
		[REPORT_SYNC] = "sync",		[REPORT_DIAG] = "diag",
	};

	return names;
}
