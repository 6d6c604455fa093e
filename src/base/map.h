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

/* Return: the key's value, or NULL when it is not there. Valid until the next map_put(). */
uint64_t *map_get(const struct map *m, uint64_t key);

/* Return: the key's value, made with `value` if it was not there. Valid until the next map_put().
 */
uint64_t *map_put(struct map *m, uint64_t key, uint64_t value);

/* Forgets the key, if it is there. Moves other values. */
void map_remove(struct map *m, uint64_t key);

void map_deinit(struct map *m);

#endif
