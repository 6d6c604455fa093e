/*
 * query: ready-made questions to a fleet's tables. They are the files query/NAME.sql, which run by
 * hand as well: there are values in them that take the place of what the user may say.
 */
#ifndef VMSCOPE_FLEET_QUERY_H
#define VMSCOPE_FLEET_QUERY_H

#include <stddef.h>

struct fleet_query {
	const char *name, *help, *sql;
};

const struct fleet_query *fleet_queries(size_t *np);

/* Return: the one of this name, or NULL. */
const struct fleet_query *fleet_query_find(const char *name);

/* What the user says; NULL: everything. */
struct fleet_query_part {
	const char *since, *until; /* days, YYYY-MM-DD; from `since` to before `until` */
	const char *vm;		   /* a name, with % and _ as LIKE has them */
};

/* Return: its SQL for a part of what there is; for free(). */
char *fleet_query_sql(const struct fleet_query *q, const struct fleet_query_part *part);

#endif
