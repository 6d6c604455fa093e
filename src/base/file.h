/*
 * file: whole files, mapped read-only.
 */
#ifndef VMSCOPE_BASE_FILE_H
#define VMSCOPE_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file_map {
	const uint8_t *data; /* NULL when the file is empty */
	size_t size;	     /* bytes, as of opening */
};

/*
 * Maps path. Only regular files are taken: a FIFO or a device would block or never end.
 * Return: 0, or ERR with err set.
 */
int file_map_init(struct file_map *map, const char *path, struct error *err);

/* The same for a file that is open already and stays so; `name` is for messages. */
int file_map_init_fd(struct file_map *map, int fd, const char *name, struct error *err);

/*
 * Gives the pages that were read back to the kernel, so that they do not count as our memory. They
 * come again when they are read again; other threads may be reading.
 */
void file_map_drop_pages(const struct file_map *map);

/* The same of the pages that bytes [from, to) are on; `to` may be behind the end. */
void file_map_drop_range(const struct file_map *map, uint64_t from, uint64_t to);

void file_map_deinit(struct file_map *map);

#endif
