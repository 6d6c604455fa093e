/*
 * label: what is written into a state, and what is told about one that is pointed at.
 *
 * A label is first a number, so that equal ones can be told without making their text: what it is
 * of, and the id or string in the file.
 */
#ifndef VMSCOPE_SERVER_LABEL_H
#define VMSCOPE_SERVER_LABEL_H

#include "base/json.h"
#include "server/dataset.h"

/* Columns that label_of() needs, one bit each. */
uint32_t label_columns(enum table_id table);

/* values: of a row of a table of states, by column. Return: its label, 0 for none. */
uint64_t label_of(enum table_id table, const int64_t *values);

/* Return: its text, owned by the caller; "" for 0. */
char *label_text(const struct dataset *d, uint64_t label);

/* Return: "vcpu", "thread" or "cpu": the family of a table's states in style keys. */
const char *label_family(enum table_id table);

/* Return: the name of a state; "unknown" for one that is not known here. */
const char *label_state(enum table_id table, int64_t state);

/* Writes what is to be said of a row, as members of an object: name for people -> text. */
void label_details(struct jsonw *j, const struct dataset *d, enum table_id table,
		   const int64_t *values);

#endif
