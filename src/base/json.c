#include "base/json.h"

#include <math.h>

#include "base/escape.h"
#include "base/utf8.h"

void jsonw_init(struct jsonw *j, FILE *file)
{
	*j = (struct jsonw){0};
	out_init(&j->out, file);
}

void jsonw_deinit(struct jsonw *j)
{
	out_deinit(&j->out);
}

static void begin_value(struct jsonw *j)
{
	if (j->comma)
		out_char(&j->out, ',');
	j->comma = true;
}

static void open_with(struct jsonw *j, char bracket)
{
	begin_value(j);
	out_char(&j->out, bracket);
	j->comma = false;
}

static void close_with(struct jsonw *j, char bracket)
{
	out_char(&j->out, bracket);
	j->comma = true;
}

void jsonw_object_begin(struct jsonw *j)
{
	open_with(j, '{');
}

void jsonw_object_end(struct jsonw *j)
{
	close_with(j, '}');
}

void jsonw_array_begin(struct jsonw *j)
{
	open_with(j, '[');
}

void jsonw_array_end(struct jsonw *j)
{
	close_with(j, ']');
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

/* As \u202e, which JSON reads. */
static void escape_mark(struct out *o, const uint8_t *at, size_t length)
{
	char name[ESCAPE_SIZE];

	escape_name(name, at, length);
	out_str(o, name);
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void jsonw_quote(struct out *o, const char *text, size_t n)
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
		else if (length && escape_unsafe(at + i, n - i))
			escape_mark(o, at + i, length);
		else if (length)
			out_bytes(o, text + i, length);
		else
			out_str(o, UTF8_REPLACEMENT);
		i += length ? length : 1;
	}
	out_char(o, '"');
}

void jsonw_key(struct jsonw *j, const char *key)
{
	begin_value(j);
	jsonw_quote(&j->out, key, strlen(key));
	out_char(&j->out, ':');
	j->comma = false;
}

void jsonw_int(struct jsonw *j, int64_t value)
{
	begin_value(j);
	out_int(&j->out, value);
}

void jsonw_uint(struct jsonw *j, uint64_t value)
{
	begin_value(j);
	out_uint(&j->out, value);
}

void jsonw_double(struct jsonw *j, double value)
{
	if (!isfinite(value)) {
		jsonw_null(j);
		return;
	}
	begin_value(j);
	out_double(&j->out, value);
}

void jsonw_bool(struct jsonw *j, bool value)
{
	begin_value(j);
	out_str(&j->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *j)
{
	begin_value(j);
	out_str(&j->out, "null");
}

void jsonw_bytes(struct jsonw *j, const char *at, size_t n)
{
	begin_value(j);
	jsonw_quote(&j->out, at, n);
}

void jsonw_string(struct jsonw *j, const char *s)
{
	if (s)
		jsonw_bytes(j, s, strlen(s));
	else
		jsonw_null(j);
}

struct out *jsonw_raw(struct jsonw *j)
{
	begin_value(j);
	return &j->out;
}

void jsonw_newline(struct jsonw *j)
{
	out_char(&j->out, '\n');
	j->comma = false;
}
