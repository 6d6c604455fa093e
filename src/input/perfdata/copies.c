#include "input/perfdata/copies.h"

#include <stdlib.h>

enum {
	MANY = 8,
	/* bytes: nearly all segments have less, so that their copies replace each other */
	ROOM_MIN = 128 << 10,
};

static bool is_free(const struct perfdata_copies *c, const struct perfdata_copy *copy)
{
	return !copy->used || copy->used + 2 <= c->turn;
}

struct perfdata_copy perfdata_copies_take(struct perfdata_copies *c, size_t size)
{
	struct perfdata_copy copy = {.room = size > ROOM_MIN ? size : ROOM_MIN};

	c->n_taken++;
	for (size_t i = 0; i < c->given.n; i++) {
		struct perfdata_copy *old = &c->given.at[i];

		if (!is_free(c, old) || old->room < size)
			continue;
		copy = (struct perfdata_copy){.at = old->at, .room = old->room};
		*old = c->given.at[--c->given.n];
		return copy;
	}
	copy.at = mem_alloc(copy.room);
	return copy;
}

void perfdata_copies_give(struct perfdata_copies *c, struct perfdata_copy copy)
{
	if (!copy.at)
		return;
	c->n_taken--;
	if (c->given.n >= MANY && is_free(c, &copy))
		free(copy.at);
	else
		*vec_push(&c->given) = copy;
}

bool perfdata_copies_are_many(const struct perfdata_copies *c)
{
	size_t n = 0;

	vec_each (copy, &c->given)
		n += !is_free(c, copy);
	return n >= MANY;
}

void perfdata_copies_deinit(struct perfdata_copies *c)
{
	vec_each (copy, &c->given)
		free(copy->at);
	vec_deinit(&c->given);
}
