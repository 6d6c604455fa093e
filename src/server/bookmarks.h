/*
 * bookmarks: times that clients keep at an experiment, under names, as long as the server runs.
 */
#ifndef VMSCOPE_SERVER_BOOKMARKS_H
#define VMSCOPE_SERVER_BOOKMARKS_H

#include "base/json.h"
#include "base/mem.h"
#include "server/uuid.h"

enum { BOOKMARKS_MAX = 1000 };

struct bookmark {
	struct uuid uuid;
	char *name; /* owned */
	int64_t start, end;
};

struct bookmarks {
	VEC(struct bookmark) at; /* in the order in which they were made */
	uint64_t made;		 /* so many, ever: no two have one UUID */
};

void bookmarks_deinit(struct bookmarks *b);

/* Adds one, of which the name is copied. Return: it, until the next is added; NULL: too many. */
const struct bookmark *bookmarks_add(struct bookmarks *b, const char *name, int64_t start,
				     int64_t end);

/* Return: the one with this UUID, or NULL. */
struct bookmark *bookmarks_find(struct bookmarks *b, const char *uuid);

/* Gives it another name, which is copied, and other times. */
void bookmark_set(struct bookmark *m, const char *name, int64_t start, int64_t end);

void bookmarks_remove(struct bookmarks *b, struct bookmark *m);

/* Each writes in the protocol's form: one, or all as an array. */
void bookmark_write(struct jsonw *j, const struct bookmark *m);
void bookmarks_write(struct jsonw *j, const struct bookmarks *b);

#endif
