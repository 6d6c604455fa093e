/*
 * ctf2_json: typed access to the properties of a JSON object.
 *
 * CTF 2 has integers up to 2^64 - 1 (the ranges of unsigned labels), jansson only those of int64_t.
 * The larger ones are read as strings of digits behind a mark that no other string begins with;
 * ctf2_json_integer() knows both forms.
 */
#ifndef VMSCOPE_CTF_CTF2_JSON_H
#define VMSCOPE_CTF_CTF2_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ctf2_integer {
	uint64_t value; /* two's complement when negative */
	bool negative;
};

/*
 * Reads the JSON value that text begins with.
 * Return: the value, the caller's, with *usedp set; or NULL with err set.
 */
json_t *ctf2_json_load(const char *text, size_t size, size_t *usedp, struct error *err);

/* Return: whether v (NULL is none) is an integer. */
bool ctf2_json_integer(const json_t *v, struct ctf2_integer *np);

/*
 * The property of this name. A `fallback` makes it optional; NULL requires it.
 * Return: 0, or ERR with err set when it is missing, of another type or out of bounds.
 */
int ctf2_json_unsigned(const json_t *object, const char *name, uint64_t min, uint64_t max,
		       const uint64_t *fallback, uint64_t *np, struct error *err);
int ctf2_json_string(const json_t *object, const char *name, const char *fallback, const char **sp,
		     struct error *err);

/*
 * The property of this name if it has the type JSON_OBJECT or JSON_ARRAY.
 * Return: 0 with *vp set, to NULL when it is missing and not required; or ERR with err set.
 */
int ctf2_json_compound(const json_t *object, const char *name, json_type type, bool required,
		       json_t **vp, struct error *err);

#endif
