/*
 * page_api: the interface of the web page (docs/server.md). What the protocol has in a form that is
 * expensive in a browser, it has as arrays, and with times that a double holds.
 */
#ifndef VMSCOPE_SERVER_PAGE_API_H
#define VMSCOPE_SERVER_PAGE_API_H

#include "server/catalog.h"
#include "server/http.h"

/* Answers a request whose path begins with /api. */
void page_api_handle(struct catalog *c, const struct http_request *q, struct reply *r);

#endif
