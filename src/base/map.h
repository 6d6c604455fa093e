/*
 * map: a hash map from uint64_t to uint64_t, open addressing.
 *
 * Small and fast enough for the path of every event (a few ns a look-up while it stays in cache).
 */
#ifndef VMSCOPE_BASE_MAP_H
#define VMSCOPE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	uint64_t key;
	uint64_t value;
	bool used;
};

struct map {
	struct map_entry *at; /* capacity entries, a power of two */
	size_t capacity;
	size_t n;
};

/* Where the search for a key begins. */
static inline size_t map_home(const struct map *m, uint64_t key)
{
	/*
	 * Fibonacci hashing: tids and cpu numbers are dense and small, this spreads them well. Keys
	 * of two numbers have one of them in their upper half, which must have its say, too.
	 */
	uint64_t folded = key ^ key >> 32;

	return (size_t)((folded * 0x9e3779b97f4a7c15ull) >> 32) & (m->capacity - 1);
}

/* Return: the key's value, or NULL when it is not there. Valid until the next map_put(). */
static inline uint64_t *map_get(const struct map *m, uint64_t key)
{
	if (!m->capacity)
		return NULL;
	for (size_t i = map_home(m, key); m->at[i].used; i = (i + 1) & (m->capacity - 1)) {
		if (m->at[i].key == key)
			return &m->at[i].value;
	}
	return NULL;
}

/* Adds a key that is not there. Return: its value, as given. Valid until the next map_put(). */
uint64_t *map_add(struct map *m, uint64_t key, uint64_t value);

/*
 * Return: the key's value, made with `value` if it was not there. Valid until the next map_put().
 */
static inline uint64_t *map_put(struct map *m, uint64_t key, uint64_t value)
{
	uint64_t *known = map_get(m, key);

	return known ? known : map_add(m, key, value);
}

/* Forgets the key, if it is there. Moves other values. */
void map_remove(struct map *m, uint64_t key);

void map_deinit(struct map *m);

#endif
