/*
 * reply: what a request is answered with, in memory before any of it is sent: a view that fails
 * half-way becomes an error with the right status, not half a reply.
 */
#ifndef VMSCOPE_SERVER_REPLY_H
#define VMSCOPE_SERVER_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"

#define REPLY_JSON   "application/json"
#define REPLY_BINARY "application/octet-stream"

struct reply {
	int status;	  /* of HTTP */
	const char *type; /* borrowed, lives as long as the program */
	char *data;	  /* owned */
	size_t size, cap;
	const char *borrowed; /* instead of data: lives as long as the program */
	bool page;	      /* a file of the page */
	bool for_ever;	      /* what it says never changes */
	bool deferred;	      /* there is none yet: it takes long, and is to be asked for again */
	const char *allow;    /* 405: methods that are known here */

	FILE *file; /* while it is written; then the reply stays where it is */
	struct jsonw json;
	bool is_json;
};

void reply_deinit(struct reply *r);

/* Begins a JSON reply with status 200. Return: where to write it. */
struct jsonw *reply_json(struct reply *r);

/* Begins another reply with status 200. type: as in struct reply. Return: where to write it. */
FILE *reply_stream(struct reply *r, const char *type);

/*
 * Return: room for so many bytes of a reply, not cleared, by malloc(). A large one gets large
 * pages: one of the small takes as long to get as it does to fill.
 */
char *reply_room(size_t size);

/* Makes it these bytes, with status 200. data: by malloc(), taken over. */
void reply_data(struct reply *r, const char *type, char *data, size_t size);

/* Ends what was begun; whatever comes after is refused. */
void reply_end(struct reply *r);

/* Makes it an error, whatever it was. */
void reply_error(struct reply *r, int status, const char *title, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* reply_error() with the text of err, which is freed. */
void reply_failed(struct reply *r, int status, const char *title, struct error *err);

#endif
