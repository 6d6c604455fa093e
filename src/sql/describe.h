/*
 * describe: what tables and columns there are, for people.
 */
#ifndef VMSCOPE_SQL_DESCRIBE_H
#define VMSCOPE_SQL_DESCRIBE_H

#include <stdbool.h>
#include <stdio.h>

/* Prints a line per table and view. */
void sql_describe_tables(FILE *f);

/* Prints the columns of a table, or how a view is made. name: NULL for all.
 * Return: whether there is such a table. */
bool sql_describe(FILE *f, const char *name);

#endif
