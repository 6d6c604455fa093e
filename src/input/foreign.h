/*
 * foreign: recordings and other files that are no recordings, but are taken for recordings by
 * people.
 */
#ifndef VMSCOPE_INPUT_FOREIGN_H
#define VMSCOPE_INPUT_FOREIGN_H

#include "base/arena.h"

/*
 * Looks at the file, or at the files in the directory. Return: what there is, and what can be done
 * with it, as the rest of a sentence that says that there is no trace; in the arena. "" if nothing
 * is known about it.
 */
const char *foreign_hint(const char *path, struct arena *arena);

#endif
