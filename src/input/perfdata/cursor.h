/*
 * cursor: the records of one stream, in the order of time.
 *
 * Segments (index.h) that overlap in time are merged. One whose records are in order, as nearly all
 * are, is read as it lies there; of another the cursor makes a list first, sorted by time. Records
 * of the same time stay in the order of the file.
 *
 * A LOST record was written together with the next record that found room, and has a later time
 * than that; it is moved before it.
 */
#ifndef VMSCOPE_PERFDATA_CURSOR_H
#define VMSCOPE_PERFDATA_CURSOR_H

#include "input/perfdata/copies.h"
#include "input/perfdata/perfdata.h"

struct perfdata_entry {
	int64_t time;
	uint32_t at; /* bytes from the segment's start */
	uint16_t attr;
	uint16_t type; /* enum perfdata_type */
};

/* A segment that is being read. */
struct perfdata_run {
	const struct perfdata_segment *segment;
	const uint8_t *base;	   /* its first byte */
	struct perfdata_copy copy; /* where that is, if it is not in the file's mapping */
	/* The next record. */
	struct perfdata_record record;
	int64_t time;
	uint16_t attr;
	/* What follows it: in the segment itself, or if that is not sorted, in the list. */
	bool is_ours; /* whether the last record that was passed is one of this stream */
	uint64_t at;  /* bytes from its start */
	struct perfdata_entry *list; /* owned; n of them; or NULL */
	uint32_t n, next;
};

enum perfdata_step {
	PERFDATA_END = 0,
	PERFDATA_EVENT = 1, /* a sample */
	PERFDATA_SIDE = 2,  /* a thread begins, ends or gets another name */
	PERFDATA_MISSING = 3,
};

struct perfdata_cursor {
	const struct perfdata *p;
	const struct perfdata_lane *lane;

	/* What next() found. */
	int64_t time; /* EVENT: its count */
	int64_t ns;   /* EVENT, SIDE: its time; MISSING: of the last event before */
	struct perfdata_record record;	  /* EVENT, SIDE */
	const struct perfdata_attr *attr; /* EVENT, SIDE */
	int64_t missing_to;		  /* MISSING: ns; INT64_MAX: until the end of the stream */
	uint64_t missing;		  /* MISSING: events; 0: unknown */

	/*
	 * Lost samples of what is no tracepoint are MISSING, too. They say nothing of states, but
	 * whoever looks at all samples wants to know.
	 */
	bool tells_others;

	struct stream_totals totals; /* a round is a packet */
	struct diag_list diags;

	/* The rest is the cursor's own. */
	int64_t skip_before_ns;
	size_t next_segment;
	int64_t next_begin; /* its first time; INT64_MAX: there is none */
	VEC(struct perfdata_run)
	runs;	      /* a heap: the one whose next record is the earliest is first */
	int64_t told; /* ns, of what was found last; INT64_MIN: nothing yet */
	/* what is in `record` was found, but is told only after what is missing before it */
	bool is_held;
	bool gap, ended;
	struct map throttled; /* ids of tracepoints that are left out at present */
	struct perfdata_copies copies;
	/* Where c->record is. */
	const struct perfdata_segment *segment;
	uint64_t record_offset; /* in the source */
};

/* Segments that end before skip_before_ns are stepped over; INT64_MIN: none. p must outlive it. */
void perfdata_cursor_init(struct perfdata_cursor *c, const struct perfdata *p, size_t stream,
			  int64_t skip_before_ns);
void perfdata_cursor_deinit(struct perfdata_cursor *c);

/*
 * Return: enum perfdata_step. c->record is there until the second turn of c->copies after this one.
 */
int perfdata_cursor_next(struct perfdata_cursor *c);

/* Counts something that is wrong with the last record. */
void perfdata_cursor_report(struct perfdata_cursor *c, enum diag_id id, int64_t ns);

/*
 * The same for samples that follow each other with nothing between, at a fraction of the cost, in a
 * recording that is plain:
 *
 *	struct perfdata_burst b = perfdata_burst_begin(c);
 *	while (perfdata_burst_next(&b, &plain)) ...
 *	perfdata_burst_end(c, &b);
 *
 * Where it ends, perfdata_cursor_next() goes on.
 */
struct perfdata_burst {
	const uint8_t *at, *end; /* the next record, and the end of its segment */
	const uint8_t *limit;	 /* from here on there may be less than the fields of a sample */
	uint64_t before;	 /* times are smaller */
	uint32_t cpu;
	bool is_ours;	  /* whether the last sample that was passed is one of this stream */
	uint64_t n, last; /* samples that were found, and the time of the last */
	/* What next() found. */
	const uint8_t *sample;
	struct perfdata_glimpse g;
};

struct perfdata_burst perfdata_burst_begin(struct perfdata_cursor *c);
void perfdata_burst_end(struct perfdata_cursor *c, const struct perfdata_burst *b);

static inline bool perfdata_burst_next(struct perfdata_burst *b, const struct perfdata_plain *plain)
{
	while (b->at < b->limit && perfdata_glimpse(plain, b->at, &b->g) &&
	       b->g.size <= (size_t)(b->end - b->at) && b->g.time < b->before) {
		b->sample = b->at;
		b->at += b->g.size;
		b->is_ours = b->g.cpu == b->cpu;
		if (__builtin_expect(b->is_ours, 1)) {
			b->last = b->g.time;
			b->n++;
			return true;
		}
	}
	return false;
}

/* The sample that was found last is left to perfdata_cursor_next() after all. */
static inline void perfdata_burst_return(struct perfdata_burst *b)
{
	b->at = b->sample;
	b->n--;
}

#endif
