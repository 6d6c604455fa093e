/*
 * server: what `vmscope serve` is: the protocol, the page's interface, and the page.
 */
#ifndef VMSCOPE_SERVER_SERVER_H
#define VMSCOPE_SERVER_SERVER_H

#include <stdint.h>

#include "server/catalog.h"

struct server_config {
	const char *listen;   /* a numeric address */
	uint16_t port;	      /* 0: any that is free */
	const char *token;    /* first part of all paths; NULL: none */
	const char *web_root; /* directory of the page's files, or NULL: what is built in */
	struct catalog_config catalog;
};

struct server;

/* Begins to serve. Return: 0 and *sp, owned by the caller; or ERR with err set. */
int server_new(struct server **sp, struct server_config *config, struct error *err);
void server_free(struct server *s); /* NULL is allowed */

uint16_t server_port(const struct server *s);

/* Opens a results file or a recording as an experiment. Return: 0, or ERR with err set. */
int server_open(struct server *s, const char *path, struct error *err);

#endif
