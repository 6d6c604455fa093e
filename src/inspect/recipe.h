/*
 * recipe: the commands that record what the analysis needs, from the table of required events.
 *
 * A recipe is a shell script for people to read and then to run as root on an unchanged machine.
 * What the machine's kernel does not have is named by the script, and left out.
 */
#ifndef VMSCOPE_INSPECT_RECIPE_H
#define VMSCOPE_INSPECT_RECIPE_H

#include <stdio.h>

#include "events/required.h"

/* Prints the script for a machine of this role; it may be piped into sh. */
void recipe_print(enum role role, enum tracer tracer, FILE *f);

#endif
