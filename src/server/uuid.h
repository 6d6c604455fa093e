/*
 * uuid: names of traces and experiments, made of what they are, so that opening one again gives
 * the same.
 */
#ifndef VMSCOPE_SERVER_UUID_H
#define VMSCOPE_SERVER_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct uuid {
	char text[37]; /* lower case */
};

/* Return: the UUID (version 8: made by hashing) of n bytes. */
struct uuid uuid_of(const void *at, size_t n);

static inline bool uuid_is(const struct uuid *u, const char *text)
{
	return !strcmp(u->text, text);
}

#endif
