/*
 * tracing: the formats of tracepoints (TRACING_DATA), as perf took them from tracefs when it
 * recorded.
 *
 *	23 8 68 "tracing", version as text with NUL ("0.5", "0.6"), u8 big-endian, u8 size of a long, u32 page size,
 *	"header_page" NUL, u64 n, n bytes; "header_event" NUL, the same,
 *	u32 how many of system "ftrace", each u64 n and n bytes of text,
 *	u32 systems, each its name with NUL, u32 how many, each u64 n and n bytes of text;
 *	symbols, printk formats and command lines follow, which are not used
 */
#ifndef VMSCOPE_PERFDATA_TRACING_H
#define VMSCOPE_PERFDATA_TRACING_H

#include "input/ftrace/format.h"
#include "input/perfdata/bytes.h"

/*
 * Adds all formats in b to fs, which has its arena set, and sets its byte order and size of a long.
 * Return: whether all could be read.
 */
bool perfdata_tracing_read(struct ftrace_formats *fs, struct perfdata_bytes b);

#endif
