#include "store/sums.h"

#include <stdlib.h>

#include "store/block.h"

struct summing {
	const struct store *store;
	enum table_id table;
	const struct lane_info *lane;
	int64_t from, to;
	uint64_t *sums;
	struct error *err;
};

static int add_block(const struct summing *s, const struct entry *e)
{
	const struct table *t = table_get(s->table);
	struct block *b = block_new();
	int r = block_read(s->store, s->table, s->lane->keys, e, 0, b, s->err);

	for (uint32_t i = 0; !r && i < b->n; i++) {
		int64_t begin = b->at[t->ts][i], end = begin + b->at[t->dur][i];

		begin = begin > s->from ? begin : s->from;
		end = end < s->to ? end : s->to;
		if (begin < end)
			s->sums[b->at[t->state][i]] += (uint64_t)(end - begin);
	}
	free(b);
	return r;
}

static int add_entry(const struct summing *s, const struct entry *e, uint32_t level);

static int add_node(const struct summing *s, const struct entry *e, uint32_t level)
{
	struct node *node = mem_alloc(sizeof(*node));
	int r = node_read(s->store, s->table, e, node, s->err);

	for (uint32_t i = 0; !r && i < node->n; i++)
		r = add_entry(s, &node->entries[i], level - 1);
	free(node);
	return r;
}

static int add_entry(const struct summing *s, const struct entry *e, uint32_t level)
{
	if (e->end <= s->from || e->first >= s->to)
		return 0;
	if (e->first < s->from || e->end > s->to)
		return level ? add_node(s, e, level) : add_block(s, e);
	for (int i = 0; i < s->store->tables[s->table].n_sums; i++)
		s->sums[i] += e->sums[i];
	return 0;
}

int sums_add(const struct store *store, enum table_id table, size_t lane, int64_t from, int64_t to,
	     uint64_t sums[FORMAT_MAX_SUMS], struct error *err)
{
	const struct lane_info *info = &store->tables[table].lanes.at[lane];
	const struct summing s = {store, table, info, from, to, sums, err};

	return add_entry(&s, &info->entry, info->level);
}
