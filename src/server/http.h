/*
 * http: the transport. Bytes come in and go out here; what they mean is the handler's.
 *
 * Limits hold before anything is kept: bodies by their Content-Length and as they come, connections
 * by their number, and the time of each: one that does not get its request across, or does not take
 * its reply, is cut off by a thread that watches all of them. What was asked of a foreign Host
 * or by a foreign page is refused before the handler sees it.
 */
#ifndef VMSCOPE_SERVER_HTTP_H
#define VMSCOPE_SERVER_HTTP_H

#include <stdint.h>

#include "base/error.h"
#include "server/reply.h"
#include "server/url.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OPTIONS };

struct http_request {
	enum http_method method;
	struct url url;
	const char *body; /* never NULL */
	size_t body_size;
	bool may_wait; /* else what takes long is not done, but the reply deferred */
};

struct http_config {
	const char *listen; /* a numeric address */
	uint16_t port;	    /* 0: any that is free */
	void (*handle)(void *ctx, const struct http_request *q, struct reply *r); /* any thread */
	void *ctx;
};

struct http;

/* Begins to serve. Return: 0 and *hp, owned by the caller; or ERR with err set. */
int http_new(struct http **hp, const struct http_config *config, struct error *err);

/* Ends what is being done. NULL is allowed. */
void http_free(struct http *h);

uint16_t http_port(const struct http *h);

#endif
