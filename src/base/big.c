#include "base/big.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/temporary.h"

enum { FIRST_SIZE = 1 << 12, LARGE_SIZE = 1 << 20 };

static void grow_in_heap(struct big *b, size_t size)
{
	b->at = mem_realloc(b->at, size);
	memset((char *)b->at + b->size, 0, size - b->size);
	b->size = size;
}

/* Moves what is in the heap to a file. Return: whether there is one. */
static bool move_to_file(struct big *b, size_t size)
{
	int fd = temporary_open();
	void *at = MAP_FAILED;

	/* A page that has no room on the disk would end the process when it is used. */
	if (fd >= 0 && !posix_fallocate(fd, 0, (off_t)size))
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	/*
	 * Reading ahead makes large pages of the file, of which each use would make all ours again.
	 */
	madvise(at, size, MADV_RANDOM);
	if (b->size)
		memcpy(at, b->at, b->size);
	free(b->at);
	*b = (struct big){.at = at, .size = size, .fd = fd, .large = true};
	return true;
}

/* Back to the heap, when there is no more room on the disk. */
static void move_to_heap(struct big *b, size_t size)
{
	struct big heap = {0};

	grow_in_heap(&heap, size);
	memcpy(heap.at, b->at, b->size);
	big_deinit(b);
	*b = heap;
}

static void grow_in_file(struct big *b, size_t size)
{
	void *at = MAP_FAILED;

	if (!posix_fallocate(b->fd, 0, (off_t)size))
		at = mremap(b->at, b->size, size, MREMAP_MAYMOVE);
	if (at == MAP_FAILED) {
		move_to_heap(b, size);
		return;
	}
	b->at = at;
	b->size = size;
}

void *big_grow(struct big *b, size_t size)
{
	size_t grown = b->size ? b->size : FIRST_SIZE;

	while (grown < size)
		grown *= 2;
	if (grown == b->size)
		return b->at;
	if (b->large)
		grow_in_file(b, grown);
	else if (grown < LARGE_SIZE || !move_to_file(b, grown))
		grow_in_heap(b, grown);
	return b->at;
}

void big_drop_pages(const struct big *b)
{
	if (b->large)
		madvise(b->at, b->size, MADV_DONTNEED);
}

void big_deinit(struct big *b)
{
	if (b->large) {
		munmap(b->at, b->size);
		close(b->fd);
	} else {
		free(b->at);
	}
	*b = (struct big){0};
}
