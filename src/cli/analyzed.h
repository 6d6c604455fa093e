/*
 * analyzed: recordings, analyzed into a results file, for all commands that take recordings.
 */
#ifndef VMSCOPE_CLI_ANALYZED_H
#define VMSCOPE_CLI_ANALYZED_H

#include <stddef.h>

#include "analyze/analysis.h"
#include "base/error.h"
#include "input/input.h"
#include "store/reader.h"
#include "tally/tally.h"

struct analyzed {
	struct store *store; /* owned: the results */
	struct tally *tally; /* owned: their rows, added up; or NULL */
};

/*
 * Analyzes recordings into a file; output: its name, NULL: none, and it goes away. What was odd
 * about the recordings is said on stderr. Return: 0, or ERR with err set; deinitialize in every
 * case.
 */
int analyzed_init(struct analyzed *a, char **traces, size_t n,
		  const struct analysis_options *options, const struct input_options *input,
		  const char *output, struct error *err);
void analyzed_deinit(struct analyzed *a);

#endif
