/*
 * hash: XXH64 with seed 0, the checksum of the results file.
 */
#ifndef VMSCOPE_STORE_HASH_H
#define VMSCOPE_STORE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *at, size_t n);

#endif
