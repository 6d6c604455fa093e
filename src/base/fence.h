/*
 * fence: what this process gives up, so that a mistake in it, met by hostile input, can do no more
 * than it was meant to (Landlock).
 *
 * It holds for the calling thread, those that it makes from then on, and what they start: so it is
 * called before there are threads. What is open already stays so. Kernels without it (before 5.13,
 * or where it is switched off) change nothing.
 */
#ifndef VMSCOPE_BASE_FENCE_H
#define VMSCOPE_BASE_FENCE_H

#include <stdbool.h>

/* No program can be started. Return: whether the kernel sees to it. */
bool fence_start_nothing(void);

/*
 * Files are made, changed and removed below this directory only, which may itself be removed when
 * it is empty, as any empty one beside it; and no program but this one can be started.
 * Return: whether the kernel sees to it.
 */
bool fence_write_below(const char *directory);

#endif
