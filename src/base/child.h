/*
 * child: other programs that are started.
 */
#ifndef VMSCOPE_BASE_CHILD_H
#define VMSCOPE_BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
	const char *program;	 /* its path, or a name to be looked for in $PATH; NULL: argv[0] */
	const char *const *argv; /* ends with NULL */
	int in, out, err;	 /* its files; -1: /dev/null */
	bool keeps_on;		 /* Ctrl-C is not for it: whoever started it ends it in time */
	bool ends_with_us;	 /* it is killed when the thread that starts it ends */
};

/*
 * Starts it, with the signals as a shell would. One that cannot be run says so on its stderr, and
 * its status is 127. Return: its process, or ERR with err set.
 */
pid_t child_start(const struct child *c, struct error *err);

/* Waits for its end. Return: its status, or 128 and the signal that ended it. */
int child_wait(pid_t pid);

#endif
