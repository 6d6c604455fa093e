/*
 * format: events as the kernel's tracepoints write them, which trace.dat and perf.data both hold.
 *
 * What a record looks like stands in the recording itself, in the text that the kernel gives as
 * events/SYSTEM/NAME/format: name, ID, and a line per field with its offset, size and sign. Only
 * those lines are read, never the "print fmt". Offsets and sizes move between kernels, so none is
 * ever assumed.
 *
 *	field:char prev_comm[16];	offset:8;	size:16;	signed:0;
 *	field:__data_loc char[] name;	offset:8;	size:4;		signed:0;	u16 offset, u16 length
 *	field:__rel_loc char[] name;	offset:8;	size:4;		signed:0;	the same, from its own end
 */
#ifndef VMSCOPE_INPUT_FTRACE_FORMAT_H
#define VMSCOPE_INPUT_FTRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/load.h"
#include "base/mem.h"
#include "events/layout.h"
#include "input/field.h"

enum ftrace_place {
	FTRACE_FIXED,
	/*
	 * its place is in the field: low 16 bits offset in the record, high 16 its length in bytes
	 */
	FTRACE_DATA_LOC,
	FTRACE_REL_LOC, /* the same, but the offset is from the end of the field */
	FTRACE_REST,	/* size 0 (`char buf[]`): what is left of the record */
};

struct ftrace_field {
	const char *name;
	const char *type; /* as written, without the name: "char[16]", "unsigned long", "u64" */
	uint32_t offset, size; /* bytes, in the record; of all elements */
	uint32_t elem_size;    /* of one: 1, 2, 4, 8; another: bytes that mean nothing to us */
	enum ftrace_place place;
	bool is_signed, is_array;
	bool is_text;	 /* characters up to a NUL */
	bool is_pointer; /* shown in base 16 */
	bool is_bool;
};

struct ftrace_format {
	uint16_t id;
	const char *system, *name, *full_name; /* "kvm", "kvm_entry", "kvm:kvm_entry" */
	struct ftrace_field *fields;	       /* in the order of the text */
	uint32_t n_fields, n_common; /* the first n_common are common_type ... common_pid */
	uint32_t index;		     /* in struct ftrace_formats' `all` */
};

/*
 * The event formats of one recording. Zeroed, with arena, endianness and long_size set, it is
 * empty.
 */
struct ftrace_formats {
	struct arena *arena;		 /* borrowed */
	bool big_endian;		 /* of the records */
	bool is_x86_64;			 /* so are the numbers of system calls */
	unsigned long_size;		 /* 4 or 8, of the kernel */
	VEC(struct ftrace_format *) all; /* in the order in which they were added; no id twice */
	struct ftrace_format **by_id;	 /* owned; n_by_id of them, NULL where there is none */
	uint32_t n_by_id;
	/* Where common_type and common_pid are; the same in all formats. size 0: there is none. */
	struct ftrace_field common_type, common_pid;
};

/*
 * Reads one format text, which is not NUL-terminated. A second text with the same id is left out.
 * Text is hostile: lines that cannot be read are left out, fields past 1 MiB refused.
 * Return: 0, or ERR with err set when it has no name, no ID or no field.
 */
int ftrace_formats_add(struct ftrace_formats *fs, const char *system, const char *text, size_t size,
		       struct error *err);
void ftrace_formats_deinit(struct ftrace_formats *fs);

/*
 * An integer field's value in a record, sign- or zero-extended; 0 when it reaches past the record's
 * end.
 */
uint64_t ftrace_read_int(const struct ftrace_formats *fs, const struct ftrace_field *field,
			 const uint8_t *record, size_t size);

/* The number of the record's format. */
static inline uint32_t ftrace_id_of(const struct ftrace_formats *fs, const uint8_t *record,
				    size_t size)
{
	if (__builtin_expect(fs->common_type.offset || fs->common_type.size != sizeof(uint16_t) ||
				     size < sizeof(uint16_t),
			     0))
		return (uint32_t)ftrace_read_int(fs, &fs->common_type, record, size);
	return load_u16(record, fs->big_endian);
}

/* Return: NULL if no format has this id. */
static inline const struct ftrace_format *ftrace_format_of(const struct ftrace_formats *fs,
							   uint32_t id)
{
	return id < fs->n_by_id ? fs->by_id[id] : NULL;
}

/* Return: NULL if it has no field of this name. Of two, the first. */
const struct ftrace_field *ftrace_find_field(const struct ftrace_format *f, const char *name);

/*
 * Shows the fields of a record: the common ones but common_type (SCOPE_CONTEXT) or the event's own
 * (SCOPE_PAYLOAD), as one FIELD_STRUCT without a name.
 */
void ftrace_visit(const struct ftrace_formats *fs, const struct ftrace_format *f,
		  const uint8_t *record, size_t size, enum field_scope scope,
		  const struct field_visitor *v, void *ctx);

#endif
