/*
 * slots: places for things that come and go under numbers that only go up.
 *
 * A thread's id is its own for the whole recording, and in the results. What is kept of a thread
 * needs a place only while it lives: the place, a small number, is then given to another. Of 1024
 * ids in a row that are all gone a pointer remains.
 */
#ifndef VMSCOPE_BASE_SLOTS_H
#define VMSCOPE_BASE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define SLOT_NONE UINT32_MAX

enum { SLOT_IDS = 1024 };

/* The places of as many ids in a row. */
struct slot_page {
	uint32_t n_taken;
	uint32_t of_id[SLOT_IDS]; /* SLOT_NONE: it has no place */
};

struct slots {
	VEC(struct slot_page *) pages; /* owned; NULL: none of these ids has a place */
	VEC(uint32_t) empty;
	uint32_t n; /* places that were ever taken at the same time */
};

/* Return: the place of this id, or SLOT_NONE. */
static inline uint32_t slots_find(const struct slots *s, size_t id)
{
	size_t i = id / SLOT_IDS;
	const struct slot_page *page = i < s->pages.n ? s->pages.at[i] : NULL;

	return page ? page->of_id[id % SLOT_IDS] : SLOT_NONE;
}

/* Gives an id that has none a place: an empty one, or number n, which is then taken too. Return:
 * it. */
uint32_t slots_add(struct slots *s, size_t id);

/* Empties the place of this id, which has one. Return: it. */
uint32_t slots_remove(struct slots *s, size_t id);

void slots_deinit(struct slots *s);

#endif
