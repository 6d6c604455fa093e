/*
 * url: what a request names, decoded and checked by ourselves.
 */
#ifndef VMSCOPE_SERVER_URL_H
#define VMSCOPE_SERVER_URL_H

#include <stdbool.h>
#include <stddef.h>

enum { URL_MAX_PARTS = 12, URL_MAX_LENGTH = 4096 };

/* "/tsp/api/traces" is 3 parts. */
struct url {
	char *text; /* owned; parts point into it */
	const char *parts[URL_MAX_PARTS];
	int n;
	bool is_directory; /* it ends in '/' */
};

/*
 * Decodes the path of a request, without its query. Refused are paths with a NUL, with a bad %XX,
 * with a part that is "." or "..", or that holds '/' or '\' once decoded, and too many or too long
 * ones. Empty parts do not count. Return: whether it is a good one; deinitialize in every case.
 */
bool url_init(struct url *u, const char *path);
void url_deinit(struct url *u);

/*
 * Whether a Host header may be answered. Loopback only: it must name this machine's loopback; else
 * also any numeric address (what a page elsewhere can not have a name resolve to) and `name`, this
 * machine's. A browser can be made to believe that a foreign name is this machine, so the name
 * is what tells.
 */
bool url_host_is_ours(const char *host, bool loopback_only, const char *name);

/* Whether pages of this origin may use the server. host: of the same request, or NULL. */
bool url_origin_is_good(const char *origin, const char *host);

#endif
