/*
 * header: what a file says of itself outside of its records' stream: header, attributes, features.
 *
 * Features of a file stand behind its data and are written when perf ends; those of a pipe are
 * records.
 */
#ifndef VMSCOPE_PERFDATA_HEADER_H
#define VMSCOPE_PERFDATA_HEADER_H

#include "input/perfdata/perfdata.h"

enum perfdata_magic {
	PERFDATA_MAGIC_NONE,
	PERFDATA_MAGIC_LITTLE,
	PERFDATA_MAGIC_BIG,
	PERFDATA_MAGIC_OLD, /* version 1, which is not read */
};

enum { PERFDATA_MAGIC_SIZE = 8 };

/* The first n bytes of a file. */
enum perfdata_magic perfdata_magic_of(const uint8_t *at, size_t n);

struct perfdata_section {
	uint64_t offset, size;
};

/* enum of tools/perf/util/header.h: bits of `features` */
enum {
	PERFDATA_F_TRACING_DATA = 1,
	PERFDATA_F_DIR_FORMAT = 24,
	PERFDATA_F_END = 256,
};

struct perfdata_header {
	uint64_t attr_size;
	struct perfdata_section attrs, data;
	uint64_t features[PERFDATA_F_END / 64];
	bool is_whole; /* the file has all of its data */
};

static inline bool perfdata_has_feature(const struct perfdata_header *h, unsigned id)
{
	return h->features[id / 64] >> id % 64 & 1;
}

/*
 * Reads the header at the start of a file. h->data is what there is of it: to the file's end if it
 * was never closed. Sets p's byte order and is_pipe. Return: 0, or ERR with err set.
 */
int perfdata_header_read(struct perfdata *p, const struct perfdata_source *file,
			 struct perfdata_header *h, struct error *err);

/*
 * Reads what a file has of attributes and features; what is missing or damaged of them is counted.
 */
void perfdata_header_attrs(struct perfdata *p, const struct perfdata_source *file,
			   const struct perfdata_header *h);
void perfdata_header_features(struct perfdata *p, const struct perfdata_source *file,
			      const struct perfdata_header *h);

/* One feature, from a file's section or a pipe's record. Return: whether it could be read. */
bool perfdata_feature(struct perfdata *p, unsigned id, struct perfdata_bytes b);

/* TRACING_DATA. Return: whether all of it could be read. */
bool perfdata_tracing_data(struct perfdata *p, struct perfdata_bytes b);

#endif
