#include "inspect/listing_print.h"

#include "base/mem.h"

static uint32_t read_unit(const struct field *f, const uint8_t *at)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < f->code_unit; i++)
		value = value << 8 | at[f->big_endian ? i : f->code_unit - 1 - i];
	return value;
}

static size_t put_code_point(char *to, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)((0xf00 >> n & 0xff) | c);
	return n;
}

char *listing_utf8(const struct field *f, const uint8_t *at, size_t n, size_t *np)
{
	unsigned unit = f->code_unit;
	char *text = mem_alloc(n * 2 + 4);
	size_t used = 0;

	for (size_t i = 0; i + unit <= n; i += unit) {
		uint32_t c = read_unit(f, at + i);
		bool pair = unit == 2 && c >> 10 == 0xd800 >> 10 && i + 2 * unit <= n;
		uint32_t low = pair ? read_unit(f, at + i + unit) : 0;

		if (low >> 10 == 0xdc00 >> 10) {
			c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			i += unit;
		}
		used += put_code_point(text + used, c);
	}
	*np = used;
	return text;
}
