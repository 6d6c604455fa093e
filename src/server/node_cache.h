/*
 * node_cache: nodes of a file's index, kept as they were decoded.
 *
 * A picture of much of a file is made of most of its index, and the next one of the same parts
 * again: keeping them halves what it takes. Nodes are kept as they are met, until there is no more
 * room; nothing is dropped, so that what was handed out stays. Any number of threads may use it.
 */
#ifndef VMSCOPE_SERVER_NODE_CACHE_H
#define VMSCOPE_SERVER_NODE_CACHE_H

#include <stdbool.h>

#include "store/piece.h"

struct node_cache;

/* Entries `stride` bytes apart; of their sums there are those that the table has. */
struct node_view {
	const char *at;
	size_t stride;
	uint32_t n;
	bool kept; /* by the cache, for as long as it lives; else it is in a node of the caller's */
};

static inline const struct entry *node_view_at(const struct node_view *v, uint32_t i)
{
	return (const struct entry *)(const void *)(v->at + v->stride * i);
}

/* Return: an empty one, for one file, owned by the caller. */
struct node_cache *node_cache_new(void);
void node_cache_free(struct node_cache *c);

/*
 * Finds the index node of `entry`. c: NULL if there is none. node: room for it, in case that it is
 * not kept. Return: 0 and *viewp, or ERR with err set.
 */
int node_cache_read(struct node_cache *c, const struct store *s, enum table_id table,
		    const struct entry *entry, struct node *node, struct node_view *viewp,
		    struct error *err);

#endif
