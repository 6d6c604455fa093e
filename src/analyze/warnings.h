/*
 * warnings: everything that a user has to be warned of, from all parts of the analysis: what the
 * readers counted and what only the whole shows.
 */
#ifndef VMSCOPE_ANALYZE_WARNINGS_H
#define VMSCOPE_ANALYZE_WARNINGS_H

#include "analyze/analysis.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/mem.h"
#include "tally/tally.h"

struct warning {
	const struct diag_kind *kind;
	int machine;	    /* or IDENT_NONE: not of one machine */
	struct diag where;  /* as in diag.h, but first_ns is reference time; files are borrowed */
	const char *detail; /* what the kind's help cannot know, or NULL */
};

struct warnings {
	VEC(struct warning) at; /* the worst first, then by machine */
	struct arena texts;	/* of details */
};

/* tally: of the rows that were written. */
void warnings_init(struct warnings *f, const struct analysis *a, const struct tally *tally);
void warnings_deinit(struct warnings *f);

#endif
