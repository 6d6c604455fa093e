#include "base/slots.h"

uint32_t slots_add(struct slots *s, size_t id)
{
	uint32_t slot = s->empty.n ? s->empty.at[--s->empty.n] : s->n++;

	while (s->of_id.n <= id)
		*vec_push(&s->of_id) = SLOT_NONE;
	return s->of_id.at[id] = slot;
}

uint32_t slots_remove(struct slots *s, size_t id)
{
	uint32_t slot = s->of_id.at[id];

	s->of_id.at[id] = SLOT_NONE;
	return *vec_push(&s->empty) = slot;
}

void slots_deinit(struct slots *s)
{
	vec_deinit(&s->of_id);
	vec_deinit(&s->empty);
	s->n = 0;
}
