/*
 * index: where in a recording the records of each CPU are.
 *
 * perf copies the kernel's buffers, of which each CPU has at least one, into the file turn by turn;
 * a turn is a round, and the end of each is marked (FINISHED_ROUND). Inside of one buffer records
 * are nearly in the order of time: one that was begun can be interrupted by another. Several
 * buffers of one CPU, and rounds, overlap in time.
 *
 * One scan over all headers therefore cuts the file into segments: stretches with up to
 * SEGMENT_RECORDS records of one CPU, and little else. Who reads a CPU takes its segments in the
 * order of their first time, sorts each, and merges those that overlap: the order is then exact,
 * whatever the rounds say. The index has some 40 bytes per 100 KB of a file whose buffers were
 * large, and at most some per cent of any other.
 *
 * What records say of the recording as a whole is taken on the way: attributes and features in a
 * pipe's, threads that were there at the beginning (records whose time is 0), forks, clocks.
 */
#ifndef VMSCOPE_PERFDATA_INDEX_H
#define VMSCOPE_PERFDATA_INDEX_H

#include "input/perfdata/perfdata.h"

/* Fills lanes, births, cpu_of_id and the recording's threads and rounds. */
void perfdata_index(struct perfdata *p);

#endif
