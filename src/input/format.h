/*
 * format: what a directory of src/input offers to be a format of recordings.
 *
 * A new recorder is one struct input_format, with the functions below, in the table of session.c.
 */
#ifndef VMSCOPE_INPUT_FORMAT_H
#define VMSCOPE_INPUT_FORMAT_H

#include "base/error.h"
#include "input/input.h"

/* What the functions of input.h call. Each gets only what the same format made. */
struct recording_ops {
	void (*free)(struct recording
			     *r); /* all but what struct recording itself holds, and the struct */

	struct input_plan *(*plan_new)(const struct recording *r, struct event_set wanted,
				       bool every);
	void (*plan_free)(struct input_plan *plan);

	/*
	 * A struct reader as first member; recording, events, room, machine and cpu are set by
	 * reader_new(), all counters are the format's. fill: up to r->room events into r->events;
	 * sets n and ended, n is 0 at the end only.
	 */
	struct reader *(*reader_new)(const struct recording *r, size_t stream,
				     const struct input_plan *plan, int64_t skip_before_ns);
	void (*reader_fill)(struct reader *r);
	void (*reader_free)(struct reader *r); /* all but events, and the struct */
	void (*reader_share)(struct reader *r, struct worker *helper); /* NULL: nothing to share */

	/* A struct walk as first member; recording and stream are set by walk_new(). */
	struct walk *(*walk_new)(const struct recording *r, size_t stream, int64_t from_ns);
	int (*walk_next)(struct walk *w);
	void (*walk_visit)(const struct walk *w, enum field_scope scope,
			   const struct field_visitor *v, void *ctx);
	void (*walk_free)(struct walk *w); /* all but the struct */

	/*
	 * Parts of one recording (LTTng's rotations); NULL: the format has none. same: whether both
	 * are parts of one; merge: b's content goes to a, b is freed; adopt: takes the events of a
	 * part at `path` that cannot be opened alone. Return of adopt: whether it belongs to r.
	 */
	bool (*same)(const struct recording *a, const struct recording *b);
	void (*merge)(struct recording *a, struct recording *b);
	bool (*adopt)(struct recording *r, const char *path);

	/* Names of the kernel's functions; NULL: the format has none. As recording_symbol(). */
	char *(*symbol)(const struct recording *r, uint64_t address);

	/*
	 * Return: when the stream ends, ns, by what says so without that all of it is read;
	 * INT64_MIN: it is empty. NULL: the format's streams do not tell.
	 */
	int64_t (*stream_end)(const struct recording *r, size_t stream);
};

/* The first bytes of a file; n may be smaller, and is 0 for a directory. */
enum { INPUT_HEAD = 64 };
struct input_head {
	uint8_t at[INPUT_HEAD];
	size_t n;
};

struct input_format {
	const char *name; /* "CTF", "trace.dat", "perf.data" */

	/* Return: whether the file, or the directory as a whole, is one of these. */
	bool (*probe)(const char *path, bool is_directory, const struct input_head *head);

	/*
	 * Opens it; name and path are the session's to set. Damage is no failure as long as
	 * something can be read: it is counted in the recording's diags. Return: 0 with *rp to be
	 * freed by the caller, or ERR with err set.
	 */
	int (*open)(struct recording **rp, const char *path, const struct input_options *options,
		    struct error *err);
};

extern const struct input_format input_ctf, input_tracedat, input_perfdata;

#endif
