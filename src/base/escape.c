#include "base/escape.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static uint32_t escape_code(const uint8_t *at, size_t length)
{
	uint32_t code = at[0] & (0xff >> (length + 1));

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (at[i] & 0x3f);
	return code;
}

/* Controls of more than one byte, marks of direction, and separators that end a line. */
static bool escape_is_mark(uint32_t c)
{
	return c < 0xa0 || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t escape_unsafe(const uint8_t *at, size_t n)
{
	size_t length;

	if (at[0] < 0x80)
		return at[0] < ' ' || at[0] == 0x7f;
	length = utf8_length(at, n);
	if (!length)
		return 1;
	return length < 4 && escape_is_mark(escape_code(at, length)) ? length : 0;
}

void escape_name(char to[ESCAPE_SIZE], const uint8_t *at, size_t length)
{
	if (length > 1)
		snprintf(to, ESCAPE_SIZE, "\\u%04x", escape_code(at, length) & 0xffff);
	else
		snprintf(to, ESCAPE_SIZE, "\\x%02x", at[0]);
}

/* Return: how many bytes from `at` on can be shown as they are. */
static size_t escape_safe_run(const uint8_t *at, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (at[i] >= ' ' && at[i] < 0x7f)
			i++;
		else if (at[i] == '\n' || at[i] == '\t')
			i++;
		else if (escape_unsafe(at + i, n - i))
			break;
		else
			i += utf8_length(at + i, n - i);
	}
	return i;
}

void escape_write(FILE *f, const char *text, size_t n)
{
	const uint8_t *at = (const uint8_t *)text;
	char name[ESCAPE_SIZE];

	while (n) {
		size_t safe = escape_safe_run(at, n), length;

		fwrite(at, 1, safe, f);
		at += safe;
		n -= safe;
		if (!n)
			return;
		length = escape_unsafe(at, n);
		escape_name(name, at, length);
		fputs(name, f);
		at += length;
		n -= length;
	}
}

void escape_print(FILE *f, const char *text)
{
	escape_write(f, text, strlen(text));
}
