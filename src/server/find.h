/*
 * find: the next interval that is like something.
 */
#ifndef VMSCOPE_SERVER_FIND_H
#define VMSCOPE_SERVER_FIND_H

#include "server/dataset.h"

struct find_query {
	const int32_t *rows; /* where to look */
	size_t n_rows;
	uint32_t states;   /* bit per state */
	const char *label; /* it has this in it, without regard to case; NULL: any */
	int64_t from;	   /* it begins after this, or before: */
	bool backwards;
	int64_t min; /* ns: it is at least so long */
};

struct found {
	int32_t row;
	int64_t begin, end;
	enum table_id table;
	int64_t state;
	uint64_t label; /* for label.h */
};

enum { FIND_FOUND, FIND_NOTHING, FIND_TOO_LONG };

/* Finds the nearest. Return: FIND_*, or ERR with err set. */
int find_interval(struct found *found, const struct dataset *d, const struct find_query *q,
		  struct error *err);

#endif
