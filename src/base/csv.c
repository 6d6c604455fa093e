#include "base/csv.h"

#include <string.h>

#include "base/escape.h"
#include "base/utf8.h"

static bool csv_is_formula(const char *text, size_t n)
{
	return n && strchr("=+-@\t\r", text[0]) && text[0];
}

static void csv_escaped(struct out *o, const char *text, size_t n)
{
	const uint8_t *at = (const uint8_t *)text;
	char name[ESCAPE_SIZE];

	for (size_t i = 0, length; i < n; i += length) {
		length = at[i] == '\n' || at[i] == '\t' ? 0 : escape_unsafe(at + i, n - i);
		if (length) {
			escape_name(name, at + i, length);
			out_str(o, name);
			continue;
		}
		length = utf8_length(at + i, n - i);
		if (text[i] == '"')
			out_char(o, '"');
		out_bytes(o, text + i, length);
	}
}

void csv_text(struct out *o, const char *text, size_t n)
{
	bool quoted = memchr(text, ',', n) || memchr(text, '"', n) || memchr(text, '\n', n);

	out_bytes(o, "\"", quoted);
	out_bytes(o, "'", csv_is_formula(text, n));
	csv_escaped(o, text, n);
	out_bytes(o, "\"", quoted);
}
