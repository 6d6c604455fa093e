/*
 * file: whole files, mapped read-only. Those of a few pages are read instead: a process may have
 * 65,530 mappings, and a day's recording can be in more files.
 */
#ifndef VMSCOPE_BASE_FILE_H
#define VMSCOPE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file_map {
	const uint8_t *data; /* NULL when the file is empty */
	size_t size;	     /* bytes, as of opening */
	bool is_read;	     /* it was read into the heap */
};

/*
 * Maps path. Only regular files are taken: a FIFO or a device would block or never end.
 * Return: 0, or ERR with err set.
 */
int file_map_init(struct file_map *map, const char *path, struct error *err);

/* The same for a file that is open already and stays so; `name` is for messages. */
int file_map_init_fd(struct file_map *map, int fd, const char *name, struct error *err);

/*
 * Reads n bytes at byte `at` of a file that is open. Return: how many there are; fewer at the
 * file's end, and where it cannot be read: then errno is set, else it is 0.
 */
size_t file_read_at(int fd, uint8_t *to, size_t n, uint64_t at);

/*
 * Gives the pages that were read back to the kernel, so that they do not count as our memory. They
 * come again when they are read again; other threads may be reading.
 */
void file_map_drop_pages(const struct file_map *map);

/* The same of the pages that bytes [from, to) are on; `to` may be behind the end. */
void file_map_drop_range(const struct file_map *map, uint64_t from, uint64_t to);

/*
 * Bytes [from, to) are going to be read. For one byte that is read the kernel maps all that its
 * page cache holds in one piece, up to 2 MB, but nothing beyond the mapping. So the range is made
 * one of its own, by advice that differs from that for the rest, until it is dropped.
 */
void file_map_enclose(const struct file_map *map, uint64_t from, uint64_t to);

void file_map_deinit(struct file_map *map);

/*
 * A reader's place in a mapped file, which moves forward. Only the pages around it count as our
 * memory: those behind it are given back, and none are mapped far before it (file_map_enclose()).
 */
struct file_window {
	struct file_map map; /* borrowed */
	uint64_t from;	     /* byte; all before it was given back */
};

/* The file may be read anywhere at any time; what is outside of the window only costs memory. */
void file_window_init(struct file_window *w, const struct file_map *map);

/* The reader is at byte `at`. Return: the byte at which this is to be called again. */
uint64_t file_window_move(struct file_window *w, uint64_t at);

/* Some bytes at `at`, which can be far from the reader, are going to be read. */
void file_window_peek(const struct file_window *w, uint64_t at);

/* Gives back all that was read. */
void file_window_deinit(struct file_window *w);

#endif
