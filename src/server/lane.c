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
	uint64_t owed[FORMAT_MAX_SUMS]; /* ns, signed: time that a state had and was not shown */
};

static uint64_t length_of(const struct entry *e)
{
	return (uint64_t)e->end - (uint64_t)e->first;
}

/* ---- drawing -------------------------------------------------------------------------------- */

/* What could not be seen apart from the state before makes that one longer. */
static bool prolongs(struct lane_state *before, int64_t begin, int64_t end, uint8_t state,
		     uint8_t truth)
{
	if (before->state != state || before->truth != truth || before->end != begin)
		return false;
	before->end = end;
	return true;
}

static void show_exact(struct drawing *d, int64_t begin, int64_t end, uint8_t state, uint64_t label)
{
	struct lane_state *at = vec_push(&d->out->at);

	at->begin = begin;
	at->end = end;
	at->state = state;
	at->label = label;
}

static void show_mixed(struct drawing *d, int64_t begin, int64_t end, uint8_t state, uint8_t truth)
{
	const size_t n = d->out->at.n;

	if (n && prolongs(&d->out->at.at[n - 1], begin, end, state, truth))
		return;
	struct lane_state *at = vec_push(&d->out->at);

	at->begin = begin;
	at->end = end;
	at->state = state;
	at->truth = truth;
}

/* Return: if `yes` one, else the other, without a branch that nobody could foretell. */
static inline int64_t choose(bool yes, int64_t one, int64_t other)
{
	return other ^ ((one ^ other) & -(int64_t)yes);
}

/*
 * Return: of the states that are there, the one that is owed most. So what a state has too little
 * of here it gets nearby, and rare ones are seen. Sums of damaged files may wrap around. What was
 * gathered is then taken.
 */
static uint8_t take_one(uint64_t *owed, struct gathering *g, int n)
{
	int64_t most = INT64_MIN, best = g->state;

	for (int i = 0; i < n; i++) {
		owed[i] += g->sums[i];
		int64_t here = choose(g->sums[i] != 0, (int64_t)owed[i], INT64_MIN);
		bool better = here > most;

		best = choose(better, i, best);
		most = choose(better, here, most);
		g->sums[i] = 0;
	}
	owed[best] -= (uint64_t)g->end - (uint64_t)g->begin;
	return (uint8_t)best;
}

static void show_gathered(struct drawing *d)
{
	struct gathering *g = &d->gathering;

	if (g->rows == 1) {
		g->sums[g->state] = 0;
		show_exact(d, g->begin, g->end, g->state, g->label);
	} else if (g->rows) {
		show_mixed(d, g->begin, g->end, take_one(d->owed, g, d->n_sums), LANE_GATHERED);
	}
	g->rows = 0;
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

		show_mixed(d, begin, end, pay_out(d, owed, e->sums, pixels, length / pixels),
			   LANE_SHARE);
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

/* Rows of a block, those from `i` on still to be drawn. */
struct rows {
	const int64_t *ts, *dur, *state;
	uint32_t i, n;
};

/* Gathers rows as long as they are shorter than a pixel, and it is not full. */
static void gather_rows(struct gathering *g, struct rows *rows, uint64_t pixel)
{
	const int64_t *ts = rows->ts, *dur = rows->dur, *state = rows->state;
	const uint64_t begin = (uint64_t)g->begin;
	uint32_t i = rows->i;
	uint64_t length = 0;

	while (i < rows->n && (uint64_t)dur[i] < pixel && length < pixel) {
		g->sums[state[i]] += (uint64_t)dur[i];
		length = (uint64_t)ts[i] + (uint64_t)dur[i] - begin;
		i++;
	}
	g->rows += i - rows->i;
	g->state = (uint8_t)state[i - 1];
	rows->i = i;
}

static uint64_t label_if_wanted(const struct drawing *d, const struct rows *rows, uint32_t i)
{
	return wants_label(d, rows->dur[i]) ? label_of_row(d, i) : 0;
}

static void add_short_rows(struct drawing *d, struct rows *rows)
{
	gather_begin(d, rows->ts[rows->i]);
	gather_rows(&d->gathering, rows, (uint64_t)d->pixel);
	const uint32_t last = rows->i - 1;

	d->gathering.label = label_if_wanted(d, rows, last);
	gather_end(d, rows->ts[last] + rows->dur[last]);
}

static void add_long_row(struct drawing *d, struct rows *rows)
{
	const uint32_t i = rows->i++;

	show_gathered(d);
	show_exact(d, rows->ts[i], rows->ts[i] + rows->dur[i], (uint8_t)rows->state[i],
		   label_if_wanted(d, rows, i));
}

/* Return: those that the stretch has something of. */
static struct rows rows_inside(const struct drawing *d)
{
	const struct block *b = d->room->block;
	struct rows rows = {.ts = b->at[d->table->ts],
			    .dur = b->at[d->table->dur],
			    .state = b->at[d->table->state],
			    .n = b->n};

	while (rows.i < rows.n && rows.ts[rows.i] + rows.dur[rows.i] <= d->query->from)
		rows.i++;
	while (rows.n > rows.i && rows.ts[rows.n - 1] >= d->query->to)
		rows.n--;
	return rows;
}

static int add_block(struct drawing *d, const struct entry *e)
{
	if (block_read(d->store, d->query->table, d->lane->keys, e, 0, d->room->block, d->err) ||
	    read_labels(d, e))
		return ERR;
	struct rows rows = rows_inside(d);

	while (rows.i < rows.n) {
		if ((uint64_t)rows.dur[rows.i] < (uint64_t)d->pixel)
			add_short_rows(d, &rows);
		else
			add_long_row(d, &rows);
	}
	return 0;
}

static int draw_parts(struct drawing *d)
{
	vec_each (p, &d->room->parts.at) {
		if (!part_is_read(&d->room->parts, p))
			add_entry(d, p->entry);
		else if (add_block(d, p->entry))
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
					  .nodes = q->nodes,
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
