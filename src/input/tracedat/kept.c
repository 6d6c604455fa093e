#include "input/tracedat/kept.h"

#include <sys/mman.h>

enum { KEPT_MAX = 8 << 20 /* bytes */ };

/*
 * In large pages: to get as many small ones from the kernel takes as long as to decompress a third
 * of what goes there.
 */
void tracedat_kept_init(struct tracedat_kept *k, uint64_t size)
{
	size_t room = size < KEPT_MAX ? (size_t)size : KEPT_MAX;

	if (k->room || !room)
		return;
	void *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return;
	madvise(at, room, MADV_HUGEPAGE);
	k->memory = at;
	k->room = room;
}

void tracedat_kept_deinit(struct tracedat_kept *k)
{
	if (k->room)
		munmap(k->memory, k->room);
	vec_deinit(&k->chunks);
	map_deinit(&k->index);
}

uint8_t *tracedat_kept_room(const struct tracedat_kept *k, size_t size)
{
	return size <= k->room - k->n ? k->memory + k->n : NULL;
}

void tracedat_kept_put(struct tracedat_kept *k, uint64_t place, size_t n)
{
	map_put(&k->index, place, k->chunks.n);
	*vec_push(&k->chunks) = (struct tracedat_chunk){k->memory + k->n, n};
	k->n += n;
}

const struct tracedat_chunk *tracedat_kept_find(const struct tracedat_kept *k, uint64_t place)
{
	const uint64_t *i = map_get(&k->index, place);

	return i ? &k->chunks.at[*i] : NULL;
}
