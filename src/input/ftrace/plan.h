/*
 * plan: what is wanted of a recording's tracepoints, compiled once, so that an event costs a few
 * instructions.
 *
 * An integer is a load of 8 bytes, of which the bits above the field are shifted out, then those
 * below. The load ends where the field ends, so that it stays inside of the record, which begins
 * with 8 bytes of common fields. In a plain record (little endian) the bits above are then either
 * none, or masked out of what has no sign. A constant is an integer of which no bit is kept. So
 * nearly every event is taken with no branch per field.
 */
#ifndef VMSCOPE_INPUT_FTRACE_PLAN_H
#define VMSCOPE_INPUT_FTRACE_PLAN_H

#include "input/ftrace/format.h"

/* A field that goes to a struct event. */
struct ftrace_take {
	/* An integer. */
	uint64_t mask;	/* of the bits that are not the sign's copies */
	int64_t value;	/* a constant; 0 otherwise */
	int64_t absent; /* where the record is too short for it */

	const struct ftrace_field *field; /* a text; NULL: there is none */

	uint32_t at;   /* bytes from the record's start: of the load, or of a name */
	uint32_t need; /* bytes that the record must have; of texts only for a name */
	uint16_t out;  /* bytes into struct event */
	uint8_t lead;  /* bits of the load before the field */
	uint8_t up, down;
	bool is_plain; /* in a plain record the bits above the field need not be shifted out */
	bool is_name;  /* LOAD_COMM bytes of text at a place of its own */
};

/* What is done with an event. */
struct ftrace_step {
	/*
	 * Bytes that a plain record must have for all of its integers and names; of others, more
	 * than any has.
	 */
	uint32_t plain_need;
	uint32_t first; /* of the takes: integers, then texts */
	uint16_t n_ints, n_texts;
	uint16_t id; /* enum event_id */
	bool is_wanted, then_any;
	bool is_unknown; /* no event has the number */
};

struct ftrace_plan {
	const struct ftrace_formats *formats; /* borrowed */
	VEC(struct ftrace_take) takes;
	struct ftrace_step *steps; /* by the event's number; n_steps of them */
	uint32_t n_steps;
	struct ftrace_step other; /* of events that are wanted only for their time */
	bool every;
	bool is_plain; /* records are little endian, and begin with their number in two bytes */
};

/*
 * As input_plan_new(). Of the contexts that layout_wants() may ask for there is "tid", which is
 * common_pid.
 */
struct ftrace_plan *ftrace_plan_new(const struct ftrace_formats *fs, struct event_set wanted,
				    bool every);
void ftrace_plan_free(struct ftrace_plan *plan);

/*
 * All that the step says, but for pid, of a record in whichever byte order and however short it is.
 */
void ftrace_plan_take_fields(const struct ftrace_plan *plan, const struct ftrace_step *s,
			     const uint8_t *record, size_t size, struct event *e);

struct event_text ftrace_plan_take_text(const struct ftrace_plan *plan, const struct ftrace_take *t,
					const uint8_t *record, size_t size);

static inline const struct ftrace_step *ftrace_plan_step(const struct ftrace_plan *plan,
							 uint32_t id)
{
	return id < plan->n_steps ? &plan->steps[id] : &plan->other;
}

/* As ftrace_plan_take_fields(), of a plain record that has all that the step needs. */
static inline void ftrace_plan_take_plain(const struct ftrace_plan *plan,
					  const struct ftrace_step *s, const uint8_t *record,
					  size_t size, struct event *e)
{
	const struct ftrace_take *t = &plan->takes.at[s->first], *end = t + s->n_ints;

	e->id = s->id;
	e->tid = NO_VALUE;
	for (; t < end; t++) {
		int64_t v = (int64_t)load_u64(record + t->at, false) >> t->lead;

		v = (int64_t)((uint64_t)v & t->mask) ^ t->value;
		memcpy((char *)e + t->out, &v, sizeof(v));
	}
	for (end = t + s->n_texts; t < end; t++) {
		const uint8_t *at = record + t->at;
		struct event_text text = {(const char *)at, 0};

		if (__builtin_expect(t->is_name, 1))
			text.n = load_comm_length(at);
		else
			text = ftrace_plan_take_text(plan, t, record, size);
		memcpy((char *)e + t->out, &text, sizeof(text));
	}
}

/*
 * Decodes a record into e: id, tid, pid and the event's own fields. *anyp is whether the next event
 * is wanted whichever it is, of the stream; it is used and updated. pid: the process, by the
 * recorder's word; NO_VALUE without.
 * Return: whether the event is wanted; if not, e is untouched.
 */
static inline bool ftrace_plan_take(const struct ftrace_plan *plan, const uint8_t *record,
				    size_t size, int64_t pid, bool *anyp, struct event *e)
{
	const struct ftrace_step *s =
		ftrace_plan_step(plan, ftrace_id_of(plan->formats, record, size));

	if (!s->is_wanted && !*anyp)
		return false;
	*anyp = s->then_any;
	e->pid = pid;
	if (__builtin_expect(size >= s->plain_need, 1))
		ftrace_plan_take_plain(plan, s, record, size, e);
	else
		ftrace_plan_take_fields(plan, s, record, size, e);
	return true;
}

#endif
