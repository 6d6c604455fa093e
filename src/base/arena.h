/*
 * arena: memory that is freed all at once.
 *
 * What is read from one trace's metadata lives as long as the trace; nobody has to know who owns
 * which node.
 */
#ifndef VMSCOPE_BASE_ARENA_H
#define VMSCOPE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	char *next;
	size_t left;
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
void *arena_memdup(struct arena *a, const void *p, size_t size);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_deinit(struct arena *a);

#define arena_new(a, T)	     ((T *)arena_alloc(a, sizeof(T)))
#define arena_array(a, T, n) ((T *)arena_alloc(a, sizeof(T) * (n)))

#endif
