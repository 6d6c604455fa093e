/*
 * field: the fields of an event as somebody is shown them, whatever format they were recorded in.
 *
 * A reader that shows an event's fields (walk.h) tells a visitor each of them in the order in which
 * they were recorded, with a struct field that says what it is.
 */
#ifndef VMSCOPE_INPUT_FIELD_H
#define VMSCOPE_INPUT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
	FIELD_INT, /* an enumeration if is_enum */
	FIELD_REAL,
	FIELD_TEXT,
	FIELD_BLOB,
	FIELD_STRUCT,
	FIELD_ARRAY,
	FIELD_CHOICE, /* what holds one field of several possible ones; only its open and close are
			 told */
};

/* An inclusive range of an integer. lo and hi are int64_t or uint64_t by the integer's sign. */
struct field_range {
	uint64_t lo, hi;
};

struct field_label {
	const char *name;
	struct field_range range; /* a label with several ranges stands here several times */
};

struct field {
	const char *name; /* NULL for elements of arrays */
	enum field_kind kind;
	uint16_t size; /* FIELD_INT, FIELD_REAL: bits; 0: of varying length */
	bool is_signed;
	bool is_bool;
	bool is_enum;	   /* also when it has no labels */
	bool is_cpu;	   /* it is the CPU, which whoever shows it may know already */
	uint8_t base;	   /* preferred for display: 2, 8, 10 or 16 */
	uint8_t code_unit; /* FIELD_TEXT: bytes: 1, 2 or 4 (UTF-16, UTF-32) */
	bool big_endian;   /* of code units */
	const struct field_label *labels; /* borrowed */
	uint32_t n_labels;
};

/* Return: whether a value of the field is one of the label's. */
static inline bool field_label_fits(const struct field *f, const struct field_label *label,
				    uint64_t value)
{
	if (f->is_signed)
		return (int64_t)value >= (int64_t)label->range.lo &&
		       (int64_t)value <= (int64_t)label->range.hi;
	return value >= label->range.lo && value <= label->range.hi;
}

/* Any callback may be NULL. The field is borrowed, until the call returns. */
struct field_visitor {
	void (*open)(void *ctx,
		     const struct field *f); /* FIELD_STRUCT, FIELD_ARRAY, FIELD_CHOICE */
	void (*close)(void *ctx, const struct field *f);
	void (*integer)(void *ctx, const struct field *f, uint64_t value);
	void (*real)(void *ctx, const struct field *f, double value);
	/* FIELD_TEXT (without its NUL) and FIELD_BLOB. Borrowed. */
	void (*bytes)(void *ctx, const struct field *f, const uint8_t *at, size_t n);
};

/* The groups in which an event's fields stand, in this order. */
enum field_scope {
	SCOPE_PACKET,	     /* of the packet: the same for all its events */
	SCOPE_CONTEXT,	     /* of every event */
	SCOPE_EVENT_CONTEXT, /* of events of this class */
	SCOPE_PAYLOAD,
	N_SCOPES,
};

#endif
