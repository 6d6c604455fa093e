/*
 * export: results files as files for other programs, and for people.
 *
 * Each format reads the results file and nothing else, and holds no more of it in memory than its
 * lists of machines, vCPUs and threads. What is written appears under its name only when it is
 * complete.
 */
#ifndef VMSCOPE_EXPORT_EXPORT_H
#define VMSCOPE_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A stretch of time. States are cut where it begins and ends, so that they add up to it; exits and
 * wake-ups belong to it when they begin in it.
 */
struct export_range {
	bool given;	  /* otherwise everything */
	int64_t from, to; /* ns on the time line, [from, to) */
};

/* Of which VMs and vCPUs what is in time is told. */
struct export_choice {
	const char *vm; /* a name, in which * and ? match as in the shell; NULL: all */
	bool one_vcpu;	/* that of this number, of each VM */
	int64_t vcpu;
};

/* Something that the user should know of what was made: a sentence without its end. */
typedef void export_note_fn(void *ctx, const char *text);

/* How far an export is: `done` of `total` rows, about, and what it is at. */
typedef void export_progress_fn(void *ctx, const char *what, uint64_t done, uint64_t total);

struct export_job {
	const char *path;   /* the results file */
	const char *output; /* the file to be made, or replaced; NULL: the standard output */
	struct export_range range;
	struct export_choice choice; /* not of SQLite */
	const char *const *tables;   /* CSV: which tables and views; none: all tables */
	size_t n_tables;
	const char *sort; /* CSV: the column by which rows are sorted, most first; NULL: none */
	uint64_t top;	  /* CSV: at most so many rows of each table; 0: all */
	bool utc;	  /* HTML: times of day are UTC, not local */
	bool idle;	  /* Perfetto: slices for states in which nothing happens, too */
	export_progress_fn *progress; /* NULL is allowed */
	export_note_fn *note;	      /* the same */
	void *ctx;
};

/*
 * Each makes one format. On failure nothing is left behind, but of several CSV files those that
 * were complete. Return: 0, or ERR with err set.
 */

/* One table into a file, or several into a directory, which is made if need be: NAME.csv each. */
int export_csv(const struct export_job *job, struct error *err);

/* A database with all tables and views, which needs nothing of ours to be read. */
int export_sqlite(const struct export_job *job, struct error *err);

/* A trace for Perfetto's UI and trace_processor; docs/export.md says what becomes what. */
int export_perfetto(const struct export_job *job, struct error *err);

/* A report with pictures, in one file without references to others and without scripts. */
int export_html(const struct export_job *job, struct error *err);

static inline void export_progress(const struct export_job *job, const char *what, uint64_t done,
				   uint64_t total)
{
	if (job->progress)
		job->progress(job->ctx, what, done, total);
}

#endif
