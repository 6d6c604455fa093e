/*
 * fuzz: what every fuzz target provides. libFuzzer calls it, or replay.c.
 */
#ifndef VMSCOPE_FUZZ_FUZZ_H
#define VMSCOPE_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Return: 0. A target that finds a fault aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
