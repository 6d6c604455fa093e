/*
 * outfile: a new file (base/newfile.h) that is written in large pieces, and whose head can be told
 * last.
 */
#ifndef VMSCOPE_STORE_OUTFILE_H
#define VMSCOPE_STORE_OUTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/newfile.h"

struct outfile {
	struct newfile to;
	uint8_t *buffer; /* owned */
	size_t n;	 /* bytes in it */
	uint64_t offset; /* of the next byte */
};

/* Return: 0, or ERR with err set. outfile_deinit() is needed only after 0. */
int outfile_init(struct outfile *f, const char *path, struct error *err);

/* A file without a name, in $TMPDIR or /tmp. Return: as outfile_init(). */
int outfile_init_unnamed(struct outfile *f, struct error *err);

/* Appends. A failure is kept until outfile_commit(). */
void outfile_write(struct outfile *f, const void *at, size_t n);

/*
 * Replaces `n` bytes at `offset`, which are written already; completes the file and gives it its
 * name. Return: 0, or ERR with err set.
 */
int outfile_commit(struct outfile *f, uint64_t offset, const void *at, size_t n, struct error *err);

/* Removes the file if it was not committed. */
void outfile_deinit(struct outfile *f);

#endif
