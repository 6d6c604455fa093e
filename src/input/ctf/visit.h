/*
 * visit: the plain decoder. It walks a field class over the bytes and tells a visitor every field.
 *
 * It is the obvious way to decode: used where every field is wanted (printing) or speed does not
 * matter (packet headers), and in tests as the oracle of the compiled plans (plan.h).
 */
#ifndef VMSCOPE_CTF_VISIT_H
#define VMSCOPE_CTF_VISIT_H

#include <stddef.h>
#include <stdint.h>

#include "input/ctf/type.h"

/* Why decoding could not go on. Positive: an answer of every decoding function. */
enum ctf_read {
	CTF_READ_OK = 0,
	CTF_READ_END = 1,      /* the field reaches past the end of the content */
	CTF_READ_SELECTOR = 2, /* no option of a variant fits its selector */
};

/* Where in a packet decoding stands, and what fields read so far said. */
struct ctf_reader {
	const uint8_t *data;   /* the packet's first byte */
	uint64_t pos;	       /* bits from there */
	uint64_t end;	       /* bits; nothing at or past it is read */
	uint64_t *saved;       /* n_saves values */
	uint64_t clock;	       /* cycles: the default clock as extended by the fields so far */
	uint64_t clock_before; /* its value before the last update */
	uint32_t clock_size;   /* bits of the field that updated it last */
	uint32_t roles_seen;   /* bit per enum ctf_role */
	uint64_t role[CTF_N_ROLES];
};

/* Any callback may be NULL. `name` is NULL for elements of arrays and sequences. */
struct ctf_visitor {
	void (*open)(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n);
	void (*close)(void *ctx, const struct ctf_fc *fc);
	void (*integer)(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value);
	void (*real)(void *ctx, const struct ctf_fc *fc, const char *name, double value);
	/* Around what a variant holds. */
	void (*choice)(void *ctx, const char *name, bool opens);
	/* A string, or an array or sequence that is text (cut at its NUL) or a blob. Borrowed. */
	void (*bytes)(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
		      size_t n);
};

/* A visitor that wants nothing: decoding then only moves the reader. */
extern const struct ctf_visitor ctf_visit_nothing;

/*
 * Decodes one field of class fc at the reader's position, which is moved behind it.
 *
 * Elements of a sequence can be without size (an optional that is absent). They are all alike, and
 * a damaged length could ask for 2^64 of them: the first one stands for the rest.
 * Return: enum ctf_read; when not CTF_READ_OK the position is that of the field that failed.
 */
int ctf_visit(struct ctf_reader *r, const struct ctf_fc *fc, const char *name,
	      const struct ctf_visitor *v, void *ctx);

/* The fixed-length integer fc at bit `pos` of data, sign- or zero-extended. Bounds are the
 * caller's. */
uint64_t ctf_read_int(const uint8_t *data, uint64_t pos, const struct ctf_fc *fc);

/*
 * Reads a LEB128 integer, notes it and moves behind it; bits past the 64th are dropped.
 * Return: enum ctf_read.
 */
int ctf_read_varint(struct ctf_reader *r, const struct ctf_fc *fc, uint64_t *valuep);

/* Stores what an integer of `size` bits says to the reader itself: save slot, role, clock. */
void ctf_reader_note(struct ctf_reader *r, const struct ctf_fc *fc, uint64_t value, unsigned size);

/* Return: whether ctf_reader_note() has anything to do for fc. */
static inline bool ctf_is_noted(const struct ctf_fc *fc)
{
	return fc->save != CTF_NO_SLOT || fc->role != CTF_ROLE_NONE || fc->clock;
}

/*
 * Return: whether an array or sequence that begins at a whole byte is taken as bytes (text or a
 * blob) and not as numbers.
 */
bool ctf_is_bytes(const struct ctf_fc *fc);

/* Return: how many of the n bytes stand before the first NUL code point of `unit` bytes. */
size_t ctf_text_length(const uint8_t *at, size_t n, unsigned unit);

/* Return: whether so many bits are left. None are always left, also in padding past the end. */
static inline bool ctf_fits(const struct ctf_reader *r, uint64_t bits)
{
	return !bits || (r->pos <= r->end && bits <= r->end - r->pos);
}

/*
 * The clock after a timestamp field of `size` bits with this value: the least one that is not
 * before `clock` and has these low bits.
 */
static inline uint64_t ctf_clock_extend(uint64_t clock, uint64_t value, unsigned size)
{
	if (size >= 64)
		return value;
	uint64_t mask = (UINT64_C(1) << size) - 1;
	return clock + ((value - clock) & mask);
}

#endif
