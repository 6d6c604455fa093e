/*
 * roots: which files may be opened.
 *
 * A path that a client names is resolved, with all links, before it is looked at; what it then is
 * must lie in one of the served directories. So must all that links inside of a recording point to.
 */
#ifndef VMSCOPE_SERVER_ROOTS_H
#define VMSCOPE_SERVER_ROOTS_H

#include "base/error.h"
#include "base/mem.h"

struct roots {
	VEC(char *) at; /* resolved */
};

/* Adds a directory; of a file, the one that it is in. Return: 0, or ERR with err set. */
int roots_add(struct roots *r, const char *path, struct error *err);
void roots_deinit(struct roots *r);

enum root_answer {
	ROOT_RESULTS,	/* a results file, by its name */
	ROOT_RECORDING, /* a recording, or a directory that holds some */
	ROOT_OTHER,	/* there is something, but no trace */
	ROOT_MISSING,	/* there is nothing, in a directory that is served */
	ROOT_OUTSIDE,	/* nothing that may be opened */
};

/*
 * Finds out what an absolute path is. Return: for the first three, *realp is the resolved path,
 * owned by the caller. Of what is outside it is not told whether it is there.
 */
enum root_answer roots_resolve(const struct roots *r, const char *path, char **realp);

/*
 * Opens a path that was resolved, to read it: what has become a link since then is refused by the
 * kernel. Return: a file, or -1 with errno set.
 */
int roots_open(const char *real);

#endif
