/*
 * input: what a recording is and how its events are read, whichever program made it.
 *
 * A recording is what one tracer wrote on one machine. The session (input/session.h) finds out
 * which format it has by looking at its bytes; from then on nothing but that format's directory
 * knows. The rest of the program has three ways to look at it:
 *
 *	struct recording	what it says of itself: names, clocks, streams, events that may occur
 *	struct reader		the events that the analysis wants, of one stream, many at once
 *	struct walk		every event of one stream, one by one, with all its fields
 *
 * What a format does not record is absent (NULL, has_cpu, CLOCK_ORIGIN_UNKNOWN, NO_VALUE), never
 * guessed. A format is a struct input_format (input/format.h).
 */
#ifndef VMSCOPE_INPUT_INPUT_H
#define VMSCOPE_INPUT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock_origin.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/worker.h"
#include "events/event.h"
#include "events/layout.h"
#include "input/field.h"
#include "input/gap.h"

/* ---- what a recording says of itself --------------------------------------------------------- */

struct recording_clock {
	const char *name;	 /* as the tracer calls it: "monotonic", "local", "x86-tsc" */
	const char *description; /* or NULL */
	const char *uuid;	 /* of a clock that several recordings may share, or NULL */
	uint64_t frequency;	 /* Hz, of what it counts */
	uint64_t mult; /* ns = offset_ns + (count * mult >> shift); 0: count * 10^9 / frequency */
	uint32_t shift;
	/*
	 * parts per billion: how well that is known; 0: by definition or by the tracer's
	 * word
	 */
	uint64_t frequency_error;
	int64_t offset_ns; /* time when it counts 0 */
	enum clock_origin origin;
	bool is_tsc; /* it counts the processor's cycles */
};

enum { RECORDING_NO_CLOCK = UINT32_MAX };

/* Return: the time at which the clock counts `count`, ns rounded down; saturated. */
int64_t recording_clock_ns(const struct recording_clock *c, uint64_t count);

struct recording_stream {
	uint32_t cpu;
	bool has_cpu;
	const char *channel; /* or instance; NULL where it has no name */
	/* number of its channel or instance: that of all streams of it, no other's */
	uint32_t group;
	uint32_t clock; /* index in recording.clocks; RECORDING_NO_CLOCK: it counts ns from 0 */
	/* which of the sessions that are one recording it is of (input/joined.h) */
	uint32_t part;
	/* not read here: another stream of the CPU has the same (analyze/look.h) */
	struct event_set doubled;
	/* when it begins, as far as it says before it is read; INT64_MAX: unknown */
	int64_t begin_ns;
	/* What reading it has shown (analyze/look.h): when it is damaged, that its packets are not
	 * in the order of their times. */
	struct gaps gaps;
	bool is_disordered;
};

/* An event that may occur. */
struct recording_event {
	const char
		*name; /* as the tracer writes it: "kvm_x86_entry", "kvm_entry", "kvm:kvm_entry" */
	enum event_id id; /* EV_N: none of ours */
};

/* Something that the tracer says of the machine or of itself. */
struct recording_env {
	const char *name;
	const char *string; /* NULL: an integer */
	int64_t integer;
};

/* A thread that the recording as a whole names, not an event. */
struct recording_thread {
	int64_t tid, pid; /* pid: its process; NO_VALUE: not said */
	const char *comm; /* "": not said */
	int64_t pid_ns;	  /* number of its PID namespace; 0: not said */
};

/*
 * What the recorder of a host knows of a guest that it recorded too, and the other way round. Times
 * are in the recording's own counts, before they become ns.
 */
struct recording_guest {
	const char *name;
	uint64_t trace_id; /* of the guest's recording */
	/*
	 * per CPU of the guest: the thread on this machine that runs it; NO_VALUE: not said
	 */
	const int64_t *tids;
	uint32_t n_cpus;
};

/* At count `time` of this recording: peer = ((time * scaling) >> fraction) + offset. */
struct recording_shift {
	int64_t time, offset;
	uint64_t scaling;
	uint32_t fraction;
};

struct recording_peer {
	uint64_t trace_id;		       /* of the host's recording */
	const struct recording_shift **shifts; /* per CPU of this machine, ascending by time */
	const uint32_t *n_shifts;
	uint32_t n_cpus;
};

/* What the user knows better than the recording. */
struct input_options {
	/* Hz of clocks that count cycles and do not say how many; 0: not given */
	uint64_t tsc_frequency;
	/* Traces of user space are wanted, too. */
	bool with_user_space;
};

struct recording_ops; /* input/format.h */

/*
 * The arena, and all that is reached from here, is the recording's. Formats embed it as their first
 * member.
 */
struct recording {
	const struct recording_ops *ops;
	struct arena arena;
	char *name;	       /* owned; how reports call the machine */
	bool is_named;	       /* by the user */
	bool is_user_space;    /* it holds events of programs, none of the kernel's */
	char *path;	       /* owned; of the file, or of the first directory */
	uint64_t size;	       /* bytes on disk of what holds events */
	uint64_t decoded_size; /* the same, decompressed */
	const char *hostname, *system, *kernel, *boot_id; /* or NULL */
	const char *tracer; /* with its version as far as it is known; never NULL */
	const char *packet_word,
		*packets_word; /* "packet", "packets": what its streams consist of */
	VEC(struct recording_clock) clocks;
	VEC(struct recording_stream) streams; /* by cpu; those of one CPU stand together */
	VEC(struct recording_event) events;   /* an event may stand here several times */
	VEC(struct recording_env) env;
	uint64_t trace_id; /* by which a peer calls it; 0: none */
	VEC(struct recording_guest) guests;
	struct recording_peer *peer; /* or NULL */
	VEC(struct recording_thread) threads;
	VEC(uint32_t) lost_cpus; /* that it knows to have been recorded, but has no stream of */
	bool knows_threads;   /* each event says which thread it happened in (struct event's tid) */
	bool knows_processes; /* and which process that is of (pid), or `threads` says it of all */
	bool is_partial;      /* it was cut, so that streams may be missing at its end */
	bool lists_unrecorded;	/* `events` holds what was not enabled, too */
	bool cpus_apart;	/* recording begins and ends on each CPU at a time of its own */
	char *note;		/* owned; a sentence for people about how opening went, or NULL */
	char *nothing;		/* owned; why there is nothing to be read in it; NULL: there is */
	struct diag_list diags; /* of opening; readers have their own besides */
	int64_t first_ns; /* of its first event, once all streams were read; INT64_MIN: not yet */
};

/* NULL is allowed. */
void recording_free(struct recording *r);

/*
 * Return: the name of the kernel's function at this address, owned by the caller; NULL: not known.
 * Slow: for the few functions that are pointed at.
 */
char *recording_symbol(const struct recording *r, uint64_t address);

/* Return: what 0 is in the times of its streams; unknown also where they differ in that. */
enum clock_origin recording_origin(const struct recording *r);

/* Return: the same of one stream. */
enum clock_origin recording_stream_origin(const struct recording *r,
					  const struct recording_stream *s);

/* Which of our events may occur. */
struct event_set recording_described(const struct recording *r);

/* ---- the events that are wanted -------------------------------------------------------------- */

/* Which events are delivered, compiled once for all streams of a recording. Threads share it. */
struct input_plan;

/*
 * The events in `wanted` fill a struct event. After a kvm_entry and a kvm_wait_lapic_expire the
 * next event of the stream is delivered whichever it is (EV_OTHER), since it is where the guest's
 * time ends. every: all other events are delivered too, as EV_OTHER.
 */
struct input_plan *input_plan_new(const struct recording *r, struct event_set wanted, bool every);
void input_plan_free(const struct recording *r, struct input_plan *plan); /* NULL is allowed */

/* Of all that was read of a stream so far. */
struct stream_totals {
	uint64_t n_events; /* wanted or not */
	uint64_t n_lost;   /* as the tracer counted them */
	uint64_t n_packets;
	int64_t first_ns, last_ns; /* of events; first > last: none yet */
};

/*
 * How many events are read at once: few enough to stay in a CPU's cache; more where threads take
 * turns, which costs more.
 */
enum { READER_FEW = 256, READER_MANY = 1024 };

struct reader {
	struct event *events; /* owned; what was read last, of the machine's own clock */
	size_t n;
	/* of events: READER_FEW, or what its user changed it to together with `events` */
	size_t room;
	bool ended; /* nothing follows these */
	bool waits; /* nothing is there, but more may come (input/feed.h) */

	struct stream_totals totals;
	const struct diag_list *diags;

	/*
	 * What it has met so far: times of damage (the events of them were delivered all the same),
	 * and that the stream is disordered. Both are then to be said of the stream.
	 */
	struct gaps *damaged;
	const bool *is_disordered; /* or NULL: of a format that has no order to lose */

	const struct recording *recording;
	struct event_set doubled; /* of its stream */
	const struct gaps *gaps;  /* of its stream */
	size_t next_gap;
	bool is_gap_told;
	int64_t tid;	/* on the CPU, where there are gaps and a switch said it; NO_VALUE */
	bool tells_tid; /* a step was passed since */
};

/*
 * Losses are delivered as EV_LOST between the events around them, and in place of those in gaps of
 * the stream. Packets that end before
 * skip_before_ns are stepped over; INT64_MIN reads all. recording and plan must outlive the reader.
 * Texts of events are valid until the second reader_read() after the one that read them: one batch
 * can be looked at while the next is read.
 */
struct reader *reader_new(const struct recording *r, size_t stream, const struct input_plan *plan,
			  uint16_t machine, int64_t skip_before_ns);
void reader_free(struct reader *r);

/* Return: whether there is anything in the recording's streams that a worker can prepare. */
bool recording_can_share(const struct recording *r);

/*
 * Lets a worker prepare what the reader is going to need, which is chunks that are decompressed.
 * Their number is bounded. From now on all reading is done by the thread that gives the worker its
 * tasks. The worker must outlive the reader.
 */
void reader_share(struct reader *r, struct worker *helper);

/*
 * Reads the next events in place of the last. Return: whether there are any. Where more can come, it
 * may be asked again.
 */
bool reader_read(struct reader *r);

/*
 * Return: room for so many events, for the caller to put in place of the reader's own, and to free.
 */
struct event *reader_room(const struct reader *r, size_t room);

/* ---- every event, with all fields ------------------------------------------------------------ */

enum walk_state {
	WALK_END = 0,
	WALK_EVENT = 1,
	WALK_LOST = 2,
};

struct walk {
	const struct recording *recording;
	const struct recording_stream *stream;

	/* What next() found. */
	int64_t ns;	      /* EVENT: its time; LOST: of the last event before the gap */
	uint32_t event;	      /* EVENT: index in recording->events */
	uint32_t scopes;      /* EVENT: bit per enum field_scope that has fields to show */
	bool packet_has_more; /* EVENT: of its packet there is more to show than the CPU */
	bool has_cpu;
	uint32_t cpu;	    /* of the event or the loss, if has_cpu */
	int64_t lost_to_ns; /* LOST: when what follows begins; INT64_MAX at the stream's end */
	uint64_t lost;	    /* LOST: events that the tracer says it discarded in it; 0: unknown */

	struct stream_totals totals;
	const struct diag_list *diags;
};

/* Packets that end before from_ns are stepped over; INT64_MIN: none. */
struct walk *walk_new(const struct recording *r, size_t stream, int64_t from_ns);
void walk_free(struct walk *w);

/* Return: enum walk_state. */
int walk_next(struct walk *w);

/* Shows the fields of the event that next() stopped at, as one FIELD_STRUCT without a name. */
void walk_visit(const struct walk *w, enum field_scope scope, const struct field_visitor *v,
		void *ctx);

#endif
