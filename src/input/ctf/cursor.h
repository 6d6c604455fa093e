/*
 * cursor: the events of one stream, in order, with everything that went missing between them.
 *
 * It stops at the events that its plan wants and fills the caller's struct (plan.h), or, when every
 * event is asked for, at each one, whose fields ctf_cursor_visit() then shows.
 *
 * Bad packets are left at the first thing that cannot be true; reading goes on with the next packet
 * and the caller is told of the gap by a CTF_CURSOR_LOST between the events around it.
 */
#ifndef VMSCOPE_CTF_CURSOR_H
#define VMSCOPE_CTF_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/heap.h"
#include "input/ctf/plan.h"
#include "input/ctf/trace.h"
#include "input/ctf/visit.h"
#include "input/input.h"

enum ctf_cursor_result {
	CTF_CURSOR_END = 0,
	CTF_CURSOR_EVENT = 1,
	CTF_CURSOR_LOST = 2,
};

struct ctf_cursor_file;

struct ctf_cursor {
	/* What next() found. */
	int64_t ns;   /* EVENT: its time; LOST: of the last event before the gap */
	uint16_t tag; /* EVENT: of the class's interest, or CTF_TAG_ANY */
	const struct ctf_event_class *cls; /* EVENT */
	int64_t lost_to_ns; /* LOST: when what follows begins; INT64_MAX at the stream's end */
	uint64_t lost;	    /* LOST: events that the tracer says it discarded in it */

	/* To be read at any time. */
	uint64_t n_events; /* so far, wanted or not */
	uint64_t n_packets;
	uint64_t n_lost; /* events discarded, as the tracer counted them */
	struct gaps damaged;
	bool is_disordered; /* a packet ends before the one that precedes it begins */
	struct diag_list diags;

	/* Private. */
	const struct ctf_trace *trace;
	const struct ctf_stream *stream;
	const struct ctf_stream_plan *plan;
	const struct ctf_clock *clock;
	int64_t ns_offset; /* of its value 0 */
	bool clock_counts_ns;
	struct ctf_cursor_file *files;
	size_t n_files;
	struct heap order;	      /* of files: by when their next packets begin */
	struct diag_list *ignored;    /* of sorting: what finding the places has reported already */
	struct ctf_cursor_file *file; /* of the current packet */
	struct ctf_packet packet;     /* the current one, or the last */
	struct ctf_reader reader;
	struct ctf_reader at_event;	  /* every event: the reader before the event's fields */
	uint64_t discarded, seq_num;	  /* the packet's, as far as they are believed */
	uint64_t last_clock;		  /* cycles, of the last event */
	uint64_t least_clock, most_clock; /* of all */
	uint64_t clock_floor;		  /* cycles: an earlier event is not believed */
	uint64_t clock_limit;		  /* cycles: nor is a later one */
	uint64_t quiet_limit;		  /* cycles: up to here a time needs no closer look */
	uint64_t slack;			  /* cycles in a millisecond */
	uint64_t next_begin; /* cycles: of the next packet; UINT64_MAX: there is none */
	/*
	 * Bytes behind it that stay at hand: texts are best looked at by then, for later it costs
	 * memory.
	 */
	uint64_t kept;
	uint64_t move_at; /* position in the packet: there the file's window is to be moved */
	uint64_t gap_lost;
	int64_t skip_before_ns;
	bool every_event;
	bool deliver_any; /* the next event is wanted whichever it is */
	bool in_packet;
	bool had_packet;
	bool is_new;	     /* no event was read of this packet yet */
	bool any_entered;    /* a packet whose header could be believed */
	bool begins_damaged; /* nothing that could be read was before the next packet */
	bool gap;	     /* something is missing before the current position */
	bool gap_after_packet;
};

/*
 * trace, stream and plan must outlive the cursor, which must not be moved. every_event: stop at
 * each event, wanted or not. Packets that end before skip_before_ns are stepped over unread;
 * INT64_MIN reads all.
 */
void ctf_cursor_init(struct ctf_cursor *c, const struct ctf_trace *trace,
		     const struct ctf_stream *stream, const struct ctf_plan *plan, bool every_event,
		     int64_t skip_before_ns);

/*
 * Before anything is read: lets packets come by their times instead of as they lie in the files.
 * That takes memory for each packet.
 */
void ctf_cursor_sort(struct ctf_cursor *c);

void ctf_cursor_deinit(struct ctf_cursor *c);

/*
 * Return: enum ctf_cursor_result. The fields of a wanted event go to `out`; what they borrow is
 * valid as long as the trace.
 */
int ctf_cursor_next(struct ctf_cursor *c, void *out);

/*
 * Reads up to max wanted events at once, into an array of the caller's structs of `stride` bytes,
 * which begin with a struct ctf_head; what next() says of an event is said there, and nowhere else.
 * It stops at all that needs a closer look (a packet's end, a gap, a damaged event), and does not
 * begin with it: next() then goes on. With every_event there is nothing that it does not leave to
 * next(). What fields borrow is valid as long as the trace.
 * Return: how many.
 */
size_t ctf_cursor_run(struct ctf_cursor *c, void *out, size_t stride, size_t max);

/* A run is so many bytes at most. */
enum { CTF_CURSOR_RUN = 8 << 10 };

/* Return: the byte of its file that the cursor is at. */
static inline uint64_t ctf_cursor_place(const struct ctf_cursor *c)
{
	return c->packet.offset + c->reader.pos / 8;
}

/*
 * With every_event: shows the fields of the event that next() stopped at in one of the three event
 * scopes (common context, specific context, payload), or the context of its packet.
 */
void ctf_cursor_visit(const struct ctf_cursor *c, enum ctf_scope scope, const struct ctf_visitor *v,
		      void *ctx);

/* Times of the first and last event so far. Return: false while there was none. */
bool ctf_cursor_span(const struct ctf_cursor *c, int64_t *first_nsp, int64_t *last_nsp);

struct stream_totals ctf_cursor_totals(const struct ctf_cursor *c);

#endif
