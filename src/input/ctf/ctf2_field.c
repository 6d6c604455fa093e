#include "input/ctf/ctf2_parser.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ALIGN = 1 << 16, MAX_SIZE = UINT16_MAX };

static int parse_fc(struct ctf2_parser *p, const json_t *v, struct ctf_fc **fcp);

int ctf2_spend(struct ctf2_parser *p, uint64_t n)
{
	p->n_nodes += n;
	if (p->n_nodes > CTF_MAX_NODES)
		return error_set(p->err, "more than %d fields in all", CTF_MAX_NODES);
	return 0;
}

static int new_fc(struct ctf2_parser *p, enum ctf_kind kind, struct ctf_fc **fcp)
{
	int r = ctf2_spend(p, 1);

	if (r)
		return r;
	*fcp = ctf_fc_new(&p->t->arena, kind);
	(*fcp)->where = p->fragment;
	return 0;
}

static int parse_align(struct ctf2_parser *p, const json_t *o, const char *name, uint32_t fallback,
		       uint32_t *alignp)
{
	uint64_t align = 0, one = fallback;
	int r = ctf2_json_unsigned(o, name, 1, MAX_ALIGN, &one, &align, p->err);

	if (r)
		return r;
	if (align & (align - 1))
		return error_set(p->err, "'%s' is not a power of two", name);
	*alignp = (uint32_t)align;
	return 0;
}

/* ---- ranges: [[lower, upper], ...] ---- */

static int parse_range(struct ctf2_parser *p, const json_t *v, struct field_range *range)
{
	struct ctf2_integer lo, hi;

	if (!json_is_array(v) || json_array_size(v) != 2 ||
	    !ctf2_json_integer(json_array_get(v, 0), &lo) ||
	    !ctf2_json_integer(json_array_get(v, 1), &hi))
		return error_set(p->err, "a range is not an array of two integers");
	if (lo.negative == hi.negative ? lo.value > hi.value : hi.negative)
		return error_set(p->err, "a range ends before it begins");
	*range = (struct field_range){.lo = lo.value, .hi = hi.value};
	return 0;
}

static int parse_ranges(struct ctf2_parser *p, const json_t *v, const struct field_range **rangesp,
			uint32_t *np)
{
	size_t n = json_array_size(v);

	if (!n)
		return error_set(p->err, "a set of ranges is not an array, or is empty");
	int r = ctf2_spend(p, n);
	if (r)
		return r;
	struct field_range *ranges = arena_array(&p->t->arena, struct field_range, n);
	for (size_t i = 0; i < n && !r; i++)
		r = parse_range(p, json_array_get(v, i), &ranges[i]);
	*rangesp = ranges;
	*np = (uint32_t)n;
	return r;
}

/* ---- numbers ---- */

static size_t count_ranges(json_t *mappings)
{
	const char *name;
	json_t *ranges;
	size_t n = 0;

	json_object_foreach(mappings, name, ranges) n += json_array_size(ranges);
	return n;
}

static int parse_mappings(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	json_t *mappings, *v;
	const char *name;
	int r = ctf2_json_compound(o, "mappings", JSON_OBJECT, false, &mappings, p->err);

	if (r || !mappings)
		return r;
	struct field_label *labels =
		arena_array(&p->t->arena, struct field_label, count_ranges(mappings));
	json_object_foreach(mappings, name, v)
	{
		const struct field_range *ranges = NULL;
		const char *label = arena_strdup(&p->t->arena, name);
		uint32_t n = 0;

		r = parse_ranges(p, v, &ranges, &n);
		if (r)
			return error_wrap(p->err, "mapping '%s'", name);
		for (uint32_t i = 0; i < n; i++)
			labels[fc->n_labels++] = (struct field_label){label, ranges[i]};
	}
	fc->labels = labels;
	fc->is_enum = fc->n_labels > 0;
	return 0;
}

static int parse_base(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	uint64_t base = 0, ten = 10;
	int r = ctf2_json_unsigned(o, "preferred-display-base", 2, 16, &ten, &base, p->err);

	if (r)
		return r;
	if (base != 2 && base != 8 && base != 10 && base != 16)
		return error_set(p->err, "'preferred-display-base' is not 2, 8, 10 or 16");
	fc->base = (uint8_t)base;
	return 0;
}

static int parse_byte_order(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	const char *order = "";
	int r = ctf2_json_string(o, "byte-order", NULL, &order, p->err);

	if (r)
		return r;
	fc->big_endian = !strcmp(order, "big-endian");
	if (!fc->big_endian && strcmp(order, "little-endian"))
		return error_set(p->err, "'byte-order' is neither big-endian nor little-endian");
	return 0;
}

static int parse_bit_order(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	const char *usual = fc->big_endian ? "last-to-first" : "first-to-last", *order = usual;
	int r = ctf2_json_string(o, "bit-order", usual, &order, p->err);

	if (r)
		return r;
	if (strcmp(order, "last-to-first") && strcmp(order, "first-to-last"))
		return error_set(p->err, "'bit-order' is neither first-to-last nor last-to-first");
	fc->reversed_bits = strcmp(order, usual) != 0;
	return 0;
}

static int parse_bit_array(struct ctf2_parser *p, const json_t *o, enum ctf_kind kind,
			   struct ctf_fc **fcp)
{
	uint64_t length = 0;
	struct ctf_fc *fc = NULL;
	int r = new_fc(p, kind, &fc);

	if (!r)
		r = ctf2_json_unsigned(o, "length", 1, MAX_SIZE, NULL, &length, p->err);
	if (!r)
		r = parse_byte_order(p, o, fc);
	if (!r)
		r = parse_bit_order(p, o, fc);
	if (!r)
		r = parse_align(p, o, "alignment", 1, &fc->align);
	if (r)
		return r;
	fc->size = (uint16_t)length;
	*fcp = fc;
	return 0;
}

/* Its bits are no number: hexadecimal shows them best. */
static int parse_bits(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = parse_bit_array(p, o, CTF_INT, fcp);

	if (!r)
		(*fcp)->base = 16;
	return r;
}

static int parse_boolean(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = parse_bit_array(p, o, CTF_INT, fcp);

	if (!r)
		(*fcp)->is_bool = true;
	return r;
}

static int parse_float(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	return parse_bit_array(p, o, CTF_FLOAT, fcp);
}

/* ---- roles ---- */

struct role_name {
	const char *name;
	enum ctf_scope scope;
	enum ctf_role role; /* CTF_ROLE_NONE: only the clock */
	bool is_timestamp;
};

static const struct role_name *find_role(enum ctf_scope scope, const char *name)
{
	static const struct role_name roles[] = {
		{"packet-magic-number", CTF_PACKET_HEADER, CTF_ROLE_MAGIC, false},
		{"metadata-stream-uuid", CTF_PACKET_HEADER, CTF_ROLE_UUID, false},
		{"data-stream-class-id", CTF_PACKET_HEADER, CTF_ROLE_STREAM_CLASS_ID, false},
		{"data-stream-id", CTF_PACKET_HEADER, CTF_ROLE_STREAM_ID, false},
		{"packet-total-length", CTF_PACKET_CONTEXT, CTF_ROLE_PACKET_SIZE, false},
		{"packet-content-length", CTF_PACKET_CONTEXT, CTF_ROLE_CONTENT_SIZE, false},
		{"default-clock-timestamp", CTF_PACKET_CONTEXT, CTF_ROLE_BEGIN_TIME, true},
		{"packet-end-default-clock-timestamp", CTF_PACKET_CONTEXT, CTF_ROLE_END_TIME, true},
		{"discarded-event-record-counter-snapshot", CTF_PACKET_CONTEXT, CTF_ROLE_DISCARDED,
		 false},
		{"packet-sequence-number", CTF_PACKET_CONTEXT, CTF_ROLE_SEQ_NUM, false},
		{"event-record-class-id", CTF_EVENT_HEADER, CTF_ROLE_EVENT_CLASS_ID, false},
		{"default-clock-timestamp", CTF_EVENT_HEADER, CTF_ROLE_NONE, true},
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		if (roles[i].scope == scope && !strcmp(roles[i].name, name))
			return &roles[i];
	}
	return NULL;
}

/* Roles of other scopes come with shared aliases and mean nothing here. */
static int parse_roles(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	json_t *roles, *v;
	size_t i;
	int r = ctf2_json_compound(o, "roles", JSON_ARRAY, false, &roles, p->err);

	if (r || !roles)
		return r;
	json_array_foreach(roles, i, v)
	{
		if (!json_is_string(v))
			return error_set(p->err, "a role is not a string");
		const struct role_name *role = find_role(p->scope, json_string_value(v));
		if (!role)
			continue;
		if ((role->role == CTF_ROLE_UUID) != (fc->kind == CTF_ARRAY))
			return error_set(p->err, "it cannot have the role '%s'", role->name);
		fc->role = (uint8_t)role->role;
		if (role->is_timestamp)
			fc->clock = p->clock;
	}
	return 0;
}

static int parse_integer(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc, bool is_signed)
{
	fc->is_signed = is_signed;
	int r = parse_base(p, o, fc);
	if (!r)
		r = parse_mappings(p, o, fc);
	if (!r && !is_signed)
		r = parse_roles(p, o, fc);
	return r;
}

static int parse_unsigned(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = parse_bit_array(p, o, CTF_INT, fcp);

	return r ? r : parse_integer(p, o, *fcp, false);
}

static int parse_signed(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = parse_bit_array(p, o, CTF_INT, fcp);

	return r ? r : parse_integer(p, o, *fcp, true);
}

static int parse_var_unsigned(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = new_fc(p, CTF_VARINT, fcp);

	return r ? r : parse_integer(p, o, *fcp, false);
}

static int parse_var_signed(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = new_fc(p, CTF_VARINT, fcp);

	return r ? r : parse_integer(p, o, *fcp, true);
}

/* ---- field locations ---- */

static int parse_origin(struct ctf2_parser *p, const json_t *o, struct ctf_ref *ref)
{
	static const char *const names[CTF_N_SCOPES] = {
		[CTF_PACKET_HEADER] = "packet-header",
		[CTF_PACKET_CONTEXT] = "packet-context",
		[CTF_EVENT_HEADER] = "event-record-header",
		[CTF_EVENT_COMMON_CONTEXT] = "event-record-common-context",
		[CTF_EVENT_SPECIFIC_CONTEXT] = "event-record-specific-context",
		[CTF_EVENT_PAYLOAD] = "event-record-payload",
	};
	const char *origin = "";
	int r = ctf2_json_string(o, "origin", "", &origin, p->err);

	if (r)
		return r;
	ref->relative = !origin[0];
	for (int i = 0; i < CTF_N_SCOPES && origin[0]; i++) {
		if (strcmp(origin, names[i]))
			continue;
		ref->scope = (enum ctf_scope)i;
		return 0;
	}
	return origin[0] ? error_set(p->err, "'origin' is '%s'", origin) : 0;
}

/* Appends one element; going up from where a name led takes that name away again. */
static int add_path_element(struct ctf2_parser *p, const json_t *v, struct ctf_ref *ref)
{
	bool up = json_is_null(v);

	if (!up && !json_is_string(v))
		return error_set(p->err, "an element of 'path' is neither a string nor null");
	if (up && ref->n_names && ref->names[ref->n_names - 1])
		ref->n_names--;
	else if (up && !ref->relative)
		return error_set(p->err, "'path' leads out of its origin");
	else
		ref->names[ref->n_names++] =
			up ? NULL : arena_strdup(&p->t->arena, json_string_value(v));
	return 0;
}

static int parse_location(struct ctf2_parser *p, const json_t *object, const char *name,
			  struct ctf_ref *ref)
{
	json_t *o, *path, *v;
	size_t i;
	int r = ctf2_json_compound(object, name, JSON_OBJECT, true, &o, p->err);

	if (!r)
		r = parse_origin(p, o, ref);
	if (!r)
		r = ctf2_json_compound(o, "path", JSON_ARRAY, true, &path, p->err);
	if (!r)
		r = ctf2_spend(p, json_array_size(path));
	if (r)
		return r;
	ref->names = arena_array(&p->t->arena, const char *, json_array_size(path));
	json_array_foreach(path, i, v)
	{
		r = add_path_element(p, v, ref);
		if (r)
			return r;
	}
	if (!ref->n_names || !ref->names[ref->n_names - 1])
		return error_set(p->err, "'path' does not end with a name");
	return 0;
}

/* ---- strings and BLOBs ---- */

static int parse_encoding(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	static const struct {
		const char *name;
		uint8_t code_unit;
		bool big_endian;
	} encodings[] = {{"utf-8", 1, false},
			 {"utf-16le", 2, false},
			 {"utf-16be", 2, true},
			 {"utf-32le", 4, false},
			 {"utf-32be", 4, true}};
	const char *name = "";
	int r = ctf2_json_string(o, "encoding", "utf-8", &name, p->err);

	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings) && !r; i++) {
		if (strcmp(name, encodings[i].name))
			continue;
		fc->code_unit = encodings[i].code_unit;
		fc->big_endian = encodings[i].big_endian;
		return 0;
	}
	return r ? r : error_set(p->err, "'encoding' is '%s'", name);
}

static int parse_string(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = new_fc(p, CTF_STRING, fcp);

	return r ? r : parse_encoding(p, o, *fcp);
}

/* An array or sequence of bytes, without its length. */
static int new_bytes(struct ctf2_parser *p, enum ctf_kind kind, enum ctf_content content,
		     struct ctf_fc **fcp)
{
	struct ctf_fc *byte = NULL;
	int r = new_fc(p, kind, fcp);

	if (!r)
		r = new_fc(p, CTF_INT, &byte);
	if (r)
		return r;
	byte->size = 8;
	byte->align = 8;
	(*fcp)->elem = byte;
	(*fcp)->content = content;
	return 0;
}

static int parse_length(struct ctf2_parser *p, const json_t *o, struct ctf_fc *fc)
{
	if (fc->kind == CTF_SEQUENCE)
		return parse_location(p, o, "length-field-location", &fc->path);
	return ctf2_json_unsigned(o, "length", 0, UINT64_MAX, NULL, &fc->length, p->err);
}

static int parse_text(struct ctf2_parser *p, const json_t *o, enum ctf_kind kind,
		      struct ctf_fc **fcp)
{
	int r = new_bytes(p, kind, CTF_CONTENT_TEXT, fcp);

	if (!r)
		r = parse_length(p, o, *fcp);
	return r ? r : parse_encoding(p, o, *fcp);
}

static int parse_static_string(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	return parse_text(p, o, CTF_ARRAY, fcp);
}

static int parse_dynamic_string(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	return parse_text(p, o, CTF_SEQUENCE, fcp);
}

static int parse_static_blob(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = new_bytes(p, CTF_ARRAY, CTF_CONTENT_BLOB, fcp);

	if (!r)
		r = parse_length(p, o, *fcp);
	if (!r)
		r = parse_roles(p, o, *fcp);
	if (!r && (*fcp)->role == CTF_ROLE_UUID && (*fcp)->length != 16)
		return error_set(p->err, "a UUID that has not 16 bytes");
	return r;
}

static int parse_dynamic_blob(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	int r = new_bytes(p, CTF_SEQUENCE, CTF_CONTENT_BLOB, fcp);

	return r ? r : parse_length(p, o, *fcp);
}

/* ---- compound field classes ---- */

/* The field class that is the property `name` of o. */
static int parse_inner(struct ctf2_parser *p, const json_t *o, const char *name,
		       struct ctf_fc **fcp)
{
	const json_t *v = json_object_get(o, name);

	if (!v)
		return error_set(p->err, "'%s' is missing", name);
	return parse_fc(p, v, fcp);
}

/* LTTng's per-CPU streams name their CPU so; CTF 2 has no role for it. */
static void note_cpu(const struct ctf2_parser *p, const struct ctf_member *m)
{
	if (p->scope == CTF_PACKET_CONTEXT && m->fc->kind == CTF_INT && !m->fc->role &&
	    !strcmp(m->name, "cpu_id"))
		m->fc->role = CTF_ROLE_CPU_ID;
}

static int parse_member(struct ctf2_parser *p, const json_t *v, struct ctf_member *m)
{
	const char *name = "";

	if (!json_is_object(v))
		return error_set(p->err, "a member class is not an object");
	int r = ctf2_json_string(v, "name", NULL, &name, p->err);
	if (r)
		return r;
	m->name = arena_strdup(&p->t->arena, name);
	r = parse_inner(p, v, "field-class", &m->fc);
	if (r)
		return error_wrap(p->err, "member '%s'", name);
	note_cpu(p, m);
	return 0;
}

static int parse_struct(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	json_t *members, *v;
	size_t i;
	int r = new_fc(p, CTF_STRUCT, fcp);

	if (!r)
		r = parse_align(p, o, "minimum-alignment", 1, &(*fcp)->align);
	if (!r)
		r = ctf2_json_compound(o, "member-classes", JSON_ARRAY, false, &members, p->err);
	if (r || !members)
		return r;
	(*fcp)->n_members = (uint32_t)json_array_size(members);
	(*fcp)->members = arena_array(&p->t->arena, struct ctf_member, (*fcp)->n_members);
	json_array_foreach(members, i, v)
	{
		r = parse_member(p, v, &(*fcp)->members[i]);
		if (r)
			return r;
	}
	return 0;
}

static int parse_array(struct ctf2_parser *p, const json_t *o, enum ctf_kind kind,
		       struct ctf_fc **fcp)
{
	int r = new_fc(p, kind, fcp);

	if (!r)
		r = parse_align(p, o, "minimum-alignment", 1, &(*fcp)->align);
	if (!r)
		r = parse_length(p, o, *fcp);
	return r ? r : parse_inner(p, o, "element-field-class", &(*fcp)->elem);
}

static int parse_static_array(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	return parse_array(p, o, CTF_ARRAY, fcp);
}

static int parse_dynamic_array(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	return parse_array(p, o, CTF_SEQUENCE, fcp);
}

static int parse_optional(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	const json_t *ranges = json_object_get(o, "selector-field-ranges");
	int r = new_fc(p, CTF_OPTIONAL, fcp);

	if (!r)
		r = parse_location(p, o, "selector-field-location", &(*fcp)->path);
	if (!r && ranges)
		r = parse_ranges(p, ranges, &(*fcp)->ranges, &(*fcp)->n_ranges);
	return r ? r : parse_inner(p, o, "field-class", &(*fcp)->elem);
}

static int parse_option(struct ctf2_parser *p, const json_t *v, struct ctf_option *option)
{
	const char *name = "";

	if (!json_is_object(v))
		return error_set(p->err, "an option is not an object");
	int r = ctf2_json_string(v, "name", "", &name, p->err);
	if (!r)
		r = parse_ranges(p, json_object_get(v, "selector-field-ranges"), &option->ranges,
				 &option->n_ranges);
	if (!r)
		r = parse_inner(p, v, "field-class", &option->fc);
	if (r)
		return error_wrap(p->err, "option '%s'", name);
	option->name = name[0] ? arena_strdup(&p->t->arena, name) : NULL;
	return 0;
}

static int parse_variant(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	json_t *options, *v;
	size_t i;
	int r = new_fc(p, CTF_VARIANT, fcp);

	if (!r)
		r = parse_location(p, o, "selector-field-location", &(*fcp)->path);
	if (!r)
		r = ctf2_json_compound(o, "options", JSON_ARRAY, true, &options, p->err);
	if (r)
		return r;
	(*fcp)->n_options = (uint32_t)json_array_size(options);
	(*fcp)->options = arena_array(&p->t->arena, struct ctf_option, (*fcp)->n_options);
	json_array_foreach(options, i, v)
	{
		r = parse_option(p, v, &(*fcp)->options[i]);
		if (r)
			return r;
	}
	return (*fcp)->n_options ? 0 : error_set(p->err, "'options' is empty");
}

/* ---- any field class ---- */

typedef int parse_fn(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp);

static parse_fn *find_type(const char *type)
{
	static const struct {
		const char *type;
		parse_fn *parse;
	} types[] = {
		{"fixed-length-unsigned-integer", parse_unsigned},
		{"fixed-length-signed-integer", parse_signed},
		{"structure", parse_struct},
		{"null-terminated-string", parse_string},
		{"fixed-length-bit-array", parse_bits},
		{"fixed-length-bit-map", parse_bits},
		{"fixed-length-boolean", parse_boolean},
		{"fixed-length-floating-point-number", parse_float},
		{"variable-length-unsigned-integer", parse_var_unsigned},
		{"variable-length-signed-integer", parse_var_signed},
		{"static-length-string", parse_static_string},
		{"dynamic-length-string", parse_dynamic_string},
		{"static-length-blob", parse_static_blob},
		{"dynamic-length-blob", parse_dynamic_blob},
		{"static-length-array", parse_static_array},
		{"dynamic-length-array", parse_dynamic_array},
		{"optional", parse_optional},
		{"variant", parse_variant},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(types[i].type, type))
			return types[i].parse;
	}
	return NULL;
}

static int parse_object(struct ctf2_parser *p, const json_t *o, struct ctf_fc **fcp)
{
	const char *type = "";
	int r = ctf2_json_string(o, "type", NULL, &type, p->err);

	if (r)
		return r;
	parse_fn *parse = find_type(type);
	return parse ? parse(p, o, fcp) : error_set(p->err, "'%s' is no type of field class", type);
}

/* v is a field class or the name of an alias, which may name another. */
static int parse_fc(struct ctf2_parser *p, const json_t *v, struct ctf_fc **fcp)
{
	for (int i = 0; json_is_string(v) && i < CTF_MAX_DEPTH; i++) {
		const char *name = json_string_value(v);

		v = json_object_get(p->aliases, name);
		if (!v)
			return error_set(p->err, "no field class alias is named '%s'", name);
	}
	if (!json_is_object(v))
		return error_set(p->err, "a field class is not an object");
	if (p->depth >= CTF_MAX_DEPTH)
		return error_set(p->err, "nested more than %d deep", CTF_MAX_DEPTH);
	p->depth++;
	int r = parse_object(p, v, fcp);
	p->depth--;
	return r;
}

int ctf2_parse_root(struct ctf2_parser *p, const json_t *object, const char *name,
		    enum ctf_scope scope, struct ctf_clock *clock, struct ctf_fc **rootp)
{
	const json_t *v = json_object_get(object, name);

	p->depth = 0;
	p->scope = scope;
	p->clock = clock;
	*rootp = NULL;
	if (!v)
		return 0;
	int r = parse_fc(p, v, rootp);
	if (!r && (*rootp)->kind != CTF_STRUCT)
		r = error_set(p->err, "it is not a structure");
	return r ? error_wrap(p->err, "%s", name) : 0;
}
