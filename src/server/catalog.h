/*
 * catalog: the traces and experiments that are open.
 *
 *	trace		a results file, or a directory with recordings: a name and a path, no more
 *	experiment	one results file, open; or directories, analyzed together in the background
 *
 *	   catalog_add_experiment()
 *	   ------------------------> RUNNING --(analysis done)--> COMPLETED
 *	                                |
 *	                                +------(failed)---------> CLOSED
 *
 * A results file is COMPLETED at once. One thread analyzes, one experiment after the other, so the
 * machine is not overrun by what clients ask for. An experiment that is removed while it is
 * analyzed stops that.
 */
#ifndef VMSCOPE_SERVER_CATALOG_H
#define VMSCOPE_SERVER_CATALOG_H

#include "base/json.h"
#include "server/bookmarks.h"
#include "server/dataset.h"
#include "server/roots.h"
#include "server/uuid.h"

/*
 * Analyzes the recordings in these directories into the results file `output`. Stops early, with an
 * error, once stop_fd can be read. Return: 0, or ERR with err set.
 */
typedef int catalog_analyze_fn(void *ctx, char *const *paths, size_t n, const char *output,
			       int stop_fd, struct error *err);

struct catalog_config {
	struct roots roots; /* taken over */
	catalog_analyze_fn *analyze;
	void *ctx;
};

struct catalog;

/* Return: 0 and *cp, owned by the caller; or ERR with err set. */
int catalog_new(struct catalog **cp, struct catalog_config *config, struct error *err);
void catalog_free(struct catalog *c); /* NULL is allowed */

/* Return: what may be opened; it does not change. */
const struct roots *catalog_roots(const struct catalog *c);

/* Answers; those that are not CATALOG_OK have set err. */
enum catalog_answer {
	CATALOG_OK,
	CATALOG_MISSING,   /* no such thing */
	CATALOG_FORBIDDEN, /* not in a served directory */
	CATALOG_NO_TRACE,  /* it is something else */
	CATALOG_CONFLICT,  /* the name is that of another experiment */
	CATALOG_IN_USE,	   /* an experiment needs it */
	CATALOG_FULL,	   /* too many are open */
	CATALOG_BAD,	   /* cannot be put together */
};

/* name: NULL: the last part of the path. Adding again gives the same. */
enum catalog_answer catalog_add_trace(struct catalog *c, const char *path, const char *name,
				      struct uuid *uuidp, struct error *err);

/* traces: UUIDs. name: NULL: that of the first trace. Adding again gives the same. */
enum catalog_answer catalog_add_experiment(struct catalog *c, const char *name,
					   const char *const *traces, size_t n, struct uuid *uuidp,
					   struct error *err);

/* Return: CATALOG_OK, CATALOG_MISSING, or CATALOG_IN_USE when an experiment has it. */
enum catalog_answer catalog_remove_trace(struct catalog *c, const char *uuid, struct error *err);

/* Return: whether there was one. */
bool catalog_remove_experiment(struct catalog *c, const char *uuid);

/* Each writes what there is in the protocol's form. uuid: only that one, an object; NULL: all, an
 * array. Return: whether there is one. */
bool catalog_write_traces(struct catalog *c, struct jsonw *j, const char *uuid);
bool catalog_write_experiments(struct catalog *c, struct jsonw *j, const char *uuid);

/* The same in the page's form. */
bool catalog_write_for_page(struct catalog *c, struct jsonw *j, const char *uuid);

/*
 * Calls `use` with an experiment's bookmarks, which nobody else has meanwhile. Return: whether
 * there is such an experiment.
 */
bool catalog_use_bookmarks(struct catalog *c, const char *uuid,
			   void (*use)(struct bookmarks *b, void *ctx), void *ctx);

enum catalog_status { CATALOG_RUNNING, CATALOG_COMPLETED, CATALOG_FAILED };

/*
 * Finds an experiment. Return: whether there is one; then its status, and when that is
 * CATALOG_COMPLETED *dp, for dataset_release(), else NULL; *messagep says more, owned by the
 * caller.
 */
bool catalog_find(struct catalog *c, const char *uuid, enum catalog_status *statusp,
		  struct dataset **dp, char **messagep);

#endif
