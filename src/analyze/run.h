/*
 * run: recordings, analyzed into a results file that is opened; for whoever takes recordings.
 */
#ifndef VMSCOPE_ANALYZE_RUN_H
#define VMSCOPE_ANALYZE_RUN_H

#include "analyze/analysis.h"
#include "store/reader.h"
#include "tally/tally.h"

struct run {
	struct store *store; /* owned: the results; NULL when it failed */
	struct tally *tally; /* owned: their rows, added up; or NULL */
};

/*
 * output: the file's name, which appears when it is complete; NULL: it has none, and goes away when
 * it is closed. The session is taken over. Return: 0, or ERR with err set; deinitialize in every
 * case.
 */
int run_init(struct run *r, struct session *session, const struct analysis_options *options,
	     const char *output, struct error *err);
void run_deinit(struct run *r);

#endif
