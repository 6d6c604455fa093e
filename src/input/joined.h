/*
 * joined: several recordings of one machine, as one.
 *
 * Two sessions of one boot, one after the other, overlapping, or with different events each, have
 * one clock. They become one recording whose streams are those of its parts. The first stream of
 * each CPU says that events are missing while no part records who is on a CPU, and where KVM's
 * end. An event that two parts recorded at the same time is read from the first of them.
 */
#ifndef VMSCOPE_INPUT_JOINED_H
#define VMSCOPE_INPUT_JOINED_H

#include <stdbool.h>
#include <stddef.h>

#include "input/input.h"

/*
 * Return: whether both are of one machine since it was booted, with one clock: the same boot, or
 * the same clock of which only the difference to the time of day was measured anew, and the same
 * host name. Names that the user gave tell machines apart.
 */
bool joined_same_machine(const struct recording *a, const struct recording *b);

/*
 * parts: of one machine, in the order of the arguments; at least one. Taken over, not the array.
 * Return: to be freed with recording_free().
 */
struct recording *joined_new(struct recording *const *parts, size_t n);

#endif
