/*
 * feed: a recording whose sub-buffers of the kernel's ring buffers come one by one while it is
 * read.
 *
 * Where they come from is the caller's: from tracefs, while the kernel traces, or out of a
 * trace.dat. Readers of it (input/input.h) stop where no more is there yet, and go on when there
 * is; those that begin later begin with the first sub-buffer that is still kept.
 */
#ifndef VMSCOPE_INPUT_FEED_H
#define VMSCOPE_INPUT_FEED_H

#include "base/error.h"
#include "input/input.h"

struct feed;

/* What tracefs says of its ring buffers. All borrowed, until feed_new_live() has returned. */
struct feed_live {
	uint32_t page_size; /* bytes of a sub-buffer */
	uint32_t long_size; /* bytes of its length, the kernel's long */
	uint32_t data_at;   /* bytes: where events begin in it */
	const char *clock;  /* as trace_clock has it; it counts ns */
	const char *kernel, *hostname;
	bool is_x86_64;
	const uint32_t *cpus; /* ascending; each is a stream */
	size_t n_cpus;
};

/* An event's description there. */
struct feed_format {
	const char *system, *text;
	size_t size;
};

/*
 * Return: 0 with *fp, owned by the caller; or ERR with err set. Formats that cannot be read are
 * left out.
 */
int feed_new_live(struct feed **fp, const struct feed_live *live, const struct feed_format *formats,
		  size_t n_formats, struct error *err);

/*
 * One that is as the trace.dat at path is, but for its sub-buffers, which feed_pull() brings.
 * Return: as above.
 */
int feed_new_replay(struct feed **fp, const char *path, const struct input_options *options,
		    struct error *err);
void feed_free(struct feed *f); /* NULL is allowed */

/* Return: the recording, borrowed. Its threads are the caller's to name (recording.threads). */
struct recording *feed_recording(const struct feed *f);

/*
 * Return: where the next sub-buffer is to be put, of any stream; the feed's, and the same until
 * feed_push() takes it.
 */
uint8_t *feed_room(struct feed *f);

/* The sub-buffer in feed_room(), of n bytes, is the next one of this stream. */
void feed_push(struct feed *f, size_t stream, size_t n);

/*
 * Of a replay: takes over the sub-buffer that is next by its time. Return: whether there was one;
 * at the end nothing will follow in any stream.
 */
bool feed_pull(struct feed *f);

/*
 * Of a replay. Return: all events before this time are there, ns; INT64_MAX at the end.
 */
int64_t feed_complete_ns(const struct feed *f);

/* Nothing will follow. */
void feed_end(struct feed *f);

/*
 * Forgets sub-buffers all of which is before this time, the oldest first, as long as more than
 * `bytes` are kept in all, and those that end before `before`, ns. Nothing may be read of them any
 * more.
 */
void feed_forget(struct feed *f, int64_t read_ns, int64_t before, uint64_t bytes);

/* Return: bytes of sub-buffers that are kept. */
uint64_t feed_kept(const struct feed *f);

#endif
