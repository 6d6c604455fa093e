/*
 * outfile: a file that appears under its name only when it is complete.
 *
 * It is written beside its place under a temporary name, and renamed when all is in it and on the
 * disk. Whatever happens before that leaves an older file of that name as it was.
 *
 * One without a name is gone when nobody has it open any more, however the process ends.
 */
#ifndef VMSCOPE_STORE_OUTFILE_H
#define VMSCOPE_STORE_OUTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct outfile {
	char *path, *temporary; /* owned; NULL: it has no name */
	int fd;			/* of a named one until it is committed */
	uint8_t *buffer;	/* owned */
	size_t n;		/* bytes in it */
	uint64_t offset;	/* of the next byte */
	int failed;		/* errno of the first write that failed, or 0 */
};

/* Return: 0, or ERR with err set. outfile_deinit() is needed only after 0. */
int outfile_init(struct outfile *f, const char *path, struct error *err);

/* A file without a name, in $TMPDIR or /tmp. Return: as outfile_init(). */
int outfile_init_unnamed(struct outfile *f, struct error *err);

/* Appends. A failure is kept until outfile_commit(). */
void outfile_write(struct outfile *f, const void *at, size_t n);

/* Replaces `n` bytes at `offset`, which are written already; completes the file and gives it its name.
 * Return: 0, or ERR with err set. */
int outfile_commit(struct outfile *f, uint64_t offset, const void *at, size_t n, struct error *err);

/* Removes the file if it was not committed. */
void outfile_deinit(struct outfile *f);

#endif
