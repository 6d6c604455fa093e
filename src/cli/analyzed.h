/*
 * analyzed: recordings, analyzed into a results file, for all commands that take recordings.
 */
#ifndef VMSCOPE_CLI_ANALYZED_H
#define VMSCOPE_CLI_ANALYZED_H

#include "analyze/run.h"

/*
 * As run_init(), of recordings that the user named. What was odd about them is said on stderr.
 * Return: 0, or ERR with err set; run_deinit() in every case.
 */
int analyzed_init(struct run *r, char **traces, size_t n, const struct analysis_options *options,
		  const struct input_options *input, const char *output, struct error *err);

#endif
