/*
 * record_watch: `vmscope record --flight --when`: looks live at what vCPUs do, and has the flight
 * recorder save when a condition has held for long enough.
 */
#ifndef VMSCOPE_CLI_RECORD_WATCH_H
#define VMSCOPE_CLI_RECORD_WATCH_H

#include "cli/command.h"
#include "report/limit.h"

/* 'web1 ready > 20% for 1s': a limit that is worth saving when it holds, for so long, ns. */
struct record_condition {
	const char *text; /* borrowed, as it was written */
	char *limit_text; /* owned */
	struct limit limit;
	int64_t for_ns; /* 0: a single look is enough */
};

/*
 * Takes one: a share of time, as `vmscope check --limit` has it, and "for TIME" or nothing behind
 * it. Return: 0, or CLI_OPTION_BAD, which has been said; deinitialize in every case.
 */
int record_condition_take(struct record_condition *c, const struct command *cmd, const char *text);
void record_condition_deinit(struct record_condition *c);

struct record_watch;

/*
 * Begins to look, in a thread and by a tracefs instance of its own: the flight recorder's must not
 * be read, or it would keep nothing. SIGUSR1 goes to this process, which has to block it, when a
 * condition was met; why is said on stderr. The conditions must outlive it. Return: owned.
 */
struct record_watch *record_watch_new(const struct record_condition *conditions, size_t n);

/* Ends it, and its instance. NULL is allowed. */
void record_watch_free(struct record_watch *w);

#endif
