/*
 * cursor: a walk over the records of one stream, with what is missing between them.
 *
 *	in a sub-buffer --event--> in a sub-buffer
 *	in a sub-buffer --its end, or damage--> between
 *	between --a sub-buffer, nothing missing before it--> in a sub-buffer
 *	between --a sub-buffer, something missing--> LOST, then in a sub-buffer
 *	between --the end, something missing--> LOST, then END
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_CURSOR_H
#define VMSCOPE_INPUT_TRACEDAT_CURSOR_H

#include "input/tracedat/pages.h"
#include "input/tracedat/ring.h"

enum cursor_result {
	CURSOR_END,
	CURSOR_EVENT,
	CURSOR_LOST,
	CURSOR_PAUSE, /* only if asked for, or where what follows is not there yet */
};

struct tracedat_cursor {
	const struct tracedat *trace;
	const struct tracedat_stream *stream;
	struct tracedat_pages pages;
	struct ring ring; /* of the current sub-buffer */
	uint64_t place;	  /* byte of the file, of it or its chunk */
	uint64_t limit;	  /* counts: later events than this are damaged */
	uint64_t next;	  /* counts: when the next one begins; UINT64_MAX: not known */
	bool in_ring;
	bool has_ring;	     /* there was a sub-buffer before */
	bool gap, gap_after; /* something is missing before, behind the current place */
	bool was_refused;    /* the last one: what it held may be of before or behind this one */
	bool is_new;	     /* no event was read of this one yet */
	bool ended;
	bool pauses;	   /* the caller's to set: PAUSE rather than decompress another chunk */
	uint64_t gap_lost; /* in the gap; as the kernel counted them */

	/* What next() found. */
	int64_t ns;		   /* EVENT: its time; LOST: of the last event before it */
	int64_t lost_to_ns;	   /* LOST: when what follows begins; INT64_MAX: nothing follows */
	uint64_t lost;		   /* LOST: how many; 0: not known */
	struct ring_record record; /* EVENT */

	/* Of all that was read so far. */
	uint64_t n_events, n_lost, n_pages;
	uint64_t last;	      /* counts, of the last event */
	uint64_t least, most; /* of all */
	struct gaps damaged;
	struct diag_list diags;
};

/*
 * Sub-buffers that end before skip_before_ns are stepped over; INT64_MIN: none. The cursor must not
 * be moved.
 */
void tracedat_cursor_init(struct tracedat_cursor *c, const struct tracedat *t, size_t stream,
			  int64_t skip_before_ns);
void tracedat_cursor_deinit(struct tracedat_cursor *c);

/*
 * Return: enum cursor_result. The record is valid until the next time, or as long as
 * tracedat_pages_borrow() says; where the stream is not compressed, as long as the recording.
 */
int tracedat_cursor_next(struct tracedat_cursor *c);

struct stream_totals tracedat_cursor_totals(const struct tracedat_cursor *c);

/* Counts an event's record that is there, but of which nothing is known. */
void tracedat_cursor_report_event(struct tracedat_cursor *c, enum diag_id id);

#endif
