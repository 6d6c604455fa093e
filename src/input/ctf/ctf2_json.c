#include "input/ctf/ctf2_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What marks a string that stands for an integer: a noncharacter of Unicode. */
static const char mark[] = "\xef\xb7\x90";

enum { MARK_LEN = 3 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Return: the length of the string or number at the start of s, or of one other character. */
static size_t token_len(const char *s, size_t size)
{
	size_t n = 1;

	if (s[0] == '"') {
		while (n < size && s[n] != '"')
			n += s[n] == '\\' && n + 1 < size ? 2 : 1;
		return n < size ? n + 1 : size;
	}
	if (is_digit(s[0])) {
		while (n < size && (is_digit(s[n]) || strchr(".eE+-", s[n])) && s[n])
			n++;
	}
	return n;
}

/* Return: whether the digits are a number of 64 bits; then *np is it. */
static bool parse_digits(const char *s, size_t len, uint64_t *np)
{
	*np = 0;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(s[i]) || __builtin_mul_overflow(*np, 10, np) ||
		    __builtin_add_overflow(*np, (uint64_t)(s[i] - '0'), np))
			return false;
	}
	return len > 0;
}

/* Return: whether it is one that jansson does not take, but that fits 64 bits. */
static bool is_large(const char *s, size_t len)
{
	uint64_t n;

	return parse_digits(s, len, &n) && n > INT64_MAX;
}

/* A copy of text, the caller's, with every large integer turned into a marked string. */
static char *mark_large(const char *text, size_t size, size_t *sizep)
{
	size_t n = 0, large = 0, len;

	for (size_t i = 0; i < size; i += token_len(text + i, size - i))
		large += is_large(text + i, token_len(text + i, size - i));
	char *copy = mem_alloc(size + large * (MARK_LEN + 2) + 1);
	for (size_t i = 0; i < size; i += len) {
		len = token_len(text + i, size - i);
		bool quote = is_large(text + i, len);

		if (quote) {
			copy[n++] = '"';
			memcpy(copy + n, mark, MARK_LEN);
			n += MARK_LEN;
		}
		memcpy(copy + n, text + i, len);
		n += len;
		if (quote)
			copy[n++] = '"';
	}
	*sizep = n;
	return copy;
}

static json_t *load_marked(const char *text, size_t size, json_error_t *e)
{
	size_t marked_size;
	char *marked = mark_large(text, size, &marked_size);
	json_t *v = json_loadb(marked, marked_size, JSON_REJECT_DUPLICATES, e);

	free(marked);
	return v;
}

json_t *ctf2_json_load(const char *text, size_t size, size_t *usedp, struct error *err)
{
	json_error_t e;
	json_t *v = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &e);

	*usedp = v ? (size_t)e.position : size;
	if (!v && json_error_code(&e) == json_error_numeric_overflow)
		v = load_marked(text, size, &e);
	if (!v)
		error_set(err, "its line %d: %s", e.line, e.text);
	return v;
}

static bool parse_marked(const char *s, struct ctf2_integer *np)
{
	np->negative = false;
	return !strncmp(s, mark, MARK_LEN) &&
	       parse_digits(s + MARK_LEN, strlen(s + MARK_LEN), &np->value);
}

bool ctf2_json_integer(const json_t *v, struct ctf2_integer *np)
{
	if (json_is_string(v))
		return parse_marked(json_string_value(v), np);
	if (!json_is_integer(v))
		return false;
	np->value = (uint64_t)json_integer_value(v);
	np->negative = json_integer_value(v) < 0;
	return true;
}

int ctf2_json_unsigned(const json_t *object, const char *name, uint64_t min, uint64_t max,
		       const uint64_t *fallback, uint64_t *np, struct error *err)
{
	const json_t *v = json_object_get(object, name);
	struct ctf2_integer n;

	if (!v && !fallback)
		return error_set(err, "'%s' is missing", name);
	if (!v) {
		*np = *fallback;
		return 0;
	}
	if (!ctf2_json_integer(v, &n))
		return error_set(err, "'%s' is not an integer", name);
	if (n.negative || n.value < min || n.value > max)
		return error_set(err, "'%s' is not within %" PRIu64 " and %" PRIu64, name, min,
				 max);
	*np = n.value;
	return 0;
}

int ctf2_json_string(const json_t *object, const char *name, const char *fallback, const char **sp,
		     struct error *err)
{
	const json_t *v = json_object_get(object, name);

	if (!v && !fallback)
		return error_set(err, "'%s' is missing", name);
	if (v && !json_is_string(v))
		return error_set(err, "'%s' is not a string", name);
	*sp = v ? json_string_value(v) : fallback;
	return 0;
}

int ctf2_json_compound(const json_t *object, const char *name, json_type type, bool required,
		       json_t **vp, struct error *err)
{
	*vp = json_object_get(object, name);
	if (!*vp && required)
		return error_set(err, "'%s' is missing", name);
	if (*vp && json_typeof(*vp) != type)
		return error_set(err, "'%s' is not an %s", name,
				 type == JSON_ARRAY ? "array" : "object");
	return 0;
}
