#include "store/check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "store/block.h"

struct range {
	uint64_t offset, size;
};

struct check {
	const struct store *store;
	struct check_result *result;
	struct block *block;
	VEC(struct range) pieces;
	struct map ids[TABLE_N]; /* of tables that have an id */

	/* The lane that is looked at. */
	enum table_id id;
	const struct table *table;
	const struct lane_info *lane;
	bool begun;
	int64_t ts, end; /* of its last row so far; end: of the last block */
};

static void __attribute__((format(printf, 2, 3))) wrong(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->result->n_wrong++ >= CHECK_MOST)
		return;
	va_start(ap, fmt);
	*vec_push(&c->result->wrong) = mem_vprintf(fmt, ap);
	va_end(ap);
}

/* Says what reading a piece met. */
static void wrong_piece(struct check *c, struct error *err)
{
	wrong(c, "%s", err->text);
	error_deinit(err);
}

/* --- rows --- */

static bool has_id(const struct table *t)
{
	return t->kind == TABLE_ROWS && !strcmp(t->columns[0].name, "id");
}

/* Return: the table whose rows this column names, or TABLE_NONE. */
static enum table_id refers_to(const struct check *c, int column)
{
	const struct column *k = &c->table->columns[column];

	return k->unit == UNIT_ID ? k->ref : TABLE_NONE;
}

static void check_ids(struct check *c, const struct entry *e, int column)
{
	const enum table_id ref = refers_to(c, column);

	for (uint32_t i = 0; ref != TABLE_NONE && i < c->block->n; i++) {
		int64_t id = c->block->at[column][i];

		if (id == TABLE_NULL || map_get(&c->ids[ref], (uint64_t)id))
			continue;
		wrong(c,
		      "byte %" PRIu64 ", row %" PRIu32 ": %s.%s is %" PRId64
		      ", which no row of %s has",
		      e->offset, i, c->table->name, c->table->columns[column].name, id,
		      table_get(ref)->name);
		return;
	}
}

static void check_texts(struct check *c, const struct entry *e, int column)
{
	bool is_text = c->table->columns[column].type == COLUMN_TEXT;

	for (uint32_t i = 0; is_text && i < c->block->n; i++) {
		int64_t number = c->block->at[column][i];

		if (number == TABLE_NULL || store_string(c->store, number))
			continue;
		wrong(c,
		      "byte %" PRIu64 ", row %" PRIu32 ": %s.%s is text %" PRId64
		      ", which is not there",
		      e->offset, i, c->table->name, c->table->columns[column].name, number);
		return;
	}
}

static void check_exits(struct check *c, const struct entry *e)
{
	for (uint32_t i = 0; c->id == TABLE_VM_EXIT && i < c->block->n; i++) {
		uint64_t sum = 0, dur = (uint64_t)c->block->at[COL_VM_EXIT_DUR][i];
		bool known = (int64_t)dur != TABLE_NULL;

		for (int k = COL_VM_EXIT_HANDLED_NS; k <= COL_VM_EXIT_BLOCKED_NS; k++) {
			known &= c->block->at[k][i] != TABLE_NULL;
			sum += (uint64_t)c->block->at[k][i];
		}
		if (!known || sum == dur)
			continue;
		wrong(c,
		      "byte %" PRIu64 ", row %" PRIu32 ": the parts of a VM exit add up to %" PRIu64
		      " of %" PRIu64 " ns",
		      e->offset, i, sum, dur);
		return;
	}
}

/* --- entries --- */

/* That the block follows the lane's block before it. */
static void check_order(struct check *c, const struct entry *e)
{
	const struct table *t = c->table;

	if (t->ts == NO_COLUMN)
		return;
	if (c->begun && t->kind == TABLE_STATES && e->first != c->end)
		wrong(c,
		      "byte %" PRIu64 ": a lane of %s goes on at %" PRId64
		      " but the block before ended at %" PRId64,
		      e->offset, t->name, e->first, c->end);
	else if (c->begun && e->first < c->ts)
		wrong(c, "byte %" PRIu64 ": a block of %s begins before the end of the one before",
		      e->offset, t->name);
	c->begun = true;
	c->ts = c->block->at[t->ts][c->block->n - 1];
	c->end = e->end;
}

/* What the entry of the block that was read should say. */
static struct entry sum_block(const struct check *c)
{
	const struct table *t = c->table;
	const struct block *b = c->block;
	struct entry e = {.rows = b->n};

	if (t->ts == NO_COLUMN)
		return e;
	e.first = b->at[t->ts][0];
	e.end = b->at[t->ts][b->n - 1];
	for (uint32_t i = 0; i < b->n; i++) {
		int64_t dur = t->dur == NO_COLUMN ? TABLE_NULL : b->at[t->dur][i];

		if (dur == TABLE_NULL)
			continue;
		int64_t end = b->at[t->ts][i] + dur;

		e.end = end > e.end ? end : e.end;
		e.sums[t->state == NO_COLUMN ? 0 : b->at[t->state][i]] += (uint64_t)dur;
	}
	return e;
}

static void check_sums(struct check *c, const struct entry *said, const struct entry *found)
{
	bool same =
		said->first == found->first && said->end == found->end && said->rows == found->rows;

	for (int i = 0; i < c->store->tables[c->id].n_sums; i++)
		same &= said->sums[i] == found->sums[i];
	if (!same)
		wrong(c, "byte %" PRIu64 ": the index does not say what is in this piece of %s",
		      said->offset, c->table->name);
}

static void check_no_empty(struct check *c, const struct entry *e)
{
	const struct table *t = c->table;

	for (uint32_t i = 0; t->kind == TABLE_STATES && i < c->block->n; i++) {
		if (c->block->at[t->dur][i] > 0)
			continue;
		wrong(c, "byte %" PRIu64 ", row %" PRIu32 ": an interval of %s has no length",
		      e->offset, i, t->name);
		return;
	}
}

static void check_block(struct check *c, const struct entry *e)
{
	struct error err = {0};

	c->result->blocks++;
	if (block_read(c->store, c->id, c->lane->keys, e, UINT32_MAX, c->block, &err)) {
		wrong_piece(c, &err);
		return;
	}
	struct entry found = sum_block(c);

	check_sums(c, e, &found);
	check_order(c, e);
	check_no_empty(c, e);
	check_exits(c, e);
	for (int k = 0; k < c->table->n_columns; k++) {
		check_ids(c, e, k);
		check_texts(c, e, k);
	}
	c->result->rows += c->block->n;
}

static void check_entry(struct check *c, const struct entry *e, uint32_t level);

static void check_node(struct check *c, const struct entry *e, uint32_t level)
{
	struct node *node = mem_alloc(sizeof(*node));
	struct error err = {0};
	struct entry found = {.first = e->first, .end = e->end, .rows = e->rows};

	c->result->nodes++;
	if (node_read(c->store, c->id, e, node, &err)) {
		wrong_piece(c, &err);
		free(node);
		return;
	}
	for (uint32_t i = 0; i < node->n; i++) {
		for (int k = 0; k < c->store->tables[c->id].n_sums; k++)
			found.sums[k] += node->entries[i].sums[k];
		check_entry(c, &node->entries[i], level - 1);
	}
	check_sums(c, e, &found);
	free(node);
}

static void check_entry(struct check *c, const struct entry *e, uint32_t level)
{
	*vec_push(&c->pieces) = (struct range){e->offset, e->size};
	if (level)
		check_node(c, e, level);
	else
		check_block(c, e);
}

/* --- the whole --- */

static void set_table(struct check *c, int id)
{
	c->id = (enum table_id)id;
	c->table = table_get(c->id);
}

static void check_table(struct check *c)
{
	const struct table_info *info = &c->store->tables[c->id];

	vec_each (lane, &info->lanes) {
		c->lane = lane;
		c->begun = false;
		check_entry(c, &lane->entry, lane->level);
		c->result->lanes++;
	}
}

/* Notes the ids in the first column of the block. */
static void note_ids(struct check *c)
{
	for (uint32_t i = 0; i < c->block->n; i++) {
		uint64_t id = (uint64_t)c->block->at[0][i], n = c->ids[c->id].n;

		map_put(&c->ids[c->id], id, 1);
		if (c->ids[c->id].n == n)
			wrong(c, "two rows of %s have the id %" PRId64, c->table->name,
			      (int64_t)id);
	}
}

static void note_entry(struct check *c, const struct entry *e, uint32_t level)
{
	struct error err = {0};

	/* What cannot be read is told when the table is checked. */
	if (!level) {
		if (!block_read(c->store, c->id, c->lane->keys, e, 1, c->block, &err))
			note_ids(c);
		error_deinit(&err);
		return;
	}
	struct node *node = mem_alloc(sizeof(*node));

	if (!node_read(c->store, c->id, e, node, &err)) {
		for (uint32_t i = 0; i < node->n; i++)
			note_entry(c, &node->entries[i], level - 1);
	}
	error_deinit(&err);
	free(node);
}

static void note_table(struct check *c)
{
	if (!has_id(c->table))
		return;
	vec_each (lane, &c->store->tables[c->id].lanes) {
		c->lane = lane;
		note_entry(c, &lane->entry, lane->level);
	}
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->offset == y->offset ? 0 : x->offset < y->offset ? -1 : 1;
}

/* That pieces fill the file from the header to the strings, each byte once. */
static void check_pieces(struct check *c)
{
	uint64_t at = FORMAT_HEADER_SIZE;

	if (c->pieces.n)
		qsort(c->pieces.at, c->pieces.n, sizeof(*c->pieces.at), compare_ranges);
	vec_each (p, &c->pieces) {
		if (p->offset != at) {
			wrong(c, "byte %" PRIu64 ": the next piece begins at %" PRIu64, at,
			      p->offset);
			return;
		}
		at += p->size;
	}
	if (at != c->store->pieces_end)
		wrong(c, "byte %" PRIu64 ": no piece is here, but strings begin at %" PRIu64, at,
		      c->store->pieces_end);
}

static void check_strings(struct check *c)
{
	for (uint64_t i = 0; i < c->store->n_strings; i++) {
		if (!store_string(c->store, (int64_t)i))
			wrong(c, "text %" PRIu64 " is not in the strings", i);
	}
}

static void check_tail(struct check *c)
{
	const uint8_t zeros[FORMAT_TAIL_SIZE] = {0};
	const struct store *s = c->store;

	if (memcmp(s->data + s->size - FORMAT_TAIL_SIZE, zeros, FORMAT_TAIL_SIZE))
		wrong(c, "byte %zu: the tail is not zero", s->size - FORMAT_TAIL_SIZE);
}

void check_store(const struct store *s, struct check_result *result)
{
	struct check c = {.store = s, .result = result, .block = block_new()};

	*result = (struct check_result){0};
	for (int id = 0; id < TABLE_N; id++) {
		set_table(&c, id);
		note_table(&c);
	}
	for (int id = 0; id < TABLE_N; id++) {
		set_table(&c, id);
		check_table(&c);
	}
	check_pieces(&c);
	check_strings(&c);
	check_tail(&c);
	for (int id = 0; id < TABLE_N; id++)
		map_deinit(&c.ids[id]);
	vec_deinit(&c.pieces);
	free(c.block);
}

void check_result_deinit(struct check_result *result)
{
	vec_each (line, &result->wrong)
		free(*line);
	vec_deinit(&result->wrong);
}
