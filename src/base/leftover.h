/*
 * leftover: files and directories that are there for a while, and must not outlive the process.
 *
 * Two ways of dying leave such names: a signal that ends the process at once, for which they are
 * listed here, and SIGKILL, after which the next one that works at the same place removes them. It
 * knows them by a lock (flock) that lives as long as the process: what is locked is in use.
 */
#ifndef VMSCOPE_BASE_LEFTOVER_H
#define VMSCOPE_BASE_LEFTOVER_H

#include <stdbool.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP remove what is listed before they end the process. One
 * that is ignored (nohup) stays so. For the program only: a library leaves its process's signals
 * alone.
 */
void leftover_end_by_signals(void);

/*
 * Between these, signals wait: for a few steps of which either all are to be done or none, as for
 * making a file and listing it.
 */
void leftover_hold(void);
void leftover_release(void);

/*
 * Lists a file or an empty directory. path: borrowed until leftover_drop(); relative ones are of
 * the directory that the process is in. With very many listed at a time the last are not removed.
 */
void leftover_add(const char *path);

/* Takes it from the list, if it is there. The same pointer as before. */
void leftover_drop(const char *path);

/*
 * Locks a file or directory that was made under this name. Return: false when it is gone already:
 * one who swept came in between, and it is to be made again.
 */
bool leftover_lock(int fd);

/* Removes the files in a directory that is open; those in directories in it stay. */
void leftover_remove_files(int dir);

/*
 * How names are made that are to be found again: `prefix`, one or more of the characters in `by`,
 * and `suffix`.
 */
struct leftover_name {
	const char *prefix, *by, *suffix;
};

#define LEFTOVER_DIGITS	 "0123456789"
#define LEFTOVER_LETTERS LEFTOVER_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/*
 * Removes what dead processes of this user left under such names in a directory: files, and
 * directories with the files in them.
 */
void leftover_sweep(const char *directory, const struct leftover_name *name);

#endif
