#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

/* Where its search begins. */
static size_t home_of(const struct map *m, uint64_t key)
{
	/*
	 * Fibonacci hashing: tids and cpu numbers are dense and small, this spreads them well. Keys of
	 * two numbers have one of them in their upper half, which must have its say, too.
	 */
	uint64_t folded = key ^ key >> 32;

	return (size_t)((folded * 0x9e3779b97f4a7c15ull) >> 32) & (m->capacity - 1);
}

static size_t slot_of(const struct map *m, uint64_t key)
{
	size_t i = home_of(m, key);

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

uint64_t *map_get(const struct map *m, uint64_t key)
{
	if (!m->capacity)
		return NULL;
	struct map_entry *e = &m->at[slot_of(m, key)];
	return e->used ? &e->value : NULL;
}

uint64_t *map_put(struct map *m, uint64_t key, uint64_t value)
{
	if (m->n * 4 >= m->capacity * 3)
		grow(m);
	struct map_entry *e = &m->at[slot_of(m, key)];
	if (!e->used) {
		*e = (struct map_entry){.key = key, .value = value, .used = true};
		m->n++;
	}
	return &e->value;
}

void map_remove(struct map *m, uint64_t key)
{
	if (!map_get(m, key))
		return;
	size_t mask = m->capacity - 1, hole = slot_of(m, key);

	/* Whoever was put further because of it, or of one behind it, moves up. */
	for (size_t i = (hole + 1) & mask; m->at[i].used; i = (i + 1) & mask) {
		size_t home = home_of(m, m->at[i].key);

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
