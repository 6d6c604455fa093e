/*
 * piece: parts of the file that entries name, verified, and index nodes, decoded.
 */
#ifndef VMSCOPE_STORE_PIECE_H
#define VMSCOPE_STORE_PIECE_H

#include "store/column.h"
#include "store/reader.h"

struct node {
	uint32_t n;
	struct entry entries[FORMAT_NODE_ENTRIES];
};

/* Return: 0 and the bytes; ERR when they are not in the file, or not as they were written. */
int piece_find(const struct store *s, const struct entry *e, struct slice *piecep,
	       struct error *err);

/* Has the bytes of a piece, or the first 4 KiB, on their way to the cache: it will be read soon. */
void piece_expect(const struct store *s, const struct entry *e);

/* Decodes the index node of `entry`. Return: 0, or ERR with err set. */
int node_read(const struct store *s, enum table_id table, const struct entry *entry,
	      struct node *node, struct error *err);

/*
 * ts as blocks say them by themselves, counted from `first`; in order, and none is later than
 * `end`. Return: 0, or -1 when they are not sound.
 */
int piece_plain_ts(struct slice *s, int64_t first, int64_t end, int64_t *ts, uint32_t n);

/* Return: whether times never decrease, from first on, without reaching past end. */
bool times_in_order(const int64_t *ts, uint32_t n, int64_t first, int64_t end);

#endif
