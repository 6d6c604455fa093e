/*
 * walk: the events of a CTF stream one by one, with all their fields: what struct recording_ops has
 * for a walk (input/format.h).
 */
#ifndef VMSCOPE_INPUT_CTF_WALK_H
#define VMSCOPE_INPUT_CTF_WALK_H

#include "input/ctf/trace.h"
#include "input/input.h"

struct walk *ctf_walk_new(const struct ctf_trace *t, size_t stream, int64_t from_ns);
int ctf_walk_next(struct walk *w);
void ctf_walk_visit(const struct walk *w, enum field_scope scope, const struct field_visitor *v,
		    void *ctx);
void ctf_walk_free(struct walk *w);

#endif
