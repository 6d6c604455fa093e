#include "store/piece.h"

#include "store/hash.h"
#include "store/node.h"

int piece_find(const struct store *s, const struct entry *e, struct slice *piecep,
	       struct error *err)
{
	if (e->offset < FORMAT_HEADER_SIZE || e->offset > s->pieces_end ||
	    e->size > s->pieces_end - e->offset)
		return store_damaged(s, e->offset, "a block is not in the file", err);
	*piecep = (struct slice){s->data + e->offset, s->data + e->offset + e->size};
	if ((uint32_t)hash_bytes(piecep->at, e->size) != e->hash)
		return store_damaged(s, e->offset, "a block's checksum is wrong", err);
	return 0;
}

void piece_expect(const struct store *s, const struct entry *e)
{
	enum { LINE = 64, MOST = 1024 };

	if (e->offset > s->pieces_end || e->size > s->pieces_end - e->offset)
		return;
	for (uint64_t at = 0; at < e->size && at < MOST; at += LINE)
		__builtin_prefetch(s->data + e->offset + at);
}

bool times_in_order(const int64_t *ts, uint32_t n, int64_t first, int64_t end)
{
	bool good = ts[0] == first && ts[n - 1] <= end;

	for (uint32_t i = 1; i < n; i++)
		good &= ts[i] >= ts[i - 1];
	return good;
}

int piece_plain_ts(struct slice *s, int64_t first, int64_t end, int64_t *ts, uint32_t n)
{
	const struct column_context none = {0};
	struct slice body;

	if (column_split(s, &body) || column_decode(body, ts, n, &none))
		return -1;
	ts[0] = format_add(ts[0], (uint64_t)first);
	bool good = ts[0] == first;

	for (uint32_t i = 1; i < n; i++) {
		ts[i] = format_add(ts[i], (uint64_t)first);
		good &= ts[i] >= ts[i - 1];
	}
	return good && ts[n - 1] <= end ? 0 : -1;
}

/* Return: whether the node's entries are in order and add up to what is said of it. */
static bool entries_fit(const struct node *n, const struct entry *e)
{
	uint64_t rows = 0;
	int64_t end = n->entries[0].end;
	bool good = n->entries[0].first == e->first;

	for (uint32_t i = 0; i < n->n; i++) {
		const struct entry *child = &n->entries[i];

		good &= child->first <= child->end && child->end <= e->end && child->rows >= 1;
		good &= !i || child->first >= child[-1].first;
		end = child->end > end ? child->end : end;
		rows += child->rows;
	}
	return good && rows == e->rows && end == e->end;
}

int node_read(const struct store *s, enum table_id table, const struct entry *e, struct node *node,
	      struct error *err)
{
	struct slice piece;
	uint64_t n;

	if (piece_find(s, e, &piece, err))
		return ERR;
	if (slice_varint(&piece, &n) || n < 1 || n > FORMAT_NODE_ENTRIES)
		return store_damaged(s, e->offset, "an index node's size is wrong", err);
	node->n = (uint32_t)n;
	if (node_decode(&piece, node->entries, node->n, e->first, s->tables[table].n_sums) ||
	    piece.at != piece.end || !entries_fit(node, e))
		return store_damaged(s, e->offset, "an index node does not decode", err);
	return 0;
}
