#include "export/proto.h"

#include "base/escape.h"
#include "base/utf8.h"
#include "store/format.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2 };

static void put_tag(struct proto *p, unsigned field, enum wire_type type)
{
	bytes_varint(&p->bytes, (uint64_t)field << 3 | type);
}

void proto_uint(struct proto *p, unsigned field, uint64_t value)
{
	put_tag(p, field, WIRE_VARINT);
	bytes_varint(&p->bytes, value);
}

void proto_int(struct proto *p, unsigned field, int64_t value)
{
	proto_uint(p, field, (uint64_t)value);
}

void proto_fixed64(struct proto *p, unsigned field, uint64_t value)
{
	uint8_t at[sizeof(value)];

	format_store64(at, value);
	put_tag(p, field, WIRE_64);
	bytes_put(&p->bytes, at, sizeof(at));
}

void proto_double(struct proto *p, unsigned field, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	proto_fixed64(p, field, bits);
}

void proto_begin(struct proto *p, unsigned field)
{
	p->open[p->depth].field = field;
	p->open[p->depth++].begin = p->bytes.n;
}

/* Moves the content to make room for its tag and length, which are known only now. */
void proto_end(struct proto *p)
{
	size_t begin = p->open[--p->depth].begin, n = p->bytes.n - begin;

	put_tag(p, p->open[p->depth].field, WIRE_BYTES);
	bytes_varint(&p->bytes, n);
	size_t head = p->bytes.n - begin - n;
	uint8_t copy[2 * BYTES_MAX_VARINT];

	memcpy(copy, p->bytes.at + begin + n, head);
	memmove(p->bytes.at + begin + head, p->bytes.at + begin, n);
	memcpy(p->bytes.at + begin, copy, head);
}

void proto_text(struct proto *p, unsigned field, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t n = strlen(text);

	proto_begin(p, field);
	for (size_t i = 0; i < n;) {
		size_t length = utf8_length(at + i, n - i);

		if (!escape_unsafe(at + i, n - i))
			bytes_put(&p->bytes, at + i, length);
		else
			bytes_put(&p->bytes, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
		i += length ? length : 1;
	}
	proto_end(p);
}

void proto_message(struct proto *p, unsigned field, const struct proto *message)
{
	put_tag(p, field, WIRE_BYTES);
	bytes_varint(&p->bytes, message->bytes.n);
	bytes_put(&p->bytes, message->bytes.at, message->bytes.n);
}

void proto_write(struct proto *p, unsigned field, struct out *out)
{
	proto_begin(p, field);
	p->open[0].begin = 0;
	proto_end(p);
	out_bytes(out, (const char *)p->bytes.at, p->bytes.n);
	p->bytes.n = 0;
}

void proto_deinit(struct proto *p)
{
	bytes_deinit(&p->bytes);
	*p = (struct proto){0};
}
