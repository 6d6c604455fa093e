/*
 * node: index nodes, and the entries that they are made of.
 */
#ifndef VMSCOPE_STORE_NODE_H
#define VMSCOPE_STORE_NODE_H

#include "store/encode.h"
#include "store/format.h"

/*
 * Appends the columns of n >= 1 entries, at most FORMAT_GROUP_LANES. first: where the first one's
 * gap counts from.
 */
void node_encode(struct column_encoder *e, const struct entry *entries, uint32_t n, int64_t first,
		 int n_sums, struct bytes *out);

/* Decodes the columns of n entries. Return: 0, or -1 when they are not sound. */
int node_decode(struct slice *s, struct entry *entries, uint32_t n, int64_t first, int n_sums);

#endif
