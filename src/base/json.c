#include "base/json.h"

#include <math.h>

void json_init(struct json *j, FILE *file)
{
	*j = (struct json){0};
	out_init(&j->out, file);
}

void json_deinit(struct json *j)
{
	out_deinit(&j->out);
}

static void begin_value(struct json *j)
{
	if (j->comma)
		out_char(&j->out, ',');
	j->comma = true;
}

static void open_with(struct json *j, char bracket)
{
	begin_value(j);
	out_char(&j->out, bracket);
	j->comma = false;
}

static void close_with(struct json *j, char bracket)
{
	out_char(&j->out, bracket);
	j->comma = true;
}

void json_object_begin(struct json *j)
{
	open_with(j, '{');
}

void json_object_end(struct json *j)
{
	close_with(j, '}');
}

void json_array_begin(struct json *j)
{
	open_with(j, '[');
}

void json_array_end(struct json *j)
{
	close_with(j, ']');
}

/* How many bytes the sound UTF-8 sequence at `at` has; 0 if there is none. */
static size_t utf8_length(const uint8_t *at, size_t n)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint8_t low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;  /* no overlong forms */
	uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf; /* no surrogates */

	if (length == 1)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4 || length > n || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

static void escape(struct out *o, uint8_t c)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *p = short_forms; *p; p += 2) {
		if ((uint8_t)*p == c) {
			out_char(o, '\\');
			out_char(o, p[1]);
			return;
		}
	}
	out_str(o, "\\u00");
	out_char(o, "0123456789abcdef"[c >> 4]);
	out_char(o, "0123456789abcdef"[c & 15]);
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void quote(struct out *o, const char *text, size_t n)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t i = 0;

	out_char(o, '"');
	while (i < n) {
		size_t start = i;

		while (i < n && is_plain(at[i]))
			i++;
		out_bytes(o, text + start, i - start);
		if (i == n)
			break;
		size_t length = utf8_length(at + i, n - i);

		if (length == 1)
			escape(o, at[i]);
		else if (length)
			out_bytes(o, text + i, length);
		else
			out_str(o, "\xef\xbf\xbd");
		i += length ? length : 1;
	}
	out_char(o, '"');
}

void json_key(struct json *j, const char *key)
{
	begin_value(j);
	quote(&j->out, key, strlen(key));
	out_char(&j->out, ':');
	j->comma = false;
}

void json_int(struct json *j, int64_t value)
{
	begin_value(j);
	out_int(&j->out, value);
}

void json_uint(struct json *j, uint64_t value)
{
	begin_value(j);
	out_uint(&j->out, value);
}

void json_double(struct json *j, double value)
{
	if (!isfinite(value)) {
		json_null(j);
		return;
	}
	begin_value(j);
	out_double(&j->out, value);
}

void json_bool(struct json *j, bool value)
{
	begin_value(j);
	out_str(&j->out, value ? "true" : "false");
}

void json_null(struct json *j)
{
	begin_value(j);
	out_str(&j->out, "null");
}

void json_bytes(struct json *j, const char *at, size_t n)
{
	begin_value(j);
	quote(&j->out, at, n);
}

void json_string(struct json *j, const char *s)
{
	if (s)
		json_bytes(j, s, strlen(s));
	else
		json_null(j);
}

void json_newline(struct json *j)
{
	out_char(&j->out, '\n');
	j->comma = false;
}
