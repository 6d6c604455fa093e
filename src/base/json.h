/*
 * json: writes JSON as a stream, without building a tree.
 *
 * Values are written in the order in which they are to stand; commas are put where they belong. In
 * an object each value comes after its jsonw_key(). What comes out is valid whatever goes in:
 * strings are escaped, bytes that are no UTF-8 become U+FFFD, and numbers that JSON does not have
 * (NaN, infinities) become null.
 *
 * The prefix is jsonw_, since json_ is that of jansson, which reads JSON for us: equal names would
 * end up in one program.
 */
#ifndef VMSCOPE_BASE_JSON_H
#define VMSCOPE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/out.h"

struct jsonw {
	struct out out;
	bool comma; /* the next value or key needs one before it */
};

void jsonw_init(struct jsonw *j, FILE *file);

/* Writes what is buffered; the FILE stays open and tells whether that worked. */
void jsonw_deinit(struct jsonw *j);

void jsonw_object_begin(struct jsonw *j);
void jsonw_object_end(struct jsonw *j);
void jsonw_array_begin(struct jsonw *j);
void jsonw_array_end(struct jsonw *j);
void jsonw_key(struct jsonw *j, const char *key);

void jsonw_int(struct jsonw *j, int64_t value);
void jsonw_uint(struct jsonw *j, uint64_t value);
void jsonw_double(struct jsonw *j, double value);
void jsonw_bool(struct jsonw *j, bool value);
void jsonw_null(struct jsonw *j);
void jsonw_string(struct jsonw *j, const char *s); /* NULL: null */
void jsonw_bytes(struct jsonw *j, const char *at, size_t n);

/*
 * Return: where to write one value that is JSON already, for values of which there are very many.
 */
struct out *jsonw_raw(struct jsonw *j);

/* Writes a string as jsonw_bytes() does, where jsonw_raw() said. */
void jsonw_quote(struct out *o, const char *at, size_t n);

/* Ends a line between values of the outermost level (JSON lines). */
void jsonw_newline(struct jsonw *j);

#endif
