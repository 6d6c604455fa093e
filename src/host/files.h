/*
 * files: small texts of /proc and /sys below a root.
 */
#ifndef VMSCOPE_HOST_FILES_H
#define VMSCOPE_HOST_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Return: what is in the file, at most 64 KB, ended by a NUL, its last newline taken off; to be
 * freed. NULL: it cannot be read. np: its length, for texts that have NULs within; may be NULL.
 */
char *files_text(size_t *np, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Return: the number in the file, or `otherwise`. */
int64_t files_number(int64_t otherwise, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Return: where the symbolic link points to, to be freed, or NULL. */
char *files_link(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Return: the text behind `key` in its line, to be freed, or NULL. Lines are "key value". */
char *files_value(const char *text, const char *key);

/* Calls `each` for each name in a directory but those that begin with '.', in any order. */
void files_each(const char *dir, void (*each)(void *context, const char *name), void *context);

#endif
