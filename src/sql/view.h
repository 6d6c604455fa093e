/*
 * view: answers to the common questions. They are written in view.sql; docs/sql.md describes their
 * columns.
 */
#ifndef VMSCOPE_SQL_VIEW_H
#define VMSCOPE_SQL_VIEW_H

#include <stddef.h>

struct sql_view {
	const char *name, *help;
	const char *select; /* unqualified names are tables of the view's schema */
};

/* Return: all views, *np of them. */
const struct sql_view *sql_views(size_t *np);

#endif
