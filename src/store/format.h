/*
 * format: numbers of the results file that the writer and the reader share. docs/file-format.md
 * is what they mean.
 */
#ifndef VMSCOPE_STORE_FORMAT_H
#define VMSCOPE_STORE_FORMAT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/load.h"

enum {
	FORMAT_VERSION = 1,
	FORMAT_HEADER_SIZE = 88,
	FORMAT_TAIL_SIZE = 16,
	FORMAT_BLOCK_ROWS = 1024, /* at most */
	FORMAT_NODE_ENTRIES = 64,
	FORMAT_GROUP_LANES = 512,
	FORMAT_MAX_LEVEL = 6,
	FORMAT_BASE_TIMES = 8192, /* of another lane, that a block can count on */
	FORMAT_MAX_SUMS = 16,
	FORMAT_MAX_COLUMNS = 64,
	FORMAT_MAX_TABLES = 256,
};

/* 0x89 "VMS" CR LF 0x1a LF */
#define FORMAT_MAGIC UINT64_C(0x0a1a0a0d534d5689)

/* How a data block says its times: bits of the number that it begins with. */
enum { FORMAT_TS_BY_BASE = 1, FORMAT_DUR_BY_BASE = 2 };

/* A data block, or an index node and all below it. */
struct entry {
	int64_t first, end;
	uint64_t rows;
	uint64_t offset, size;
	uint32_t hash;
	uint64_t sums[FORMAT_MAX_SUMS];
};

static inline uint64_t format_load64(const uint8_t *at)
{
	return load_u64(at, false);
}

static inline uint32_t format_load32(const uint8_t *at)
{
	return load_u32(at, false);
}

static inline void format_store64(uint8_t *at, uint64_t x)
{
	x = htole64(x);
	memcpy(at, &x, sizeof(x));
}

static inline void format_store32(uint8_t *at, uint32_t x)
{
	x = htole32(x);
	memcpy(at, &x, sizeof(x));
}

/* Sums and differences that wrap around instead of overflowing. */
static inline int64_t format_add(int64_t a, uint64_t b)
{
	return (int64_t)((uint64_t)a + b);
}

static inline int64_t format_sub(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

#endif
