#include "server/graph.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/label.h"
#include "server/lane.h"
#include "server/reply.h"
#include "base/member.h"
#include "store/cursor.h"

enum {
	MAX_STATES = 1 << 20,	  /* of one reply, about */
	MAX_TSP_STATES = 1 << 17, /* more than this no client can take in a second */
	ROWS_DECODED = 1 << 20,
	GOOD_BUDGET = 4096, /* for one lane, even if all then come to */
	SEVERAL = 4,	    /* times as much */
	WHOLE_PIXELS = 2,   /* a row of so many pixels on average is shown as it is, */
	WHOLE_ROWS = 1024,  /* and so are that many rows more */
	LABEL_PIXELS = 12,
	TAG_DIMMED = 1,
	TAG_EXCLUDED = 4,
	LANES_MAGIC = 0x314c4d56,
};

/* ---- which rows, how fine ------------------------------------------------------------------- */

/* The rows asked for, or all of an output. */
typedef VEC(int32_t) rows_t;

static void add_all_rows(rows_t *rows, const struct dataset *d, enum table_id table)
{
	if (table == TABLE_VCPU_STATE) {
		vec_each (v, &d->vcpus)
			*vec_push(rows) = row_id(ROW_VCPU, v->id);
	} else if (table == TABLE_THREAD_STATE) {
		vec_each (t, &d->threads)
			*vec_push(rows) = row_id(ROW_THREAD, t->id);
	} else {
		for (size_t i = 0; i < d->cpus.n; i++)
			*vec_push(rows) = row_id(ROW_CPU, (int64_t)i);
	}
}

static rows_t wanted_rows(const struct dataset *d, enum table_id table,
			  const struct view_request *q)
{
	rows_t rows = {0};

	if (!q->has_items)
		add_all_rows(&rows, d, table);
	for (size_t i = 0; i < q->items.n; i++)
		*vec_push(&rows) = q->items.at[i];
	return rows;
}

/* Return: rows that may be decoded for each of n lanes: few lanes are worth some more. */
static uint64_t budget_for(size_t n)
{
	uint64_t share = ROWS_DECODED / n, most = SEVERAL * (ROWS_DECODED / n);

	if (share >= GOOD_BUDGET)
		return share;
	return most < GOOD_BUDGET ? most : GOOD_BUDGET;
}

static struct lane_query query_for(const struct dataset *d, const struct view_request *q,
				   size_t n_rows, uint64_t max_states)
{
	size_t n = n_rows ? n_rows : 1;
	uint64_t share = max_states / n;
	uint64_t pixels = q->pixels < share ? q->pixels : share;

	return (struct lane_query){
		.from = q->has_range ? q->from : d->begin,
		.to = q->has_range ? q->to : d->end,
		.pixels = pixels ? (uint32_t)pixels : 1,
		.budget = budget_for(n),
		.label_pixels = q->all_labels ? 0 : LABEL_PIXELS,
		.nodes = d->nodes,
	};
}

/*
 * Draws a row; one without a lane has no states. left: states that the reply may still have; what
 * is drawn is taken off. Return: 0, or ERR with err set.
 */
static int draw_row(const struct dataset *d, int32_t row, struct lane_query *q, uint64_t *left,
		    struct lane_room *room, struct lane_states *states, struct error *err)
{
	uint64_t few = q->pixels / WHOLE_PIXELS + WHOLE_ROWS, before = states->at.n;

	if (!dataset_lane(d, row, &q->table, &q->lane))
		return 0;
	q->whole = few < *left ? few : *left;
	int r = lane_draw(d->store, q, room, states, err);
	uint64_t drawn = states->at.n - before;

	*left -= drawn < *left ? drawn : *left;
	return r;
}

/* ---- states for the protocol ---------------------------------------------------------------- */

static bool has_text(const char *filter, const char *name, const char *label)
{
	return strcasestr(name, filter) || strcasestr(label, filter);
}

/* Return: TAG_* of a state that does not have the texts that are filtered for. */
static int tags_of(const struct view_request *q, const char *name, const char *label)
{
	static const int tags[FILTER_N] = {
		[FILTER_DIM] = TAG_DIMMED, [FILTER_EXCLUDE] = TAG_EXCLUDED};
	int found = 0;

	for (int effect = 0; effect < FILTER_N; effect++) {
		for (size_t i = 0; i < q->filters[effect].n; i++) {
			if (!has_text(q->filters[effect].at[i], name, label))
				found |= tags[effect];
		}
	}
	return found;
}

enum { TAIL_SIZE = 96, START_SIZE = 48 };

/* What follows the times of a state, made once per state of a table. */
struct tails {
	enum table_id table;
	char text[FORMAT_MAX_SUMS][TAIL_SIZE];
	size_t n[FORMAT_MAX_SUMS];
};

static void tails_init(struct tails *t, enum table_id table)
{
	if (t->table == table)
		return;
	t->table = table;
	for (int i = 0; i < FORMAT_MAX_SUMS; i++)
		t->n[i] = (size_t)snprintf(t->text[i], sizeof(t->text[i]),
					   ",\"style\":{\"parentKey\":\"%s.%s\",\"values\":{}}}",
					   label_family(table), label_state(table, i));
}

/* A state with a label, or one that is filtered. */
static void write_more(struct out *o, const struct dataset *d, const struct view_request *q,
		       const struct tails *tails, const struct lane_state *s)
{
	char *label = label_text(d, s->label);
	int tags = tags_of(q, label_state(tails->table, s->state), label);

	if (*label) {
		out_str(o, ",\"label\":");
		jsonw_quote(o, label, strlen(label));
	}
	if (tags) {
		out_str(o, ",\"tags\":");
		out_int(o, tags);
	}
	if (tags & TAG_EXCLUDED) /* what has no style is not drawn */
		out_char(o, '}');
	else
		out_bytes(o, tails->text[s->state], tails->n[s->state]);
	free(label);
}

/* A time as text. */
struct moment {
	int64_t t;
	char text[OUT_DIGITS + 1];
	size_t n;
};

static void moment_set(struct moment *m, int64_t t)
{
	m->t = t;
	m->text[0] = '-';
	m->n = (size_t)(out_digits(m->text + (t < 0), t < 0 ? -(uint64_t)t : (uint64_t)t) -
			m->text);
}

static char *put(char *at, const char *text, size_t n)
{
	memcpy(at, text, n);
	return at + n;
}

/* Puts more than n bytes, whose number need not be looked at. */
static char *put_all(char *at, const char *text, size_t size, size_t n)
{
	memcpy(at, text, size);
	return at + n;
}

/* The two times of a state; most begin when the one before ended, whose end is in *m. */
static void write_times(struct out *o, struct moment *m, const struct lane_state *s)
{
	char *begin = out_room(o, 2 * (START_SIZE + sizeof(m->text))), *at = begin;

	if (s->begin != m->t)
		moment_set(m, s->begin);
	at = put(at, "{\"start\":", 9);
	at = put_all(at, m->text, sizeof(m->text), m->n);
	at = put(at, ",\"end\":", 7);
	moment_set(m, s->end);
	at = put_all(at, m->text, sizeof(m->text), m->n);
	o->n += (size_t)(at - begin);
}

/* There are very many of these: no more is done for each than must be. */
static void write_states(struct jsonw *j, const struct dataset *d, const struct view_request *q,
			 const struct tails *tails, const struct lane_states *states)
{
	bool plain = !q->filters[FILTER_DIM].n && !q->filters[FILTER_EXCLUDE].n;
	struct moment moment = {0};

	moment_set(&moment, 0);
	vec_each (s, &states->at) {
		struct out *o = jsonw_raw(j);

		write_times(o, &moment, s);
		if (plain && !s->label) {
			put_all(out_room(o, TAIL_SIZE), tails->text[s->state], TAIL_SIZE, 0);
			o->n += tails->n[s->state];
		} else {
			write_more(o, d, q, tails, s);
		}
	}
}

static void write_row(struct jsonw *j, const struct dataset *d, int32_t row,
		      const struct view_request *q, const struct tails *tails,
		      const struct lane_states *states)
{
	jsonw_object_begin(j);
	member_int(j, "entryId", row);
	member_array(j, "states");
	write_states(j, d, q, tails, states);
	jsonw_array_end(j);
	jsonw_object_end(j);
}

int graph_states(struct jsonw *j, const struct dataset *d, enum output_id output,
		 const struct view_request *q, struct error *err)
{
	rows_t rows = wanted_rows(d, output_states(output), q);
	struct lane_query query = query_for(d, q, rows.n, MAX_TSP_STATES);
	uint64_t left = MAX_TSP_STATES;
	struct tails tails = {.table = TABLE_NONE};
	struct lane_states states = {0};
	struct lane_room room;
	int r = 0;

	lane_room_init(&room);
	jsonw_object_begin(j);
	member_array(j, "rows");
	for (size_t i = 0; !r && i < rows.n; i++) {
		states.at.n = 0;
		r = draw_row(d, rows.at[i], &query, &left, &room, &states, err);
		if (states.at.n)
			tails_init(&tails, query.table);
		write_row(j, d, rows.at[i], q, &tails, &states);
	}
	jsonw_array_end(j);
	jsonw_object_end(j);
	lane_room_deinit(&room);
	vec_deinit(&states.at);
	vec_deinit(&rows);
	return r;
}

/* ---- states for the page -------------------------------------------------------------------- */

/* All that is drawn, where it will be sent from: room for more states is between the arrays until
 * there are no more. */
struct lanes {
	rows_t rows;
	VEC(uint32_t) counts; /* states of each row */
	VEC(int64_t) ends;    /* of each row's last state */
	size_t n_states, cap_states;
	char *data;	   /* owned */
	struct map labels; /* label -> its number, from 1 */
	VEC(uint64_t) label_list;
};

enum {
	LANES_HEADER = 16,
	LANE_SIZE = 16,
	BEGIN_SIZE = 8,
	NUMBER_SIZE = 2,
	STATE_SIZE = 1,
	TRUTH_SIZE = 1
};

/* The arrays of states in the order in which they stand, by the size of an element. */
static const size_t array_sizes[] = {BEGIN_SIZE, NUMBER_SIZE, STATE_SIZE, TRUTH_SIZE};

enum { N_ARRAYS = sizeof(array_sizes) / sizeof(*array_sizes) };

/* Return: where array k begins if each has room for n states; k = N_ARRAYS: where all end. */
static size_t array_at(const struct lanes *l, size_t n, int k)
{
	size_t at = LANES_HEADER + l->rows.n * LANE_SIZE;

	for (int i = 0; i < k; i++)
		at += n * array_sizes[i];
	return at;
}

static uint16_t label_number(struct lanes *l, uint64_t label)
{
	const uint64_t *known = map_get(&l->labels, label);

	if (known)
		return (uint16_t)*known;
	if (l->label_list.n == UINT16_MAX)
		return 0;
	*vec_push(&l->label_list) = label;
	map_put(&l->labels, label, l->label_list.n);
	return (uint16_t)l->label_list.n;
}

static char *label_list_text(const struct lanes *l, const struct dataset *d, size_t *np)
{
	char *text = NULL;
	FILE *f = mem_given(open_memstream(&text, np));
	struct jsonw j;

	jsonw_init(&j, f);
	jsonw_array_begin(&j);
	for (size_t i = 0; i < l->label_list.n; i++) {
		char *label = label_text(d, l->label_list.at[i]);

		jsonw_string(&j, label);
		free(label);
	}
	jsonw_array_end(&j);
	jsonw_deinit(&j);
	fclose(f);
	return text;
}

static double relative(const struct dataset *d, int64_t t)
{
	return (double)(int64_t)((uint64_t)t - (uint64_t)d->begin);
}

static void put16(uint8_t *at, uint16_t x)
{
	at[0] = x & 0xff;
	at[1] = x >> 8;
}

static uint8_t *put32(uint8_t *at, uint32_t x)
{
	format_store32(at, x);
	return at + sizeof(x);
}

static uint8_t *put_double(uint8_t *at, double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	format_store64(at, bits);
	return at + sizeof(bits);
}

static void put_lane_table(uint8_t *at, const struct lanes *l, const struct dataset *d)
{
	for (size_t i = 0; i < l->rows.n; i++) {
		at = put32(at, (uint32_t)l->rows.at[i]);
		at = put32(at, l->counts.at[i]);
		at = put_double(at, l->counts.at[i] ? relative(d, l->ends.at[i]) : 0);
	}
}

static void make_room(struct lanes *l, size_t more)
{
	const size_t before = l->cap_states, need = l->n_states + more;

	if (l->data && need <= before)
		return;
	l->cap_states = need > 2 * before ? need : 2 * before;
	char *data = reply_room(array_at(l, l->cap_states, N_ARRAYS));

	for (int k = 0; l->data && k < N_ARRAYS; k++)
		memcpy(data + array_at(l, l->cap_states, k), l->data + array_at(l, before, k),
		       l->n_states * array_sizes[k]);
	free(l->data);
	l->data = data;
}

/* Return: where the n-th array goes on. */
static uint8_t *array_end(const struct lanes *l, int k)
{
	return (uint8_t *)l->data + array_at(l, l->cap_states, k) + l->n_states * array_sizes[k];
}

/* Appends what was drawn of one row. */
static void put_row(struct lanes *l, const struct dataset *d, const struct lane_states *drawn)
{
	const size_t n = drawn->at.n;
	const struct lane_state *from = drawn->at.at;

	make_room(l, n);
	/* Bytes could be anything; so the compiler is told what they are not. */
	uint8_t *restrict begins = array_end(l, 0);
	uint8_t *numbers = array_end(l, 1);
	uint8_t *restrict states = array_end(l, 2);
	uint8_t *restrict truths = array_end(l, 3);

	memset(numbers, 0, n * NUMBER_SIZE);
	for (size_t i = 0; i < n; i++) {
		put_double(begins + i * BEGIN_SIZE, relative(d, from[i].begin));
		states[i] = from[i].state;
		truths[i] = from[i].truth;
		if (from[i].label)
			put16(numbers + i * NUMBER_SIZE, label_number(l, from[i].label));
	}
	l->n_states += n;
	*vec_push(&l->counts) = (uint32_t)n;
	*vec_push(&l->ends) = n ? from[n - 1].end : 0;
}

/* Moves the arrays together. */
static void close_gaps(struct lanes *l)
{
	for (int k = 0; k < N_ARRAYS; k++)
		memmove(l->data + array_at(l, l->n_states, k),
			l->data + array_at(l, l->cap_states, k), l->n_states * array_sizes[k]);
	l->cap_states = l->n_states;
}

/* Return: what is to be sent, owned by the caller; l has it no more. */
static char *lanes_data(struct lanes *l, const struct dataset *d, size_t *sizep)
{
	size_t n_labels, n_arrays = array_at(l, l->n_states, N_ARRAYS);
	char *labels = label_list_text(l, d, &n_labels);

	make_room(l, 0);
	close_gaps(l);
	char *data = mem_realloc(l->data, n_arrays + n_labels);
	uint8_t *at = put32((uint8_t *)data, LANES_MAGIC);

	at = put32(at, (uint32_t)l->rows.n);
	at = put32(at, (uint32_t)l->n_states);
	put_lane_table(put32(at, (uint32_t)n_labels), l, d);
	memcpy(data + n_arrays, labels, n_labels);
	free(labels);
	l->data = NULL;
	*sizep = n_arrays + n_labels;
	return data;
}

static void lanes_deinit(struct lanes *l)
{
	vec_deinit(&l->rows);
	vec_deinit(&l->counts);
	vec_deinit(&l->ends);
	vec_deinit(&l->label_list);
	map_deinit(&l->labels);
	free(l->data);
}

int graph_lanes(char **datap, size_t *sizep, const struct dataset *d, const struct view_request *q,
		struct error *err)
{
	struct lanes l = {0};

	for (size_t i = 0; i < q->items.n; i++)
		*vec_push(&l.rows) = q->items.at[i];
	struct lane_query query = query_for(d, q, l.rows.n, MAX_STATES);
	struct lane_states drawn = {0};
	uint64_t left = MAX_STATES;
	struct lane_room room;
	int r = 0;

	lane_room_init(&room);
	make_room(&l, l.rows.n * (query.pixels + query.pixels / 4));
	for (size_t i = 0; !r && i < l.rows.n; i++) {
		drawn.at.n = 0;
		r = draw_row(d, l.rows.at[i], &query, &left, &room, &drawn, err);
		put_row(&l, d, &drawn);
	}
	if (!r)
		*datap = lanes_data(&l, d, sizep);
	lane_room_deinit(&room);
	vec_deinit(&drawn.at);
	lanes_deinit(&l);
	return r;
}

/* ---- tooltips ------------------------------------------------------------------------------- */

int graph_tooltip(struct jsonw *j, const struct dataset *d, int32_t row, int64_t t,
		  struct error *err)
{
	struct lane_row at;
	enum table_id table;
	size_t lane;
	char length[48];
	int r = dataset_lane(d, row, &table, &lane) ? lane_at(d->store, table, lane, t, &at, err)
						    : 0;

	jsonw_object_begin(j);
	if (r == CURSOR_ROW) {
		member_text(j, "state", label_state(table, at.values[table_get(table)->state]));
		snprintf(length, sizeof(length), "%" PRId64 " ns", at.end - at.begin);
		member_text(j, "duration", length);
		label_details(j, d, table, at.values);
	}
	jsonw_object_end(j);
	return r < 0 ? r : 0;
}
