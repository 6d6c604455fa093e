#include "base/slots.h"

#include <stdlib.h>

static struct slot_page *page_new(void)
{
	struct slot_page *page = mem_alloc(sizeof(*page));

	page->n_taken = 0;
	for (size_t i = 0; i < SLOT_IDS; i++)
		page->of_id[i] = SLOT_NONE;
	return page;
}

uint32_t slots_add(struct slots *s, size_t id)
{
	uint32_t slot = s->empty.n ? s->empty.at[--s->empty.n] : s->n++;
	size_t i = id / SLOT_IDS;

	while (s->pages.n <= i)
		vec_push(&s->pages);
	if (!s->pages.at[i])
		s->pages.at[i] = page_new();
	s->pages.at[i]->n_taken++;
	return s->pages.at[i]->of_id[id % SLOT_IDS] = slot;
}

uint32_t slots_remove(struct slots *s, size_t id)
{
	struct slot_page **page = &s->pages.at[id / SLOT_IDS];
	uint32_t slot = (*page)->of_id[id % SLOT_IDS];

	(*page)->of_id[id % SLOT_IDS] = SLOT_NONE;
	if (!--(*page)->n_taken) {
		free(*page);
		*page = NULL;
	}
	return *vec_push(&s->empty) = slot;
}

void slots_deinit(struct slots *s)
{
	vec_each (page, &s->pages)
		free(*page);
	vec_deinit(&s->pages);
	vec_deinit(&s->empty);
	s->n = 0;
}
