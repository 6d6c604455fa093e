/*
 * merge: the events of many streams as one sequence on the reference clock.
 */
#ifndef VMSCOPE_TIMELINE_MERGE_H
#define VMSCOPE_TIMELINE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/worker.h"
#include "input/input.h"
#include "timeline/clock_map.h"

/* One machine's part. All borrowed; must outlive the merge. */
struct merge_input {
	const struct recording *recording;
	const struct clock_map *clock; /* to the reference */
	/*
	 * NULL: it is the clock of all streams. Else each stream's; NULL: nothing is known of it,
	 * and its events are lost, from reference ns lost_from on.
	 */
	const struct clock_map *const *clocks;
	int64_t lost_from;
	uint16_t machine; /* what its events will say */
	struct event_set wanted;
	int64_t skip_before; /* machine ns: packets that end before it are not read; 0: all are */
};

struct merge;

struct merge *merge_new(const struct merge_input *inputs, size_t n);
void merge_free(struct merge *m);

/*
 * Lets a worker read ahead; to be called before the first event is asked for. What comes out is the
 * same. helper is borrowed, and NULL is nobody.
 */
void merge_use_worker(struct merge *m, struct worker *helper);

/*
 * Return: the next event, NULL at the end. Times never decrease within a stream: an event that
 * steps back takes the time of the one before it. Between streams, equal times keep the order of
 * the inputs and of their streams. The event is valid until the next call.
 */
const struct event *merge_next(struct merge *m);

/*
 * Of recordings that grow (input/feed.h). Return: the next event before `limit`, ns, NULL: there is
 * none; merge_resume() has to come before it is asked for more. All events before the limit must be
 * there; what comes too late all the same takes the time of the one before it.
 */
const struct event *merge_next_before(struct merge *m, int64_t limit);

/* More may be there, of any stream. */
void merge_resume(struct merge *m);

/* Return: events that came too late so far. */
uint64_t merge_late(const struct merge *m);

/* Return: events read so far, wanted or not. With a worker: at the end only, as is the next one. */
uint64_t merge_events_read(const struct merge *m);

/* Adds what reading found wrong with the inputs of `machine`. */
void merge_diags(const struct merge *m, uint16_t machine, struct diag_list *list);

#endif
