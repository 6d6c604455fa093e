/*
 * tracing: what tracefs says of its events, as trace-cmd and perf both copy it into their files.
 *
 * Each takes its part off `b`. Return: false when it is damaged; what could be read is kept.
 */
#ifndef VMSCOPE_INPUT_FTRACE_TRACING_H
#define VMSCOPE_INPUT_FTRACE_TRACING_H

#include "input/ftrace/bytes.h"
#include "input/ftrace/format.h"

/*
 * A name with its NUL, then u64 size and a text. Return: the text; bad when there is none of this
 * name.
 */
struct bytes ftrace_named_text(struct bytes *b, const char *name);

/* Formats of one system: u32 number, then u64 size and text of each. */
bool ftrace_read_system(struct ftrace_formats *fs, struct bytes *b, const char *system);

/* u32 number of systems; of each its name with NUL, then its formats. */
bool ftrace_read_systems(struct ftrace_formats *fs, struct bytes *b);

#endif
