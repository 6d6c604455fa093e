/*
 * feed: the events of one stream, many at a time.
 *
 * What a cursor (ctf/cursor.h) finds, losses among it, as struct events. Reading many at once is what makes
 * it fast: all that is the same for a stream stays at hand.
 */
#ifndef VMSCOPE_EVENTS_FEED_H
#define VMSCOPE_EVENTS_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctf/cursor.h"
#include "events/event.h"

/* How many events are read at once: few enough to stay in a CPU's cache; more where threads take turns. */
enum { FEED_FEW = 256, FEED_MANY = 512 };

struct feed {
	struct event
		*events; /* owned, as feed_room(); what was read last, of the machine's own clock */
	size_t n;
	size_t room; /* FEED_FEW, or what its user changed it to together with `events` */
	bool ended;  /* nothing follows these */
	struct ctf_cursor cursor;
};

/*
 * The plan must be one of layout.h; plan and trace must outlive the feed, which must not be moved. Packets that
 * end before skip_before_ns are stepped over; INT64_MIN reads all.
 */
void feed_init(struct feed *f, const struct ctf_trace *trace, const struct ctf_stream *stream,
	       const struct ctf_plan *plan, uint16_t machine, int64_t skip_before_ns);
void feed_deinit(struct feed *f);

/* Reads the next events in place of the last. Return: whether there are any. */
bool feed_read(struct feed *f);

/* Return: room for so many events, for the caller to put in place of the feed's own, and to free. */
struct event *feed_room(const struct feed *f, size_t room);

#endif
