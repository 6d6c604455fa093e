/*
 * recording: a CTF trace (trace.h) as a recording (input/input.h).
 */
#ifndef VMSCOPE_INPUT_CTF_RECORDING_H
#define VMSCOPE_INPUT_CTF_RECORDING_H

#include "input/ctf/cursor.h"
#include "input/ctf/trace.h"
#include "input/input.h"

struct ctf_recording {
	struct recording base;
	struct ctf_trace *trace; /* owned */
};

struct stream_totals ctf_totals(const struct ctf_cursor *c);

/* walk.c: the members of struct recording_ops of these names. */
struct walk *ctf_walk_new(const struct recording *r, size_t stream, int64_t from_ns);
int ctf_walk_next(struct walk *w);
void ctf_walk_visit(const struct walk *w, enum field_scope scope, const struct field_visitor *v,
		    void *ctx);
void ctf_walk_free(struct walk *w);

#endif
