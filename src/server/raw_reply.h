/*
 * raw_reply: events of recordings as the page asks for them: a stretch of time, part by part.
 */
#ifndef VMSCOPE_SERVER_RAW_REPLY_H
#define VMSCOPE_SERVER_RAW_REPLY_H

#include "base/json.h"
#include "server/raw.h"

enum { RAW_REPLY_MOST = 5000, RAW_REPLY_SECONDS = 5 };

struct raw_ask {
	int64_t from, to; /* of the results; both included */
	int64_t skip;	  /* events at `from` itself that are known already */
	int64_t limit;	  /* events */
	int64_t row;	  /* what has to do with it alone; -1: all */
	const char *text; /* words that must stand in an event; NULL: none */
	const char *path; /* where the recording is now; NULL: where it was */
};

/*
 * Writes them as docs/server.md says. Return: 0; RAW_GONE or ERR with err set, then nothing is
 * written.
 */
int raw_reply_write(struct jsonw *j, const struct dataset *d, const struct roots *roots,
		    const struct raw_ask *ask, struct error *err);

#endif
