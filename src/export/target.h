/*
 * target: where an export is written to.
 *
 * A file is written beside its place and takes its name only when it is complete and on the disk; until
 * then one that has the name already stays as it was. Or it is the standard output, which the
 * caller's caller flushes and checks.
 */
#ifndef VMSCOPE_EXPORT_TARGET_H
#define VMSCOPE_EXPORT_TARGET_H

#include <stdio.h>

#include "base/error.h"

struct target {
	FILE *file;		/* to write to; NULL when somebody else does, into `temporary` */
	char *path, *temporary; /* owned; NULL: the standard output */
	int fd;
	int failed; /* errno of the first write that failed, or 0 */
};

/* Begins path; NULL: the standard output. Return: 0, and target_end() is needed; or ERR. */
int target_begin(struct target *t, const char *path, struct error *err);

/* The same, for one who opens t->temporary by himself, which is empty. */
int target_begin_unopened(struct target *t, const char *path, struct error *err);

/* Gives the file its name. Return: 0, or ERR with err set. */
int target_commit(struct target *t, struct error *err);

/* Frees it, and removes what was not committed. */
void target_end(struct target *t);

#endif
