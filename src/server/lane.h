/*
 * lane: the states of a lane at the resolution of a picture.
 *
 * What is asked for is a stretch of time and the length of a pixel. The lane's states come in order and
 * touch each other. One that is at least a pixel long is as the file has it, to the ns and beyond the
 * ends of the stretch; shorter ones are gathered until they are a pixel long, and the state that
 * had most of that time stands for them.
 *
 * Work is bounded: of the data blocks that the stretch touches, at most `budget` rows are decoded,
 * widest blocks first; for the others their sums stand, which the index has. So a block that is not
 * looked into becomes one gathered state of its own length. The two blocks at the ends are always decoded.
 */
#ifndef VMSCOPE_SERVER_LANE_H
#define VMSCOPE_SERVER_LANE_H

#include "server/dataset.h"

struct lane_query {
	enum table_id table; /* of states */
	size_t lane;
	int64_t from, to;      /* from < to */
	uint32_t pixels;       /* that the stretch is cut into, at least 1 */
	uint64_t budget;       /* rows */
	uint32_t label_pixels; /* a state this long gets a label */
};

struct lane_state {
	int64_t begin, end;
	uint64_t label; /* for label.h; 0: none */
	uint8_t state;
	bool gathered; /* from several shorter ones */
};

struct lane_states {
	VEC(struct lane_state) at;
	uint64_t blocks_read, nodes_read;
};

/* What decoding needs room for; for one lane after the other. */
struct lane_room {
	struct block *block, *labels; /* owned */
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
