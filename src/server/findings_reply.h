/*
 * findings_reply: why VMs were slow, for the page; in the report's words.
 */
#ifndef VMSCOPE_SERVER_FINDINGS_REPLY_H
#define VMSCOPE_SERVER_FINDINGS_REPLY_H

#include "base/json.h"
#include "server/dataset.h"

struct findings_reply;

/* Of what findings are wanted. */
struct findings_query {
	bool all; /* of the whole recording, else of [from, to) */
	int64_t from, to;
	int64_t vcpu; /* row of the only vCPU; -1: all, and only what is worth telling */
};

/*
 * Finds them. It reads all exits and what vCPUs did in that time. Return: 0 and *fp, owned by the
 * caller; or ERR with err set.
 */
int findings_reply_new(struct findings_reply **fp, const struct dataset *d,
		       const struct findings_query *q, struct error *err);
void findings_reply_free(struct findings_reply *f); /* NULL is allowed */

/* Writes them as docs/server.md says. */
void findings_reply_write(const struct findings_reply *f, struct jsonw *j);

#endif
