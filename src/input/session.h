/*
 * session: from what the user named on the command line to opened recordings.
 *
 * A TRACE argument is a recording (a file, or a directory that is one), or a directory with
 * recordings somewhere below (an LTTng session, a directory of sessions), or NAME=PATH to give a
 * machine its name. Which format something has is told by its bytes, never by its name. Parts of
 * one recording (rotation archives, snapshots) become one, and so do several recordings of one
 * machine since it was booted (joined.h). Traces of user space are left
 * out unless they are asked for.
 */
#ifndef VMSCOPE_INPUT_SESSION_H
#define VMSCOPE_INPUT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/error.h"
#include "base/mem.h"
#include "input/input.h"

/* A directory that cannot be read, or a recording. */
struct session_unreadable {
	char *path, *why; /* owned */
};

struct session {
	VEC(struct session_unreadable) unreadable; /* while opening */
	size_t n_found;			    /* recordings, or what may be some; while opening */
	VEC(struct recording *) recordings; /* in the order of the arguments, then of their paths */
	VEC(char *) notes;		    /* what was left out, one sentence each, for the user */
	struct diag_list diags;
	const struct input_options *options; /* while opening */
};

/*
 * Opens everything that the arguments name. Names are made unique. options may be NULL: nothing is
 * known better. Return: 0, or ERR with err set when an argument is wrong or nothing could be
 * opened; the session is to be deinitialized in every case.
 */
int session_open(struct session *s, char *const *args, size_t n_args,
		 const struct input_options *options, struct error *err);
void session_deinit(struct session *s);

/* Return: whether the file, or the directory as a whole, is a recording by its first bytes; nothing
 * more of it is read. */
bool session_is_recording(const char *path, bool is_directory);

#endif
