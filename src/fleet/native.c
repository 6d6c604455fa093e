#include "fleet/native.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/format.h"

/* ---- types ---------------------------------------------------------------------------------- */

/* As ClickHouse prints it. Return: for free(). */
static char *native_enum_type(const struct state_labels *labels)
{
	char *text = mem_strdup("Enum8(");

	for (int i = 0; i < labels->n; i++)
		mem_append(&text, "%s'%s' = %d", i ? ", " : "", labels->at[i].name, i);
	mem_append(&text, ")");
	return text;
}

char *native_type(const struct fleet_column *c)
{
	static const char *const names[] = {
		[FLEET_INT] = "Int64",	 [FLEET_NTH] = "UInt32",
		[FLEET_DAY] = "Date",	 [FLEET_REAL] = "Float64",
		[FLEET_TEXT] = "String", [FLEET_HEX] = "FixedString(16)",
		[FLEET_STATE] = NULL,	 [FLEET_INTS] = "Array(Int64)",
	};

	if (c->type == FLEET_STATE)
		return native_enum_type(c->labels);
	return c->null ? mem_printf("Nullable(%s)", names[c->type]) : mem_strdup(names[c->type]);
}

/* ---- values --------------------------------------------------------------------------------- */

static void native_add_days(struct native_column *c, const struct fleet_rows *rows)
{
	uint16_t day = htole16(rows->day);
	uint8_t *to = bytes_room(&c->values, rows->n * sizeof(day));

	for (size_t i = 0; i < rows->n; i++)
		memcpy(to + i * sizeof(day), &day, sizeof(day));
	c->values.n += rows->n * sizeof(day);
}

static void native_add_ids(struct native_column *c, const struct fleet_rows *rows)
{
	uint8_t *to = bytes_room(&c->values, rows->n * FLEET_ID_SIZE);

	for (size_t i = 0; i < rows->n; i++)
		memcpy(to + i * FLEET_ID_SIZE, rows->recording, FLEET_ID_SIZE);
	c->values.n += rows->n * FLEET_ID_SIZE;
}

static void native_add_nths(struct native_column *c, const int64_t *at, size_t n)
{
	uint8_t *to = bytes_room(&c->values, n * sizeof(uint32_t));

	for (size_t i = 0; i < n; i++)
		format_store32(to + i * sizeof(uint32_t), (uint32_t)at[i]);
	c->values.n += n * sizeof(uint32_t);
}

/* Integers, and reals as bits; where there is none stands 0, as ClickHouse has it. */
static void native_add_numbers(struct native_column *c, bool null, const int64_t *at, size_t n)
{
	uint8_t *to = bytes_room(&c->values, n * sizeof(int64_t));

	for (size_t i = 0; i < n; i++)
		format_store64(to + i * sizeof(int64_t),
			       null && at[i] == TABLE_NULL ? 0 : (uint64_t)at[i]);
	c->values.n += n * sizeof(int64_t);
}

static void native_add_string(struct bytes *to, const char *text, size_t n)
{
	bytes_varint(to, n);
	bytes_put(to, text, n);
}

/* Most rows have the text of the row before. */
static void native_add_texts(struct native_column *c, const struct fleet_rows *rows,
			     const int64_t *at)
{
	const char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (!i || at[i] != at[i - 1]) {
			text = at[i] == TABLE_NULL ? NULL : rows->text(rows->text_ctx, at[i]);
			n = text ? strlen(text) : 0;
		}
		native_add_string(&c->values, text ? text : "", n);
	}
}

static int native_add_states(struct native_column *c, const struct fleet_column *column,
			     const int64_t *at, size_t n, struct error *err)
{
	uint8_t *to = bytes_room(&c->values, n);

	for (size_t i = 0; i < n; i++) {
		if ((uint64_t)at[i] >= (uint64_t)column->labels->n)
			return error_set(err, "a row has a state that this version does not know");
		to[i] = (uint8_t)at[i];
	}
	c->values.n += n;
	return 0;
}

static void native_add_arrays(struct native_column *c, const int64_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct fleet_ints *ints = (const struct fleet_ints *)(intptr_t)at[i];

		c->n_elements += ints->n;
		format_store64(bytes_room(&c->offsets, sizeof(uint64_t)), c->n_elements);
		c->offsets.n += sizeof(uint64_t);
		native_add_numbers(c, false, ints->at, ints->n);
	}
}

/* A text that the file does not have counts as none. */
static void native_add_nulls(struct native_column *c, const struct fleet_column *column,
			     const struct fleet_rows *rows, const int64_t *at)
{
	uint8_t *to = bytes_room(&c->nulls, rows->n);

	for (size_t i = 0; i < rows->n; i++)
		to[i] = at[i] == TABLE_NULL;
	for (size_t i = 0; column->type == FLEET_TEXT && i < rows->n; i++)
		to[i] = to[i] || !rows->text(rows->text_ctx, at[i]);
	c->nulls.n += rows->n;
}

static int native_add_column(struct native_block *b, int i, const struct fleet_rows *rows,
			     struct error *err)
{
	const struct fleet_column *column = &b->table->columns[i];
	struct native_column *c = &b->columns[i];
	const int64_t *at = rows->at[i];

	if (column->null)
		native_add_nulls(c, column, rows, at);
	switch (column->type) {
	case FLEET_DAY:
		native_add_days(c, rows);
		break;
	case FLEET_HEX:
		native_add_ids(c, rows);
		break;
	case FLEET_NTH:
		native_add_nths(c, at, rows->n);
		break;
	case FLEET_INT:
	case FLEET_REAL:
		native_add_numbers(c, column->null, at, rows->n);
		break;
	case FLEET_TEXT:
		native_add_texts(c, rows, at);
		break;
	case FLEET_STATE:
		return native_add_states(c, column, at, rows->n, err);
	case FLEET_INTS:
		native_add_arrays(c, at, rows->n);
		break;
	}
	return 0;
}

int native_add(struct native_block *b, const struct fleet_rows *rows, struct error *err)
{
	for (int i = 0; i < b->table->n_columns; i++) {
		if (native_add_column(b, i, rows, err))
			return ERR;
	}
	b->n += rows->n;
	return 0;
}

/* ---- blocks --------------------------------------------------------------------------------- */

void native_init(struct native_block *b, const struct fleet_table *table)
{
	*b = (struct native_block){.table = table};
}

void native_deinit(struct native_block *b)
{
	for (int i = 0; i < FLEET_MAX_COLUMNS; i++) {
		bytes_deinit(&b->columns[i].values);
		bytes_deinit(&b->columns[i].nulls);
		bytes_deinit(&b->columns[i].offsets);
	}
}

size_t native_size(const struct native_block *b)
{
	size_t n = 0;

	for (int i = 0; i < b->table->n_columns; i++)
		n += b->columns[i].values.n + b->columns[i].nulls.n + b->columns[i].offsets.n;
	return n;
}

static void native_move(struct bytes *from, struct bytes *out)
{
	if (from->n)
		bytes_put(out, from->at, from->n);
	from->n = 0;
}

static void native_write_column(struct native_column *c, const struct fleet_column *column,
				struct bytes *out)
{
	char *type = native_type(column);

	native_add_string(out, column->name, strlen(column->name));
	native_add_string(out, type, strlen(type));
	native_move(&c->nulls, out);
	native_move(&c->offsets, out);
	native_move(&c->values, out);
	c->n_elements = 0;
	free(type);
}

void native_write(struct native_block *b, struct bytes *out)
{
	bytes_varint(out, (uint64_t)b->table->n_columns);
	bytes_varint(out, b->n);
	for (int i = 0; i < b->table->n_columns; i++)
		native_write_column(&b->columns[i], &b->table->columns[i], out);
	b->n = 0;
}
