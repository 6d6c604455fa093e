#include "input/ctf/visit.h"

#include <math.h>
#include <string.h>

#include "input/ctf/bits.h"

const struct ctf_visitor ctf_visit_nothing = {0};

struct visiting {
	struct ctf_reader *r;
	const struct ctf_visitor *v;
	void *ctx;
};

static int visit(const struct visiting *w, const struct ctf_fc *fc, const char *name);

void ctf_reader_note(struct ctf_reader *r, const struct ctf_fc *fc, uint64_t value, unsigned size)
{
	if (fc->save != CTF_NO_SLOT)
		r->saved[fc->save] = value;
	if (fc->role != CTF_ROLE_NONE) {
		r->role[fc->role] = value;
		r->roles_seen |= 1u << fc->role;
	}
	/* A packet's end time tells the future: it is no value of the clock now. */
	if (fc->clock && fc->role != CTF_ROLE_END_TIME) {
		r->clock_before = r->clock;
		r->clock_size = size;
		r->clock = ctf_clock_extend(r->clock, value, size);
	}
}

uint64_t ctf_read_int(const uint8_t *data, uint64_t pos, const struct ctf_fc *fc)
{
	uint64_t v = fc->big_endian != fc->reversed_bits ? bits_read_be(data, pos, fc->size)
							 : bits_read_le(data, pos, fc->size);

	if (fc->reversed_bits)
		v = bits_reverse(v, fc->size);
	return fc->is_signed ? bits_sign_extend(v, fc->size) : v;
}

static int visit_int(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	if (!ctf_fits(w->r, fc->size))
		return CTF_READ_END;
	uint64_t value = ctf_read_int(w->r->data, w->r->pos, fc);

	w->r->pos += fc->size;
	ctf_reader_note(w->r, fc, value, fc->size);
	if (w->v->integer)
		w->v->integer(w->ctx, fc, name, value);
	return CTF_READ_OK;
}

int ctf_read_varint(struct ctf_reader *r, const struct ctf_fc *fc, uint64_t *valuep)
{
	uint64_t value = 0, pos = r->pos;
	unsigned size = 0;
	uint8_t byte;

	do {
		if (pos > r->end || r->end - pos < 8)
			return CTF_READ_END;
		byte = r->data[pos >> 3];
		pos += 8;
		if (size < 64)
			value |= (uint64_t)(byte & 0x7f) << size;
		size = size < 64 ? size + 7 : 64;
	} while (byte & 0x80);
	if (fc->is_signed && size < 64)
		value = bits_sign_extend(value, size);
	r->pos = pos;
	ctf_reader_note(r, fc, value, size < 64 ? size : 64);
	*valuep = value;
	return CTF_READ_OK;
}

static int visit_varint(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	uint64_t value;
	int read = ctf_read_varint(w->r, fc, &value);

	if (read)
		return read;
	if (w->v->integer)
		w->v->integer(w->ctx, fc, name, value);
	return CTF_READ_OK;
}

static double float_of(unsigned sign, int exponent, uint64_t mantissa, int exp_bits, int man_bits)
{
	int bias = (1 << (exp_bits - 1)) - 1;
	double fraction = ldexp((double)mantissa, -man_bits);
	double value;

	if (exponent == (1 << exp_bits) - 1)
		value = mantissa ? NAN : INFINITY;
	else if (exponent == 0)
		value = ldexp(fraction, 1 - bias);
	else
		value = ldexp(1.0 + fraction, exponent - bias);
	return sign ? -value : value;
}

/* Binary32 and binary64 are the machine's own; the others are rounded to a double. */
static double read_float(const struct ctf_reader *r, const struct ctf_fc *fc)
{
	uint64_t hi = 0, lo;
	unsigned low_size = fc->size > 64 ? 64 : fc->size;

	if (fc->big_endian) {
		if (fc->size > 64)
			hi = bits_read_be(r->data, r->pos, 64);
		lo = bits_read_be(r->data, r->pos + fc->size - low_size, low_size);
	} else {
		lo = bits_read_le(r->data, r->pos, low_size);
		if (fc->size > 64)
			hi = bits_read_le(r->data, r->pos + 64, 64);
	}
	switch (fc->size) {
	case 16:
		return float_of(lo >> 15 & 1, (int)(lo >> 10 & 0x1f), lo & 0x3ff, 5, 10);
	case 32: {
		uint32_t bits = (uint32_t)lo;
		float f;

		memcpy(&f, &bits, sizeof(f));
		return f;
	}
	case 64: {
		double d;

		memcpy(&d, &lo, sizeof(d));
		return d;
	}
	default: /* binary128: the upper 48 bits of the mantissa are in hi */
		return float_of(hi >> 63 & 1, (int)(hi >> 48 & 0x7fff),
				(hi & 0xffffffffffffull) << 16 | lo >> 48, 15, 64);
	}
}

static int visit_float(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	if (!ctf_fits(w->r, fc->size))
		return CTF_READ_END;
	if (w->v->real)
		w->v->real(w->ctx, fc, name, read_float(w->r, fc));
	w->r->pos += fc->size;
	return CTF_READ_OK;
}

static bool is_nul(const uint8_t *at, unsigned unit)
{
	return !at[0] && (unit < 2 || !at[1]) && (unit < 4 || (!at[2] && !at[3]));
}

static int visit_string(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	if (w->r->pos > w->r->end)
		return CTF_READ_END;
	const uint8_t *at = w->r->data + (w->r->pos >> 3);
	size_t left = (w->r->end - w->r->pos) >> 3, n = 0;

	while (n + fc->code_unit <= left && !is_nul(at + n, fc->code_unit))
		n += fc->code_unit;
	if (n + fc->code_unit > left)
		return CTF_READ_END;
	w->r->pos += (n + fc->code_unit) * 8;
	if (w->v->bytes)
		w->v->bytes(w->ctx, fc, name, at, n);
	return CTF_READ_OK;
}

static int visit_struct(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	if (w->v->open)
		w->v->open(w->ctx, fc, name, fc->n_members);
	for (uint32_t i = 0; i < fc->n_members; i++) {
		int r = visit(w, fc->members[i].fc, fc->members[i].name);

		if (r)
			return r;
	}
	if (w->v->close)
		w->v->close(w->ctx, fc);
	return CTF_READ_OK;
}

size_t ctf_text_length(const uint8_t *at, size_t n, unsigned unit)
{
	if (unit <= 1)
		return strnlen((const char *)at, n);
	for (size_t i = 0; i + unit <= n; i += unit) {
		if (is_nul(at + i, unit))
			return i;
	}
	return n;
}

static int visit_bytes(const struct visiting *w, const struct ctf_fc *fc, const char *name,
		       uint64_t n)
{
	if (n > UINT64_MAX / 8 || !ctf_fits(w->r, n * 8))
		return CTF_READ_END;
	const uint8_t *at = w->r->data + (w->r->pos >> 3);

	w->r->pos += n * 8;
	if (fc->content == CTF_CONTENT_TEXT)
		n = ctf_text_length(at, n, fc->code_unit);
	if (w->v->bytes)
		w->v->bytes(w->ctx, fc, name, at, n);
	return CTF_READ_OK;
}

bool ctf_is_bytes(const struct ctf_fc *fc)
{
	const struct ctf_fc *elem = fc->elem;

	return fc->content != CTF_CONTENT_ELEMENTS && elem->kind == CTF_INT && elem->size == 8 &&
	       elem->align <= 8 && !ctf_is_noted(elem);
}

static int visit_elements(const struct visiting *w, const struct ctf_fc *fc, const char *name,
			  uint64_t n)
{
	if (ctf_is_bytes(fc) && !(w->r->pos & 7))
		return visit_bytes(w, fc, name, n);
	if (w->v->open)
		w->v->open(w->ctx, fc, name, n);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t before = w->r->pos;
		int r = visit(w, fc->elem, NULL);

		if (r)
			return r;
		if (w->r->pos == before)
			break;
	}
	if (w->v->close)
		w->v->close(w->ctx, fc);
	return CTF_READ_OK;
}

static int visit_choice(const struct visiting *w, const struct ctf_fc *chosen, const char *name)
{
	if (w->v->choice)
		w->v->choice(w->ctx, name, true);
	int r = visit(w, chosen, name);

	if (!r && w->v->choice)
		w->v->choice(w->ctx, name, false);
	return r;
}

static int visit_variant(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	uint64_t selector = w->r->saved[fc->ref];

	for (uint32_t i = 0; i < fc->n_options; i++) {
		const struct ctf_option *o = &fc->options[i];

		if (ctf_in_ranges(o->ranges, o->n_ranges, selector, fc->ref_signed))
			return visit_choice(w, o->fc, name);
	}
	return CTF_READ_SELECTOR;
}

static int visit_optional(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	uint64_t selector = w->r->saved[fc->ref];
	bool present = fc->n_ranges
			       ? ctf_in_ranges(fc->ranges, fc->n_ranges, selector, fc->ref_signed)
			       : selector != 0;

	return present ? visit(w, fc->elem, name) : CTF_READ_OK;
}

static int visit(const struct visiting *w, const struct ctf_fc *fc, const char *name)
{
	w->r->pos = bits_align(w->r->pos, fc->align);
	switch (fc->kind) {
	case CTF_INT:
		return visit_int(w, fc, name);
	case CTF_VARINT:
		return visit_varint(w, fc, name);
	case CTF_FLOAT:
		return visit_float(w, fc, name);
	case CTF_STRING:
		return visit_string(w, fc, name);
	case CTF_STRUCT:
		return visit_struct(w, fc, name);
	case CTF_ARRAY:
		return visit_elements(w, fc, name, fc->length);
	case CTF_SEQUENCE:
		return visit_elements(w, fc, name, w->r->saved[fc->ref]);
	case CTF_VARIANT:
		return visit_variant(w, fc, name);
	case CTF_OPTIONAL:
		return visit_optional(w, fc, name);
	}
	return CTF_READ_END;
}

int ctf_visit(struct ctf_reader *r, const struct ctf_fc *fc, const char *name,
	      const struct ctf_visitor *v, void *ctx)
{
	struct visiting w = {.r = r, .v = v, .ctx = ctx};

	return visit(&w, fc, name);
}
