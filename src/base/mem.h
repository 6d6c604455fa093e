/*
 * mem: allocation that does not fail.
 *
 * Sizes that come from input are bounded by whoever reads the input; what is left are small
 * requests that a Linux machine does not refuse. If one is refused all the same, the process says
 * so on stderr and ends by abort(): there is nothing useful left to do.
 */
#ifndef VMSCOPE_BASE_MEM_H
#define VMSCOPE_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

void *mem_alloc(size_t size);		   /* not zeroed; freed with free() */
void *mem_zalloc(size_t n, size_t size);   /* zeroed */
void *mem_realloc(void *old, size_t size); /* may move */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/*
 * For what a library allocates. Return: p, which is not NULL; where it is, the process ends as said
 * above.
 */
void *mem_given(void *p);

/* Appends to a text that is freed with free(), NULL for an empty one. It moves. */
void mem_append(char **text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A growable array: `VEC(struct x) v = {0}; struct x *e = vec_push(&v);`, then v.at[i], v.n.
 * Elements move when it grows: keep indexes, not pointers.
 */
#define VEC(T)                 \
	struct {               \
		T *at;         \
		size_t n, cap; \
	}

void *mem_vec_grow(void *at, size_t *cap, size_t n, size_t size);

/* Appends one zeroed element. Return: pointer to it. */
#define vec_push(v)                                                                                \
	((v)->at = (v)->n < (v)->cap ? (v)->at                                                     \
				     : mem_vec_grow((v)->at, &(v)->cap, (v)->n, sizeof(*(v)->at)), \
	 (__typeof__((v)->at))__builtin_memset(&(v)->at[(v)->n++], 0, sizeof(*(v)->at)))

#define vec_each(e, v)                                                                           \
	for (__typeof__(&*(v)->at) e = (v)->at, e##_end = (v)->n ? e + (v)->n : e; e != e##_end; \
	     e++)

#define vec_deinit(v)                  \
	do {                           \
		free((v)->at);         \
		(v)->at = NULL;        \
		(v)->n = (v)->cap = 0; \
	} while (0)

#endif
