/*
 * big: memory that is read and written in order, mostly, and can be large.
 *
 * A small one is in the heap. A large one lies in a file without a name, in $TMPDIR or /tmp, whose
 * pages are the process's own memory only from their use to the next big_drop_pages().
 */
#ifndef VMSCOPE_BASE_BIG_H
#define VMSCOPE_BASE_BIG_H

#include <stdbool.h>
#include <stddef.h>

struct big {
	void *at;    /* NULL while its size is 0 */
	size_t size; /* bytes */
	int fd;	     /* of the file, if large */
	bool large;
};

/*
 * Makes room for at least `size` bytes, in steps; may move it. What is new is zero. Return: b->at.
 */
void *big_grow(struct big *b, size_t size);

/* Gives the pages of a large one back; they come again when they are used. */
void big_drop_pages(const struct big *b);

void big_deinit(struct big *b);

#endif
