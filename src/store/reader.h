/*
 * reader: a results file, opened.
 *
 * Opening reads the header, the names and the directory of lanes; nothing else is touched before it
 * is asked for, and each block's checksum is verified before it is used. After opening nothing
 * changes, so that any number of threads may read at once, each with its own cursor (cursor.h).
 *
 * The file may be of a writer that knew fewer or more columns, tables and states: what it lacks is
 * NULL or empty, what is not known here is passed over.
 */
#ifndef VMSCOPE_STORE_READER_H
#define VMSCOPE_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "base/big.h"
#include "base/mem.h"
#include "schema/table.h"
#include "store/format.h"

/* One lane; a table of plain rows is one, without keys. */
struct lane_info {
	int64_t keys[TABLE_MAX_KEYS];
	uint32_t level;	    /* of the index: 0 when `entry` is a data block */
	struct entry entry; /* all of it: first, end, rows, sums */
};

/* How the file has a table. */
struct table_info {
	bool present;
	int n_stored;
	int16_t stored[FORMAT_MAX_COLUMNS]; /* our column of each column in a block, or NO_COLUMN */
	uint32_t missing;		    /* bit per column of ours that the file lacks */
	int n_sums;			    /* states: of the file's writer; spans: 1 */
	VEC(struct lane_info) lanes;	    /* by keys; in lanes_memory */
	struct big lanes_memory;
	uint64_t rows;
};

struct store {
	struct file_map map; /* when it was opened by name */
	const uint8_t *data; /* borrowed, or of map */
	size_t size;
	char *name;		/* owned; for messages */
	uint64_t pieces_end;	/* offset where strings begin */
	const uint8_t *strings; /* the section */
	uint64_t strings_size, n_strings;
	struct table_info tables[TABLE_N];
};

/* Return: whether the file begins like one of these; false where it cannot be read. */
bool store_is_results(const char *path);

/* Opens a file. Return: 0 and *sp, owned by the caller; or ERR with err set. */
int store_open(struct store **sp, const char *path, struct error *err);

/* The same for a file that is open already, and need not stay so; `name` is for messages. */
int store_open_fd(struct store **sp, int fd, const char *name, struct error *err);

/* Opens `size` bytes, which must outlive it; `name` is for messages. Return: as store_open(). */
int store_open_memory(struct store **sp, const void *data, size_t size, const char *name,
		      struct error *err);

void store_free(struct store *s); /* NULL is allowed */

/* Return: the text with this number, borrowed; NULL for TABLE_NULL and numbers that no text has. */
const char *store_string(const struct store *s, int64_t number);

/* Return: the number of this text in the file, or TABLE_NULL. Takes time by the number of texts. */
int64_t store_find_string(const struct store *s, const char *text);

/* Return: index of the lane with these keys, or -1. */
int64_t store_find_lane(const struct store *s, enum table_id table, const int64_t *keys);

/* Return: ERR, with err saying where the file is damaged and what is wrong there. */
int store_damaged(const struct store *s, uint64_t offset, const char *what, struct error *err);

#endif
