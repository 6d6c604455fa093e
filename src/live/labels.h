/*
 * labels: texts by numbers, as tallies name them: of exits, their details, handlers.
 *
 * There are few different ones; what comes after too many is not named.
 */
#ifndef VMSCOPE_LIVE_LABELS_H
#define VMSCOPE_LIVE_LABELS_H

#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "model/sink.h"

struct labels {
	VEC(char *) at; /* owned */
	struct map by_pointer, by_cause;
};

void labels_deinit(struct labels *n);

/* Return: the number of a text whose address stays its own, or TABLE_NULL. */
int64_t labels_of_text(struct labels *n, const char *text);

/* Return: the number of the name of an exit's reason, or TABLE_NULL. */
int64_t labels_of_exit(struct labels *n, const struct exit_cause *cause);

/* Return: the text, or NULL. */
const char *labels_text(const struct labels *n, int64_t number);

#endif
