/*
 * mend: the events of a version 7 of which the end is missing.
 *
 * Where each CPU's events lie is said at the file's end, which is what is missing when the disk was
 * full. They begin at whole pages, CPU by CPU, and look like nothing else, so that they can be
 * found all the same.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_MEND_H
#define VMSCOPE_INPUT_TRACEDAT_MEND_H

#include "input/tracedat/tracedat.h"

/*
 * Adds a buffer with the events between two bytes of the file, which are in a section of events
 * that is compressed or not.
 * Return: whether there are any.
 */
bool tracedat_mend_buffer(struct tracedat *t, uint64_t from, uint64_t to, bool is_compressed);

#endif
