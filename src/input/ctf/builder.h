/*
 * builder: the classes that a metadata reader has found so far, until they become a trace type.
 */
#ifndef VMSCOPE_CTF_BUILDER_H
#define VMSCOPE_CTF_BUILDER_H

#include "base/mem.h"
#include "input/ctf/type.h"

/* Zeroed, it is empty. What the pointers lead to is in the trace type's arena. */
struct ctf_builder {
	VEC(struct ctf_clock *) clocks;
	VEC(struct ctf_stream_class *) streams;
	VEC(struct ctf_event_class *) events;
	VEC(struct ctf_env) env;
};

void ctf_builder_deinit(struct ctf_builder *b);

/* Return: the clock of this name, or the stream class with this id; NULL if there is none. */
struct ctf_clock *ctf_builder_find_clock(const struct ctf_builder *b, const char *name);
struct ctf_stream_class *ctf_builder_find_stream(const struct ctf_builder *b, uint64_t id);

/*
 * Gives everything to t; each event goes to the stream class that it names. Then finishes t.
 * Return: 0, or ERR with err set.
 */
int ctf_builder_finish(const struct ctf_builder *b, struct ctf_trace_type *t, struct error *err);

#endif
