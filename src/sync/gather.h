/*
 * gather: what containment (sync/chunk.h) compares: when each vCPU's thread was in guest mode,
 * by the host, and when each CPU of each machine did something, by itself.
 */
#ifndef VMSCOPE_SYNC_GATHER_H
#define VMSCOPE_SYNC_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "input/input.h"
#include "input/input.h"
#include "model/evidence.h"
#include "model/identity.h"
#include "sync/chunk.h"

struct gathered_windows {
	VEC(struct sync_window) at; /* by time, none overlapping another */
};

/* Adds one. They come in order, mostly; those that overlap become one. */
void gathered_windows_add(struct gathered_windows *w, const struct sync_window *window);

struct gathered_cpu {
	uint32_t cpu;
	VEC(struct sync_guest_event) at; /* by time */
};

/* Of one machine. */
struct gathered_machine {
	VEC(struct gathered_cpu) cpus;
};

/*
 * Adds the windows of the vCPUs that machine `host` runs to windows[vcpu of the identity]. Where events
 * were lost, every one of its vCPUs may have run: such a stretch is a window of each.
 */
struct window_reader;

/* From host time `from` on, or a packet earlier; INT64_MIN: all. All borrowed. */
struct window_reader *window_reader_new(const struct recording *trace,
					const struct identity *identity, int host,
					struct gathered_windows *windows, int64_t from);
void window_reader_free(struct window_reader *r);

/* Reads up to n events, and not past host time `until`. Return: whether there may be more. */
bool window_reader_read(struct window_reader *r, int64_t until, size_t n);

/* Return: the host time up to which all windows that begin before it are there. */
int64_t window_reader_complete(const struct window_reader *r);

/* The windows between two host times; INT64_MIN and INT64_MAX: from the start, to the end. */
void gather_windows(const struct recording *trace, const struct identity *identity, int host,
		    struct gathered_windows *windows, int64_t from, int64_t to);

/* One stream of a guest, being read. A CPU has several where its trace has several channels. */
struct guest_stream {
	uint32_t cpu;
	bool at_end;
	struct sync_guest_event next; /* unless at_end */
	/* Private. */
	struct reader *reader;
	size_t at; /* in the reader's events */
	bool has_idle;
};

struct guest_reader {
	struct guest_stream *streams;
	size_t n_streams;
	/* Private. */
	const struct recording *trace;
	struct input_plan *plan;
};

/* Each stream stands at its first event. trace must outlive the reader. */
struct guest_reader *guest_reader_new(const struct recording *trace,
				      const struct evidence *evidence);
void guest_reader_free(struct guest_reader *r);
void guest_stream_step(struct guest_stream *s);

/* All events of a machine. */
void gather_events(const struct recording *trace, const struct evidence *evidence,
		   struct gathered_machine *machine);

/* The times t with t % period < length; machine ns. */
struct gather_parts {
	uint64_t period, length;
};

/* Only the events with a cause, and only those of some parts of the trace. */
void gather_causes(const struct recording *trace, const struct evidence *evidence,
		   const struct gather_parts *parts, struct gathered_machine *machine);

void gathered_machine_deinit(struct gathered_machine *m);

#endif
