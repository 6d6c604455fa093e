#include "store/writer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "store/column.h"
#include "store/format.h"
#include "store/hash.h"
#include "store/node.h"
#include "store/outfile.h"
#include "store/times.h"

enum {
	BLOCK_ROWS = 512,
	FIRST_ROWS = 8,
	BASE_TIMES = 4096,	/* of a CPU's lane that are kept for others; a power of two */
	N_NEAR = 2,		/* lanes that a block may count on, of which it takes one */
	MOST_BASE_TIMES = 8,	/* per row of a block that counts on them */
	FEW_ROWS = 64,		/* of a block when memory for open ones is short */
	OPEN_BUDGET = 24 << 20, /* bytes of open blocks that make memory short */
};

/* Entries of one level of a lane's index that no node holds yet. */
struct level {
	VEC(struct entry) entries;
};

/* When the last rows of a CPU's lane began: the n-th at n % BASE_TIMES. */
struct recent {
	uint64_t n;
	int64_t at[BASE_TIMES];
};

struct store_lane {
	struct store_writer *writer;
	const struct table *table;
	int64_t keys[TABLE_MAX_KEYS];
	int64_t *rows; /* of the open block, one after another, without the keys */
	uint32_t n, cap;
	uint32_t width; /* values in a row */
	int n_states;
	bool begun;	      /* it has rows */
	int64_t ts, end;      /* of the last row; end: latest of all */
	struct level *levels; /* owned */
	uint32_t n_levels;
	struct recent *recent;		       /* owned; lanes of cpu_state only */
	const struct store_lane *near[N_NEAR]; /* lanes that have most of its times, or NULL */
};

struct store_writer {
	struct outfile file;
	struct column_encoder encoder;
	struct times_encoder times;
	struct bytes bytes;   /* of the piece that is made */
	struct bytes said[2]; /* of its times, in two ways */
	int64_t columns[TABLE_MAX_COLUMNS][BLOCK_ROWS];
	int64_t left[BLOCK_ROWS];
	int64_t base[BASE_TIMES + 1];
	uint64_t open_bytes;

	VEC(struct store_lane *) lanes;
	struct map lane_by_key;

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

static struct store_lane *lane_new(struct store_writer *w, const struct table *t,
				   const int64_t *keys)
{
	struct store_lane *l = mem_zalloc(1, sizeof(*l));

	l->writer = w;
	l->table = t;
	l->width = (uint32_t)(t->n_columns - t->n_keys);
	l->n_states = table_n_states(t);
	memcpy(l->keys, keys, sizeof(*keys) * (size_t)t->n_keys);
	if (t == table_get(TABLE_CPU_STATE))
		l->recent = mem_zalloc(1, sizeof(*l->recent));
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
		uint64_t i = *map_put(&w->lane_by_key, key, w->lanes.n);

		if (i == w->lanes.n)
			return lane_new(w, t, row);
		if (same_keys(w->lanes.at[i], t, row))
			return w->lanes.at[i];
	}
}

static void lane_free(struct store_lane *l)
{
	for (uint32_t i = 0; i < l->n_levels; i++)
		vec_deinit(&l->levels[i].entries);
	free(l->levels);
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
		l->levels[l->n_levels++] = (struct level){0};
	}
	if (l->levels[level].entries.n == FORMAT_NODE_ENTRIES)
		write_node(l, level);
	*vec_push(&l->levels[level].entries) = *e;
}

/* Column `c` of the open block, out of its rows. */
static struct column_values gather(struct store_lane *l, int c)
{
	int64_t *to = l->writer->columns[c];
	const int64_t *from = l->rows + c - l->table->n_keys;
	struct column_values v = {to, l->n, INT64_MAX, INT64_MIN};

	for (uint32_t i = 0; i < l->n; i++, from += l->width) {
		int64_t x = to[i] = *from;

		v.least = x < v.least ? x : v.least;
		v.most = x > v.most ? x : v.most;
	}
	return v;
}

/* What the entry of the open block says of its times. */
static struct entry describe_times(struct store_lane *l)
{
	const struct table *t = l->table;
	struct entry e = {.rows = l->n};

	if (t->ts == NO_COLUMN)
		return e;
	const int64_t *ts = gather(l, t->ts).at;

	e.first = ts[0];
	e.end = ts[l->n - 1];
	if (t->dur == NO_COLUMN)
		return e;
	const int64_t *dur = gather(l, t->dur).at;
	const int64_t *state = t->state == NO_COLUMN ? NULL : gather(l, t->state).at;

	for (uint32_t i = 0; i < l->n; i++) {
		if (dur[i] == TABLE_NULL)
			continue;
		e.sums[state ? state[i] : 0] += (uint64_t)dur[i];
		if (ts[i] + dur[i] > e.end)
			e.end = ts[i] + dur[i];
	}
	return e;
}

/* --- times by another lane's --- */

/* Return: the number of the last row of the CPU that begins by t and is still known, or -1. */
static int64_t find_recent(const struct recent *r, int64_t t)
{
	uint64_t low = r->n > BASE_TIMES ? r->n - BASE_TIMES : 0, high = r->n;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (r->at[middle % BASE_TIMES] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	bool known = low && low - 1 + BASE_TIMES >= r->n;

	return known ? (int64_t)low - 1 : -1;
}

/*
 * Finds the times of `cpu` that the block's, from e->first to e->end, can count on. Of a CPU that
 * did far more than the lane they would cost the reader more than they spare.
 * Return: whether there are any.
 */
static bool find_base(struct store_lane *l, const struct store_lane *cpu, const struct entry *e,
		      struct times_base *basep)
{
	int64_t *at = l->writer->base;
	uint32_t n = 0, most = l->n * MOST_BASE_TIMES;
	/* Rows that the CPU gets later may begin where its last one ends. */
	int64_t i =
		cpu && cpu->begun && cpu->end > e->first ? find_recent(cpu->recent, e->first) : -1;

	if (i < 0)
		return false;
	for (; (uint64_t)i < cpu->recent->n && n < most; i++) {
		int64_t t = cpu->recent->at[(uint64_t)i % BASE_TIMES];

		if (t > e->end)
			break;
		at[n++] = t;
	}
	if ((uint64_t)i == cpu->recent->n)
		at[n++] = cpu->end;
	*basep = (struct times_base){at, n};
	return n < most;
}

void store_lane_near(struct store_lane *lane, struct store_lane *cpu)
{
	if (lane->near[0] == cpu || lane->recent || !cpu->recent)
		return;
	lane->near[1] = lane->near[0];
	lane->near[0] = cpu;
}

/* --- data blocks --- */

/* The shortest way to say the block's times; then its states. */
static void put_times(struct store_lane *l, const struct entry *e)
{
	struct store_writer *w = l->writer;
	const struct table *t = l->table;
	const struct times times = {w->columns[t->ts],
				    t->kind == TABLE_SPANS ? w->columns[t->dur] : NULL, l->n};
	struct bytes *best = &w->said[0], *other = &w->said[1];
	struct times_base base;

	times_encode(&w->times, &w->encoder, &times, best);
	for (int i = 0; i < N_NEAR; i++) {
		if (!find_base(l, l->near[i], e, &base))
			continue;
		times_encode_by_base(&w->times, &w->encoder, &times, &base, l->near[i]->keys,
				     other);
		if (other->n < best->n) {
			struct bytes *worse = best;

			best = other;
			other = worse;
		}
	}
	bytes_put(&w->bytes, best->at, best->n);
	if (t->state != NO_COLUMN)
		column_encode_alone(&w->encoder, w->columns[t->state], l->n, COLUMN_TRY_BEFORE,
				    &w->bytes);
}

/*
 * Names often follow from the number before them. A column whose neighbour is encoded by its own is
 * none itself, so that a reader never needs more than two for one.
 * Return: the transform that was taken.
 */
static enum column_transform encode_column(struct store_lane *l, int c,
					   struct column_context context, bool neighbor)
{
	struct store_writer *w = l->writer;
	const struct column *column = &l->table->columns[c];
	unsigned try = l->table->ts == NO_COLUMN ? COLUMN_TRY_DELTA : 0;

	if (column->unit != UNIT_NS) {
		context.left = NULL;
		try |= COLUMN_TRY_DICTIONARY;
	}
	if (neighbor && (column->type == COLUMN_TEXT || column->unit == UNIT_ID))
		context.neighbor = w->columns[c - 1];
	struct column_values values = gather(l, c);

	return column_encode(&w->encoder, &values, try, &context, &w->bytes);
}

static void encode_others(struct store_lane *l)
{
	struct store_writer *w = l->writer;
	const struct table *t = l->table;
	struct column_left left = {w->left, false};
	struct column_context context = {
		.state = t->state == NO_COLUMN ? NULL : w->columns[t->state],
		.left = t->kind == TABLE_SPANS ? &left : NULL,
	};
	bool neighbor = false;

	if (context.left)
		memcpy(w->left, w->columns[t->dur], sizeof(*w->left) * l->n);
	for (int c = t->n_keys; c < t->n_columns; c++) {
		if (c != t->ts && c != t->dur && c != t->state)
			neighbor = encode_column(l, c, context, neighbor) != COLUMN_NEIGHBOR;
	}
}

static void write_block(struct store_lane *l)
{
	struct store_writer *w = l->writer;
	struct entry e = describe_times(l);

	w->bytes.n = 0;
	if (l->table->ts != NO_COLUMN)
		put_times(l, &e);
	encode_others(l);
	write_piece(w, &e);
	l->n = 0;
	add_entry(l, 0, &e);
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

/* Says what is wrong with a row that was not taken. */
static void refuse(struct store_lane *l, const int64_t *row)
{
	const struct table *t = l->table;
	int64_t ts = row[t->ts], dur = t->dur == NO_COLUMN ? 0 : row[t->dur];

	if (ts == TABLE_NULL || (l->n_states && dur == TABLE_NULL))
		mistake(l, ts, "it has no %s", ts == TABLE_NULL ? "ts" : "dur");
	else if (l->n_states && l->begun && ts != l->end)
		mistake(l, ts, "the row before it ends at %" PRId64, l->end);
	else if (l->begun && ts < l->ts)
		mistake(l, ts, "the row before it is at %" PRId64, l->ts);
	else if (l->n_states && (uint64_t)row[t->state] >= (uint64_t)l->n_states)
		mistake(l, ts, "there is no state %" PRId64, row[t->state]);
	else
		mistake(l, ts, "its dur is %" PRId64, dur);
}

/* Return: whether this may be the next row of a lane of states; if so it is what follows. */
static inline bool take_state(struct store_lane *l, const int64_t *row)
{
	const struct table *t = l->table;
	int64_t ts = row[t->ts], dur = row[t->dur], end;
	bool follows = ts == l->end || (!l->begun && ts != TABLE_NULL);

	if (!follows || dur < 0 || (uint64_t)row[t->state] >= (uint64_t)l->n_states ||
	    __builtin_add_overflow(ts, dur, &end))
		return false;
	l->ts = ts;
	l->end = end;
	return true;
}

/* The same for lanes of spans and points. */
static bool take_span(struct store_lane *l, const int64_t *row)
{
	const struct table *t = l->table;
	int64_t ts = row[t->ts], dur = t->dur == NO_COLUMN ? TABLE_NULL : row[t->dur], end = ts;

	if (ts == TABLE_NULL || (l->begun && ts < l->ts))
		return false;
	if (dur != TABLE_NULL && (dur < 0 || __builtin_add_overflow(ts, dur, &end)))
		return false;
	l->ts = ts;
	l->end = end;
	return true;
}

/* Makes room for one more row in the open block, or writes it. */
static void make_room(struct store_lane *l)
{
	struct store_writer *w = l->writer;
	bool short_of_memory = w->open_bytes > OPEN_BUDGET && l->n >= FEW_ROWS;

	if (l->cap == BLOCK_ROWS || short_of_memory) {
		write_block(l);
		return;
	}
	uint32_t more = l->cap ? l->cap : FIRST_ROWS;
	size_t row_size = sizeof(*l->rows) * l->width;

	l->cap += more;
	l->rows = mem_realloc(l->rows, row_size * l->cap);
	w->open_bytes += row_size * more;
}

void store_lane_add(struct store_lane *l, const int64_t *row)
{
	const struct table *t = l->table;

	if (l->n_states) {
		if (!take_state(l, row)) {
			refuse(l, row);
			return;
		}
		if (l->ts == l->end)
			return;
	} else if (t->ts != NO_COLUMN && !take_span(l, row)) {
		refuse(l, row);
		return;
	}
	l->begun = true;
	if (l->recent)
		l->recent->at[l->recent->n++ % BASE_TIMES] = l->ts;
	if (l->n == l->cap)
		make_room(l);
	memcpy(l->rows + (size_t)l->n * l->width, row + t->n_keys, sizeof(*row) * l->width);
	l->n++;
}

void store_writer_add(struct store_writer *w, enum table_id table, const int64_t *row)
{
	store_lane_add(store_writer_lane(w, table, row), row);
}

/* --- the end of the file --- */

struct root {
	const struct store_lane *lane;
	struct entry entry;
	uint32_t level;
};

/* Closes the lane's block and nodes up to one entry that holds all. */
static struct root close_lane(struct store_lane *l)
{
	if (l->n)
		write_block(l);
	free(l->rows);
	l->rows = NULL;
	l->cap = 0;
	for (uint32_t level = 0;; level++) {
		size_t n = l->levels[level].entries.n;

		if (level + 1 == l->n_levels && n == 1)
			return (struct root){l, l->levels[level].entries.at[0], level};
		if (n)
			write_node(l, level);
	}
}

static int compare_roots(const void *a, const void *b)
{
	const struct store_lane *x = ((const struct root *)a)->lane;
	const struct store_lane *y = ((const struct root *)b)->lane;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	for (int i = 0; i < x->table->n_keys; i++) {
		if (x->keys[i] != y->keys[i])
			return x->keys[i] < y->keys[i] ? -1 : 1;
	}
	return 0;
}

struct roots {
	VEC(struct root) all;
};

static void close_lanes(struct store_writer *w, struct roots *roots)
{
	vec_each (l, &w->lanes) {
		if ((*l)->begun)
			*vec_push(&roots->all) = close_lane(*l);
	}
	if (roots->all.n)
		qsort(roots->all.at, roots->all.n, sizeof(*roots->all.at), compare_roots);
}

static void put_group(struct store_writer *w, const struct table *t, const struct root *roots,
		      uint32_t n)
{
	struct entry entries[FORMAT_GROUP_LANES];
	int64_t values[FORMAT_GROUP_LANES];

	for (int k = 0; k < t->n_keys; k++) {
		for (uint32_t i = 0; i < n; i++)
			values[i] = roots[i].lane->keys[k];
		column_encode_alone(&w->encoder, values, n, COLUMN_TRY_DELTA, &w->bytes);
	}
	for (uint32_t i = 0; i < n; i++) {
		values[i] = roots[i].level;
		entries[i] = roots[i].entry;
	}
	column_encode_alone(&w->encoder, values, n, 0, &w->bytes);
	node_encode(&w->encoder, entries, n, 0, n_sums(t), &w->bytes);
}

static void put_table(struct store_writer *w, const struct table *t, const struct root *roots,
		      size_t n)
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
	bytes_varint(&w->bytes, n);
	for (size_t i = 0; i < n; i += FORMAT_GROUP_LANES) {
		size_t group = n - i < FORMAT_GROUP_LANES ? n - i : FORMAT_GROUP_LANES;

		put_group(w, t, roots + i, (uint32_t)group);
	}
}

/* Makes the directory in w->bytes. */
static void make_directory(struct store_writer *w, const struct roots *roots)
{
	size_t i = 0;

	w->bytes.n = 0;
	bytes_varint(&w->bytes, TABLE_N);
	for (int id = 0; id < TABLE_N; id++) {
		const struct table *t = table_get((enum table_id)id);
		size_t begin = i;

		while (i < roots->all.n && roots->all.at[i].lane->table == t)
			i++;
		put_table(w, t, roots->all.at + begin, i - begin);
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
			uint64_t strings_at, uint8_t *header)
{
	format_store64(header, FORMAT_MAGIC);
	format_store32(header + 8, FORMAT_VERSION);
	format_store32(header + 12, FORMAT_HEADER_SIZE);
	format_store64(header + 16, w->file.offset);
	format_store64(header + 24, strings_at);
	format_store64(header + 32, strings->n);
	format_store64(header + 40, hash_bytes(strings->at, strings->n));
	format_store64(header + 48, w->string_at.n);
	format_store64(header + 56, strings_at + strings->n);
	format_store64(header + 64, w->bytes.n);
	format_store64(header + 72, hash_bytes(w->bytes.at, w->bytes.n));
	format_store64(header + 80, hash_bytes(header, 80));
}

static int write_end(struct store_writer *w, struct error *err)
{
	const uint8_t tail[FORMAT_TAIL_SIZE] = {0};
	uint8_t header[FORMAT_HEADER_SIZE];
	struct bytes strings = {0};
	uint64_t strings_at = w->file.offset;

	make_strings(w, &strings);
	outfile_write(&w->file, strings.at, strings.n);
	outfile_write(&w->file, w->bytes.at, w->bytes.n);
	outfile_write(&w->file, tail, sizeof(tail));
	make_header(w, &strings, strings_at, header);
	bytes_deinit(&strings);
	return outfile_commit(&w->file, 0, header, sizeof(header), err);
}

int store_writer_finish(struct store_writer *w, struct error *err)
{
	struct roots roots = {0};

	if (w->mistake)
		return error_set(err, "cannot write '%s': %s", w->file.path, w->mistake);
	close_lanes(w, &roots);
	make_directory(w, &roots);
	vec_deinit(&roots.all);
	return write_end(w, err);
}

int store_writer_open(const struct store_writer *w, struct store **sp, struct error *err)
{
	static const char name[] = "the temporary file";
	struct file_map map;

	if (w->file.path)
		return store_open(sp, w->file.path, err);
	if (file_map_init_fd(&map, w->file.fd, name, err))
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
	vec_each (l, &w->lanes)
		lane_free(*l);
	vec_deinit(&w->lanes);
	map_deinit(&w->lane_by_key);
	map_deinit(&w->string_by_hash);
	vec_deinit(&w->string_at);
	bytes_deinit(&w->text);
	bytes_deinit(&w->bytes);
	bytes_deinit(&w->said[0]);
	bytes_deinit(&w->said[1]);
	times_encoder_deinit(&w->times);
	column_encoder_deinit(&w->encoder);
	outfile_deinit(&w->file);
	free(w->mistake);
	free(w);
}
