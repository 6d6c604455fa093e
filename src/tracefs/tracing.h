/*
 * tracing: where the kernel's tracefs is, and why it cannot be used where it cannot.
 */
#ifndef VMSCOPE_TRACEFS_TRACING_H
#define VMSCOPE_TRACEFS_TRACING_H

#include <stddef.h>

#include "base/error.h"

/*
 * Finds tracefs; mounts it where it is not and root may. Return: 0, or ERR with err set: it names
 * the cause and what helps.
 */
int tracing_find(struct error *err);

/*
 * Sets "cannot WHAT: errnum's text", followed by the cause where there is one that is not the
 * call's own: no root, a locked down kernel, a container. Return: ERR.
 */
int tracing_refused(struct error *err, int errnum, const char *what);

/*
 * The text of a file of tracefs that is not an instance's: "events/header_page",
 * "saved_cmdlines", "printk_formats", "events/sched/sched_switch/format".
 * Return: it, to be freed, its length in *np (may be NULL); NULL with err set.
 */
char *tracing_read(const char *file, size_t *np, struct error *err);

#endif
