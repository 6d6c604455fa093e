/*
 * section: the parts that both versions of trace.dat have, as versions 7's sections and in version
 * 6 one after the other.
 *
 * Each takes its part off `b`. Return: false when it is damaged; what could be read is kept.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_SECTION_H
#define VMSCOPE_INPUT_TRACEDAT_SECTION_H

#include "input/ftrace/tracing.h"
#include "input/tracedat/tracedat.h"

/* What sub-buffers look like: "header_page\0" u64 size, text, "header_event\0" u64 size, text. */
bool tracedat_read_header_info(struct tracedat *t, struct bytes *b);

/* Names of threads: u64 size, then lines of a number and a name. */
bool tracedat_read_cmdlines(struct tracedat *t, struct bytes *b);

#endif
