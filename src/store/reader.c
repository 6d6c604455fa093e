#include "store/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/column.h"
#include "store/hash.h"
#include "store/node.h"

/* Each lane has a piece of its own, and so small is the smallest: a column of one value. */
enum {
	MIN_PIECE = 3,
	REST_LANES = 8 * FORMAT_GROUP_LANES,
};

int store_damaged(const struct store *s, uint64_t offset, const char *what, struct error *err)
{
	return error_set(err, "'%s' is damaged at byte %" PRIu64 ": %s", s->name, offset, what);
}

/* --- header --- */

static int check_header(const struct store *s, struct error *err)
{
	const uint8_t *h = s->data;

	if (s->size < FORMAT_HEADER_SIZE || format_load64(h) != FORMAT_MAGIC)
		return error_set(err, "'%s' is not a vmscope results file", s->name);
	if (format_load32(h + 8) != FORMAT_VERSION)
		return error_set(err,
				 "'%s' is of version %" PRIu32 " of the format, which this vmscope "
				 "does not read; analyze the recording again",
				 s->name, format_load32(h + 8));
	if (format_load64(h + 80) != hash_bytes(h, 80) ||
	    format_load32(h + 12) != FORMAT_HEADER_SIZE)
		return store_damaged(s, 0, "the header's checksum is wrong", err);
	if (format_load64(h + 16) != s->size)
		return error_set(err,
				 "'%s' has %zu bytes but was written with %" PRIu64
				 ": a part is missing or was added",
				 s->name, s->size, format_load64(h + 16));
	return 0;
}

/* A section that the header names: its offset at h, size and hash behind. */
static int find_section(const struct store *s, const uint8_t *h, struct slice *sectionp,
			struct error *err)
{
	uint64_t offset = format_load64(h), size = format_load64(h + 8);

	if (offset < FORMAT_HEADER_SIZE || s->size < FORMAT_HEADER_SIZE + FORMAT_TAIL_SIZE ||
	    offset > s->size - FORMAT_TAIL_SIZE || size > s->size - FORMAT_TAIL_SIZE - offset)
		return store_damaged(s, offset, "a section is not in the file", err);
	*sectionp = (struct slice){s->data + offset, s->data + offset + size};
	if (format_load64(h + 16) != hash_bytes(sectionp->at, size))
		return store_damaged(s, offset, "a section's checksum is wrong", err);
	return 0;
}

/* --- strings --- */

static int open_strings(struct store *s, struct error *err)
{
	struct slice section;

	if (find_section(s, s->data + 24, &section, err))
		return ERR;
	s->pieces_end = format_load64(s->data + 24);
	s->strings = section.at;
	s->strings_size = (uint64_t)(section.end - section.at);
	s->n_strings = format_load64(s->data + 48);
	if (s->n_strings >= s->strings_size / 4)
		return store_damaged(s, s->pieces_end, "it has no room for so many strings", err);
	return 0;
}

const char *store_string(const struct store *s, int64_t number)
{
	if ((uint64_t)number >= s->n_strings)
		return NULL;
	const uint8_t *at = s->strings + 4 * (uint64_t)number;
	uint64_t begin = format_load32(at), end = format_load32(at + 4);
	uint64_t text = 4 * (s->n_strings + 1);

	if (begin >= end || end > s->strings_size - text || s->strings[text + end - 1])
		return NULL;
	return (const char *)s->strings + text + begin;
}

int64_t store_find_string(const struct store *s, const char *text)
{
	for (uint64_t i = 0; i < s->n_strings; i++) {
		const char *other = store_string(s, (int64_t)i);

		if (other && !strcmp(other, text))
			return (int64_t)i;
	}
	return TABLE_NULL;
}

/* --- directory --- */

/* What the directory says of a table before its lanes. */
struct described {
	const char *name;
	uint64_t kind, n_keys, n_columns, n_sums, n_lanes;
	const char *columns[FORMAT_MAX_COLUMNS];
	uint64_t types[FORMAT_MAX_COLUMNS];
};

static int read_name(const struct store *s, struct slice *d, const char **namep)
{
	uint64_t number;

	if (slice_varint(d, &number))
		return -1;
	*namep = store_string(s, (int64_t)number);
	return *namep ? 0 : -1;
}

static int read_described(const struct store *s, struct slice *d, struct described *t)
{
	if (read_name(s, d, &t->name) || slice_varint(d, &t->kind) || slice_varint(d, &t->n_keys) ||
	    slice_varint(d, &t->n_columns))
		return -1;
	uint64_t times = t->kind == TABLE_ROWS ? 0 : t->kind == TABLE_POINTS ? 1 : 2;

	if (t->kind > TABLE_POINTS || t->n_keys > TABLE_MAX_KEYS ||
	    t->n_columns > FORMAT_MAX_COLUMNS ||
	    t->n_columns < t->n_keys + times + (t->kind == TABLE_STATES) ||
	    (t->kind == TABLE_ROWS && t->n_keys))
		return -1;
	for (uint64_t c = 0; c < t->n_columns; c++) {
		if (read_name(s, d, &t->columns[c]) || slice_varint(d, &t->types[c]))
			return -1;
	}
	if (slice_varint(d, &t->n_sums) || slice_varint(d, &t->n_lanes))
		return -1;
	bool sums_right = t->kind == TABLE_STATES ? t->n_sums >= 1 && t->n_sums <= FORMAT_MAX_SUMS
						  : t->n_sums == (t->kind == TABLE_SPANS);

	return sums_right ? 0 : -1;
}

/* Whether what names a lane, and its times and states, are the columns that we have there. */
static bool same_shape(const struct table *t, const struct described *d)
{
	int fixed = t->ts == NO_COLUMN	    ? 0
		    : t->state != NO_COLUMN ? t->state + 1
		    : t->dur != NO_COLUMN   ? t->dur + 1
					    : t->ts + 1;

	if (d->kind != (uint64_t)t->kind || d->n_keys != (uint64_t)t->n_keys)
		return false;
	for (int c = 0; c < fixed; c++) {
		if (strcmp(d->columns[c], t->columns[c].name))
			return false;
	}
	return true;
}

/* Blocks have ts first, then dur of spans or state, then all others but the keys. */
static bool comes_first(const struct table *t, int c)
{
	return c < t->n_keys || c == t->ts || c == t->dur || c == t->state;
}

static void find_stored(const struct table *t, const struct described *d, struct table_info *info)
{
	if (t->ts != NO_COLUMN)
		info->stored[info->n_stored++] = (int16_t)t->ts;
	if (t->dur != NO_COLUMN)
		info->stored[info->n_stored++] =
			(int16_t)(t->state == NO_COLUMN ? t->dur : t->state);
	info->missing = (1U << t->n_columns) - 1;
	for (int c = 0; c < (int)d->n_columns; c++) {
		int ours = table_find_column(t, d->columns[c]);

		if (ours != NO_COLUMN)
			info->missing &= ~(1U << ours);
		if (!comes_first(t, c))
			info->stored[info->n_stored++] = (int16_t)ours;
	}
}

static int match_table(const struct store *s, const struct described *d, struct table_info *info,
		       enum table_id id, struct error *err)
{
	const struct table *t = table_get(id);
	uint32_t met = 0;

	if (!same_shape(t, d))
		return error_set(err, "'%s': table %s is not what this vmscope knows by that name",
				 s->name, d->name);
	for (uint64_t c = 0; c < d->n_columns; c++) {
		int ours = table_find_column(t, d->columns[c]);

		if (ours != NO_COLUMN && d->types[c] != (uint64_t)t->columns[ours].type)
			return error_set(err, "'%s': column %s.%s is of another type", s->name,
					 d->name, d->columns[c]);
		if (ours != NO_COLUMN && met >> ours & 1)
			return error_set(err, "'%s': column %s.%s is there twice", s->name, d->name,
					 d->columns[c]);
		met |= ours == NO_COLUMN ? 0 : 1U << ours;
	}
	info->present = true;
	info->n_sums = (int)d->n_sums;
	find_stored(t, d, info);
	return 0;
}

struct group {
	struct lane_info lanes[FORMAT_GROUP_LANES];
	struct entry entries[FORMAT_GROUP_LANES];
	int64_t values[FORMAT_GROUP_LANES];
};

static int read_group_column(struct slice *d, struct group *g, uint32_t n)
{
	const struct column_context none = {0};
	struct slice body;

	return column_split(d, &body) || column_decode(body, g->values, n, &none) ? -1 : 0;
}

/* Return: 0, or -1 when a group of n lanes is not sound. */
static int read_group(struct slice *d, const struct described *t, struct group *g, uint32_t n)
{
	for (uint64_t k = 0; k < t->n_keys; k++) {
		if (read_group_column(d, g, n))
			return -1;
		for (uint32_t i = 0; i < n; i++)
			g->lanes[i].keys[k] = g->values[i];
	}
	if (read_group_column(d, g, n) || node_decode(d, g->entries, n, 0, (int)t->n_sums))
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		if ((uint64_t)g->values[i] > FORMAT_MAX_LEVEL)
			return -1;
		g->lanes[i].level = (uint32_t)g->values[i];
		g->lanes[i].entry = g->entries[i];
	}
	return 0;
}

static int compare_keys(const int64_t *a, const int64_t *b, int n)
{
	for (int i = 0; i < n; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

/* Takes a lane into the table. Return: 0, or -1 when lanes are not in order or take no room. */
static int add_lane(struct table_info *info, const struct lane_info *lane, int n_keys)
{
	if (lane->entry.size < MIN_PIECE)
		return -1;
	if (info->lanes.n &&
	    compare_keys(info->lanes.at[info->lanes.n - 1].keys, lane->keys, n_keys) >= 0)
		return -1;
	info->lanes.at = big_grow(&info->lanes_memory, (info->lanes.n + 1) * sizeof(*lane));
	info->lanes.at[info->lanes.n++] = *lane;
	info->rows += lane->entry.rows;
	return 0;
}

static int read_lanes(struct slice *d, const struct described *t, struct table_info *info,
		      struct group *g)
{
	for (uint64_t i = 0; i < t->n_lanes; i += FORMAT_GROUP_LANES) {
		uint64_t left = t->n_lanes - i;
		uint32_t n = left < FORMAT_GROUP_LANES ? (uint32_t)left : FORMAT_GROUP_LANES;

		if (read_group(d, t, g, n))
			return -1;
		for (uint32_t k = 0; info && k < n; k++) {
			if (add_lane(info, &g->lanes[k], (int)t->n_keys))
				return -1;
		}
		if (info && info->lanes.n % REST_LANES == 0)
			big_drop_pages(&info->lanes_memory);
	}
	return 0;
}

/* Reads what the directory says of one table. */
static int read_table(struct store *s, struct slice *d, struct group *g, struct error *err)
{
	struct described t;
	uint64_t at = (uint64_t)(d->at - s->data);

	if (read_described(s, d, &t) || t.n_lanes > s->size / MIN_PIECE)
		return store_damaged(s, at, "the description of a table is wrong", err);
	enum table_id id = table_find(t.name);
	struct table_info *info = id == TABLE_NONE ? NULL : &s->tables[id];

	if (info && info->present)
		return store_damaged(s, at, "a table stands in the directory twice", err);
	if (info && match_table(s, &t, info, id, err))
		return ERR;
	if (read_lanes(d, &t, info, g))
		return store_damaged(s, at, "a table's list of lanes is wrong", err);
	return 0;
}

static int open_directory(struct store *s, struct error *err)
{
	struct slice d;
	uint64_t n;
	int r = 0;

	if (find_section(s, s->data + 56, &d, err))
		return ERR;
	if (slice_varint(&d, &n) || n > FORMAT_MAX_TABLES)
		return store_damaged(s, (uint64_t)(d.at - s->data), "the number of tables is wrong",
				     err);
	struct group *g = mem_zalloc(1, sizeof(*g));

	for (uint64_t i = 0; i < n && !r; i++)
		r = read_table(s, &d, g, err);
	free(g);
	if (!r && d.at != d.end)
		r = store_damaged(s, (uint64_t)(d.at - s->data), "the directory is too long", err);
	return r;
}

int64_t store_find_lane(const struct store *s, enum table_id table, const int64_t *keys)
{
	const struct table_info *info = &s->tables[table];
	int n_keys = table_get(table)->n_keys;
	size_t low = 0, high = info->lanes.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_keys(info->lanes.at[middle].keys, keys, n_keys);

		if (!c)
			return (int64_t)middle;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* --- open --- */

static int open_data(struct store **sp, struct store *s, struct error *err)
{
	if (check_header(s, err) || open_strings(s, err) || open_directory(s, err)) {
		store_free(s);
		return ERR;
	}
	*sp = s;
	return 0;
}

int store_open_memory(struct store **sp, const void *data, size_t size, const char *name,
		      struct error *err)
{
	struct store *s = mem_zalloc(1, sizeof(*s));

	s->name = mem_strdup(name);
	s->data = data;
	s->size = size;
	return open_data(sp, s, err);
}

static int open_map(struct store **sp, const struct file_map *map, const char *name,
		    struct error *err)
{
	struct store *s = mem_zalloc(1, sizeof(*s));

	s->name = mem_strdup(name);
	s->map = *map;
	s->data = map->data;
	s->size = map->size;
	return open_data(sp, s, err);
}

bool store_is_results(const char *path)
{
	uint8_t magic[8];
	FILE *f = fopen(path, "rbe");
	bool is =
		f && fread(magic, sizeof(magic), 1, f) == 1 && format_load64(magic) == FORMAT_MAGIC;

	if (f)
		fclose(f);
	return is;
}

int store_open(struct store **sp, const char *path, struct error *err)
{
	struct file_map map;

	return file_map_init(&map, path, err) ? ERR : open_map(sp, &map, path, err);
}

int store_open_fd(struct store **sp, int fd, const char *name, struct error *err)
{
	struct file_map map;

	return file_map_init_fd(&map, fd, name, err) ? ERR : open_map(sp, &map, name, err);
}

void store_free(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < TABLE_N; i++)
		big_deinit(&s->tables[i].lanes_memory);
	file_map_deinit(&s->map);
	free(s->name);
	free(s);
}
