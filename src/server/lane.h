/*
 * lane: the states of a lane at the resolution of a picture.
 *
 * What is asked for is a stretch of time and the length of a pixel. The lane's states come in order
 * and touch each other. One that is at least a pixel long is as the file has it, to the ns and
 * beyond the ends of the stretch; shorter ones are gathered until they are a pixel long, and one of
 * them stands for all: in turn, so that over some pixels each state has as much room as it had
 * time.
 *
 * Work is bounded (parts.h). Of places that are not looked into the index tells how much time each
 * state had: their pixels are shared out among the states in that proportion, mixed evenly.
 */
#ifndef VMSCOPE_SERVER_LANE_H
#define VMSCOPE_SERVER_LANE_H

#include "server/parts.h"

struct lane_query {
	enum table_id table; /* of states */
	size_t lane;
	int64_t from, to;	  /* from < to */
	uint32_t pixels;	  /* that the stretch is cut into, at least 1 */
	uint64_t budget;	  /* rows */
	uint64_t whole;		  /* a stretch of so few rows is shown as it is */
	uint32_t label_pixels;	  /* a state this long gets a label */
	struct node_cache *nodes; /* of the store; NULL: none */
};

enum lane_truth {
	LANE_EXACT,    /* as it was */
	LANE_GATHERED, /* it was here, and others; shown so often as it had time around */
	LANE_SHARE,    /* the same, but it was not necessarily here */
};

struct lane_state {
	int64_t begin, end;
	uint64_t label; /* for label.h; 0: none */
	uint8_t state;
	uint8_t truth; /* enum lane_truth */
};

struct lane_states {
	VEC(struct lane_state) at;
};

/* What drawing needs room for; for one lane after the other. */
struct lane_room {
	struct block *block, *labels; /* owned */
	struct parts parts;
};

void lane_room_init(struct lane_room *room);
void lane_room_deinit(struct lane_room *room);

/* Appends to *states, which the caller frees. Return: 0, or ERR with err set. */
int lane_draw(const struct store *s, const struct lane_query *query, struct lane_room *room,
	      struct lane_states *states, struct error *err);

/* A row of a table of states, all columns. */
struct lane_row {
	int64_t begin, end;
	int64_t values[TABLE_MAX_COLUMNS];
};

/* Finds the state at t. Return: 1 and *row; 0 when the lane has none there; or ERR with err set. */
int lane_at(const struct store *s, enum table_id table, size_t lane, int64_t t,
	    struct lane_row *row, struct error *err);

#endif
