/*
 * load: recordings into a fleet's tables, so that a load that ends anywhere and is done again gives
 * the same tables as one that was not disturbed.
 *
 *	per batch of files
 *	  which of them are loaded already?	     table `recording`
 *	  which were begun?			     table `load`; if any:
 *	    wait until no server has statements about them, for 2 s
 *	    count their rows in every table
 *	  note that they begin			     insert into `load`
 *	  insert the rows that are missing	     a block per statement
 *	  count all rows			     must be those of the files
 *	  note that they are complete		     insert into `recording`
 *
 * A table's rows of a recording are always inserted in the same order, and a block is there as a
 * whole or not at all: so what is there are the first so many rows, and those that follow are the
 * missing ones, whatever was heard of the statement that inserted them.
 */
#ifndef VMSCOPE_FLEET_LOAD_H
#define VMSCOPE_FLEET_LOAD_H

#include <stddef.h>

#include "fleet/clickhouse.h"
#include "fleet/table.h"

/* A sentence about how far it is; `done` of `total` files. */
typedef void load_progress_fn(void *ctx, const char *file, size_t done, size_t total);

struct load_job {
	const char *const *files;
	size_t n_files;
	const char *host; /* what the host of all files is called; NULL: as they say */
	const char
		*link; /* where they are served, a URL that their names are put behind; or NULL */
	enum fleet_part part;	    /* FLEET_SUMS, or FLEET_RAW: everything */
	unsigned insert_rows;	    /* at most, of a statement; 0: as many as are good */
	load_progress_fn *progress; /* NULL is allowed */
	void *ctx;
};

/* What was done. */
struct load_done {
	size_t loaded, known; /* files: loaded now; there before */
	uint64_t rows;	      /* that were inserted */
};

/* Return: 0, or ERR with err set; then the same call later goes on where this one ended. */
int load_run(struct clickhouse *s, const struct fleet_table *tables, const struct load_job *job,
	     struct load_done *done, struct error *err);

#endif
