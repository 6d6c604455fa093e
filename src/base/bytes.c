#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

uint8_t *bytes_room(struct bytes *b, size_t more)
{
	/* There is always a place to point at, even for nothing. */
	if (!b->at || b->cap - b->n < more) {
		b->cap = b->cap * 2 > b->n + more ? b->cap * 2 : b->n + more + 1;
		b->at = mem_realloc(b->at, b->cap);
	}
	return b->at + b->n;
}

void bytes_put(struct bytes *b, const void *at, size_t n)
{
	uint8_t *to = bytes_room(b, n);

	if (n)
		memcpy(to, at, n);
	b->n += n;
}

void bytes_varint(struct bytes *b, uint64_t x)
{
	uint8_t *at = bytes_room(b, BYTES_MAX_VARINT);

	for (; x >= 0x80; x >>= 7)
		*at++ = (uint8_t)(x | 0x80);
	*at++ = (uint8_t)x;
	b->n = (size_t)(at - b->at);
}

void bytes_svarint(struct bytes *b, int64_t x)
{
	bytes_varint(b, bytes_zigzag(x));
}

void bytes_deinit(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){0};
}

int slice_varint(struct slice *s, uint64_t *xp)
{
	uint64_t x = 0;

	for (unsigned shift = 0; s->at < s->end && shift < 64; shift += 7) {
		uint8_t byte = *s->at++;

		x |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*xp = x;
			return shift == 63 && byte > 1 ? -1 : 0;
		}
	}
	return -1;
}

int slice_svarint(struct slice *s, int64_t *xp)
{
	uint64_t x = 0;
	int r = slice_varint(s, &x);

	*xp = bytes_unzigzag(x);
	return r;
}
