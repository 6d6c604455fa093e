/*
 * type: what a trace's metadata says, in one form for CTF 1.8 (TSDL) and CTF 2 (JSON).
 *
 * The two metadata readers (tsdl.h, ctf2.h) produce a struct ctf_trace_type; the plan compiler
 * (plan.h) and the plain decoder (visit.h) consume it. It does not change after
 * ctf_trace_type_finish(). Everything lives in the trace type's arena.
 *
 * Terms are those of CTF 2: a field class ("fc") is the shape of a field; a data stream class
 * ("stream class") the shape of one kind of stream; an event record class the shape of one event.
 *
 * Dependent fields (the length of a sequence, the selector of a variant, the presence of an
 * optional) do not look their field up when they are read. Each integer that something depends on
 * has a number, its `save` slot: reading it stores the value there, and the dependent field reads
 * it from there (`ref`).
 */
#ifndef VMSCOPE_CTF_TYPE_H
#define VMSCOPE_CTF_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "input/field.h"

enum ctf_kind {
	CTF_INT,    /* fixed-length integer, boolean, bit array; an enumeration if n_labels */
	CTF_VARINT, /* LEB128 integer (CTF 2) */
	CTF_FLOAT,  /* IEEE 754, 16, 32, 64 or 128 bits */
	CTF_STRING, /* ends with a NUL code point */
	CTF_STRUCT,
	CTF_ARRAY,    /* static length */
	CTF_SEQUENCE, /* length in another field */
	CTF_VARIANT,
	CTF_OPTIONAL, /* CTF 2 */
};

/* What the bytes of an array or sequence of 8-bit integers mean to a person. */
enum ctf_content {
	CTF_CONTENT_ELEMENTS,
	CTF_CONTENT_TEXT, /* ends at the first NUL, or at its length */
	CTF_CONTENT_BLOB,
};

/* What a field means to the reader itself. In TSDL these follow from name and scope. */
enum ctf_role {
	CTF_ROLE_NONE,
	CTF_ROLE_MAGIC,
	CTF_ROLE_UUID,
	CTF_ROLE_STREAM_CLASS_ID,
	CTF_ROLE_STREAM_ID,
	CTF_ROLE_PACKET_SIZE,  /* bits */
	CTF_ROLE_CONTENT_SIZE, /* bits */
	CTF_ROLE_BEGIN_TIME,
	CTF_ROLE_END_TIME,
	CTF_ROLE_DISCARDED,
	CTF_ROLE_SEQ_NUM,
	CTF_ROLE_EVENT_CLASS_ID,
	CTF_ROLE_CPU_ID, /* not a role of CTF 2: the packet context's integer named cpu_id */
	CTF_N_ROLES,
};

/* Where a field lies, outermost first; the order in which they are read. */
enum ctf_scope {
	CTF_PACKET_HEADER,
	CTF_PACKET_CONTEXT,
	CTF_EVENT_HEADER,
	CTF_EVENT_COMMON_CONTEXT,
	CTF_EVENT_SPECIFIC_CONTEXT,
	CTF_EVENT_PAYLOAD,
	CTF_N_SCOPES,
};

struct ctf_clock {
	const char *name; /* TSDL's name, or CTF 2's id */
	const char *description;
	const char *uuid;   /* lower case with dashes, or NULL */
	uint64_t frequency; /* Hz, at least 1 */
	uint64_t precision; /* cycles */
	int64_t offset_s;
	uint64_t offset_cycles;
	bool unix_epoch; /* the offset is from the Epoch: TSDL `absolute`, CTF 2 origin; LTTng's
			    clocks count from it without saying so */
};

struct ctf_fc;

struct ctf_member {
	const char *name; /* as shown: TSDL's one leading underscore is taken off */
	struct ctf_fc *fc;
};

struct ctf_option {
	const char *name; /* NULL if it has none */
	struct ctf_fc *fc;
	const struct field_range *ranges; /* of the selector */
	uint32_t n_ranges;
};

enum { CTF_NO_SLOT = -1 };

/*
 * Bounds on what metadata may ask for: the depth of every field class tree (so that it can be
 * walked by recursion), the number of field classes, labels and the like in one trace, that of
 * stream classes, and the size in bits of what is fixed in one field (so that sums of sizes cannot
 * overflow).
 */
enum { CTF_MAX_DEPTH = 64, CTF_MAX_NODES = 1 << 20, CTF_MAX_STREAM_CLASSES = 1 << 12 };
#define CTF_MAX_STATIC_BITS ((uint64_t)1 << 40)

/*
 * Where a dependent field's field is: a path of names, from the root of a scope, or, when
 * `relative`, from the struct that holds the dependent field, then from its parent, and so on
 * outwards (TSDL's lookup). NULL in a CTF 2 path goes one struct up. Resolved by finish().
 */
struct ctf_ref {
	bool relative;
	enum ctf_scope scope;
	const char **names;
	uint32_t n_names;
};

struct ctf_fc {
	enum ctf_kind kind;
	uint32_t align; /* bits, a power of two, at least 1 */
	uint32_t where; /* in the metadata, for messages: TSDL line, CTF 2 fragment; 0: unknown */

	/* CTF_INT, CTF_VARINT, CTF_FLOAT */
	uint16_t size; /* bits: 1..64, floats to 128; 0 for CTF_VARINT */
	bool is_signed;
	bool big_endian;
	bool reversed_bits; /* CTF 2: bit order is not the usual one of the byte order */
	bool is_bool;
	bool is_enum;		 /* also when it has no labels */
	bool is_char;		 /* TSDL: encoded, so that an array of these is text */
	uint8_t base;		 /* preferred for display: 2, 8, 10 or 16 */
	uint8_t role;		 /* enum ctf_role */
	int32_t save;		 /* slot that other fields read, or CTF_NO_SLOT */
	struct ctf_clock *clock; /* the integer updates this clock, or NULL */
	const struct field_label *labels;
	uint32_t n_labels;

	/* CTF_STRING, and arrays of text (whose elements are bytes all the same) */
	uint8_t code_unit; /* bytes: 1, 2 or 4 (CTF 2: UTF-16, UTF-32, of the order big_endian) */

	/* CTF_STRUCT */
	struct ctf_member *members;
	uint32_t n_members;

	/* CTF_ARRAY, CTF_SEQUENCE, CTF_OPTIONAL: what is inside */
	struct ctf_fc *elem;
	enum ctf_content content;
	uint64_t length; /* CTF_ARRAY */

	/* CTF_SEQUENCE, CTF_VARIANT, CTF_OPTIONAL: the field that decides */
	struct ctf_ref path;
	int32_t ref;		    /* its save slot */
	bool ref_signed;	    /* its sign */
	struct ctf_option *options; /* CTF_VARIANT */
	uint32_t n_options;
	const struct field_range *ranges; /* CTF_OPTIONAL: present when in one of them */
	uint32_t n_ranges;		  /* 0: present when not zero */
};

struct ctf_stream_class;

struct ctf_event_class {
	uint64_t id;
	const char *name;  /* never NULL: "" when it has none */
	int64_t log_level; /* -1 when it has none */
	struct ctf_stream_class *stream;
	struct ctf_fc *specific_context; /* CTF_STRUCT or NULL, as are all of these roots */
	struct ctf_fc *payload;
	uint32_t index; /* among all event classes of the trace */
	uint32_t where; /* as in struct ctf_fc */
};

struct ctf_stream_class {
	uint64_t id;
	const char *name; /* or NULL */
	struct ctf_fc *packet_context;
	struct ctf_fc *event_header;
	struct ctf_fc *event_common_context;
	struct ctf_clock *clock;	 /* default clock, or NULL */
	struct ctf_event_class **events; /* by id, ascending; no id twice */
	uint32_t n_events;
	uint32_t where; /* as in struct ctf_fc */
};

struct ctf_env {
	const char *name;
	const char *string; /* NULL: an integer */
	int64_t integer;
};

struct ctf_trace_type {
	struct arena arena;
	int major, minor; /* 1.8 or 2.0 */
	bool big_endian;  /* the trace's own byte order */
	bool has_uuid;
	uint8_t uuid[16];
	struct ctf_env *env;
	uint32_t n_env;
	struct ctf_clock **clocks;
	uint32_t n_clocks;
	struct ctf_fc *packet_header;
	struct ctf_stream_class **streams; /* by id, ascending; no id twice */
	uint32_t n_streams;
	uint32_t n_event_classes; /* over all stream classes */
	uint32_t n_saves;	  /* number of save slots */

	/* What the metadata says, but not here, since it is damaged there. */
	uint32_t n_left_out; /* blocks, statements or fragments */
	uint32_t n_mended;   /* places where what is meant could be told all the same */
	const char *damage;  /* about the first of both: "line 12: ..."; NULL if there is none */
};

/* A field class of `kind`, aligned to 1 bit, with the defaults that every kind shares. */
struct ctf_fc *ctf_fc_new(struct arena *a, enum ctf_kind kind);

/* A copy that shares nothing that finish() writes to. */
struct ctf_fc *ctf_fc_copy(struct arena *a, const struct ctf_fc *fc);

/*
 * Return: whether the same bytes are the same fields of the same names in both. Of what is not
 * simple (variants, optional fields) it is not said.
 */
bool ctf_fc_is_same(const struct ctf_fc *a, const struct ctf_fc *b);

/*
 * How many field classes are in fc, itself included, and how deep they are nested (an integer: 1).
 * A reader asks before it copies, so that its trees stay within CTF_MAX_NODES and CTF_MAX_DEPTH.
 */
struct ctf_extent {
	uint64_t nodes;
	uint32_t depth;
};
struct ctf_extent ctf_fc_extent(const struct ctf_fc *fc);

/*
 * Counts something that is damaged and left out, or mended. err, which says what was wrong, is
 * deinitialized.
 */
void ctf_trace_type_left_out(struct ctf_trace_type *t, struct error *err);
void ctf_trace_type_mended(struct ctf_trace_type *t, struct error *err);

/*
 * The last step of every metadata reader: sorts classes, resolves references into slots, finds
 * default clocks, and checks what the decoders rely on (sizes, alignments, selectors that are
 * integers and are read before they are needed, nesting depth, fields of no size in a sequence).
 * Event and stream classes that fail are left out, as long as something is left.
 * Return: 0, or ERR with err set.
 */
int ctf_trace_type_finish(struct ctf_trace_type *t, struct error *err);
void ctf_trace_type_deinit(struct ctf_trace_type *t);

/* Return: the class with this id, or NULL. */
struct ctf_stream_class *ctf_find_stream_class(const struct ctf_trace_type *t, uint64_t id);
struct ctf_event_class *ctf_find_event_class(const struct ctf_stream_class *s, uint64_t id);

/* Return: the environment's string of this name, or NULL. */
const char *ctf_env_string(const struct ctf_trace_type *t, const char *name);

/* Return: the label whose range holds value (the first one), or NULL. */
const char *ctf_label_of(const struct ctf_fc *fc, uint64_t value);

/* Return: whether value is in one of the ranges, compared with the given sign. */
bool ctf_in_ranges(const struct field_range *ranges, uint32_t n, uint64_t value, bool is_signed);

#endif
