/*
 * slots: places for things that come and go under numbers that only go up.
 *
 * A thread's id is its own for the whole recording, and in the results. What is kept of a thread
 * needs a place only while it lives: the place, a small number, is then given to another. 4 bytes
 * remain of each id.
 */
#ifndef VMSCOPE_BASE_SLOTS_H
#define VMSCOPE_BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define SLOT_NONE UINT32_MAX

struct slots {
	VEC(uint32_t) of_id; /* by id; SLOT_NONE: it has no place */
	VEC(uint32_t) empty;
	uint32_t n; /* places that were ever taken at the same time */
};

/* Return: the place of this id, or SLOT_NONE. */
static inline uint32_t slots_find(const struct slots *s, size_t id)
{
	return id < s->of_id.n ? s->of_id.at[id] : SLOT_NONE;
}

/* Gives an id that has none a place: an empty one, or number n, which is then taken too. Return: it. */
uint32_t slots_add(struct slots *s, size_t id);

/* Empties the place of this id, which has one. Return: it. */
uint32_t slots_remove(struct slots *s, size_t id);

void slots_deinit(struct slots *s);

#endif
