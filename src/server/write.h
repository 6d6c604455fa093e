/*
 * write: members of objects, which replies are full of.
 */
#ifndef VMSCOPE_SERVER_WRITE_H
#define VMSCOPE_SERVER_WRITE_H

#include "base/json.h"

static inline void write_text(struct jsonw *j, const char *key, const char *value)
{
	jsonw_key(j, key);
	jsonw_string(j, value);
}

static inline void write_int(struct jsonw *j, const char *key, int64_t value)
{
	jsonw_key(j, key);
	jsonw_int(j, value);
}

static inline void write_bool(struct jsonw *j, const char *key, bool value)
{
	jsonw_key(j, key);
	jsonw_bool(j, value);
}

/* Begins a member that is an object or an array, for jsonw_..._end(). */
static inline void write_object(struct jsonw *j, const char *key)
{
	jsonw_key(j, key);
	jsonw_object_begin(j);
}

static inline void write_array(struct jsonw *j, const char *key)
{
	jsonw_key(j, key);
	jsonw_array_begin(j);
}

static inline void write_empty(struct jsonw *j, const char *key)
{
	write_object(j, key);
	jsonw_object_end(j);
}

#endif
