/*
 * native: rows as a block of ClickHouse's Native format.
 *
 *	varint columns, varint rows
 *	per column: name, type (each varint length, bytes), then its values:
 *	    Nullable: a byte per row, 1 where there is none; then the values as if there were all
 *	    Array: per row a u64, where its values end; then the values of all rows
 *	    numbers: little-endian; String: varint length, bytes; FixedString: bytes; Enum8: a byte
 *
 * Only types that ClickHouse 18.16 has and today's still take. A block that is inserted alone is
 * there as a whole or not at all.
 */
#ifndef VMSCOPE_FLEET_NATIVE_H
#define VMSCOPE_FLEET_NATIVE_H

#include "fleet/rows.h"
#include "base/bytes.h"

struct native_column {
	struct bytes values;
	struct bytes nulls;   /* nullable */
	struct bytes offsets; /* arrays */
	uint64_t n_elements;  /* arrays: so far */
};

struct native_block {
	const struct fleet_table *table; /* borrowed */
	uint64_t n;			 /* rows */
	struct native_column columns[FLEET_MAX_COLUMNS];
};

void native_init(struct native_block *b, const struct fleet_table *table);
void native_deinit(struct native_block *b);

/* Appends rows of its table. Return: 0, or ERR with err set: there is a state without a name. */
int native_add(struct native_block *b, const struct fleet_rows *rows, struct error *err);

/* Return: bytes that it takes, but for names. */
size_t native_size(const struct native_block *b);

/* Puts it behind what is in *out, and empties it. */
void native_write(struct native_block *b, struct bytes *out);

/* Return: the column's type, as ClickHouse writes it; for free(). */
char *native_type(const struct fleet_column *c);

#endif
