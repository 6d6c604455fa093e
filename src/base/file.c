#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(err, errno, "cannot map '%s'", name);
	/* Huge pages would make 2 MB ours at a time, of each file that is read. */
	madvise(p, (size_t)st.st_size, MADV_NOHUGEPAGE);
	map->data = p;
	map->size = (size_t)st.st_size;
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

void file_map_drop_pages(const struct file_map *map)
{
	if (map->data)
		madvise((void *)map->data, map->size, MADV_DONTNEED);
}

void file_map_drop_range(const struct file_map *map, uint64_t from, uint64_t to)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	from -= from % page;
	to = to < map->size ? to : map->size;
	if (map->data && from < to)
		madvise((void *)(map->data + from), to - from, MADV_DONTNEED);
}

void file_map_deinit(struct file_map *map)
{
	if (map->data)
		munmap((void *)map->data, map->size);
	*map = (struct file_map){0};
}
