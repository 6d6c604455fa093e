#include "store/writer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/worker.h"
#include "store/format.h"
#include "store/hash.h"
#include "store/lane.h"
#include "store/node.h"
#include "store/outfile.h"
#include "store/spill.h"
#include "store/times.h"

enum {
	BLOCK_ROWS = 512,
	FIRST_ROWS = 8,
	MOST_BASE_TIMES = 8,		   /* per row of a block that counts on them */
	FEW_ROWS = 64,			   /* of a block when memory for open ones is short */
	OPEN_BUDGET = 24 << 20,		   /* bytes of open blocks that make memory short */
	MAX_JOBS = 32,			   /* that wait */
	STRIDE = BLOCK_ROWS + KERNEL_ROOM, /* from column to column of a block */
};

/* Entries of one level of a lane's index that no node holds yet. */
struct lane_level {
	VEC(struct entry) entries;
};

/*
 * Behind the keys ts comes first in every table that has one, then dur and state. Of states dur is
 * not kept: it follows from the ts of the row after.
 */
enum { TS, DUR, STATE };

/* A block to be written. */
struct job {
	struct store_lane *lane;
	int64_t *rows;
	uint32_t n;
	int64_t end;		/* of its last row */
	struct times_base base; /* at: NULL: none */
	int64_t *base_times;	/* owned; NULL: they are the lane's */
	bool last;		/* nothing of its lane follows */
};

/* A root, as numbers: where a lane stands in the directory, and the entry that holds all of it. */
enum {
	ROOT_TABLE,
	ROOT_LANE,
	ROOT_KEYS = ROOT_LANE + TABLE_MAX_KEYS,
	ROOT_LEVEL = ROOT_KEYS,
	ROOT_FIRST,
	ROOT_END,
	ROOT_ROWS,
	ROOT_OFFSET,
	ROOT_SIZE,
	ROOT_HASH,
	ROOT_SUMS,
	ROOT_WIDTH = ROOT_SUMS + FORMAT_MAX_SUMS,
};

struct store_writer {
	/* Of whoever does the jobs, while there are any. */
	struct outfile file;
	struct column_encoder encoder;
	struct times_encoder times;
	struct bytes bytes;			     /* of the piece that is made */
	int64_t columns[TABLE_MAX_COLUMNS * STRIDE]; /* of the block that is made */
	int64_t left[BLOCK_ROWS + KERNEL_ROOM];
	struct spill *roots; /* of lanes that are ended */
	uint64_t n_roots[TABLE_N];

	struct worker *worker; /* does the jobs; NULL: they are done as they come */
	uint64_t open_bytes;
	VEC(struct store_lane *) lanes; /* that are not ended */
	struct map lane_by_key;		/* of those that can be asked for again */

	struct bytes text; /* of all strings */
	VEC(uint32_t) string_at;
	struct map string_by_hash;

	char *mistake; /* owned; the first rule that was broken, or NULL */
};

int store_writer_new(struct store_writer **wp, const char *path, struct error *err)
{
	const uint8_t header[FORMAT_HEADER_SIZE] = {0};
	struct store_writer *w = mem_zalloc(1, sizeof(*w));

	if (path ? outfile_init(&w->file, path, err) : outfile_init_unnamed(&w->file, err)) {
		free(w);
		return ERR;
	}
	outfile_write(&w->file, header, sizeof(header));
	w->encoder.kernels = kernels_best();
	w->roots = spill_new(ROOT_WIDTH, ROOT_KEYS);
	*wp = w;
	return 0;
}

/* --- strings --- */

int64_t store_writer_string(struct store_writer *w, const char *s)
{
	if (!s)
		return TABLE_NULL;
	size_t n = strlen(s) + 1;
	uint64_t *id;

	for (uint64_t key = hash_bytes(s, n);; key++) {
		id = map_put(&w->string_by_hash, key, w->string_at.n);
		if (*id == w->string_at.n)
			break;
		if (!strcmp((const char *)w->text.at + w->string_at.at[*id], s))
			return (int64_t)*id;
	}
	if (w->text.n + n > UINT32_MAX && !w->mistake)
		w->mistake = mem_strdup("more than 4 GiB of strings");
	*vec_push(&w->string_at) = (uint32_t)w->text.n;
	bytes_put(&w->text, s, n);
	return (int64_t)w->string_at.n - 1;
}

/* --- lanes --- */

static bool same_keys(const struct store_lane *l, const struct table *t, const int64_t *keys)
{
	return l->table == t && !memcmp(l->keys, keys, sizeof(*keys) * (size_t)t->n_keys);
}

struct store_lane *store_lane_new(struct store_writer *w, enum table_id table, const int64_t *keys)
{
	const struct table *t = table_get(table);
	struct store_lane *l = mem_zalloc(1, sizeof(*l));

	l->writer = w;
	l->number = w->lanes.n;
	l->table = t;
	l->kind = (uint8_t)t->kind;
	l->n_keys = (uint8_t)t->n_keys;
	l->skipped = t->kind == TABLE_STATES;
	l->width = (uint8_t)(t->n_columns - t->n_keys - l->skipped);
	l->n_states = (uint8_t)table_n_states(t);
	memcpy(l->keys, keys, sizeof(*keys) * (size_t)t->n_keys);
	if (t == table_get(TABLE_CPU_STATE)) {
		l->recent = mem_alloc(sizeof(*l->recent)); /* memory that is not used is not had */
		l->recent->n = 0;
	}
	*vec_push(&w->lanes) = l;
	return l;
}

struct store_lane *store_writer_lane(struct store_writer *w, enum table_id table,
				     const int64_t *row)
{
	const struct table *t = table_get(table);
	int64_t name[1 + TABLE_MAX_KEYS] = {table};

	memcpy(name + 1, row, sizeof(*row) * (size_t)t->n_keys);
	for (uint64_t key = hash_bytes(name, sizeof(name));; key++) {
		uint64_t *at = map_put(&w->lane_by_key, key, 0);
		struct store_lane *known = (struct store_lane *)(uintptr_t)*at;

		if (known && !same_keys(known, t, row))
			continue;
		if (!known)
			*at = (uintptr_t)(known = store_lane_new(w, table, row));
		return known;
	}
}

static void lane_free(struct store_lane *l)
{
	for (uint32_t i = 0; i < l->n_levels; i++)
		vec_deinit(&l->levels[i].entries);
	free(l->levels);
	free(l->hints);
	free(l->recent);
	free(l->rows);
	free(l);
}

/* --- pieces --- */

/* Writes w->bytes as a piece of the file, and says in e where that is. */
static void write_piece(struct store_writer *w, struct entry *e)
{
	e->offset = w->file.offset;
	e->size = w->bytes.n;
	e->hash = (uint32_t)hash_bytes(w->bytes.at, w->bytes.n);
	outfile_write(&w->file, w->bytes.at, w->bytes.n);
}

static int n_sums(const struct table *t)
{
	return t->kind == TABLE_SPANS ? 1 : table_n_states(t);
}

static void add_entry(struct store_lane *l, uint32_t level, const struct entry *e);

/* Makes an index node of the entries of this level, which are then its children. */
static void write_node(struct store_lane *l, uint32_t level)
{
	struct store_writer *w = l->writer;
	const struct entry *children = l->levels[level].entries.at;
	const uint32_t n = (uint32_t)l->levels[level].entries.n;
	const int sums = n_sums(l->table);
	struct entry e = {.first = children[0].first, .end = children[0].end};

	for (uint32_t i = 0; i < n; i++) {
		e.end = children[i].end > e.end ? children[i].end : e.end;
		e.rows += children[i].rows;
		for (int k = 0; k < sums; k++)
			e.sums[k] += children[i].sums[k];
	}
	w->bytes.n = 0;
	bytes_varint(&w->bytes, n);
	node_encode(&w->encoder, children, n, e.first, sums, &w->bytes);
	write_piece(w, &e);
	l->levels[level].entries.n = 0;
	add_entry(l, level + 1, &e);
}

static void add_entry(struct store_lane *l, uint32_t level, const struct entry *e)
{
	if (level == l->n_levels) {
		l->levels = mem_realloc(l->levels, sizeof(*l->levels) * (level + 1));
		l->levels[l->n_levels++] = (struct lane_level){0};
	}
	if (l->levels[level].entries.n == FORMAT_NODE_ENTRIES)
		write_node(l, level);
	*vec_push(&l->levels[level].entries) = *e;
}

/* Values of a column of the table, of the block that is made. */
static const int64_t *column_of(const struct job *j, int c)
{
	uint32_t i = (uint32_t)(c - j->lane->table->n_keys);

	return j->lane->writer->columns + (size_t)(i ? i - j->lane->skipped : 0) * STRIDE;
}

/* The time in each state: each lasts until the next one begins. */
static void sum_states(const struct job *j, struct entry *e)
{
	const int64_t *ts = column_of(j, j->lane->table->ts);
	const int64_t *state = column_of(j, j->lane->table->state);
	uint32_t i = 0;

	for (; i + 1 < j->n; i++)
		e->sums[state[i]] += (uint64_t)(ts[i + 1] - ts[i]);
	e->end = j->end;
	e->sums[state[i]] += (uint64_t)(e->end - ts[i]);
}

static void sum_spans(const struct job *j, struct entry *e)
{
	const int64_t *ts = column_of(j, j->lane->table->ts);
	const int64_t *dur = column_of(j, j->lane->table->dur);

	for (uint32_t i = 0; i < j->n; i++) {
		int64_t length = dur[i] == TABLE_NULL ? 0 : dur[i];

		e->sums[0] += (uint64_t)length;
		e->end = ts[i] + length > e->end ? ts[i] + length : e->end;
	}
}

/* What the entry of the block says of its times. */
static struct entry describe_times(const struct job *j)
{
	const struct table *t = j->lane->table;
	struct entry e = {.rows = j->n};

	if (t->ts == NO_COLUMN)
		return e;
	e.first = column_of(j, t->ts)[0];
	e.end = column_of(j, t->ts)[j->n - 1];
	if (t->kind == TABLE_STATES)
		sum_states(j, &e);
	if (t->kind == TABLE_SPANS)
		sum_spans(j, &e);
	return e;
}

/* --- times by another lane's --- */

void lane_drop_times(struct lane_times *t)
{
	memmove(t->at, t->at + t->n - LANE_TIMES, LANE_TIMES * sizeof(*t->at));
	t->n = LANE_TIMES;
}

/* Return: how many rows of the CPU begin by t; those that are not known any longer all do. */
static uint32_t rows_by(const struct lane_times *r, int64_t t)
{
	uint32_t low = r->n > LANE_TIMES ? r->n - LANE_TIMES : 0, n = r->n - low;

	if (!n || r->at[low] > t)
		return low;
	return low + kernel_search(r->at + low, n, t) + 1;
}

/* The end of the block's times. */
static int64_t end_of_times(const struct job *j)
{
	const int64_t *row = j->rows;
	int64_t end = j->end;

	if (j->lane->kind != TABLE_SPANS)
		return end;
	for (uint32_t i = 0; i < j->n; i++, row += j->lane->width) {
		int64_t row_end = row[DUR] == TABLE_NULL ? row[TS] : row[TS] + row[DUR];

		end = row_end > end ? row_end : end;
	}
	return end;
}

/*
 * Finds the times of `cpu` that the block's can count on, which stay there until the CPU has more.
 * Of a CPU that did far more than the lane they would cost the reader more than they spare.
 * Return: whether there are any.
 */
static bool find_base(const struct job *j, const struct store_lane *cpu, int64_t end,
		      struct times_base *basep)
{
	struct lane_times *r = cpu->recent;
	int64_t first = j->rows[TS];
	/* Rows that the CPU gets later may begin where its last one ends. */
	uint32_t from = cpu->begun && cpu->end > first ? rows_by(r, first) : 0;

	if (!from-- || from + LANE_TIMES < r->n)
		return false;
	uint32_t to = rows_by(r, end);

	if (to - from + (to == r->n) >= j->n * MOST_BASE_TIMES)
		return false;
	r->at[r->n] = cpu->end;
	*basep = (struct times_base){.at = r->at + from, .n = to - from + (to == r->n)};
	memcpy(basep->keys, cpu->keys, sizeof(basep->keys));
	return true;
}

/* Chooses the CPU that has most of the block's times, if they are enough. */
static void choose_base(struct job *j, const struct kernels *k)
{
	const struct store_lane *l = j->lane;
	struct times_samples samples;
	struct times_base base;

	if (!l->near[0])
		return;
	times_sample(&samples, j->rows, j->n, l->width);
	uint32_t most = times_too_few(&samples, l->kind == TABLE_SPANS);
	const int64_t end = end_of_times(j);

	for (int i = 0; i < LANE_NEAR; i++) {
		if (!l->near[i] || !find_base(j, l->near[i], end, &base))
			continue;
		uint32_t exact = times_exact(&samples, &base, k);

		j->base = exact > most ? base : j->base;
		most = exact > most ? exact : most;
	}
}

/* Takes the times of the base along, for when the CPU has others. */
static void copy_base(struct job *j)
{
	if (!j->base.at)
		return;
	size_t size = j->base.n * sizeof(*j->base_times);

	j->base_times = mem_alloc(size);
	memcpy(j->base_times, j->base.at, size);
	j->base.at = j->base_times;
}

void store_lane_now_near(struct store_lane *lane, struct store_lane *cpu)
{
	if (lane->recent || !cpu->recent)
		return;
	lane->near[1] = lane->near[0];
	lane->near[0] = cpu;
}

/* --- data blocks --- */

/* The block's times, then its states. */
static void put_times(const struct job *j)
{
	struct store_writer *w = j->lane->writer;
	const struct table *t = j->lane->table;
	const int64_t *dur = t->kind == TABLE_SPANS ? column_of(j, t->dur) : NULL;

	times_encode(&w->times, &w->encoder, &(struct times){column_of(j, t->ts), dur, j->n},
		     j->base.at ? &j->base : NULL, &w->bytes);
	if (t->state != NO_COLUMN)
		column_encode_states(&w->encoder, column_of(j, t->state), j->n, &w->bytes);
}

/*
 * Names often follow from the number before them. A column whose neighbour is encoded by its own is
 * none itself, so that a reader never needs more than two for one.
 */
static enum column_transform encode_column(const struct job *j, int c, struct column_values *values,
					   struct column_beside beside)
{
	struct store_writer *w = j->lane->writer;
	const struct column *column = &j->lane->table->columns[c];
	unsigned try = j->lane->table->ts == NO_COLUMN ? COLUMN_TRY_DELTA : 0;

	if (column->unit != UNIT_NS) {
		beside.left = NULL;
		try |= COLUMN_TRY_DICTIONARY;
	}
	if (column->type != COLUMN_TEXT && column->unit != UNIT_ID)
		beside.neighbor = NULL;
	if (j->lane->hints)
		beside.hint = &j->lane->hints[c];
	return column_encode(&w->encoder, values, try, &beside, &w->bytes);
}

static void encode_others(const struct job *j)
{
	struct store_writer *w = j->lane->writer;
	const struct table *t = j->lane->table;
	struct column_left left = {w->left, false};
	struct column_beside beside = {.in_states = t->state != NO_COLUMN,
				       .left = t->kind == TABLE_SPANS ? &left : NULL};
	struct column_values values[2]; /* of this column and of the one before, by turns */

	if (beside.left)
		memcpy(w->left, column_of(j, t->dur), sizeof(*w->left) * j->n);
	for (int c = t->n_keys; c < t->n_columns; c++) {
		if (c == t->ts || c == t->dur || c == t->state)
			continue;
		values[c % 2] = (struct column_values){.at = column_of(j, c), .n = j->n};
		bool by_neighbor = encode_column(j, c, &values[c % 2], beside) == COLUMN_NEIGHBOR;

		beside.neighbor = by_neighbor ? NULL : &values[c % 2];
	}
}

static void write_block(const struct job *j)
{
	struct store_writer *w = j->lane->writer;
	const struct table *t = j->lane->table;

	w->encoder.kernels->transpose(j->rows, j->n, j->lane->width, w->columns, STRIDE);
	struct entry e = describe_times(j);

	w->bytes.n = 0;
	column_begin(&w->encoder, t->state == NO_COLUMN ? NULL : column_of(j, t->state), j->n);
	if (t->ts != NO_COLUMN)
		put_times(j);
	if (!j->lane->hints && !j->last)
		j->lane->hints = mem_zalloc((size_t)t->n_columns, sizeof(*j->lane->hints));
	encode_others(j);
	write_piece(w, &e);
	add_entry(j->lane, 0, &e);
}

/* --- rows --- */

static void __attribute__((format(printf, 3, 4)))
mistake(struct store_lane *l, int64_t ts, const char *fmt, ...)
{
	struct store_writer *w = l->writer;
	va_list ap;

	if (w->mistake)
		return;
	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);

	va_end(ap);
	w->mistake = mem_printf("%s %" PRId64 ", row at %" PRId64 ": %s", l->table->name,
				l->keys[0], ts, what);
	free(what);
}

/* Says what is wrong with a row that is not taken. state: of a lane of states. */
static void refuse(struct store_lane *l, int64_t ts, int64_t dur, int64_t state)
{
	if (ts == TABLE_NULL || (l->n_states && dur == TABLE_NULL))
		mistake(l, ts, "it has no %s", ts == TABLE_NULL ? "ts" : "dur");
	else if (l->n_states && l->begun && ts != l->end)
		mistake(l, ts, "the row before it ends at %" PRId64, l->end);
	else if (l->begun && ts < l->ts)
		mistake(l, ts, "the row before it is at %" PRId64, l->ts);
	else if (l->n_states && (uint64_t)state >= (uint64_t)l->n_states)
		mistake(l, ts, "there is no state %" PRId64, state);
	else
		mistake(l, ts, "its dur is %" PRId64, dur);
}

bool store_lane_takes(struct store_lane *l, int64_t ts, int64_t end, int64_t state)
{
	bool follows = ts == l->end || (!l->begun && ts != TABLE_NULL);
	int64_t dur = format_sub(end, ts);

	if (!follows || end < ts || dur < 0 || (uint64_t)state >= l->n_states) {
		refuse(l, ts, dur, state);
		return false;
	}
	l->ts = ts;
	l->end = end;
	return dur > 0;
}

static void do_job(const struct job *j);

static size_t rows_size(const struct store_lane *l, uint32_t cap)
{
	return sizeof(*l->rows) * ((size_t)l->width * cap + KERNEL_ROOM);
}

static uint32_t n_rows(const struct store_lane *l)
{
	return (uint32_t)((size_t)(l->next - l->rows) / l->width);
}

/* rows: n of them, with room for cap. */
static void set_room(struct store_lane *l, int64_t *rows, uint32_t n, uint32_t cap)
{
	l->rows = rows;
	l->next = rows + (size_t)n * l->width;
	l->full = rows + (size_t)cap * l->width;
	l->cap = cap;
}

/* Has the open block written, whose last row ends at `end`. The lane then has another one. */
static void hand_over(struct store_lane *l, int64_t end, bool last)
{
	struct store_writer *w = l->writer;
	struct job mine, *j = w->worker ? mem_alloc(sizeof(*j)) : &mine;

	*j = (struct job){.lane = l, .rows = l->rows, .n = n_rows(l), .end = end, .last = last};
	if (j->n && l->table->ts != NO_COLUMN)
		choose_base(j, w->encoder.kernels);
	if (!w->worker) {
		l->next = l->rows;
		do_job(j);
		return;
	}
	copy_base(j);
	if (!last)
		set_room(l, mem_alloc(rows_size(l, l->cap)), 0, l->cap);
	else
		l->rows = NULL;
	worker_put(w->worker, j);
}

void store_lane_make_room(struct store_lane *l)
{
	struct store_writer *w = l->writer;
	const uint32_t n = n_rows(l), more = l->cap ? 2 * l->cap : FIRST_ROWS;
	bool short_of_memory = w->open_bytes > OPEN_BUDGET && n >= FEW_ROWS;
	size_t before = l->cap ? rows_size(l, l->cap) : 0;

	l->begun = true;
	if (l->cap == BLOCK_ROWS || short_of_memory) {
		hand_over(l, l->ts, false); /* where the row begins that is to be added */
		return;
	}
	set_room(l, mem_realloc(l->rows, rows_size(l, more)), n, more);
	w->open_bytes += rows_size(l, l->cap) - before;
}

int64_t *store_lane_span(struct store_lane *l, int64_t ts, int64_t dur)
{
	int64_t end = ts;

	if (ts == TABLE_NULL || (l->begun && ts < l->ts) ||
	    (dur != TABLE_NULL && (dur < 0 || __builtin_add_overflow(ts, dur, &end)))) {
		refuse(l, ts, dur, 0);
		return NULL;
	}
	l->ts = ts;
	l->end = end;
	int64_t *row = lane_row(l, ts);

	if (l->kind == TABLE_SPANS)
		*row++ = dur;
	return row;
}

int64_t *store_lane_point(struct store_lane *l, int64_t ts)
{
	return store_lane_span(l, ts, TABLE_NULL);
}

/* Begins a row with what comes first in it. Return: where the rest goes; NULL: nowhere. */
static int64_t *begin_row(struct store_lane *l, const int64_t *from)
{
	int64_t end;

	switch (l->kind) {
	case TABLE_STATES:
		if (from[DUR] >= 0 && !__builtin_add_overflow(from[TS], from[DUR], &end))
			return store_lane_state(l, from[TS], end, from[STATE]);
		refuse(l, from[TS], from[DUR], from[STATE]);
		return NULL;
	case TABLE_SPANS:
		return store_lane_span(l, from[TS], from[DUR]);
	case TABLE_POINTS:
		return store_lane_point(l, from[TS]);
	}
	return lane_row(l, from[0]);
}

void store_lane_add(struct store_lane *l, const int64_t *row)
{
	int64_t *to = begin_row(l, row + l->n_keys);

	if (!to)
		return;
	size_t n = (size_t)(l->next - to);

	memcpy(to, row + l->table->n_columns - n, n * sizeof(*to));
}

void store_writer_add(struct store_writer *w, enum table_id table, const int64_t *row)
{
	store_lane_add(store_writer_lane(w, table, row), row);
}

/* --- the end of a lane --- */

/* Closes the lane's nodes up to one entry that holds all. Return: its level. */
static uint32_t close_lane(struct store_lane *l, struct entry *rootp)
{
	for (uint32_t level = 0;; level++) {
		size_t n = l->levels[level].entries.n;

		if (level + 1 == l->n_levels && n == 1) {
			*rootp = l->levels[level].entries.at[0];
			return level;
		}
		if (n)
			write_node(l, level);
	}
}

static enum table_id id_of(const struct table *t)
{
	return (enum table_id)(t - table_get((enum table_id)0));
}

/* Notes where the lane is, for the directory. */
static void add_root(struct store_lane *l)
{
	struct entry e;
	uint32_t level = close_lane(l, &e);
	int64_t row[ROOT_WIDTH] = {
		[ROOT_TABLE] = id_of(l->table), [ROOT_LEVEL] = level,
		[ROOT_FIRST] = e.first,		[ROOT_END] = e.end,
		[ROOT_ROWS] = (int64_t)e.rows,	[ROOT_OFFSET] = (int64_t)e.offset,
		[ROOT_SIZE] = (int64_t)e.size,	[ROOT_HASH] = e.hash,
	};

	memcpy(&row[ROOT_LANE], l->keys, sizeof(l->keys));
	memcpy(&row[ROOT_SUMS], e.sums, sizeof(e.sums));
	spill_add(l->writer->roots, row);
	l->writer->n_roots[row[ROOT_TABLE]]++;
}

static void do_job(const struct job *j)
{
	if (j->n)
		write_block(j);
	free(j->base_times);
	if (!j->last)
		return;
	if (j->lane->n_levels)
		add_root(j->lane);
	lane_free(j->lane);
}

/* By the worker; the lane has other rows already. */
static void run_job(void *writer, void *job)
{
	struct job *j = job;

	(void)writer;
	do_job(j);
	free(j->rows);
	free(j);
}

struct worker *store_writer_use_thread(struct store_writer *w)
{
	if (!w->worker)
		w->worker = worker_new(run_job, w, MAX_JOBS);
	return w->worker;
}

void store_lane_end(struct store_lane *l)
{
	struct store_writer *w = l->writer;
	struct store_lane *last = w->lanes.at[--w->lanes.n];

	w->lanes.at[l->number] = last;
	last->number = l->number;
	w->open_bytes -= l->cap ? rows_size(l, l->cap) : 0;
	hand_over(l, l->end, true);
}

/* --- the end of the file --- */

/* Lanes of one table, as many as a group of the directory holds at most. */
struct group {
	uint32_t n;
	int64_t keys[TABLE_MAX_KEYS][FORMAT_GROUP_LANES];
	int64_t levels[FORMAT_GROUP_LANES];
	struct entry entries[FORMAT_GROUP_LANES];
};

/* What is being made of the directory. */
struct directory {
	uint64_t at; /* in the file */
	struct hash_state hash;
};

static void put_root(struct group *g, const int64_t *row)
{
	uint32_t i = g->n++;
	struct entry *e = &g->entries[i];

	for (int k = 0; k < TABLE_MAX_KEYS; k++)
		g->keys[k][i] = row[ROOT_LANE + k];
	g->levels[i] = row[ROOT_LEVEL];
	*e = (struct entry){.first = row[ROOT_FIRST],
			    .end = row[ROOT_END],
			    .rows = (uint64_t)row[ROOT_ROWS],
			    .offset = (uint64_t)row[ROOT_OFFSET],
			    .size = (uint64_t)row[ROOT_SIZE],
			    .hash = (uint32_t)row[ROOT_HASH]};
	memcpy(e->sums, &row[ROOT_SUMS], sizeof(e->sums));
}

/* Adds what is in w->bytes to the file. */
static void write_directory(struct store_writer *w, struct directory *d)
{
	hash_add(&d->hash, w->bytes.at, w->bytes.n);
	outfile_write(&w->file, w->bytes.at, w->bytes.n);
	w->bytes.n = 0;
}

static void put_group(struct store_writer *w, struct directory *d, const struct table *t,
		      const struct group *g)
{
	for (int k = 0; k < t->n_keys; k++)
		column_encode_alone(&w->encoder, g->keys[k], g->n, COLUMN_TRY_DELTA, &w->bytes);
	column_encode_alone(&w->encoder, g->levels, g->n, 0, &w->bytes);
	node_encode(&w->encoder, g->entries, g->n, 0, n_sums(t), &w->bytes);
	write_directory(w, d);
}

static bool is_same_lane(const struct group *g, const int64_t *row)
{
	bool same = g->n > 0;

	for (int k = 0; k < TABLE_MAX_KEYS; k++)
		same = same && g->keys[k][g->n - 1] == row[ROOT_LANE + k];
	return same;
}

static int put_groups(struct store_writer *w, struct directory *d, const struct table *t,
		      struct error *err)
{
	struct group *g = mem_zalloc(1, sizeof(*g));
	uint64_t n = w->n_roots[id_of(t)];
	const int64_t *row;
	int r = SPILL_ROW;

	for (uint64_t i = 0; i < n && (r = spill_next(w->roots, &row, err)) == SPILL_ROW; i++) {
		if (is_same_lane(g, row)) {
			r = error_set(err, "%s %" PRId64 " has two lanes", t->name, row[ROOT_LANE]);
			break;
		}
		if (i && i % FORMAT_GROUP_LANES == 0) {
			put_group(w, d, t, g);
			g->n = 0;
		}
		put_root(g, row);
	}
	if (r == SPILL_ROW && g->n)
		put_group(w, d, t, g);
	free(g);
	return r == SPILL_ROW ? 0 : ERR;
}

static void put_table(struct store_writer *w, const struct table *t)
{
	bytes_varint(&w->bytes, (uint64_t)store_writer_string(w, t->name));
	bytes_varint(&w->bytes, t->kind);
	bytes_varint(&w->bytes, (uint64_t)t->n_keys);
	bytes_varint(&w->bytes, (uint64_t)t->n_columns);
	for (int c = 0; c < t->n_columns; c++) {
		bytes_varint(&w->bytes, (uint64_t)store_writer_string(w, t->columns[c].name));
		bytes_varint(&w->bytes, t->columns[c].type);
	}
	bytes_varint(&w->bytes, (uint64_t)n_sums(t));
	bytes_varint(&w->bytes, w->n_roots[id_of(t)]);
}

static int put_directory(struct store_writer *w, struct directory *d, struct error *err)
{
	*d = (struct directory){.at = w->file.offset};
	hash_begin(&d->hash);
	w->bytes.n = 0;
	bytes_varint(&w->bytes, TABLE_N);
	for (int id = 0; id < TABLE_N; id++) {
		const struct table *t = table_get((enum table_id)id);

		put_table(w, t);
		write_directory(w, d);
		if (put_groups(w, d, t, err))
			return ERR;
	}
	return 0;
}

/* Names that the directory needs, while strings can be added. */
static void name_tables(struct store_writer *w)
{
	for (int id = 0; id < TABLE_N; id++) {
		const struct table *t = table_get((enum table_id)id);

		store_writer_string(w, t->name);
		for (int c = 0; c < t->n_columns; c++)
			store_writer_string(w, t->columns[c].name);
	}
}

/* Makes the section of strings. */
static void make_strings(const struct store_writer *w, struct bytes *b)
{
	size_t n = w->string_at.n;
	uint8_t *at = bytes_room(b, (n + 1) * 4);

	for (size_t i = 0; i < n; i++)
		format_store32(at + 4 * i, w->string_at.at[i]);
	format_store32(at + 4 * n, (uint32_t)w->text.n);
	b->n = (n + 1) * 4;
	bytes_put(b, w->text.at, w->text.n);
}

static void make_header(const struct store_writer *w, const struct bytes *strings,
			const struct directory *d, uint64_t directory_end, uint8_t *header)
{
	format_store64(header, FORMAT_MAGIC);
	format_store32(header + 8, FORMAT_VERSION);
	format_store32(header + 12, FORMAT_HEADER_SIZE);
	format_store64(header + 16, w->file.offset);
	format_store64(header + 24, d->at - strings->n);
	format_store64(header + 32, strings->n);
	format_store64(header + 40, hash_bytes(strings->at, strings->n));
	format_store64(header + 48, w->string_at.n);
	format_store64(header + 56, d->at);
	format_store64(header + 64, directory_end - d->at);
	format_store64(header + 72, hash_end(&d->hash));
	format_store64(header + 80, hash_bytes(header, 80));
}

/* Writes what comes behind the pieces, and the header. */
static int write_end(struct store_writer *w, const struct bytes *strings, struct error *err)
{
	const uint8_t tail[FORMAT_TAIL_SIZE] = {0};
	uint8_t header[FORMAT_HEADER_SIZE];
	struct directory directory;

	outfile_write(&w->file, strings->at, strings->n);
	if (put_directory(w, &directory, err))
		return ERR;
	uint64_t end = w->file.offset;

	outfile_write(&w->file, tail, sizeof(tail));
	make_header(w, strings, &directory, end, header);
	return outfile_commit(&w->file, 0, header, sizeof(header), err);
}

/* Those that others count on come last. */
static void end_lanes(struct store_writer *w)
{
	map_deinit(&w->lane_by_key);
	for (size_t i = w->lanes.n; i--;) {
		if (!w->lanes.at[i]->recent)
			store_lane_end(w->lanes.at[i]);
	}
	while (w->lanes.n)
		store_lane_end(w->lanes.at[w->lanes.n - 1]);
	worker_free(w->worker);
	w->worker = NULL;
}

int store_writer_finish(struct store_writer *w, struct error *err)
{
	struct bytes strings = {0};

	if (w->mistake)
		return error_set(err, "cannot write '%s': %s",
				 w->file.to.path ? w->file.to.path : "the temporary file",
				 w->mistake);
	end_lanes(w);
	name_tables(w);
	make_strings(w, &strings);
	int r = write_end(w, &strings, err);

	bytes_deinit(&strings);
	return r;
}

int store_writer_open(const struct store_writer *w, struct store **sp, struct error *err)
{
	static const char name[] = "the temporary file";
	struct file_map map;

	if (w->file.to.path)
		return store_open(sp, w->file.to.path, err);
	if (file_map_init_fd(&map, w->file.to.fd, name, err))
		return ERR;
	if (store_open_memory(sp, map.data, map.size, name, err)) {
		file_map_deinit(&map);
		return ERR;
	}
	(*sp)->map = map;
	return 0;
}

void store_writer_free(struct store_writer *w)
{
	if (!w)
		return;
	worker_free(w->worker);
	vec_each (l, &w->lanes)
		lane_free(*l);
	vec_deinit(&w->lanes);
	map_deinit(&w->lane_by_key);
	spill_free(w->roots);
	map_deinit(&w->string_by_hash);
	vec_deinit(&w->string_at);
	bytes_deinit(&w->text);
	bytes_deinit(&w->bytes);
	times_encoder_deinit(&w->times);
	column_encoder_deinit(&w->encoder);
	outfile_deinit(&w->file);
	free(w->mistake);
	free(w);
}
