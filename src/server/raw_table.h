/*
 * raw_table: all events of the recordings as one table of the protocol, with all their fields.
 *
 * Lines have numbers. Which event is the n-th is learnt by one walk through everything on the first
 * request, which leaves marks; from then on a walk begins at the mark before.
 */
#ifndef VMSCOPE_SERVER_RAW_TABLE_H
#define VMSCOPE_SERVER_RAW_TABLE_H

#include "base/json.h"
#include "server/raw.h"
#include "server/request.h"

enum { RAW_TABLE_TOO_LONG = 2 }; /* as RAW_GONE: an answer of these functions */

/* Writes the protocol's columns: an array. */
void raw_table_columns(struct jsonw *j);

/*
 * Writes the lines that are asked for. Return: 0, RAW_GONE or ERR with err set, or
 * RAW_TABLE_TOO_LONG.
 */
int raw_table_lines(struct jsonw *j, struct dataset *d, const struct roots *roots,
		    const struct view_request *q, struct error *err);

#endif
