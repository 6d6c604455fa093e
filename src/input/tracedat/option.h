/*
 * option: what trace-cmd says of the machine, the recording and its guests; the same in both
 * versions.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_OPTION_H
#define VMSCOPE_INPUT_TRACEDAT_OPTION_H

#include "input/tracedat/tracedat.h"

enum tracedat_option {
	OPTION_DONE =
		0, /* the last one; version 7: u64 offset of the next section of options, or 0 */
	OPTION_DATE = 1, /* text: microseconds to add to times to make them those of a wall clock */
	OPTION_CPUSTAT = 2,	 /* text: what the ring buffer of a CPU says of itself */
	OPTION_BUFFER = 3,	 /* where events lie */
	OPTION_TRACECLOCK = 4,	 /* text: "local [mono] boot" */
	OPTION_UNAME = 5,	 /* text: system, host name, release, machine */
	OPTION_OFFSET = 7,	 /* text: ns to add to times */
	OPTION_CPUCOUNT = 8,	 /* u32 */
	OPTION_VERSION = 9,	 /* text: of trace-cmd */
	OPTION_TRACEID = 11,	 /* u64 */
	OPTION_TIME_SHIFT = 12,	 /* a guest's clock against its host's */
	OPTION_GUEST = 13,	 /* a guest that was recorded too */
	OPTION_TSC2NSEC = 14,	 /* u32 mult, u32 shift, u64 offset */
	OPTION_HEADER_INFO = 16, /* from here on: u64 offset of a section with this id */
	OPTION_FTRACE_EVENTS = 17,
	OPTION_EVENT_FORMATS = 18,
	OPTION_KALLSYMS = 19,
	OPTION_CMDLINES = 21,
	OPTION_BUFFER_TEXT = 22, /* as BUFFER, of a latency tracer's text */
};

/*
 * Takes in the option with this data. Those that have to do with where things lie in the file are
 * left to the caller. Unknown ones are passed over. Return: false when it is damaged.
 */
bool tracedat_read_option(struct tracedat *t, unsigned id, struct bytes data);

#endif
