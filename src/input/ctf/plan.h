/*
 * plan: a trace type compiled into procedures that read exactly what is wanted.
 *
 * Everything that can be known before the first byte is read is worked out once: fields of fixed
 * size in a row become one run, whose length is checked once and which is passed in one addition;
 * wanted fields in it are loads at fixed offsets into fixed places of the caller's struct. An event
 * nobody asked for is, mostly, one run without loads.
 *
 *	field classes --compile--> ops:  RUN  bits, loads[]	fixed-size stretch
 *					 ALIGN			where it is not known beforehand
 *					 STRING			walk to its NUL
 *					 BYTES  ref		length field times element size
 *					 LOOP   ref, body	elements that vary in size
 *					 BRANCH ref, bodies	variant, optional
 *					 VARINT
 *
 * The alignment of the position is tracked while compiling (position = rest modulo `modulus`), so
 * that padding inside runs is fixed too, in naturally aligned traces as well as in packed ones.
 */
#ifndef VMSCOPE_CTF_PLAN_H
#define VMSCOPE_CTF_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events/event.h"
#include "input/ctf/type.h"
#include "input/ctf/visit.h"

enum ctf_want_kind {
	CTF_WANT_INT, /* an int64_t, sign- or zero-extended; `absent` when there is no such field */
	CTF_WANT_TEXT, /* a struct event_text */
};

/* A field that the caller wants, a top-level member of its scope, and where it goes. */
struct ctf_want {
	const char *name;
	enum ctf_scope scope; /* common or specific context, or payload */
	enum ctf_want_kind kind;
	uint16_t offset; /* bytes into the caller's struct */
	int64_t absent;
};

/* What the caller wants of one event class. */
struct ctf_interest {
	uint16_t tag;  /* given back with each event */
	bool then_any; /* the next event of the stream is wanted too, whichever it is */
	const struct ctf_want *wants;
	uint32_t n_wants;
};

/*
 * Asked once per event class. Return: true with *interestp filled if the class is wanted.
 */
typedef bool (*ctf_interest_fn)(void *ctx, const struct ctf_event_class *cls,
				struct ctf_interest *interestp);

struct ctf_plan;
struct ctf_stream_plan;
struct ctf_event_plan;

/*
 * Compiles t, which must outlive the plan. A plan is not written to afterwards: threads share it.
 */
struct ctf_plan *ctf_plan_new(const struct ctf_trace_type *t, ctf_interest_fn fn, void *ctx);
void ctf_plan_free(struct ctf_plan *plan);

/* Return: the plan of this stream class of the trace type. */
const struct ctf_stream_plan *ctf_plan_borrow_stream(const struct ctf_plan *plan,
						     const struct ctf_stream_class *stream);

/*
 * Reads the event header at the reader's position. *eventp is the plan of the event's class, NULL
 * if the metadata does not describe it (r->role[CTF_ROLE_EVENT_CLASS_ID] then says which id it
 * was). Return: enum ctf_read.
 */
int ctf_plan_header(const struct ctf_stream_plan *plan, struct ctf_reader *r,
		    const struct ctf_event_plan **eventp);

/*
 * Reads, or steps over, the event's contexts and payload. `out` takes the wanted fields.
 * Return: enum ctf_read.
 */
int ctf_plan_event(const struct ctf_event_plan *event, struct ctf_reader *r, void *out);

/* Tag of an event that is wanted only because of the one before it (struct ctf_interest). */
enum { CTF_TAG_ANY = UINT16_MAX };

/* What the caller's struct begins with where many events are read at once. */
struct ctf_head {
	int64_t ns;
	uint16_t tag; /* of the class's interest, or CTF_TAG_ANY */
};

struct ctf_run {
	void *out; /* `max` of the caller's structs, each `stride` bytes behind the one before */
	size_t stride;	      /* a multiple of the struct's alignment */
	size_t max;	      /* 0: only what is not wanted is passed */
	uint64_t clock_limit; /* cycles: a later event is none of this run */
	int64_t ns_offset;    /* ns of an event are this and its cycles */
	bool any;	      /* the next event is wanted whichever it is; is kept up to date */
	size_t n;	      /* found: wanted events, each with its head */
	uint64_t passed;      /* found: all events, wanted or not */
};

/*
 * Reads events as long as there is nothing unusual about them: their header is short and their
 * clock neither behind the reader's nor past the limit. What stops it is left to the two functions
 * above, as if nobody had touched it; the reader's clock is then that of the last event passed.
 */
void ctf_plan_run(const struct ctf_stream_plan *plan, struct ctf_reader *r, struct ctf_run *run);

const struct ctf_event_class *ctf_event_plan_class(const struct ctf_event_plan *event);

enum { CTF_WANTED = 1, CTF_THEN_ANY = 2 };

/*
 * Return: CTF_WANTED | CTF_THEN_ANY as the interest said, with its tag in *tagp; 0 if not wanted.
 */
int ctf_event_plan_interest(const struct ctf_event_plan *event, uint16_t *tagp);

#endif
