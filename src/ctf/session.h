/*
 * session: from what the user named on the command line to opened traces.
 *
 * A TRACE argument is a directory that holds a CTF trace, or one that holds several somewhere below
 * (an LTTng session, a directory of sessions), or NAME=PATH to give a machine its name. Parts of
 * one recording (rotation archives, snapshots) become one trace. User-space (UST) traces are left
 * out.
 */
#ifndef VMSCOPE_CTF_SESSION_H
#define VMSCOPE_CTF_SESSION_H

#include <stddef.h>

#include "base/diag.h"
#include "base/error.h"
#include "base/mem.h"
#include "ctf/trace.h"

/* A directory that cannot be read, or the metadata in it. */
struct ctf_unreadable {
	char *dir, *why; /* owned */
};

struct ctf_session {
	VEC(struct ctf_unreadable) unreadable; /* while opening */
	size_t n_found; /* directories with metadata, or that may have some; while opening */
	VEC(struct ctf_trace *) traces; /* in the order of the arguments, then of their paths */
	VEC(char *) notes;		/* what was left out, one sentence each, for the user */
	struct diag_list diags;
};

/*
 * Opens everything that the arguments name. Names are made unique.
 * Return: 0, or ERR with err set when an argument is wrong or nothing could be opened; the session
 * is to be deinitialized in every case.
 */
int ctf_session_open(struct ctf_session *s, char *const *args, size_t n_args, struct error *err);
void ctf_session_deinit(struct ctf_session *s);

#endif
