/*
 * symbol: names of the kernel's functions, as /proc/kallsyms had them when it was recorded: u32
 * size, then lines "ffffffff813b8bb0 t sched_cfs_period_timer", and a tab and "[kvm]" behind it.
 *
 * There are some 10 MB of them, and few are asked for: they are read anew for each, not kept.
 */
#ifndef VMSCOPE_INPUT_TRACEDAT_SYMBOL_H
#define VMSCOPE_INPUT_TRACEDAT_SYMBOL_H

#include "input/input.h"

/* Return: the name, owned by the caller; NULL: there is none. */
char *tracedat_symbol(const struct recording *r, uint64_t address);

#endif
