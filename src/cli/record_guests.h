/*
 * record_guests: guests that are recorded along with a host: by ssh, by trace-cmd's agent, or by
 * hand, for which the commands are printed.
 */
#ifndef VMSCOPE_CLI_RECORD_GUESTS_H
#define VMSCOPE_CLI_RECORD_GUESTS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"
#include "cli/command.h"
#include "record/runner.h"

enum record_guest_way { RECORD_BY_HAND, RECORD_BY_SSH, RECORD_BY_AGENT };

struct record_guest {
	char *name, *where; /* owned; where: of ssh, or the agent's CID; NULL: by hand */
	enum record_guest_way way;
	char *path; /* owned: its recording, once its directory is known; else NULL */
	char *log;  /* owned */
	struct runner runner;
	bool is_there; /* its recording is */
};

struct record_guests {
	VEC(struct record_guest) all;
	const char *clock; /* of the host: what guests are asked for */
	bool syscalls;
};

/*
 * Takes the value of --guest: NAME, NAME=ssh:DESTINATION or NAME=vsock:CID. Return: 0, or
 * CLI_OPTION_BAD after saying what is wrong.
 */
int record_guests_take(struct record_guests *g, const struct command *cmd, const char *text);

/* Says where their recordings go. */
void record_guests_place(struct record_guests *g, const char *dir);

/* Return: whether any is recorded this way. */
bool record_guests_has(const struct record_guests *g, enum record_guest_way way);

/* Return: CIDs of agents, with a blank between them, to be freed. */
char *record_guests_cids(const struct record_guests *g);

/* Says what is or would be done for each. */
void record_guests_print(const struct record_guests *g);

/* Starts those by ssh, prints what is to be done by hand. One that does not start is said. */
void record_guests_begin(struct record_guests *g);

/* Ends those that were started. */
void record_guests_end(struct record_guests *g);

/*
 * Brings the recordings here. For those by hand waits until they are there, or fd is readable:
 * the user does not want to wait.
 */
void record_guests_fetch(struct record_guests *g, int fd);

void record_guests_deinit(struct record_guests *g);

#endif
