#include "server/parts.h"

#include <stdlib.h>
#include <string.h>

#include "store/piece.h"

struct finding {
	struct parts *parts;
	const struct parts_query *query;
	int64_t pixel; /* 0: down to the blocks */
	bool ends;     /* times are in [first, end) of an entry, not in [first, end] */
	struct error *err;
};

void parts_init(struct parts *p)
{
	*p = (struct parts){0};
}

void parts_deinit(struct parts *p)
{
	vec_each (node, &p->nodes)
		free(*node);
	vec_deinit(&p->nodes);
	vec_deinit(&p->at);
}

void parts_clear(struct parts *p)
{
	p->at.n = 0;
	p->n_used = 0;
	p->rows = 0;
	memset(p->class_rows, 0, sizeof(p->class_rows));
}

/* Return: one that holds nothing that is used. */
static struct node *next_node(struct parts *p)
{
	if (p->n_used == p->nodes.n)
		*vec_push(&p->nodes) = mem_alloc(sizeof(struct node));
	struct node *node = p->nodes.at[p->n_used++];

	node->n = 0;
	return node;
}

/* The classes are powers of two. */
static int class_of(uint64_t length)
{
	return 63 - __builtin_clzll(length | 1);
}

static void take(struct parts *p, const struct entry *e, bool block, bool edge)
{
	struct part *part = vec_push(&p->at);

	*part = (struct part){.entry = e, .block = block, .edge = edge};
	p->rows += e->rows;
	p->class_rows[class_of(part_length(part))] += block && !edge ? e->rows : 0;
}

/* Only what is used of an entry is copied: there are very many. */
void parts_add(struct parts *p, const struct entry *e, bool edge)
{
	struct node *node = p->n_used ? p->nodes.at[p->n_used - 1] : NULL;

	if (!node || node->n == FORMAT_NODE_ENTRIES)
		node = next_node(p);
	struct entry *own = &node->entries[node->n++];

	memcpy(own, e, offsetof(struct entry, sums));
	take(p, own, true, edge);
}

/* ---- which there are ------------------------------------------------------------------------ */

static int collect(const struct finding *f, const struct entry *e, uint32_t level);

static int collect_children(const struct finding *f, const struct entry *e, uint32_t level)
{
	const struct parts_query *q = f->query;
	struct node *node = next_node(f->parts);
	struct node_view view;
	int r = node_cache_read(q->nodes, q->store, q->table, e, node, &view, f->err);

	if (r)
		return r;
	f->parts->nodes_read++;
	if (view.kept)
		f->parts->n_used--;
	for (uint32_t i = 0; !r && i < view.n; i++) {
		if (!view.kept && level > 1 && i + 1 < view.n)
			piece_expect(q->store, node_view_at(&view, i + 1));
		r = collect(f, node_view_at(&view, i), level - 1);
	}
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
	take(f->parts, e, !level, !inside);
	return 0;
}

static int collect_lane(struct finding *f, int64_t pixel)
{
	const struct table_info *info = &f->query->store->tables[f->query->table];
	const struct lane_info *lane = &info->lanes.at[f->query->lane];

	parts_clear(f->parts);
	f->pixel = pixel;
	f->ends = table_get(f->query->table)->kind == TABLE_STATES;
	return collect(f, &lane->entry, lane->level);
}

/* ---- which of them are decoded -------------------------------------------------------------- */

/* Return: the class from which on the budget is enough to decode all. */
static int first_class(const struct parts *p, uint64_t budget)
{
	uint64_t sum = 0;
	int class = PARTS_CLASSES;

	while (class && sum + p->class_rows[class - 1] <= budget)
		sum += p->class_rows[--class];
	return class;
}

void parts_choose(struct parts *p, int64_t pixel, uint64_t budget)
{
	int class = first_class(p, budget);
	uint64_t longer = (uint64_t)pixel + 1;
	uint64_t shortest = class == PARTS_CLASSES ? UINT64_MAX : class ? UINT64_C(1) << class : 0;

	p->shortest = shortest > longer ? shortest : longer;
}

void parts_choose_all(struct parts *p)
{
	p->shortest = 0;
}

int parts_find(struct parts *p, const struct parts_query *q, bool *wholep, struct error *err)
{
	struct finding f = {.parts = p, .query = q, .err = err};

	if (collect_lane(&f, q->pixel))
		return ERR;
	*wholep = p->rows <= q->whole;
	if (!*wholep) {
		parts_choose(p, q->pixel, q->budget);
		return 0;
	}
	if (collect_lane(&f, 0))
		return ERR;
	parts_choose_all(p);
	return 0;
}
