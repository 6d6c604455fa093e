/*
 * section: the parts that both versions of trace.dat have, as versions 7's sections and in version 6 one after the other.
 *
 * Each takes its part off `b`. Return: false when it is damaged; what could be read is kept.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_SECTION_H
#define VMSCOPE_INPUT_TRACEDAT_SECTION_H

#include "input/tracedat/tracedat.h"

/* What sub-buffers look like: "header_page\0" u64 size, text, "header_event\0" u64 size, text. */
bool tracedat_read_header_info(struct tracedat *t, struct bytes *b);

/* u32 number, then u64 size and text of each. */
bool tracedat_read_ftrace_formats(struct tracedat *t, struct bytes *b);

/* u32 number of systems; of each its name, u32 number, then u64 size and text of each. */
bool tracedat_read_formats(struct tracedat *t, struct bytes *b);

/* Names of threads: u64 size, then lines of a number and a name. */
bool tracedat_read_cmdlines(struct tracedat *t, struct bytes *b);

#endif
