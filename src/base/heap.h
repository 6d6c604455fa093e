/*
 * heap: numbers by their keys, least first; of equal keys the least number.
 *
 * The keys are the caller's, who says so when one of them changes.
 */
#ifndef VMSCOPE_BASE_HEAP_H
#define VMSCOPE_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct heap_item {
	uint64_t key;
	uint32_t number;
};

/* All zeros: empty. */
struct heap {
	VEC(struct heap_item) items; /* the first is the least */
};

void heap_put(struct heap *h, uint64_t key, uint32_t number);

/* The first one's key is another now. It must not be empty. */
void heap_change_first(struct heap *h, uint64_t key);

/* It must not be empty. */
void heap_remove_first(struct heap *h);

void heap_deinit(struct heap *h);

#endif
