#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_SIZE = 64 * 1024, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t unused; /* keeps data[] aligned */
	char data[];
};

static void add_block(struct arena *a, size_t size)
{
	struct arena_block *b = mem_alloc(sizeof(*b) + size);

	b->next = a->blocks;
	a->blocks = b;
	a->next = b->data;
	a->left = size;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size = ((size ? size : 1) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (size > a->left)
		add_block(a, size > BLOCK_SIZE ? size : BLOCK_SIZE);
	void *p = a->next;
	a->next += size;
	a->left -= size;
	return memset(p, 0, size);
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size);

	if (size)
		memcpy(copy, p, size);
	return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = mem_vprintf(fmt, ap);
	va_end(ap);
	char *copy = arena_strdup(a, s);
	free(s);
	return copy;
}

void arena_deinit(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	*a = (struct arena){0};
}
