#include "base/out.h"

#include <stdlib.h>

#include "base/escape.h"
#include "base/mem.h"

static void out_hand_over(struct out *o, const char *at, size_t n)
{
	if (o->is_shown)
		escape_write(o->file, at, n);
	else if (n)
		fwrite(at, 1, n, o->file);
}

void out_init(struct out *o, FILE *file)
{
	*o = (struct out){.file = file, .buf = mem_alloc(OUT_SIZE)};
}

void out_deinit(struct out *o)
{
	out_flush(o);
	out_hand_over(o, o->buf, o->n);
	free(o->buf);
	*o = (struct out){0};
}

void out_show(struct out *o)
{
	o->is_shown = true;
}

/* Return: bytes of a character at the end of which there is more to come. */
static size_t out_begun(const struct out *o)
{
	for (size_t n = 1; o->is_shown && n <= 3 && n <= o->n; n++) {
		uint8_t c = (uint8_t)o->buf[o->n - n];

		if (c >= 0xc0)
			return c >= (n == 1 ? 0xc0 : n == 2 ? 0xe0 : 0xf0) ? n : 0;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

void out_flush(struct out *o)
{
	size_t rest = out_begun(o);

	out_hand_over(o, o->buf, o->n - rest);
	memmove(o->buf, o->buf + o->n - rest, rest);
	o->n = rest;
}

bool out_failed(const struct out *o)
{
	return ferror(o->file) != 0;
}

void out_long(struct out *o, const char *at, size_t n)
{
	out_hand_over(o, o->buf, o->n);
	o->n = 0;
	if (n >= OUT_SIZE) {
		out_hand_over(o, at, n);
		return;
	}
	memcpy(o->buf, at, n);
	o->n = n;
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

/* The digits of x < 10^8, with the zeros before it; no pair of them waits for another. */
static void put_eight(char *at, uint32_t x)
{
	const uint32_t high = x / 10000, low = x % 10000;

	memcpy(at, pairs + high / 100 * 2, 2);
	memcpy(at + 2, pairs + high % 100 * 2, 2);
	memcpy(at + 4, pairs + low / 100 * 2, 2);
	memcpy(at + 6, pairs + low % 100 * 2, 2);
}

/* The digits of x < 10^8, at least one. Return: where they end. */
static char *put_few(char *at, uint32_t x)
{
	char digits[8];
	size_t i = 0;

	put_eight(digits, x);
	while (i < sizeof(digits) - 1 && digits[i] == '0')
		i++;
	while (i < sizeof(digits))
		*at++ = digits[i++];
	return at;
}

char *out_digits(char *at, uint64_t value)
{
	const uint32_t eight = 100000000;

	if (value < eight)
		return put_few(at, (uint32_t)value);
	at = out_digits(at, value / eight);
	put_eight(at, (uint32_t)(value % eight));
	return at + 8;
}

void out_uint(struct out *o, uint64_t value)
{
	char digits[OUT_DIGITS];

	out_bytes(o, digits, (size_t)(out_digits(digits, value) - digits));
}

void out_int(struct out *o, int64_t value)
{
	if (value < 0)
		out_char(o, '-');
	out_uint(o, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void out_padded(struct out *o, uint64_t value, unsigned width)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + value % 10);
		value /= 10;
	} while (p > digits && (value || digits + sizeof(digits) - p < (ptrdiff_t)width));
	out_bytes(o, p, (size_t)(digits + sizeof(digits) - p));
}

void out_based(struct out *o, uint64_t value, unsigned base)
{
	char digits[64], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789ABCDEF"[value % base];
		value /= base;
	} while (value);
	out_bytes(o, p, (size_t)(digits + sizeof(digits) - p));
}

void out_double(struct out *o, double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	out_str(o, value != value ? "nan" : text);
}
