#include "server/lane.h"

#include <stdlib.h>

#include "server/label.h"
#include "store/block.h"
#include "store/cursor.h"

/* States that are too short to be shown one by one. */
struct gathering {
	int64_t begin, end;
	uint64_t sums[FORMAT_MAX_SUMS];
	uint64_t rows;
	uint64_t label; /* of the last row */
	uint8_t state;	/* of the last row */
};

struct drawing {
	const struct store *store;
	const struct lane_query *query;
	const struct table *table;
	const struct lane_info *lane;
	struct lane_states *out;
	struct error *err;
	int64_t pixel; /* ns; 0: every row is shown */
	int64_t label_from;
	int n_sums;
	struct lane_room *room;
	struct gathering gathering;
	uint64_t owed
		[FORMAT_MAX_SUMS]; /* ns, signed: time that a state had more than it was shown */
};

static uint64_t length_of(const struct entry *e)
{
	return (uint64_t)e->end - (uint64_t)e->first;
}

/* ---- drawing ----------------------------------------------------------------------------------
 */

static void show(struct drawing *d, const struct lane_state *state)
{
	struct lane_state *before = d->out->at.n ? &d->out->at.at[d->out->at.n - 1] : NULL;

	if (before && before->truth && before->truth == state->truth &&
	    before->state == state->state && before->end == state->begin)
		before->end = state->end;
	else
		*vec_push(&d->out->at) = *state;
}

/*
 * Return: of the states that are there, the one that is owed most. So what a state has too little of here it gets
 * nearby, and rare ones are seen. Sums of damaged files may wrap around.
 */
static uint8_t one_of(uint64_t *owed, const struct gathering *g, int n)
{
	int best = -1;

	for (int i = 0; i < n; i++) {
		owed[i] += g->sums[i];
		if (g->sums[i] && (best < 0 || (int64_t)owed[i] > (int64_t)owed[best]))
			best = i;
	}
	if (best < 0)
		return g->state;
	owed[best] -= (uint64_t)g->end - (uint64_t)g->begin;
	return (uint8_t)best;
}

static void show_gathered(struct drawing *d)
{
	struct gathering *g = &d->gathering;

	if (g->rows == 1)
		show(d, &(struct lane_state){.begin = g->begin,
					     .end = g->end,
					     .label = g->label,
					     .state = g->state});
	else if (g->rows)
		show(d, &(struct lane_state){.begin = g->begin,
					     .end = g->end,
					     .state = one_of(d->owed, g, d->n_sums),
					     .truth = LANE_GATHERED});
	if (!g->rows)
		return;
	g->rows = 0;
	memset(g->sums, 0, sizeof(*g->sums) * (size_t)d->n_sums);
}

static void gather_begin(struct drawing *d, int64_t begin)
{
	if (!d->gathering.rows)
		d->gathering.begin = begin;
}

/* What was gathered is shown once it is long enough to be seen. */
static void gather_end(struct drawing *d, int64_t end)
{
	d->gathering.end = end;
	if ((uint64_t)end - (uint64_t)d->gathering.begin >= (uint64_t)d->pixel)
		show_gathered(d);
}

static void add_row(struct drawing *d, int64_t begin, int64_t end, uint8_t state, uint64_t label)
{
	uint64_t length = (uint64_t)end - (uint64_t)begin;

	if (length >= (uint64_t)d->pixel) {
		show_gathered(d);
		show(d, &(struct lane_state){
				.begin = begin, .end = end, .label = label, .state = state});
		return;
	}
	gather_begin(d, begin);
	d->gathering.sums[state] += length;
	d->gathering.rows++;
	d->gathering.state = state;
	d->gathering.label = label;
	gather_end(d, end);
}

/* Takes what is at most a pixel long as a whole. */
static void add_narrow(struct drawing *d, const struct entry *e)
{
	gather_begin(d, e->first);
	for (int i = 0; i < d->n_sums; i++)
		d->gathering.sums[i] += e->sums[i];
	d->gathering.rows += e->rows + 1; /* never 1: its only row is not at hand */
	gather_end(d, e->end);
}

/* Return: the state that is owed most; what it then gets is taken off. */
static uint8_t pay_out(struct drawing *d, int64_t *owed, const uint64_t *sums, uint64_t pixels,
		       uint64_t length)
{
	int best = 0;

	for (int i = 0; i < d->n_sums; i++) {
		owed[i] += (int64_t)(sums[i] / pixels);
		best = owed[i] > owed[best] ? i : best;
	}
	owed[best] -= (int64_t)length;
	return (uint8_t)best;
}

/* Shares out the pixels of what is not looked into. */
static void add_wide(struct drawing *d, const struct entry *e)
{
	uint64_t length = length_of(e), pixels = length / (uint64_t)d->pixel;
	int64_t owed[FORMAT_MAX_SUMS] = {0}, begin = e->first;

	show_gathered(d);
	for (uint64_t i = 1; i <= pixels; i++) {
		int64_t end = i == pixels ? e->end : begin + (int64_t)(length / pixels);

		show(d, &(struct lane_state){
				.begin = begin,
				.end = end,
				.state = pay_out(d, owed, e->sums, pixels, length / pixels),
				.truth = LANE_SHARE});
		begin = end;
	}
}

static void add_entry(struct drawing *d, const struct entry *e)
{
	if (length_of(e) < 2 * (uint64_t)d->pixel)
		add_narrow(d, e);
	else
		add_wide(d, e);
}

static bool wants_label(const struct drawing *d, int64_t length)
{
	return length >= d->label_from;
}

/* Decodes what labels are made of, if a row is long enough to have one. */
static int read_labels(struct drawing *d, const struct entry *e)
{
	const int64_t *dur = d->room->block->at[d->table->dur];
	bool any = false;

	for (uint32_t i = 0; i < d->room->block->n; i++)
		any |= wants_label(d, dur[i]);
	return any ? block_read(d->store, d->query->table, d->lane->keys, e,
				label_columns(d->query->table), d->room->labels, d->err)
		   : 0;
}

static uint64_t label_of_row(const struct drawing *d, uint32_t row)
{
	int64_t values[TABLE_MAX_COLUMNS];

	for (int c = 0; c < d->table->n_columns; c++)
		values[c] = label_columns(d->query->table) >> c & 1 ? d->room->labels->at[c][row]
								    : TABLE_NULL;
	values[d->table->state] = d->room->labels->at[d->table->state][row];
	return label_of(d->query->table, values);
}

static int add_block(struct drawing *d, const struct entry *e)
{
	struct block *b = d->room->block;

	if (block_read(d->store, d->query->table, d->lane->keys, e, 0, b, d->err) ||
	    read_labels(d, e))
		return ERR;
	const int64_t *ts = b->at[d->table->ts], *dur = b->at[d->table->dur];
	const int64_t *state = b->at[d->table->state];

	for (uint32_t i = 0; i < b->n; i++) {
		int64_t end = ts[i] + dur[i];

		if (end <= d->query->from || ts[i] >= d->query->to)
			continue;
		add_row(d, ts[i], end, (uint8_t)state[i],
			wants_label(d, dur[i]) ? label_of_row(d, i) : 0);
	}
	return 0;
}

static int draw_parts(struct drawing *d)
{
	vec_each (p, &d->room->parts.at) {
		if (!p->decode)
			add_entry(d, &p->entry);
		else if (add_block(d, &p->entry))
			return ERR;
	}
	show_gathered(d);
	return 0;
}

void lane_room_init(struct lane_room *room)
{
	*room = (struct lane_room){.block = block_new(), .labels = block_new()};
	parts_init(&room->parts);
}

void lane_room_deinit(struct lane_room *room)
{
	free(room->block);
	free(room->labels);
	parts_deinit(&room->parts);
}

int lane_draw(const struct store *s, const struct lane_query *q, struct lane_room *room,
	      struct lane_states *out, struct error *err)
{
	uint64_t length = (uint64_t)q->to - (uint64_t)q->from;
	uint64_t pixel = length / q->pixels ? length / q->pixels : 1;
	uint64_t label_from = pixel * q->label_pixels;
	struct drawing d = {
		.store = s,
		.query = q,
		.table = table_get(q->table),
		.lane = &s->tables[q->table].lanes.at[q->lane],
		.out = out,
		.err = err,
		.pixel = pixel > INT64_MAX ? INT64_MAX : (int64_t)pixel,
		.label_from = label_from / pixel != q->label_pixels || label_from > INT64_MAX
				      ? INT64_MAX
				      : (int64_t)label_from,
		.n_sums = s->tables[q->table].n_sums,
		.room = room,
	};

	const struct parts_query parts = {.store = s,
					  .table = q->table,
					  .lane = q->lane,
					  .from = q->from,
					  .to = q->to,
					  .pixel = d.pixel,
					  .budget = q->budget,
					  .whole = q->whole};
	bool whole;

	if (parts_find(&room->parts, &parts, &whole, err))
		return ERR;
	if (whole)
		d.pixel = 0;
	return draw_parts(&d);
}

int lane_at(const struct store *s, enum table_id table, size_t lane, int64_t t,
	    struct lane_row *row, struct error *err)
{
	const struct table *kind = table_get(table);
	struct store_query query = store_query_all(s, table);
	struct store_cursor c;

	query.lane = lane;
	query.lanes_end = lane + 1;
	query.from = t;
	query.to = t == INT64_MAX ? t : t + 1;
	store_cursor_init(&c, s, &query);
	int r = store_cursor_next(&c, err);

	if (r == CURSOR_ROW) {
		for (int i = 0; i < kind->n_columns; i++)
			row->values[i] = store_cursor_get(&c, i);
		row->begin = row->values[kind->ts];
		row->end = row->begin + row->values[kind->dur];
	}
	store_cursor_deinit(&c);
	return r;
}
