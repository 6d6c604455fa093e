/*
 * spill: rows of numbers, put in any order and taken in the order of their keys.
 *
 * Of each of very many things (threads that came and went) a row has to stand in its place among
 * all others in the end. A few thousand rows are kept in memory; whenever there are more, they are
 * sorted and put into a file without a name, in $TMPDIR or /tmp, and in the end these stretches are
 * merged. So memory does not depend on how many rows there are.
 */
#ifndef VMSCOPE_STORE_SPILL_H
#define VMSCOPE_STORE_SPILL_H

#include <stdint.h>

#include "base/error.h"

struct spill;

enum { SPILL_END = 0, SPILL_ROW = 1 };

/*
 * For rows of `width` numbers, the first n_keys of which say where it stands. Return: owned by the
 * caller.
 */
struct spill *spill_new(unsigned width, unsigned n_keys);
void spill_free(struct spill *s);

/* A failure to write is kept until spill_next(). */
void spill_add(struct spill *s, const int64_t *row);

/*
 * The next row; nothing can be added any more. Of equal keys, the one that was added first comes
 * first.
 * Return: SPILL_ROW with *rowp, valid until the next call; SPILL_END; or ERR with err set.
 */
int spill_next(struct spill *s, const int64_t **rowp, struct error *err);

#endif
