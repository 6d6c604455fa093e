#include "base/heap.h"

#include <stdbool.h>

static bool is_less(const struct heap_item *a, const struct heap_item *b)
{
	return a->key != b->key ? a->key < b->key : a->number < b->number;
}

static void swap(struct heap_item *a, struct heap_item *b)
{
	struct heap_item c = *a;

	*a = *b;
	*b = c;
}

static void move_up(struct heap *h, size_t i)
{
	struct heap_item *items = h->items.at;

	for (; i && is_less(&items[i], &items[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&items[i], &items[(i - 1) / 2]);
}

static void move_down(struct heap *h, size_t i)
{
	struct heap_item *items = h->items.at;

	for (size_t child; (child = 2 * i + 1) < h->items.n; i = child) {
		if (child + 1 < h->items.n && is_less(&items[child + 1], &items[child]))
			child++;
		if (!is_less(&items[child], &items[i]))
			return;
		swap(&items[child], &items[i]);
	}
}

void heap_put(struct heap *h, uint64_t key, uint32_t number)
{
	*vec_push(&h->items) = (struct heap_item){key, number};
	move_up(h, h->items.n - 1);
}

void heap_change_first(struct heap *h, uint64_t key)
{
	h->items.at[0].key = key;
	move_down(h, 0);
}

void heap_remove_first(struct heap *h)
{
	h->items.at[0] = h->items.at[--h->items.n];
	move_down(h, 0);
}

void heap_deinit(struct heap *h)
{
	vec_deinit(&h->items);
}
