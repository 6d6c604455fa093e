/*
 * doubt: events whose bytes decode, but that cannot be true.
 *
 * A damaged byte in a field makes another event that looks sound. Three things give it away:
 * numbers that no machine has; a switch that, by the event's own word, did not happen in the thread
 * that it leaves; and a switch to a thread that nothing else was ever said of, while the next event
 * happened in another one. Between the last event that agreed and this one nothing is believed.
 *
 * Some recordings contradict themselves as a rule (only some threads were recorded, or their numbers
 * are those of another namespace): there the thread proves nothing.
 */
#ifndef VMSCOPE_ANALYZE_DOUBT_H
#define VMSCOPE_ANALYZE_DOUBT_H

#include "base/map.h"
#include "base/mem.h"
#include "events/event.h"
#include "input/input.h"

/* A switch that the next event contradicts. */
struct doubt_switch {
	struct gap gap; /* from it to that event */
	int64_t tid;	/* that it is to */
};

/* Of one stream. */
struct doubt {
	struct gaps impossible;	   /* owned; around events with impossible numbers */
	struct gaps contradicting; /* owned; around switches of another thread than the event's */
	VEC(struct doubt_switch) switches; /* that are contradicted */
	struct map tids;		   /* that events said, or left a CPU */
	uint64_t n_threads,
		n_contradicting; /* events that said their thread, and those that disagree */
	int64_t last_ts;	 /* of the event before */
	int64_t tid, switch_ts;	 /* switched to, and when; NO_VALUE: not known */
};

void doubt_init(struct doubt *d);

/* The stream's next event. */
void doubt_event(struct doubt *d, const struct event *e);

/*
 * Adds what is doubtful to *damaged, in the stream's times, and frees the rest. Return: how many
 * times there are.
 */
uint64_t doubt_end(struct doubt *d, struct gaps *damaged);

#endif
