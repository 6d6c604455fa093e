/*
 * A results file of any bytes: what is wrong is said, what is delivered keeps its promises.
 *
 * Checksums would keep a fuzzer from ever getting past them, so the first byte says what the rest
 * is: 0 a file as it is; 1 a file whose header's checksums are made right; 2 a data block and 3 an
 * index node, whose checksums are; then the second byte names the table and the next two the number
 * of rows.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "store/block.h"
#include "store/check.h"
#include "store/hash.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void try_file(const uint8_t *data, size_t size)
{
	struct check_result result;
	struct error err = {0};
	struct store *s;

	if (store_open_memory(&s, data, size, "input", &err)) {
		require(err.text && *err.text);
		error_deinit(&err);
		return;
	}
	check_store(s, &result);
	check_result_deinit(&result);
	store_free(s);
}

static void try_sealed_file(const uint8_t *data, size_t size)
{
	uint8_t *file = mem_alloc(size + 1);

	memcpy(file, data, size);
	for (int at = 24; size >= FORMAT_HEADER_SIZE && at <= 56; at += 32) {
		uint64_t offset = format_load64(file + at), n = format_load64(file + at + 8);

		if (offset <= size && n <= size - offset)
			format_store64(file + at + 16, hash_bytes(file + offset, n));
	}
	if (size >= FORMAT_HEADER_SIZE)
		format_store64(file + 80, hash_bytes(file, 80));
	try_file(file, size);
	free(file);
}

/* As a file of this program has the table. */
static void describe(struct table_info *info, const struct table *t)
{
	info->present = true;
	info->n_sums = t->kind == TABLE_SPANS ? 1 : table_n_states(t);
	if (t->ts != NO_COLUMN)
		info->stored[info->n_stored++] = (int16_t)t->ts;
	if (t->state != NO_COLUMN)
		info->stored[info->n_stored++] = (int16_t)t->state;
	for (int c = t->n_keys; c < t->n_columns; c++) {
		bool implied =
			c == t->ts || c == t->state || (c == t->dur && t->kind == TABLE_STATES);

		if (!implied)
			info->stored[info->n_stored++] = (int16_t)c;
	}
}

static void check_block(const struct table *t, const struct entry *e, int n_sums,
			const struct block *b)
{
	for (uint32_t i = 0; t->ts != NO_COLUMN && i < b->n; i++) {
		int64_t ts = b->at[t->ts][i];

		require(ts >= e->first && ts <= e->end);
		require(!i || ts >= b->at[t->ts][i - 1]);
		if (t->dur != NO_COLUMN && b->at[t->dur][i] != TABLE_NULL)
			require(b->at[t->dur][i] >= 0 && ts + b->at[t->dur][i] <= e->end);
		if (t->state != NO_COLUMN)
			require(b->at[t->state][i] >= 0 && b->at[t->state][i] < n_sums);
	}
}

static void try_piece(const uint8_t *data, size_t size, bool is_node)
{
	const int64_t keys[TABLE_MAX_KEYS] = {1, 2};
	const size_t header = FORMAT_HEADER_SIZE;
	char name[] = "input";
	struct error err = {0};

	if (size < 3)
		return;
	enum table_id id = (enum table_id)(data[0] % TABLE_N);
	uint8_t *file = mem_zalloc(1, header + size - 3 + FORMAT_TAIL_SIZE);
	struct store s = {.data = file, .size = header + size + FORMAT_TAIL_SIZE, .name = name};
	struct entry e = {.first = -5,
			  .end = INT64_MAX,
			  .rows = data[1] | (uint64_t)data[2] << 8,
			  .offset = header,
			  .size = size - 3,
			  .hash = (uint32_t)hash_bytes(data + 3, size - 3)};

	memcpy(file + header, data + 3, size - 3);
	s.pieces_end = header + size - 3;
	describe(&s.tables[id], table_get(id));
	struct block *b = block_new();
	struct node *node = mem_alloc(sizeof(*node));

	if (is_node)
		node_read(&s, id, &e, node, &err);
	else if (!block_read(&s, id, keys, &e, UINT32_MAX, b, &err))
		check_block(table_get(id), &e, s.tables[id].n_sums, b);
	free(b);
	free(node);
	free(file);
	error_deinit(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] & 3) {
	case 0:
		try_file(data + 1, size - 1);
		break;
	case 1:
		try_sealed_file(data + 1, size - 1);
		break;
	default:
		try_piece(data + 1, size - 1, data[0] & 1);
	}
	return 0;
}
