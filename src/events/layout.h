/*
 * layout: which of a tracer's events are events of ours, and where their fields go.
 *
 * A reader (src/input) asks once per event class which fields it is to read into a struct event.
 */
#ifndef VMSCOPE_EVENTS_LAYOUT_H
#define VMSCOPE_EVENTS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "events/event.h"

/* Bit set of enum event_id. */
struct event_set {
	uint64_t bits;
};

static inline bool event_set_has(struct event_set s, enum event_id id)
{
	return s.bits >> id & 1;
}

struct event_set event_set_all(void);
struct event_set event_set_of(const enum event_id *ids, unsigned n);

/*
 * Return: the event that a tracer calls `name`, with or without the subsystem before it
 * ("kvm:kvm_entry"), or EV_N when it is none of ours.
 */
enum event_id layout_event_of(const char *name);

/* An event class, as its reader knows it. */
struct layout_class {
	const char
		*name;	/* as the tracer writes it; with its subsystem where the tracer has them */
	bool is_x86_64; /* numbers of system calls are those of x86-64 */
	/* Return: whether the event has such a field, or is_context: whether the tracer adds such a
	 * one to it. */
	bool (*has)(const void *ctx, const char *field, bool is_context);
	const void *ctx;
};

enum want_kind {
	WANT_INT,  /* an int64_t, sign- or zero-extended; `absent` when there is no such field */
	WANT_TEXT, /* a struct event_text; zeroed when there is no such field */
};

/* A field that is to be read. */
struct layout_want {
	const char *name; /* of the field or context, "": the event has none, put `absent` there */
	bool is_context;
	enum want_kind kind;
	uint16_t offset; /* bytes into struct event */
	int64_t absent;
};

enum { LAYOUT_WANTS_MAX = 12 };

/* Return: how many fields of an event `id` (less than EV_N) of this class are wanted. */
uint32_t layout_wants(enum event_id id, const struct layout_class *cls,
		      struct layout_want wants[LAYOUT_WANTS_MAX]);

/*
 * Return: whether events of this class say in which thread they happened; of which process that is.
 */
bool layout_knows_thread(const struct layout_class *cls);
bool layout_knows_process(const struct layout_class *cls);

/* Return: whether the next event of the stream is wanted too, whichever it is: it is where the
 * guest's time ends. */
bool layout_then_any(enum event_id id);

#endif
