/*
 * raw: the events of the recordings that a results file is of, read again, by time.
 *
 * A results file says where its recordings were. They are opened there, if that is in a directory
 * that is served, and walked from some time on: all streams of all machines side by side, with
 * times on the line of the results.
 */
#ifndef VMSCOPE_SERVER_RAW_H
#define VMSCOPE_SERVER_RAW_H

#include "server/dataset.h"
#include "server/roots.h"

struct raw;

enum { RAW_GONE = 1 }; /* there is no recording there (any more) */

/*
 * Opens them. path: where they are now, a recording or a directory of some; NULL: where they were.
 * d and roots must outlive it. Return: 0 and *rp, owned by the caller; RAW_GONE or ERR with err
 * set.
 */
int raw_new(struct raw **rp, const struct dataset *d, const struct roots *roots, const char *path,
	    struct error *err);
void raw_free(struct raw *r); /* NULL is allowed */

/* Goes to before the first event at `from` or later. */
void raw_seek(struct raw *r, int64_t from);

/* An event, or a loss of some: then name is "lost". Borrowed until the next one. */
struct raw_event {
	int64_t time; /* of the results */
	const struct ds_machine *machine;
	int64_t cpu; /* -1: not said */
	const char *name;
};

/* Goes to the next event. Return: whether there is one. */
bool raw_next(struct raw *r, struct raw_event *e);

/* Return: all fields of that event for people, "prev_comm=qemu, prev_pid=138"; to be freed. */
char *raw_fields(const struct raw *r);

/* Which events have to do with a row. */
struct raw_filter;

/*
 * row: of a machine, CPU, vCPU or thread: what happened on its CPU while it ran, in [from, to].
 * Return: 0 and *fp, owned by the caller, NULL for a row that has none; or ERR with err set.
 */
int raw_filter_new(struct raw_filter **fp, const struct dataset *d, int32_t row, int64_t from,
		   int64_t to, struct error *err);
void raw_filter_free(struct raw_filter *f); /* NULL is allowed */

/* Return: whether it passes; f NULL: all do. */
bool raw_filter_has(const struct raw_filter *f, const struct raw_event *e);

#endif
