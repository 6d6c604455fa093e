#include "server/digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "store/block.h"
#include "store/piece.h"

/* Reading one lane. */
struct reading {
	const struct store *store;
	enum table_id table;
	const struct lane_info *info;
	struct digest_lane *lane;
	struct map reasons; /* reason -> its place */
	struct block *block;
	struct error *err;
};

/* ---- exits ---------------------------------------------------------------------------------- */

/* Return: the place of the reason of a row, and where its name is still to be read. */
static uint16_t place_of(struct reading *r, uint32_t row, bool *unnamedp)
{
	int64_t reason = r->block->at[COL_VM_EXIT_REASON][row];
	const uint64_t *known = map_get(&r->reasons, (uint64_t)reason);

	if (known)
		return (uint16_t)*known;
	if (r->lane->reasons.n < DIGEST_MAX_REASONS) {
		*unnamedp = true;
		*vec_push(&r->lane->reasons) =
			(struct digest_reason){.reason = reason, .name = TABLE_NULL};
	}
	map_put(&r->reasons, (uint64_t)reason, r->lane->reasons.n - 1);
	return (uint16_t)(r->lane->reasons.n - 1);
}

/* Names come with the block that has a reason first. */
static int learn_names(struct reading *r, const struct entry *e)
{
	if (block_read(r->store, r->table, r->info->keys, e,
		       1U << COL_VM_EXIT_REASON | 1U << COL_VM_EXIT_NAME, r->block, r->err))
		return ERR;
	for (uint32_t i = 0; i < r->block->n; i++) {
		struct digest_reason *reason = &r->lane->reasons.at[place_of(r, i, &(bool){false})];

		if (reason->name == TABLE_NULL)
			reason->name = r->block->at[COL_VM_EXIT_NAME][i];
	}
	return 0;
}

static int read_exits(struct reading *r, const struct entry *e, struct digest_block *b)
{
	uint16_t counts[DIGEST_MAX_REASONS] = {0};
	bool unnamed = false;

	if (block_read(r->store, r->table, r->info->keys, e, 1U << COL_VM_EXIT_REASON, r->block,
		       r->err))
		return ERR;
	for (uint32_t i = 0; i < r->block->n; i++)
		counts[place_of(r, i, &unnamed)]++;
	b->counts = (uint32_t)r->lane->counts.n;
	for (size_t i = 0; i < r->lane->reasons.n; i++) {
		if (counts[i])
			*vec_push(&r->lane->counts) =
				(struct digest_count){.reason = (uint16_t)i, .n = counts[i]};
	}
	return unnamed ? learn_names(r, e) : 0;
}

/* ---- wake-ups ------------------------------------------------------------------------------- */

static int read_wakeups(struct reading *r, const struct entry *e, struct digest_block *b)
{
	const struct block *block = r->block;

	b->max = TABLE_NULL;
	if (block_read(r->store, r->table, r->info->keys, e, 1U << COL_WAKEUP_RUN_NS, r->block,
		       r->err))
		return ERR;
	for (uint32_t i = 0; i < block->n; i++) {
		if (block->at[COL_WAKEUP_RUN_NS][i] > b->max) {
			b->max = block->at[COL_WAKEUP_RUN_NS][i];
			b->max_at = block->at[COL_WAKEUP_TS][i];
		}
	}
	return 0;
}

/* ---- states --------------------------------------------------------------------------------- */

static void sum_stolen(const struct reading *r, const struct entry *e, struct digest_block *b)
{
	for (int i = 0; i < r->store->tables[r->table].n_sums; i++)
		b->stolen += digest_is_stolen(i) ? e->sums[i] : 0;
	b->unknown = e->sums[VCPU_UNKNOWN];
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static int read_entry(struct reading *r, const struct entry *e, uint32_t level);

static int read_node(struct reading *r, const struct entry *e, uint32_t level)
{
	struct node *node = mem_alloc(sizeof(*node));
	int bad = node_read(r->store, r->table, e, node, r->err);

	for (uint32_t i = 0; !bad && i < node->n; i++)
		bad = read_entry(r, &node->entries[i], level - 1);
	free(node);
	return bad;
}

static int read_entry(struct reading *r, const struct entry *e, uint32_t level)
{
	if (level)
		return read_node(r, e, level);
	struct digest_block b = {.first = e->first,
				 .end = e->end,
				 .rows = e->rows,
				 .offset = e->offset,
				 .size = e->size,
				 .hash = e->hash};

	int bad = 0;

	if (r->table == TABLE_VM_EXIT)
		bad = read_exits(r, e, &b);
	else if (r->table == TABLE_WAKEUP)
		bad = read_wakeups(r, e, &b);
	else
		sum_stolen(r, e, &b);
	if (!bad)
		*vec_push(&r->lane->blocks) = b;
	return bad;
}

int digest_init(struct digest *d, const struct store *s, enum table_id table, struct error *err)
{
	const struct table_info *info = &s->tables[table];
	struct block *block = block_new();
	int bad = 0;

	*d = (struct digest){.table = table};
	for (size_t i = 0; !bad && i < info->lanes.n; i++) {
		struct reading r = {.store = s,
				    .table = table,
				    .info = &info->lanes.at[i],
				    .lane = vec_push(&d->lanes),
				    .block = block,
				    .err = err};

		bad = read_entry(&r, &r.info->entry, r.info->level);
		map_deinit(&r.reasons);
	}
	free(block);
	return bad;
}

void digest_deinit(struct digest *d)
{
	vec_each (lane, &d->lanes) {
		vec_deinit(&lane->blocks);
		vec_deinit(&lane->counts);
		vec_deinit(&lane->reasons);
	}
	vec_deinit(&d->lanes);
}

/* ---- questions ------------------------------------------------------------------------------ */

size_t digest_first(const struct digest_lane *lane, int64_t from)
{
	size_t low = 0, high = lane->blocks.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lane->blocks.at[middle].end < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void digest_entry(const struct digest_block *b, struct entry *e)
{
	e->first = b->first;
	e->end = b->end;
	e->rows = b->rows;
	e->offset = b->offset;
	e->size = b->size;
	e->hash = b->hash;
}

size_t digest_parts(const struct digest *d, const struct parts_query *q, struct parts *parts)
{
	const struct digest_lane *lane = &d->lanes.at[q->lane];
	size_t first = digest_first(lane, q->from);

	parts_clear(parts);
	for (size_t i = first; i < lane->blocks.n && lane->blocks.at[i].first < q->to; i++) {
		struct entry e;

		digest_entry(&lane->blocks.at[i], &e);
		parts_add(parts, &e, e.first < q->from || e.end >= q->to);
	}
	if (parts->rows <= q->whole)
		parts_choose_all(parts);
	else
		parts_choose(parts, q->pixel, q->budget);
	return first;
}

uint32_t digest_count(const struct digest_lane *lane, size_t block, uint16_t reason)
{
	size_t end =
		block + 1 < lane->blocks.n ? lane->blocks.at[block + 1].counts : lane->counts.n;

	for (size_t i = lane->blocks.at[block].counts; i < end; i++) {
		if (lane->counts.at[i].reason == reason)
			return lane->counts.at[i].n;
	}
	return 0;
}
