/*
 * tsp: the Trace Server Protocol: which request is for what.
 */
#ifndef VMSCOPE_SERVER_TSP_H
#define VMSCOPE_SERVER_TSP_H

#include "server/catalog.h"
#include "server/http.h"

/* Answers a request whose path begins with /tsp/api. */
void tsp_handle(struct catalog *c, const struct http_request *q, struct reply *r);

/* Makes the answer of the catalog an error. */
void tsp_refuse(struct reply *r, enum catalog_answer answer, struct error *err);

#endif
