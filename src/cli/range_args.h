/*
 * range_args: --begin and --end, for all commands that tell of a part of a recording.
 */
#ifndef VMSCOPE_CLI_RANGE_ARGS_H
#define VMSCOPE_CLI_RANGE_ARGS_H

#include "base/clock_text.h"
#include "base/error.h"
#include "cli/common.h"

struct range_args {
	const char *begin, *end; /* as written; NULL: not given */
	struct clock_text clock;
};

/* Takes the value of --begin or --end. Return: 0, or CLI_OPTION_BAD: it is no time, which has been
 * said. */
int range_args_take(const struct command *cmd, const char *option, const char *text,
		    const char **timep);

/* Return: what was asked, as it was written: "--begin +2 --end +3". For free(). */
char *range_args_words(const struct range_args *args);

/*
 * What the words mean for the results at `path`: [*fromp, *top), ns on their time line, cut to what
 * was recorded. Return: 1; 0 when neither is given; CLI_OPTION_BAD when one is a time of day, which
 * these do not know, or when nothing was recorded then, or nothing is between them, which has been
 * said; ERR with err set when the file cannot be read.
 */
int range_args_read(const struct range_args *args, const struct command *cmd, const char *path,
		    int64_t *fromp, int64_t *top, struct error *err);

#endif
