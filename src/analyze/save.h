/*
 * save: the results of an analysis as a results file (store/writer.h).
 *
 * The lanes are written while the model runs, through a sink; the tables of what there is are
 * written when it is done. In the file a VM without a trace is a machine too: the traced machines come
 * first, as in the session, then those VMs.
 */
#ifndef VMSCOPE_ANALYZE_SAVE_H
#define VMSCOPE_ANALYZE_SAVE_H

#include "analyze/analysis.h"
#include "base/error.h"
#include "model/sink.h"
#include "store/reader.h"

struct save;
struct tally;

/*
 * Begins a file that will replace `path`; NULL: one without a name, for whoever opens it with
 * save_open(). Return: 0 and *sp, or ERR with err set.
 */
int save_new(struct save **sp, const char *path, struct error *err);

/* As store_writer_use_thread(). */
struct worker *save_use_thread(struct save *s);

/* The sink to give to the analysis (analysis_options.sink); valid until save_free(). */
const struct model_sink *save_sink(const struct save *s);

/* Adds what is known of machines, vCPUs, threads ... and completes the file. Return: 0 or ERR. */
int save_finish(struct save *s, const struct analysis *a, struct error *err);

/* Opens the file after save_finish(). Return: 0 and *storep, owned by the caller; or ERR. */
int save_open(const struct save *s, struct store **storep, struct error *err);

/*
 * After save_finish(). Return: the sums of all rows that were written, owned by the caller
 * (report_options.tally); NULL if there are none, or they were taken.
 */
struct tally *save_take_tally(struct save *s);

/* Frees it; without a save_finish() that succeeded no file is left. NULL is allowed. */
void save_free(struct save *s);

#endif
