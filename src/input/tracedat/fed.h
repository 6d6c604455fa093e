/*
 * fed: sub-buffers in memory, in place of a file's, of a recording that grows (input/feed.h).
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_FED_H
#define VMSCOPE_INPUT_TRACEDAT_FED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct fed_page {
	uint8_t *at;	   /* owned; NULL: a chunk that could not be decompressed */
	uint32_t n;	   /* bytes */
	bool ends_stretch; /* what follows is not to be looked at from here */
	uint64_t place;	   /* in its file, or its number */
};

/* Of one stream: those that are kept, first to last. */
struct fed_pages {
	VEC(struct fed_page) at;
	size_t from;	/* of `at`: the first that is kept */
	uint64_t first; /* its number in the stream */
	bool ended;	/* nothing follows */
};

/* Return: the page of this number, or NULL: it is not there yet. */
static inline const struct fed_page *fed_page(const struct fed_pages *f, uint64_t number)
{
	uint64_t i = number - f->first;

	return number >= f->first && i < f->at.n - f->from ? &f->at.at[f->from + i] : NULL;
}

#endif
