/*
 * lane: a lane that is being written. Rows can be made in place, where they wait to be encoded.
 *
 * The open block has its rows one behind the other, of each what is kept: what names the lane is
 * not, nor is dur of states, which follows from the ts of the row after.
 */
#ifndef VMSCOPE_STORE_LANE_H
#define VMSCOPE_STORE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/table.h"
#include "store/format.h"

enum {
	LANE_TIMES = 4096, /* of a CPU's lane that are kept for others */
	LANE_MORE_TIMES = 2048,
	LANE_NEAR = 2, /* lanes that a block may count on, of which it takes one */
};

/* When the last rows of a CPU's lane began; with room for more, and for the end of the last. */
struct lane_times {
	uint32_t n;
	int64_t at[LANE_TIMES + LANE_MORE_TIMES + 1];
};

struct lane_level;
struct column_hint;

/* Private to what follows and to the writer. */
struct store_lane {
	/* What each row needs. */
	int64_t *next, *full; /* where the next one goes; where there is no more room */
	int64_t *rows;	      /* owned; of the open block */
	uint32_t cap;	      /* rows that there is room for */
	uint8_t n_keys;
	uint8_t width;	 /* columns that are kept */
	uint8_t skipped; /* behind the first that is kept: dur */
	uint8_t n_states;
	uint8_t kind;
	bool begun;				  /* it has rows */
	int64_t ts, end;			  /* of the last row */
	struct lane_times *recent;		  /* owned; lanes of cpu_state only */
	const struct store_lane *near[LANE_NEAR]; /* lanes that have most of its times, or NULL */

	struct store_writer *writer;
	size_t number; /* in the writer's lanes */
	const struct table *table;
	int64_t keys[TABLE_MAX_KEYS];

	/* Of whoever does the jobs. */
	struct lane_level *levels; /* owned */
	uint32_t n_levels;
	struct column_hint *hints; /* owned; by column; NULL: it had no block yet */
};

/* Keeps the last LANE_TIMES. */
void lane_drop_times(struct lane_times *times);

static inline void lane_note_time(struct lane_times *t, int64_t ts)
{
	if (t->n == LANE_TIMES + LANE_MORE_TIMES)
		lane_drop_times(t);
	t->at[t->n++] = ts;
}

/* Makes room for one more row in the open block, or has it written. The lane has begun then. */
void store_lane_make_room(struct store_lane *lane);

/* Return: whether a row of a lane of states, which does not simply follow, is to be stored. */
bool store_lane_takes(struct store_lane *lane, int64_t ts, int64_t end, int64_t state);

/* Adds a row that begins with `first`. Return: where the rest of it goes. */
static inline int64_t *lane_row(struct store_lane *l, int64_t first)
{
	if (l->recent)
		lane_note_time(l->recent, first);
	if (l->next == l->full)
		store_lane_make_room(l);
	int64_t *row = l->next;

	l->next += l->width;
	*row = first;
	return row + 1;
}

/*
 * Appends a row of a lane of states, from ts to `end`; the same as store_lane_add().
 * Return: where all columns behind `state` have to be put, in the table's order; NULL: nowhere.
 */
static inline int64_t *store_lane_state(struct store_lane *l, int64_t ts, int64_t end,
					int64_t state)
{
	/* It is longer than 0, and its dur is an int64_t. */
	bool lasts = (uint64_t)format_sub(end, ts) - 1 < INT64_MAX;
	bool follows = ts == l->end && lasts && (uint64_t)state < l->n_states;

	if (!follows && !store_lane_takes(l, ts, end, state))
		return NULL;
	l->ts = ts;
	l->end = end;
	int64_t *row = lane_row(l, ts);

	*row = state;
	return row + 1;
}

/* Appends a row of a lane of spans, or of points, as that does: columns behind `dur`, or ts. */
int64_t *store_lane_span(struct store_lane *lane, int64_t ts, int64_t dur);
int64_t *store_lane_point(struct store_lane *lane, int64_t ts);

/* What store_lane_near() does when it was not near that CPU before. */
void store_lane_now_near(struct store_lane *lane, struct store_lane *cpu);

/*
 * Says that from now on most times of `lane` are also times of `cpu`, a lane of cpu_state: its
 * thread runs there. They are then stored as references to those, which makes the file smaller and
 * nothing else. The last two that were named are tried. Costs nothing to repeat. cpu must not end
 * before lane does.
 */
static inline void store_lane_near(struct store_lane *lane, struct store_lane *cpu)
{
	if (lane->near[0] != cpu)
		store_lane_now_near(lane, cpu);
}

#endif
