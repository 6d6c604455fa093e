/*
 * show: a recording as text, line by line, to be held against what was put in it.
 *
 *	version N; clock NAME HZ ERROR OFFSET ORIGIN tsc|-; diag NAME COUNT (by name); and, of recordings that have such,
 *	tracer, machine, trace id, guest, peer, shift, env, thread
 *	stream cpu N CHANNEL
 *	E NS NAME FIELDS...
 *	L NS TO_NS COUNT
 */
#ifndef VMSCOPE_TESTS_INPUT_SHOW_H
#define VMSCOPE_TESTS_INPUT_SHOW_H

#include "input/input.h"

/* Return: to be freed by the caller. */
char *show_recording(const struct recording *r);

/* One stream's E and L lines; its diagnostics are added to *diags. */
char *show_stream(const struct recording *r, size_t stream, int64_t from_ns,
		  struct diag_list *diags);

#endif
