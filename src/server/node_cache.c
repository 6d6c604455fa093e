#include "server/node_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { MOST_BYTES = 32 << 20 }; /* of one file: the index of a hundred million states */

/* The words are so many entries, each cut off behind its sums. */
struct kept_node {
	struct entry entry; /* that it was found by */
	uint32_t n;
	uint64_t words[];
};

struct node_cache {
	pthread_rwlock_t lock;	       /* of what follows */
	struct map places;	       /* offset in the file -> place in nodes */
	VEC(struct kept_node *) nodes; /* owned */
	size_t size;		       /* bytes */
};

static size_t stride_of(const struct store *s, enum table_id table)
{
	return offsetof(struct entry, sums) +
	       (size_t)s->tables[table].n_sums * sizeof(((struct entry *)0)->sums[0]);
}

struct node_cache *node_cache_new(void)
{
	struct node_cache *c = mem_zalloc(1, sizeof(*c));

	pthread_rwlock_init(&c->lock, NULL);
	return c;
}

void node_cache_free(struct node_cache *c)
{
	vec_each (node, &c->nodes)
		free(*node);
	vec_deinit(&c->nodes);
	map_deinit(&c->places);
	pthread_rwlock_destroy(&c->lock);
	free(c);
}

/* Entries of a damaged file can name one node and say different things of it. */
static bool is_same(const struct entry *a, const struct entry *b)
{
	return a->first == b->first && a->end == b->end && a->rows == b->rows &&
	       a->size == b->size && a->hash == b->hash;
}

/* Return: what is kept of the node, or NULL. */
static const struct kept_node *find(struct node_cache *c, const struct entry *e)
{
	const struct kept_node *found = NULL;

	pthread_rwlock_rdlock(&c->lock);
	const uint64_t *place = map_get(&c->places, e->offset);

	if (place)
		found = c->nodes.at[*place];
	pthread_rwlock_unlock(&c->lock);
	return found && is_same(&found->entry, e) ? found : NULL;
}

static struct kept_node *copy_of(const struct node *node, const struct entry *e, size_t stride)
{
	struct kept_node *kept = mem_alloc(sizeof(*kept) + node->n * stride);

	memcpy(&kept->entry, e, offsetof(struct entry, sums));
	kept->n = node->n;
	for (uint32_t i = 0; i < node->n; i++)
		memcpy((char *)kept->words + i * stride, &node->entries[i], stride);
	return kept;
}

/* Keeps the node, if there is room for it and nobody was faster. */
static void keep(struct node_cache *c, const struct node *node, const struct entry *e,
		 size_t stride)
{
	pthread_rwlock_wrlock(&c->lock);
	if (c->size < MOST_BYTES && !map_get(&c->places, e->offset)) {
		map_add(&c->places, e->offset, c->nodes.n);
		*vec_push(&c->nodes) = copy_of(node, e, stride);
		c->size += node->n * stride;
	}
	pthread_rwlock_unlock(&c->lock);
}

int node_cache_read(struct node_cache *c, const struct store *s, enum table_id table,
		    const struct entry *e, struct node *node, struct node_view *viewp,
		    struct error *err)
{
	const size_t stride = stride_of(s, table);
	const struct kept_node *kept = c ? find(c, e) : NULL;

	if (kept) {
		*viewp = (struct node_view){(const char *)kept->words, stride, kept->n, true};
		return 0;
	}
	if (node_read(s, table, e, node, err))
		return ERR;
	if (c)
		keep(c, node, e, stride);
	*viewp = (struct node_view){(const char *)node->entries, sizeof(node->entries[0]), node->n,
				    false};
	return 0;
}
