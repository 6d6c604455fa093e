/*
 * parts: the pieces of a lane that a picture is made of.
 *
 * The index is gone down from the lane's root: what is at most a pixel long is taken as it stands,
 * all else as data blocks. Work is bounded: of the blocks at most `budget` rows are decoded, widest
 * blocks first, and the two at the ends. Of the others there is what the index says.
 */
#ifndef VMSCOPE_SERVER_PARTS_H
#define VMSCOPE_SERVER_PARTS_H

#include "base/mem.h"
#include "server/node_cache.h"

struct part {
	const struct entry *entry; /* of a node of the parts' own or of the cache */
	bool block;		   /* else a piece of the index */
	bool edge;		   /* reaches beyond the stretch */
};

enum { PARTS_CLASSES = 64 };

struct parts {
	VEC(struct part) at;
	uint64_t rows; /* of all, also of what of them lies beyond the stretch */
	uint64_t
		class_rows[PARTS_CLASSES]; /* of blocks, by their length's number of bits, less 1 */
	uint64_t shortest;		   /* ns: blocks from this length on are decoded */
	VEC(struct node *) nodes;	   /* owned; the first n_used are in use */
	size_t n_used;
	uint64_t nodes_read;
};

struct parts_query {
	const struct store *store;
	struct node_cache *nodes; /* of the store; NULL: none */
	enum table_id table;
	size_t lane;
	int64_t from, to; /* from < to */
	int64_t pixel;	  /* ns, at least 1 */
	uint64_t budget;  /* rows that may be decoded */
	uint64_t whole;	  /* a stretch of at most so many rows is decoded as a whole */
};

void parts_init(struct parts *p);
void parts_deinit(struct parts *p);

/*
 * Finds the parts of a lane that the stretch touches, by time, in place of what p had.
 * Return: 0 and *wholep, whether all are decoded; or ERR with err set.
 */
int parts_find(struct parts *p, const struct parts_query *q, bool *wholep, struct error *err);

/* For parts that come from elsewhere: none at first; adds a block without sums; when all are there,
 * finds out which to decode. */
void parts_clear(struct parts *p);
void parts_add(struct parts *p, const struct entry *e, bool edge);
void parts_choose(struct parts *p, int64_t pixel, uint64_t budget);
void parts_choose_all(struct parts *p);

static inline uint64_t part_length(const struct part *p)
{
	return (uint64_t)p->entry->end - (uint64_t)p->entry->first;
}

/* Return: whether it is a block that is to be read. */
static inline bool part_is_read(const struct parts *p, const struct part *part)
{
	return part->block && (part->edge || part_length(part) >= p->shortest);
}

#endif
