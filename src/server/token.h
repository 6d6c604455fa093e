/*
 * token: the first part of the path of all that is served, which only those know who were told: for
 * machines that others use too, or servers that others reach.
 */
#ifndef VMSCOPE_SERVER_TOKEN_H
#define VMSCOPE_SERVER_TOKEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "server/url.h"

enum { TOKEN_MIN = 8, TOKEN_MAX = 128 };

/* Return: 128 random bits as text, owned by the caller; or NULL with err set. */
char *token_new(struct error *err);

/* Return: whether it can be one: letters, digits, '-' and '_', neither too few nor too many. */
bool token_is_good(const char *text);

/*
 * Takes the token off the path. Return: whether it was there; the time that takes tells nothing
 * of it.
 */
bool token_take(struct url *url, const char *token);

/*
 * Return: whether anybody but this user is logged in at a terminal of this machine; utmp: the file
 * that says who is, NULL: the system's. To be called before there are threads.
 */
bool token_has_others(const char *utmp, uid_t user);

#endif
