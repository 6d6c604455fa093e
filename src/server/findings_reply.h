/*
 * findings_reply: why VMs were slow, for the page; in the report's words.
 */
#ifndef VMSCOPE_SERVER_FINDINGS_REPLY_H
#define VMSCOPE_SERVER_FINDINGS_REPLY_H

#include "base/json.h"
#include "server/dataset.h"

struct findings_reply;

/*
 * Finds them in [from, to); all: in the whole recording, whatever these are. It reads all exits and
 * what vCPUs did. Return: 0 and *fp, owned by the caller; or ERR with err set.
 */
int findings_reply_new(struct findings_reply **fp, const struct dataset *d, bool all, int64_t from,
		       int64_t to, struct error *err);
void findings_reply_free(struct findings_reply *f); /* NULL is allowed */

/* Writes them as docs/server.md says. */
void findings_reply_write(const struct findings_reply *f, struct jsonw *j);

#endif
