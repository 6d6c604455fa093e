/*
 * target: where an export is written to: a new file (base/newfile.h), or the standard output, which
 * the caller's caller flushes and checks.
 */
#ifndef VMSCOPE_EXPORT_TARGET_H
#define VMSCOPE_EXPORT_TARGET_H

#include <stdio.h>

#include "base/error.h"
#include "base/newfile.h"

struct target {
	FILE *file;	   /* to write to */
	struct newfile to; /* without a path: the standard output */
};

/* Begins path; NULL: the standard output. Return: 0, and target_end() is needed; or ERR. */
int target_begin(struct target *t, const char *path, struct error *err);

/* Puts all of it on the disk. For one of several files that are to appear together. */
int target_finish(struct target *t, struct error *err);

/* Gives the file its name. Return: 0, or ERR with err set. */
int target_commit(struct target *t, struct error *err);

/* Frees it, and removes what was not committed. */
void target_end(struct target *t);

#endif
