/*
 * clock: what the times of a trace.dat are.
 *
 * The kernel's clocks count ns, but for cycle counters (x86-tsc), of which trace-cmd sometimes
 * saves how many make an ns (TSC2NSEC) and often does not. And what a file calls its clock is not
 * always so: `trace-cmd split` writes ns and goes on calling them x86-tsc. So where a clock is said
 * to count cycles, or nothing is said, what events know of the time decides (rate.h).
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_CLOCK_H
#define VMSCOPE_INPUT_TRACEDAT_CLOCK_H

#include "input/tracedat/tracedat.h"

/*
 * Fills base.clocks, and gives each stream its own, with its scale. base.streams and streams are
 * complete but for that.
 */
void tracedat_settle_clocks(struct tracedat *t, const struct input_options *options);

#endif
