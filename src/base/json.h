/*
 * json: writes JSON as a stream, without building a tree.
 *
 * Values are written in the order in which they are to stand; commas are put where they belong. In
 * an object each value comes after its json_key(). What comes out is valid whatever goes in:
 * strings are escaped, bytes that are no UTF-8 become U+FFFD, and numbers that JSON does not have
 * (NaN, infinities) become null.
 */
#ifndef VMSCOPE_BASE_JSON_H
#define VMSCOPE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/out.h"

struct json {
	struct out out;
	bool comma; /* the next value or key needs one before it */
};

void json_init(struct json *j, FILE *file);

/* Writes what is buffered; the FILE stays open and tells whether that worked. */
void json_deinit(struct json *j);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key);

void json_int(struct json *j, int64_t value);
void json_uint(struct json *j, uint64_t value);
void json_double(struct json *j, double value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
void json_string(struct json *j, const char *s); /* NULL: null */
void json_bytes(struct json *j, const char *at, size_t n);

/* Ends a line between values of the outermost level (JSON lines). */
void json_newline(struct json *j);

#endif
