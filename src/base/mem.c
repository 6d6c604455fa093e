#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t size)
{
	if (!p && size) {
		fprintf(stderr, "vmscope: out of memory (%zu bytes asked for)\n", size);
		abort();
	}
	return p;
}

void *mem_given(void *p)
{
	if (!p) {
		fprintf(stderr, "vmscope: out of memory\n");
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return checked(malloc(size), size);
}

void *mem_zalloc(size_t n, size_t size)
{
	return checked(calloc(n, size), n && size ? size : 0);
}

void *mem_realloc(void *old, size_t size)
{
	return checked(realloc(old, size), size);
}

char *mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = mem_vprintf(fmt, ap);
	va_end(ap);
	return s;
}

char *mem_vprintf(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		checked(NULL, 1);
	return s;
}

void mem_append(char **text, const char *fmt, ...)
{
	va_list ap;
	size_t n = *text ? strlen(*text) : 0;

	va_start(ap, fmt);
	char *more = mem_vprintf(fmt, ap);
	va_end(ap);
	*text = mem_realloc(*text, n + strlen(more) + 1);
	memcpy(*text + n, more, strlen(more) + 1);
	free(more);
}

void *mem_vec_grow(void *at, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return at;
	*cap = *cap ? *cap * 2 : 8;
	return checked(reallocarray(at, *cap, size), size);
}
