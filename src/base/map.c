#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

/* The key's place, or the free one where it belongs. */
static size_t slot_of(const struct map *m, uint64_t key)
{
	size_t i = map_home(m, key);

	while (m->at[i].used && m->at[i].key != key)
		i = (i + 1) & (m->capacity - 1);
	return i;
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->capacity = old.capacity ? old.capacity * 2 : 16;
	m->at = mem_zalloc(m->capacity, sizeof(*m->at));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.at[i].used)
			m->at[slot_of(m, old.at[i].key)] = old.at[i];
	}
	free(old.at);
}

uint64_t *map_add(struct map *m, uint64_t key, uint64_t value)
{
	if (m->n * 4 >= m->capacity * 3)
		grow(m);
	struct map_entry *e = &m->at[slot_of(m, key)];

	*e = (struct map_entry){.key = key, .value = value, .used = true};
	m->n++;
	return &e->value;
}

void map_remove(struct map *m, uint64_t key)
{
	if (!map_get(m, key))
		return;
	size_t mask = m->capacity - 1, hole = slot_of(m, key);

	/* Whoever was put further because of it, or of one behind it, moves up. */
	for (size_t i = (hole + 1) & mask; m->at[i].used; i = (i + 1) & mask) {
		size_t home = map_home(m, m->at[i].key);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->at[hole] = m->at[i];
		hole = i;
	}
	m->at[hole].used = false;
	m->n--;
}

void map_deinit(struct map *m)
{
	free(m->at);
	*m = (struct map){0};
}
