/*
 * temporary: files and directories in $TMPDIR, or /tmp, for as long as the process lives.
 */
#ifndef VMSCOPE_BASE_TEMPORARY_H
#define VMSCOPE_BASE_TEMPORARY_H

#include "base/error.h"

/* Return: $TMPDIR, or /tmp; borrowed, until the environment changes. */
const char *temporary_place(void);

/* Return: an empty file without a name, to read and to write; or -1 with errno set. */
int temporary_open(void);

/*
 * A directory that is this process's alone. It is to be empty, or hold plain files. What a killed
 * process left under the same name is removed when the next one is made (base/leftover.h).
 */
struct temporary_dir {
	char *path; /* owned */
	int fd;	    /* holds the lock */
};

/* name: what the program wants it for, like "vmscope-serve". Return: 0, or ERR with err set. */
int temporary_dir_init(struct temporary_dir *d, const char *name, struct error *err);

/* Removes it with the files in it. All zeros is allowed. */
void temporary_dir_deinit(struct temporary_dir *d);

#endif
