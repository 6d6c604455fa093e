/*
 * record: where a field of a record lies; shared by the two files that read records.
 */
#ifndef VMSCOPE_INPUT_FTRACE_RECORD_H
#define VMSCOPE_INPUT_FTRACE_RECORD_H

#include "input/ftrace/format.h"

struct ftrace_bytes {
	const uint8_t *at;
	size_t n;
};

/* Return: whether the record has the field; then *bytesp are within the record. */
bool ftrace_locate(const struct ftrace_formats *fs, const struct ftrace_field *f,
		   const uint8_t *record, size_t size, struct ftrace_bytes *bytesp);

#endif
