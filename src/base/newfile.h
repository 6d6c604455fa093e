/*
 * newfile: a file that appears under its name only when it is complete.
 *
 * It is written beside its place, and gets its name when all is in it and on the disk. Whatever
 * happens before that leaves an older file of that name as it was, and nothing beside it: until
 * then it has no name where the file system can do that (O_TMPFILE; NFS cannot), else a temporary
 * one.
 *
 * One without a name is gone when nobody has it open any more, however the process ends.
 */
#ifndef VMSCOPE_BASE_NEWFILE_H
#define VMSCOPE_BASE_NEWFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct newfile {
	char *path, *temporary; /* owned; NULL: it has no name */
	bool has_temporary;	/* it is there under that name */
	bool finished;
	int fd;	    /* to write to; without a name also to read from; -1 once it has its name */
	int failed; /* errno of the first write that failed, or 0 */
};

/* Begins an empty file. Return: 0, or ERR with err set. newfile_deinit() is needed only after 0. */
int newfile_init(struct newfile *f, const char *path, struct error *err);

/* The same, for one who opens f->temporary to write to it. Return: as newfile_init(). */
int newfile_init_by_name(struct newfile *f, const char *path, struct error *err);

/* A file without a name, in $TMPDIR or /tmp. Return: as newfile_init(). */
int newfile_init_unnamed(struct newfile *f, struct error *err);

/* Writes n bytes where the last ones ended. A failure is kept until newfile_commit(). */
void newfile_write(struct newfile *f, const void *at, size_t n);

/*
 * The file is complete: puts it on the disk, as newfile_commit() does first. For one of several
 * that are to get their names together. Return: 0, or ERR with err set.
 */
int newfile_finish(struct newfile *f, struct error *err);

/* The file is complete: gives it its name if it has one. Return: 0, or ERR with err set. */
int newfile_commit(struct newfile *f, struct error *err);

/* Removes the file if it was not committed. */
void newfile_deinit(struct newfile *f);

#endif
