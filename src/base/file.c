#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n)   ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

enum {
	WINDOW_STEP = 64 << 10, /* bytes: that the window moves by */
	WINDOW_SIZE =
		4 * WINDOW_STEP, /* a reader is not always told of where it is before it goes on */
	PEEK_SIZE = 16 << 10,
	READ_SIZE = 16 << 10, /* bytes: files up to this are read */
};

/* Bytes from the end of the file to that of its last page, which can be read but are not the
 * file's. */
static size_t rest_of_page(const struct file_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (page - map->size % page) % page;
}

size_t file_read_at(int fd, uint8_t *to, size_t n, uint64_t at)
{
	size_t done = 0;

	errno = 0;
	while (done < n) {
		ssize_t got = pread(fd, to + done, n - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

/* One that is cut meanwhile has so many bytes less. */
static int read_whole(struct file_map *map, int fd, size_t size, const char *name,
		      struct error *err)
{
	uint8_t *data = mem_alloc(size);
	size_t n = file_read_at(fd, data, size, 0);
	int r = n < size && errno ? error_errno(err, errno, "cannot read '%s'", name) : 0;

	if (r || !n)
		free(data);
	else
		*map = (struct file_map){.data = data, .size = n, .is_read = true};
	return r;
}

int file_map_init_fd(struct file_map *map, int fd, const char *name, struct error *err)
{
	struct stat st;

	*map = (struct file_map){0};
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot stat '%s'", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, "'%s' is not a regular file", name);
	if (st.st_size == 0)
		return 0;
	if (st.st_size <= READ_SIZE)
		return read_whole(map, fd, (size_t)st.st_size, name, err);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(err, errno, "cannot map '%s'", name);
	/* Huge pages would make 2 MB ours at a time, of each file that is read. */
	madvise(p, (size_t)st.st_size, MADV_NOHUGEPAGE);
	map->data = p;
	map->size = (size_t)st.st_size;
	ASAN_POISON_MEMORY_REGION(map->data + map->size, rest_of_page(map));
	return 0;
}

int file_map_init(struct file_map *map, const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, errno, "cannot open '%s'", path);
	int r = file_map_init_fd(map, fd, path, err);
	close(fd);
	return r;
}

/* Of the pages that bytes [from, to) are on; `to` may be behind the end. Advice that is not taken
 * costs memory only. */
static void advise(const struct file_map *map, uint64_t from, uint64_t to, int advice)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (map->is_read)
		return;
	from -= from % page;
	to = to < map->size ? to : map->size;
	if (from < to)
		madvise((void *)(map->data + from), to - from, advice);
}

void file_map_enclose(const struct file_map *map, uint64_t from, uint64_t to)
{
	advise(map, from, to, MADV_SEQUENTIAL);
}

void file_map_drop_range(const struct file_map *map, uint64_t from, uint64_t to)
{
	advise(map, from, to, MADV_NORMAL);
	advise(map, from, to, MADV_DONTNEED);
}

void file_map_drop_pages(const struct file_map *map)
{
	file_map_drop_range(map, 0, map->size);
}

void file_map_deinit(struct file_map *map)
{
	if (map->is_read) {
		free((void *)map->data);
	} else if (map->data) {
		ASAN_UNPOISON_MEMORY_REGION(map->data + map->size, rest_of_page(map));
		munmap((void *)map->data, map->size);
	}
	*map = (struct file_map){0};
}

/* ---- windows -------------------------------------------------------------------------------- */

void file_window_init(struct file_window *w, const struct file_map *map)
{
	*w = (struct file_window){.map = *map};
	file_map_enclose(map, 0, WINDOW_SIZE);
}

uint64_t file_window_move(struct file_window *w, uint64_t at)
{
	uint64_t from = at - at % WINDOW_STEP;

	if (from > w->from) {
		file_map_drop_range(&w->map, w->from, from);
		file_map_enclose(&w->map, from, from + WINDOW_SIZE);
		w->from = from;
	}
	return w->from + WINDOW_STEP;
}

void file_window_peek(const struct file_window *w, uint64_t at)
{
	if (at >= w->from + WINDOW_SIZE)
		file_map_enclose(&w->map, at, at + PEEK_SIZE);
}

void file_window_deinit(struct file_window *w)
{
	file_map_drop_range(&w->map, w->from, w->map.size);
	*w = (struct file_window){0};
}
