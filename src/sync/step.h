/*
 * step: how far both lines hold where a clock was set.
 *
 * Which window an event is in follows from the line that it is looked at by. So the events behind a step
 * may all lie in windows by the old line as well, by chance, and their bounds then say that it goes on.
 * Only the windows themselves tell: both lines hold from the last event that the new one cannot explain
 * to the first that the old one cannot.
 */
#ifndef VMSCOPE_SYNC_STEP_H
#define VMSCOPE_SYNC_STEP_H

#include "sync/chunk.h"

/*
 * Lets the pieces of a fit that two lines explain reach as far as the windows leave open. What the error of
 * such a piece is has to be found by another fit.
 * Return: whether a piece grew.
 */
bool sync_step_widen(struct sync_fit *f, const struct sync_pair *pairs, size_t n_pairs);

#endif
