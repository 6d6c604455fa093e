#include "server/parts.h"

#include <stdlib.h>
#include <string.h>

#include "store/piece.h"

enum { N_CLASSES = 64 };

struct finding {
	struct parts *parts;
	const struct parts_query *query;
	int64_t pixel; /* 0: down to the blocks */
	int n_sums;
	bool ends; /* times are in [first, end) of an entry, not in [first, end] */
	struct error *err;
};

void parts_init(struct parts *p)
{
	*p = (struct parts){.nodes = mem_alloc((FORMAT_MAX_LEVEL + 1) * sizeof(*p->nodes))};
}

void parts_deinit(struct parts *p)
{
	vec_deinit(&p->at);
	free(p->nodes);
}

/* There are very many: only what is used of an entry is copied, and nothing is cleared. */
void parts_add(struct parts *p, const struct entry *e, int n_sums, bool block, bool edge)
{
	p->at.at = mem_vec_grow(p->at.at, &p->at.cap, p->at.n, sizeof(*p->at.at));
	struct part *part = &p->at.at[p->at.n++];

	memcpy(&part->entry, e, offsetof(struct entry, sums) + (size_t)n_sums * sizeof(*e->sums));
	part->block = block;
	part->edge = edge;
	part->decode = false;
}

uint64_t parts_rows(const struct parts *p)
{
	uint64_t rows = 0;

	vec_each (part, &p->at)
		rows += part->entry.rows;
	return rows;
}

/* ---- which there are ---------------------------------------------------------------------------- */

static int collect(const struct finding *f, const struct entry *e, uint32_t level);

static int collect_children(const struct finding *f, const struct entry *e, uint32_t level)
{
	struct node *node = &f->parts->nodes[level];
	int r = node_read(f->query->store, f->query->table, e, node, f->err);

	f->parts->nodes_read++;
	for (uint32_t i = 0; !r && i < node->n; i++)
		r = collect(f, &node->entries[i], level - 1);
	return r;
}

static bool is_outside(const struct finding *f, const struct entry *e)
{
	return e->first >= f->query->to || e->end < f->query->from ||
	       (f->ends && e->end == f->query->from);
}

static bool is_inside(const struct finding *f, const struct entry *e)
{
	return e->first >= f->query->from &&
	       (e->end < f->query->to || (f->ends && e->end == f->query->to));
}

/* Takes what is at most a pixel long as it stands, and goes into all else. */
static int collect(const struct finding *f, const struct entry *e, uint32_t level)
{
	uint64_t length = (uint64_t)e->end - (uint64_t)e->first;
	bool inside = is_inside(f, e);

	if (is_outside(f, e))
		return 0;
	if (level && !(inside && length <= (uint64_t)f->pixel))
		return collect_children(f, e, level);
	parts_add(f->parts, e, f->n_sums, !level, !inside);
	return 0;
}

static int collect_lane(struct finding *f, int64_t pixel)
{
	const struct table_info *info = &f->query->store->tables[f->query->table];
	const struct lane_info *lane = &info->lanes.at[f->query->lane];

	f->parts->at.n = 0;
	f->pixel = pixel;
	f->n_sums = info->n_sums;
	f->ends = table_get(f->query->table)->kind == TABLE_STATES;
	return collect(f, &lane->entry, lane->level);
}

/* ---- which of them are decoded ------------------------------------------------------------------ */

static int class_of(const struct part *p)
{
	return 63 - __builtin_clzll(part_length(p) | 1);
}

/* Return: the class from which on the budget is enough to decode all. */
static int first_class(const struct parts *p, uint64_t budget)
{
	uint64_t rows[N_CLASSES] = {0}, sum = 0;
	int class = N_CLASSES;

	vec_each (part, &p->at) {
		if (part->block && !part->edge)
			rows[class_of(part)] += part->entry.rows;
	}
	while (class && sum + rows[class - 1] <= budget)
		sum += rows[--class];
	return class;
}

void parts_choose(struct parts *p, int64_t pixel, uint64_t budget)
{
	int class = first_class(p, budget);

	vec_each (part, &p->at)
		part->decode = part->block && (part->edge || (part_length(part) > (uint64_t)pixel &&
							      class_of(part) >= class));
}

void parts_choose_all(struct parts *p)
{
	vec_each (part, &p->at)
		part->decode = true;
}

int parts_find(struct parts *p, const struct parts_query *q, bool *wholep, struct error *err)
{
	struct finding f = {.parts = p, .query = q, .err = err};

	if (collect_lane(&f, q->pixel))
		return ERR;
	*wholep = parts_rows(p) <= q->whole;
	if (!*wholep) {
		parts_choose(p, q->pixel, q->budget);
		return 0;
	}
	if (collect_lane(&f, 0))
		return ERR;
	parts_choose_all(p);
	return 0;
}
