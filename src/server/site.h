/*
 * site: the files of the web page: those built in, or of a directory during development.
 */
#ifndef VMSCOPE_SERVER_SITE_H
#define VMSCOPE_SERVER_SITE_H

#include "server/http.h"

struct site_file {
	const char *path; /* without '/' in front */
	const char *data;
	size_t size;
};

/* Return: the files that are built in, *np of them. */
const struct site_file *site_files(size_t *np);

/* Answers with a file. root: a resolved directory to take it from, NULL: what is built in. */
void site_handle(const char *root, const struct http_request *q, struct reply *r);

#endif
