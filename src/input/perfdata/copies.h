/*
 * copies: parts of a large file in memory of our own, while they are read and looked at.
 *
 * A mapping would cost more: its pages have to be given back, so that memory does not grow with the
 * file, and that takes longer than to copy them. What events refer to has to stay for two turns of
 * reading, as input/input.h says.
 */
#ifndef VMSCOPE_PERFDATA_COPIES_H
#define VMSCOPE_PERFDATA_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct perfdata_copy {
	uint8_t *at;   /* NULL: none */
	size_t room;   /* bytes */
	uint64_t used; /* the turn in which an event that refers to it was told last; 0: none was */
};

struct perfdata_copies {
	uint64_t turn;
	VEC(struct perfdata_copy) given; /* back, and not reused yet */
	size_t n_taken;
};

/* What was told before the last turn is not looked at any more. Turns begin with 1. */
static inline void perfdata_copies_turn(struct perfdata_copies *c)
{
	c->turn++;
}

/* Return: room for `size` bytes. */
struct perfdata_copy perfdata_copies_take(struct perfdata_copies *c, size_t size);

/* It is read no more. None is allowed. */
void perfdata_copies_give(struct perfdata_copies *c, struct perfdata_copy copy);

/* Return: whether so many are looked at still that it is time to go on to the next turn. */
bool perfdata_copies_are_many(const struct perfdata_copies *c);

void perfdata_copies_deinit(struct perfdata_copies *c);

#endif
