/*
 * runner: another recorder, which runs as a child process, here or on a guest by ssh.
 *
 * It is a shell script (inspect/recipe.h) that records while a command runs. The command is one
 * that says when it began and then reads its standard input, which is a pipe from us. So the
 * recorder ends, and switches off what it switched on, when we close that pipe, and also when we
 * are killed.
 */
#ifndef VMSCOPE_RECORD_RUNNER_H
#define VMSCOPE_RECORD_RUNNER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct runner {
	pid_t pid;   /* 0: none */
	int in, out; /* owned: our ends of its pipes, or -1 */
};

struct runner_options {
	const char *script;
	const char *destination; /* of ssh, or NULL: here */
	const char *log;	 /* file that its messages go to */
};

/* Return: 0, or ERR with err set. */
int runner_start(struct runner *r, const struct runner_options *o, struct error *err);

/* Waits until it records, at most ms. Return: 1; 0: it ended or the time is over. */
int runner_wait(struct runner *r, int ms);

/* Ends it and waits for it. Return: its exit status, 0 if all went well. */
int runner_end(struct runner *r);

/* Copies a file from where ssh leads to, and removes it there. Return: 0, or ERR with err set. */
int runner_fetch(const char *destination, const char *from, const char *to, const char *log,
		 struct error *err);

/* Return: the text quoted for a shell, to be freed. */
char *runner_quote(const char *text);

#endif
