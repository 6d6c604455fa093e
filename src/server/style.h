/*
 * style: how states and arrows look; the colours of states are those of schema/state.h.
 */
#ifndef VMSCOPE_SERVER_STYLE_H
#define VMSCOPE_SERVER_STYLE_H

#include "base/json.h"
#include "schema/table.h"

/* Return: "#rrggbb" of a state. */
const char *style_color(enum table_id table, int64_t state);

/* Writes the protocol's styles: an object by style key. */
void style_write(struct jsonw *j);

#endif
