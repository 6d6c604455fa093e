/*
 * choose: which of a machine's estimates is taken, and whether they contradict each other.
 */
#ifndef VMSCOPE_SYNC_CHOOSE_H
#define VMSCOPE_SYNC_CHOOSE_H

#include <stdint.h>

#include "sync/estimate.h"

/*
 * What the user gave; else `forced` (unless SYNC_AUTO); else the one that has the least error for
 * most of machine time [first, last], but for those that put far more guest events where they
 * cannot be than another does.
 * Return: the method, SYNC_AS_IS when there is none.
 */
enum sync_method sync_choose(const struct machine_sync *s, int forced, int64_t first, int64_t last);

/*
 * Makes s->mixed if s->method, which sync_choose() returned, has pieces whose bound is not known
 * or far wider than what another estimate has there.
 */
void sync_mix(struct machine_sync *s, int64_t first, int64_t last);

/*
 * Return: number of pairs of estimates that at some machine time in [first, last] leave no
 * difference of the clocks that both allow. What has no error bound contradicts nothing.
 */
uint64_t sync_disagreements(const struct machine_sync *s, int64_t first, int64_t last);

#endif
