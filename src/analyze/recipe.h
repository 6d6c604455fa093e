/*
 * recipe: the commands that record what the analysis needs, from the table of required events.
 */
#ifndef VMSCOPE_ANALYZE_RECIPE_H
#define VMSCOPE_ANALYZE_RECIPE_H

#include <stdio.h>

#include "events/required.h"

/* Prints a commented shell script for a machine of this role, which may be piped into sh. */
void recipe_print(enum role role, FILE *f);

#endif
