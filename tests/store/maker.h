/*
 * maker: results files made of random rows, and the rows to compare with.
 */
#ifndef VMSCOPE_TESTS_STORE_MAKER_H
#define VMSCOPE_TESTS_STORE_MAKER_H

#include "base/mem.h"
#include "store/writer.h"

struct made_row {
	int64_t values[TABLE_MAX_COLUMNS];
};

/* The rows of one lane, in order. */
struct made_lane {
	enum table_id table;
	VEC(struct made_row) rows;
};

/* How values are chosen. */
enum made_style {
	MADE_PLAIN,   /* like a recording */
	MADE_EXTREME, /* NULLs, the ends of int64_t, times over all of it */
};

struct made_file {
	char path[64];
	VEC(struct made_lane) lanes; /* by table, then keys, as a cursor gives them */
};

/*
 * Writes a file of about `rows` rows in all kinds of tables; ids name rows that exist, unless the
 * style is extreme. It is removed by made_file_deinit(). Asserts that it can be written.
 */
void made_file_init(struct made_file *f, uint64_t seed, size_t rows, enum made_style style);
void made_file_deinit(struct made_file *f);

/* splitmix64 */
uint64_t made_random(uint64_t *state);

#endif
