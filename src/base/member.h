/*
 * member: members of JSON's objects, a key with its value, which is most of what is written.
 *
 * After member_object() and member_array() come the members or values, and jsonw_object_end() or
 * jsonw_array_end().
 */
#ifndef VMSCOPE_BASE_MEMBER_H
#define VMSCOPE_BASE_MEMBER_H

#include "base/json.h"

static inline void member_text(struct jsonw *j, const char *key, const char *value)
{
	jsonw_key(j, key);
	jsonw_string(j, value); /* NULL: null */
}

static inline void member_int(struct jsonw *j, const char *key, int64_t value)
{
	jsonw_key(j, key);
	jsonw_int(j, value);
}

static inline void member_uint(struct jsonw *j, const char *key, uint64_t value)
{
	jsonw_key(j, key);
	jsonw_uint(j, value);
}

static inline void member_double(struct jsonw *j, const char *key, double value)
{
	jsonw_key(j, key);
	jsonw_double(j, value);
}

static inline void member_bool(struct jsonw *j, const char *key, bool value)
{
	jsonw_key(j, key);
	jsonw_bool(j, value);
}

/* Null where it is not known. */
static inline void member_known_int(struct jsonw *j, const char *key, int64_t value, bool known)
{
	jsonw_key(j, key);
	if (known)
		jsonw_int(j, value);
	else
		jsonw_null(j);
}

/* Null where it is not known. */
static inline void member_known_double(struct jsonw *j, const char *key, double value, bool known)
{
	jsonw_key(j, key);
	if (known)
		jsonw_double(j, value);
	else
		jsonw_null(j);
}

static inline void member_object(struct jsonw *j, const char *key)
{
	jsonw_key(j, key);
	jsonw_object_begin(j);
}

static inline void member_array(struct jsonw *j, const char *key)
{
	jsonw_key(j, key);
	jsonw_array_begin(j);
}

static inline void member_empty(struct jsonw *j, const char *key)
{
	member_object(j, key);
	jsonw_object_end(j);
}

#endif
