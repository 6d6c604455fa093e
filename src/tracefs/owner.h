/*
 * owner: names that say which process something in the kernel belongs to, as long as it lives.
 */
#ifndef VMSCOPE_TRACEFS_OWNER_H
#define VMSCOPE_TRACEFS_OWNER_H

#include <stdbool.h>

/* Return: this process's name for `purpose` (lower-case letters), to be freed. */
char *owner_name(const char *purpose);

/*
 * Return: whether the name is one of owner_name() whose process is gone. One of another PID
 * namespace is never said to be gone, as nothing is known of its processes.
 */
bool owner_is_gone(const char *name);

/* Return: the process of a name of owner_name() for this purpose, if it lives; else 0. */
int owner_pid(const char *name, const char *purpose);

#endif
