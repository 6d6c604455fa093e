/*
 * out: buffered text output, made for many small pieces.
 *
 * Printing every event of a trace writes dozens of short words and numbers per event; these land
 * in a buffer by inline code and reach the FILE in large blocks. Whether writing worked is the
 * FILE's to say (ferror()).
 */
#ifndef VMSCOPE_BASE_OUT_H
#define VMSCOPE_BASE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OUT_SIZE = 1 << 16, OUT_DIGITS = 20 /* of any number */ };

struct out {
	FILE *file; /* borrowed */
	char *buf;  /* owned, OUT_SIZE bytes */
	size_t n;
	bool is_shown; /* out_show() */
};

void out_init(struct out *o, FILE *file);

/*
 * It is for people: what of it must not be shown as it is (base/escape.h) is written by its name,
 * from whichever text it comes.
 */
void out_show(struct out *o);

/* Flushes, and frees the buffer; the FILE stays open. */
void out_deinit(struct out *o);

/* Hands everything to the FILE. */
void out_flush(struct out *o);

/* Return: whether writing failed already, so that more of it is pointless. */
bool out_failed(const struct out *o);

/* Bytes that may be more than fit in the buffer. */
void out_long(struct out *o, const char *at, size_t n);

static inline void out_bytes(struct out *o, const char *at, size_t n)
{
	if (__builtin_expect(n > OUT_SIZE - o->n, 0)) {
		out_long(o, at, n);
		return;
	}
	memcpy(o->buf + o->n, at, n);
	o->n += n;
}

static inline void out_str(struct out *o, const char *s)
{
	out_bytes(o, s, strlen(s));
}

static inline void out_char(struct out *o, char c)
{
	if (__builtin_expect(o->n == OUT_SIZE, 0))
		out_flush(o);
	o->buf[o->n++] = c;
}

/* Return: where `most` bytes can be put directly; o->n is to be raised by what was. */
static inline char *out_room(struct out *o, size_t most)
{
	if (__builtin_expect(most > OUT_SIZE - o->n, 0))
		out_flush(o);
	return o->buf + o->n;
}

/* Puts the decimal digits of a number. Return: where they end. */
char *out_digits(char *at, uint64_t value);

void out_uint(struct out *o, uint64_t value);
void out_int(struct out *o, int64_t value);

/* Decimal, with zeros before it up to `width` digits. */
void out_padded(struct out *o, uint64_t value, unsigned width);

/* Base 2, 8 or 16 (upper case), without a prefix; 0 is "0". */
void out_based(struct out *o, uint64_t value, unsigned base);

/* The shortest decimal form that reads back as the same double; "nan", "inf", "-inf". */
void out_double(struct out *o, double value);

#endif
