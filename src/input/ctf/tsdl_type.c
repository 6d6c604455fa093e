#include "input/ctf/tsdl_type.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names of types ---- */

static uint32_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (hash ^ hash >> 16) % TSDL_N_BUCKETS;
}

static uint32_t find_named(const struct tsdl_parser *p, const char *name)
{
	uint32_t i = p->buckets[bucket_of(name)];

	while (i != TSDL_NO_NAME && strcmp(p->named.at[i].name, name))
		i = p->named.at[i].next;
	return i;
}

static int define(struct tsdl_parser *p, uint32_t line, const char *name, const struct ctf_fc *fc)
{
	uint32_t old = find_named(p, name), bucket = bucket_of(name);

	if (old != TSDL_NO_NAME && old >= p->scope_start)
		return tsdl_fail_at(p, line, "the type '%s' is defined a second time", name);
	if (!p->named.n)
		vec_push(&p->named);
	if (p->named.n >= TSDL_MAX_NAMED)
		return tsdl_fail_at(p, line, "more than %d named types", TSDL_MAX_NAMED);
	struct tsdl_named *named = vec_push(&p->named);
	named->name = arena_strdup(&p->t->arena, name);
	named->fc = fc;
	named->bucket = bucket;
	named->next = p->buckets[bucket];
	p->buckets[bucket] = (uint32_t)p->named.n - 1;
	return 0;
}

uint32_t tsdl_scope_enter(struct tsdl_parser *p)
{
	uint32_t outer = p->scope_start;

	p->scope_start = p->named.n ? (uint32_t)p->named.n : 1;
	return outer;
}

void tsdl_scope_leave(struct tsdl_parser *p, uint32_t outer)
{
	while (p->named.n > p->scope_start) {
		const struct tsdl_named *last = &p->named.at[--p->named.n];

		p->buckets[last->bucket] = last->next;
	}
	p->scope_start = outer;
}

/* A copy of a type for one more place, where it must fit. */
static int use_type(struct tsdl_parser *p, uint32_t line, const struct ctf_fc *type,
		    struct ctf_fc **fcp)
{
	struct ctf_extent extent = ctf_fc_extent(type);

	if (p->depth + extent.depth > CTF_MAX_DEPTH)
		return tsdl_fail_at(p, line, "types nested more than %d deep", CTF_MAX_DEPTH);
	int r = tsdl_spend(p, extent.nodes);
	if (r)
		return r;
	*fcp = ctf_fc_copy(&p->t->arena, type);
	(*fcp)->where = line;
	return 0;
}

static int use_named(struct tsdl_parser *p, uint32_t line, const char *name, struct ctf_fc **fcp)
{
	uint32_t i = find_named(p, name);

	if (i == TSDL_NO_NAME)
		return tsdl_fail_at(p, line, "the type '%s' is not defined", name);
	return use_type(p, line, p->named.at[i].fc, fcp);
}

static int new_fc(struct tsdl_parser *p, enum ctf_kind kind, struct ctf_fc **fcp)
{
	int r = tsdl_spend(p, 1);

	if (r)
		return r;
	*fcp = ctf_fc_new(&p->t->arena, kind);
	(*fcp)->where = p->lx.line;
	return 0;
}

static int enter_composite(struct tsdl_parser *p)
{
	if (++p->depth >= CTF_MAX_DEPTH)
		return tsdl_fail_at(p, p->lx.line, "types nested more than %d deep", CTF_MAX_DEPTH);
	return 0;
}

/* ---- attributes of a type: { name = value; ... } ---- */

typedef int set_attribute_fn(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
			     void *data);

static int parse_attributes(struct tsdl_parser *p, set_attribute_fn *set, void *data)
{
	char name[TSDL_NAME_SIZE];
	struct tsdl_value v;
	int r = tsdl_expect(p, '{', "'{'");

	while (!r && !tsdl_accept(p, '}')) {
		if (tsdl_accept(p, ';'))
			continue;
		r = tsdl_parse_dotted(p, name);
		if (!r)
			r = tsdl_expect(p, '=', "'='");
		if (!r)
			r = tsdl_parse_value(p, &v);
		if (!r)
			r = tsdl_expect(p, ';', "';'");
		if (!r)
			r = set(p, name, &v, data);
	}
	return r;
}

static int number_within(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
			 uint64_t min, uint64_t max, uint64_t *np)
{
	if (v->kind != TSDL_NUMBER)
		return tsdl_fail_at(p, v->line, "'%s' is not a number", name);
	if (v->negative || v->number < min || v->number > max)
		return tsdl_fail_at(p, v->line, "'%s' is not within %" PRIu64 " and %" PRIu64, name,
				    min, max);
	*np = v->number;
	return 0;
}

static int set_align(struct tsdl_parser *p, const struct tsdl_value *v, uint32_t *alignp)
{
	uint64_t align = 0;
	int r = number_within(p, "align", v, 1, 1 << 16, &align);

	if (r)
		return r;
	if (align & (align - 1))
		return tsdl_fail_at(p, v->line, "'align' is not a power of two");
	*alignp = (uint32_t)align;
	return 0;
}

static int set_bool(struct tsdl_parser *p, const char *name, const struct tsdl_value *v, bool *bp)
{
	if (v->kind == TSDL_NUMBER && v->number <= 1)
		*bp = v->number;
	else if (v->kind == TSDL_WORD && (!strcmp(v->word, "true") || !strcmp(v->word, "TRUE")))
		*bp = true;
	else if (v->kind == TSDL_WORD && (!strcmp(v->word, "false") || !strcmp(v->word, "FALSE")))
		*bp = false;
	else
		return tsdl_fail_at(p, v->line, "'%s' is neither true nor false", name);
	return 0;
}

static int set_base(struct tsdl_parser *p, const struct tsdl_value *v, uint8_t *basep)
{
	static const struct {
		const char *word;
		uint8_t base;
	} words[] = {
		{"decimal", 10}, {"dec", 10},	      {"d", 10},    {"i", 10},
		{"u", 10},	 {"hexadecimal", 16}, {"hex", 16},  {"x", 16},
		{"X", 16},	 {"p", 16},	      {"octal", 8}, {"oct", 8},
		{"o", 8},	 {"binary", 2},	      {"bin", 2},   {"b", 2},
	};

	if (v->kind == TSDL_NUMBER &&
	    (v->number == 2 || v->number == 8 || v->number == 10 || v->number == 16)) {
		*basep = (uint8_t)v->number;
		return 0;
	}
	for (size_t i = 0; v->kind == TSDL_WORD && i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(v->word, words[i].word)) {
			*basep = words[i].base;
			return 0;
		}
	}
	return tsdl_fail_at(p, v->line, "'base' is not 2, 8, 10 or 16");
}

static bool is_text_encoding(const struct tsdl_value *v)
{
	const char *name = v->kind == TSDL_STRING ? v->string : v->word;

	return v->kind != TSDL_NUMBER &&
	       (!strcmp(name, "UTF8") || !strcmp(name, "utf8") || !strcmp(name, "UTF-8") ||
		!strcmp(name, "utf-8") || !strcmp(name, "ASCII") || !strcmp(name, "ascii"));
}

/* clock.NAME.value */
static int set_map(struct tsdl_parser *p, const struct tsdl_value *v, struct ctf_clock **clockp)
{
	char name[TSDL_NAME_SIZE];

	if (v->kind != TSDL_WORD || strncmp(v->word, "clock.", 6))
		return tsdl_fail_at(p, v->line, "'map' is not clock.NAME.value");
	strcpy(name, v->word + 6);
	char *dot = strchr(name, '.');
	if (dot && strcmp(dot, ".value"))
		return tsdl_fail_at(p, v->line, "'map' is not clock.NAME.value");
	if (dot)
		*dot = '\0';
	*clockp = tsdl_clock(p, name, false);
	return *clockp ? 0 : ERR;
}

static int set_integer(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		       void *data)
{
	struct ctf_fc *fc = data;
	uint64_t size;

	if (!strcmp(name, "size")) {
		int r = number_within(p, name, v, 1, 64, &size);
		if (!r)
			fc->size = (uint16_t)size;
		return r;
	}
	if (!strcmp(name, "align"))
		return set_align(p, v, &fc->align);
	if (!strcmp(name, "signed"))
		return set_bool(p, name, v, &fc->is_signed);
	if (!strcmp(name, "byte_order"))
		return tsdl_byte_order(p, v, &fc->big_endian);
	if (!strcmp(name, "base"))
		return set_base(p, v, &fc->base);
	if (!strcmp(name, "map"))
		return set_map(p, v, &fc->clock);
	if (!strcmp(name, "encoding")) {
		fc->is_char = is_text_encoding(v);
		return 0;
	}
	return tsdl_fail_at(p, v->line, "'%s' is not known", name);
}

static int parse_integer(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	struct ctf_fc *fc;
	int r = new_fc(p, CTF_INT, &fc);

	if (r)
		return r;
	fc->align = 0;
	fc->big_endian = p->t->big_endian;
	r = parse_attributes(p, set_integer, fc);
	if (r)
		return r;
	if (!fc->size)
		return tsdl_fail_at(p, fc->where, "an integer without 'size'");
	if (!fc->align)
		fc->align = fc->size % 8 ? 1 : 8;
	*fcp = fc;
	return 0;
}

struct float_attributes {
	struct ctf_fc *fc;
	uint64_t exp_dig, mant_dig;
};

static int set_float(struct tsdl_parser *p, const char *name, const struct tsdl_value *v,
		     void *data)
{
	struct float_attributes *a = data;

	if (!strcmp(name, "exp_dig"))
		return number_within(p, name, v, 1, 15, &a->exp_dig);
	if (!strcmp(name, "mant_dig"))
		return number_within(p, name, v, 1, 113, &a->mant_dig);
	if (!strcmp(name, "align"))
		return set_align(p, v, &a->fc->align);
	if (!strcmp(name, "byte_order"))
		return tsdl_byte_order(p, v, &a->fc->big_endian);
	return tsdl_fail_at(p, v->line, "'%s' is not known", name);
}

/* Only IEEE 754's own formats; mant_dig counts the hidden bit. */
static uint16_t float_size(const struct float_attributes *a)
{
	static const struct {
		uint8_t exp_dig, mant_dig, size;
	} formats[] = {{5, 11, 16}, {8, 24, 32}, {11, 53, 64}, {15, 113, 128}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (a->exp_dig == formats[i].exp_dig && a->mant_dig == formats[i].mant_dig)
			return formats[i].size;
	}
	return 0;
}

static int parse_float(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	struct float_attributes a = {0};
	int r = new_fc(p, CTF_FLOAT, &a.fc);

	if (r)
		return r;
	a.fc->align = 8;
	a.fc->big_endian = p->t->big_endian;
	r = parse_attributes(p, set_float, &a);
	if (r)
		return r;
	a.fc->size = float_size(&a);
	if (!a.fc->size)
		return tsdl_fail_at(p, a.fc->where,
				    "no IEEE 754 format has %" PRIu64
				    " bits of exponent and %" PRIu64 " of mantissa",
				    a.exp_dig, a.mant_dig);
	*fcp = a.fc;
	return 0;
}

static int parse_string(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	int r = new_fc(p, CTF_STRING, fcp);

	if (r)
		return r;
	(*fcp)->align = 8;
	/* Whatever the encoding, a string's bytes are handed on as they are. */
	return p->lx.kind == '{' ? parse_attributes(p, tsdl_set_nothing, NULL) : 0;
}

/* ---- named types: [struct|variant|enum] [NAME] [body] ---- */

/* Reads the name after `tag`, if there is one, as "tag name"; else name is empty. */
static int parse_tag_name(struct tsdl_parser *p, const char *tag, char name[TSDL_NAME_SIZE])
{
	name[0] = '\0';
	if (p->lx.kind != TSDL_WORD)
		return 0;
	int n = snprintf(name, TSDL_NAME_SIZE, "%s %.*s", tag, (int)p->lx.len, p->lx.text);
	if (n >= TSDL_NAME_SIZE)
		return tsdl_fail_at(p, p->lx.line, "a name that is too long");
	tsdl_next(&p->lx);
	return 0;
}

static int define_if_named(struct tsdl_parser *p, const char *name, const struct ctf_fc *fc)
{
	return name[0] ? define(p, fc->where, name, fc) : 0;
}

/* ---- enumerations ---- */

static int parse_enum_number(struct tsdl_parser *p, bool is_signed, uint64_t *np)
{
	struct tsdl_value v;
	int r = tsdl_parse_value(p, &v);

	if (r)
		return r;
	if (v.kind != TSDL_NUMBER)
		return tsdl_fail_at(p, v.line, "the value of a label is not a number");
	if (v.negative && !is_signed)
		return tsdl_fail_at(p, v.line, "a negative label of an unsigned enumeration");
	*np = v.number;
	return 0;
}

static int parse_label_range(struct tsdl_parser *p, bool is_signed, struct field_range *range)
{
	uint32_t line = p->lx.line;
	int r = parse_enum_number(p, is_signed, &range->lo);

	range->hi = range->lo;
	if (!r && tsdl_accept(p, TSDL_ELLIPSIS))
		r = parse_enum_number(p, is_signed, &range->hi);
	if (r)
		return r;
	if (is_signed ? (int64_t)range->lo > (int64_t)range->hi : range->lo > range->hi)
		return tsdl_fail_at(p, line, "a label's range ends before it begins");
	return 0;
}

static int parse_label(struct tsdl_parser *p, bool is_signed, uint64_t *nextp)
{
	struct field_label label = {.range = {*nextp, *nextp}};

	if (p->lx.kind != TSDL_WORD && p->lx.kind != TSDL_STRING)
		return tsdl_expected(p, "a label");
	int r = tsdl_spend(p, 1);
	if (r)
		return r;
	label.name = arena_strndup(&p->t->arena, p->lx.text, p->lx.len);
	tsdl_next(&p->lx);
	if (tsdl_accept(p, '='))
		r = parse_label_range(p, is_signed, &label.range);
	*vec_push(&p->labels) = label;
	*nextp = label.range.hi + 1;
	return r;
}

static int parse_labels(struct tsdl_parser *p, struct ctf_fc *fc)
{
	size_t first = p->labels.n;
	uint64_t next = 0;
	int r = tsdl_expect(p, '{', "'{'");

	while (!r && !tsdl_accept(p, '}')) {
		r = parse_label(p, fc->is_signed, &next);
		if (!r && p->lx.kind != '}')
			r = tsdl_expect(p, ',', "',' or '}'");
	}
	fc->n_labels = (uint32_t)(p->labels.n - first);
	fc->labels = arena_memdup(&p->t->arena, p->labels.at ? p->labels.at + first : NULL,
				  sizeof(*p->labels.at) * fc->n_labels);
	p->labels.n = first;
	return r;
}

/* A type that holds no field of its own, but may be an enumeration of an enumeration of ... */
static int parse_base_type(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	int r = enter_composite(p);

	if (!r)
		r = tsdl_parse_type(p, fcp);
	p->depth--;
	return r;
}

/* After the name: [: integer type] { labels } */
static int parse_enum_body(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	uint32_t line = p->lx.line;
	int r = tsdl_accept(p, ':') ? parse_base_type(p, fcp) : use_named(p, line, "int", fcp);

	if (r)
		return r;
	if ((*fcp)->kind != CTF_INT || (*fcp)->is_enum)
		return tsdl_fail_at(p, line, "an enumeration of something that is not an integer");
	(*fcp)->is_enum = true;
	return parse_labels(p, *fcp);
}

static int parse_enum(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	char name[TSDL_NAME_SIZE];
	uint32_t line = p->lx.line;
	int r = parse_tag_name(p, "enum", name);

	if (r)
		return r;
	if (name[0] && p->lx.kind != ':' && p->lx.kind != '{')
		return use_named(p, line, name, fcp);
	r = parse_enum_body(p, fcp);
	return r ? r : define_if_named(p, name, *fcp);
}

/* ---- arrays and the names of fields ---- */

static const char *shown_name(struct tsdl_parser *p, const char *name, size_t len)
{
	bool prefixed = len > 0 && name[0] == '_';

	return arena_strndup(&p->t->arena, name + prefixed, len - prefixed);
}

struct scope_prefix {
	const char *text;
	enum ctf_scope scope;
};

static const struct scope_prefix *find_prefix(const char *path)
{
	static const struct scope_prefix prefixes[] = {
		{"trace.packet.header.", CTF_PACKET_HEADER},
		{"stream.packet.context.", CTF_PACKET_CONTEXT},
		{"stream.event.header.", CTF_EVENT_HEADER},
		{"stream.event.context.", CTF_EVENT_COMMON_CONTEXT},
		{"event.context.", CTF_EVENT_SPECIFIC_CONTEXT},
		{"event.fields.", CTF_EVENT_PAYLOAD},
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!strncmp(path, prefixes[i].text, strlen(prefixes[i].text)))
			return &prefixes[i];
	}
	return NULL;
}

static void set_path(struct tsdl_parser *p, struct ctf_ref *ref, const char *path)
{
	const struct scope_prefix *prefix = find_prefix(path);
	const char *names[TSDL_NAME_SIZE];

	ref->relative = !prefix;
	ref->n_names = 0;
	if (prefix) {
		ref->scope = prefix->scope;
		path += strlen(prefix->text);
	}
	while (*path) {
		size_t len = strcspn(path, ".");

		names[ref->n_names++] = shown_name(p, path, len);
		path += len + (path[len] == '.');
	}
	ref->names = arena_memdup(&p->t->arena, names, sizeof(*names) * ref->n_names);
}

static int parse_path(struct tsdl_parser *p, struct ctf_ref *ref)
{
	char path[TSDL_NAME_SIZE];
	int r = tsdl_parse_dotted(p, path);

	if (!r)
		set_path(p, ref, path);
	return r;
}

/* A field's value, or with "env." a number that holds for all of the trace. */
static int parse_named_length(struct tsdl_parser *p, struct ctf_fc *array)
{
	char path[TSDL_NAME_SIZE];
	int r = tsdl_parse_dotted(p, path);

	if (!r && !strncmp(path, "env.", 4))
		return tsdl_env_number(p, path + 4, &array->length);
	array->kind = CTF_SEQUENCE;
	if (!r)
		set_path(p, &array->path, path);
	return r;
}

/* "[N]" or "[path]", as far as the closing bracket. */
static int parse_length(struct tsdl_parser *p, struct ctf_fc *array)
{
	int r = 0;

	if (p->lx.kind == TSDL_WORD) {
		r = parse_named_length(p, array);
	} else {
		array->length = p->lx.number;
		r = tsdl_expect(p, TSDL_NUMBER, "a length");
	}
	return r ? r : tsdl_expect(p, ']', "']'");
}

static void set_content(struct ctf_fc *array)
{
	const struct ctf_fc *e = array->elem;

	if (e->kind == CTF_INT && e->is_char && e->size == 8 && e->align % 8 == 0)
		array->content = CTF_CONTENT_TEXT;
}

/* Reads the dimensions after a name, if any: the first one is the outermost array. */
static int parse_dimensions(struct tsdl_parser *p, struct ctf_fc *elem, struct ctf_fc **fcp)
{
	struct ctf_fc *array;

	*fcp = elem;
	if (!tsdl_accept(p, '['))
		return 0;
	int r = new_fc(p, CTF_ARRAY, &array);
	if (!r)
		r = enter_composite(p);
	if (!r)
		r = parse_length(p, array);
	if (!r)
		r = parse_dimensions(p, elem, &array->elem);
	if (r)
		return r;
	if (p->depth + ctf_fc_extent(array->elem).depth > CTF_MAX_DEPTH)
		return tsdl_fail_at(p, array->where, "types nested more than %d deep",
				    CTF_MAX_DEPTH);
	p->depth--;
	set_content(array);
	*fcp = array;
	return 0;
}

/* ---- structs and variants ---- */

/* One name, with its dimensions, of the fields `type a, b[2];` */
static int parse_field(struct tsdl_parser *p, struct ctf_fc *type)
{
	struct ctf_member m;
	uint32_t line = p->lx.line;

	if (p->lx.kind != TSDL_WORD)
		return tsdl_expected(p, "the name of a field");
	m.name = shown_name(p, p->lx.text, p->lx.len);
	tsdl_next(&p->lx);
	int r = parse_dimensions(p, type, &m.fc);
	if (r)
		return r;
	m.fc->where = line;
	*vec_push(&p->members) = m;
	return 0;
}

/* type a, b[2];  Each field has a type of its own, since what finish() notes there differs. */
static int parse_fields(struct tsdl_parser *p)
{
	struct ctf_fc *type;
	uint32_t line = p->lx.line;
	bool names = tsdl_is_word(&p->lx, "struct") || tsdl_is_word(&p->lx, "variant") ||
		     tsdl_is_word(&p->lx, "enum");
	int r = tsdl_parse_type(p, &type);

	/* It gives a type a name, no more. */
	if (!r && names && tsdl_accept(p, ';'))
		return 0;
	if (!r)
		r = parse_field(p, type);
	while (!r && tsdl_accept(p, ',')) {
		r = use_type(p, line, type, &type);
		if (!r)
			r = parse_field(p, type);
	}
	return r ? r : tsdl_expect(p, ';', "';'");
}

/* { fields }: they are left at the end of p->members. */
static int parse_body(struct tsdl_parser *p)
{
	uint32_t outer = tsdl_scope_enter(p);
	int r = enter_composite(p);

	if (!r)
		r = tsdl_expect(p, '{', "'{'");
	while (!r && !tsdl_accept(p, '}')) {
		if (tsdl_accept(p, ';'))
			continue;
		r = tsdl_is_word(&p->lx, "typealias") || tsdl_is_word(&p->lx, "typedef")
			    ? tsdl_parse_naming(p)
			    : parse_fields(p);
	}
	p->depth--;
	tsdl_scope_leave(p, outer);
	return r;
}

static int parse_struct_align(struct tsdl_parser *p, uint32_t *alignp)
{
	struct tsdl_value v;

	if (!tsdl_accept_word(p, "align"))
		return 0;
	int r = tsdl_expect(p, '(', "'('");
	if (!r)
		r = tsdl_parse_value(p, &v);
	if (!r)
		r = set_align(p, &v, alignp);
	return r ? r : tsdl_expect(p, ')', "')'");
}

static int parse_struct_body(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	size_t first = p->members.n;
	struct ctf_fc *fc;
	int r = new_fc(p, CTF_STRUCT, &fc);

	if (!r)
		r = parse_body(p);
	if (!r)
		r = parse_struct_align(p, &fc->align);
	if (r)
		return r;
	fc->n_members = (uint32_t)(p->members.n - first);
	fc->members = arena_memdup(&p->t->arena, p->members.at ? p->members.at + first : NULL,
				   sizeof(*p->members.at) * fc->n_members);
	p->members.n = first;
	*fcp = fc;
	return 0;
}

static int parse_struct(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	char name[TSDL_NAME_SIZE];
	uint32_t line = p->lx.line;
	int r = parse_tag_name(p, "struct", name);

	if (r)
		return r;
	if (name[0] && p->lx.kind != '{')
		return use_named(p, line, name, fcp);
	r = parse_struct_body(p, fcp);
	return r ? r : define_if_named(p, name, *fcp);
}

static int parse_selector(struct tsdl_parser *p, struct ctf_ref *ref)
{
	if (!tsdl_accept(p, '<'))
		return 0;
	int r = parse_path(p, ref);

	return r ? r : tsdl_expect(p, '>', "'>'");
}

static int parse_variant_body(struct tsdl_parser *p, struct ctf_fc *fc)
{
	size_t first = p->members.n;
	int r = parse_body(p);

	if (r)
		return r;
	fc->n_options = (uint32_t)(p->members.n - first);
	fc->options = arena_array(&p->t->arena, struct ctf_option, fc->n_options);
	for (uint32_t i = 0; i < fc->n_options; i++) {
		fc->options[i].name = p->members.at[first + i].name;
		fc->options[i].fc = p->members.at[first + i].fc;
	}
	p->members.n = first;
	return 0;
}

/* variant [NAME] [<selector>] [{ options }]: one without a selector gets it where it is used. */
static int parse_variant(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	char name[TSDL_NAME_SIZE];
	struct ctf_ref selector = {0};
	uint32_t line = p->lx.line;
	int r = parse_tag_name(p, "variant", name);

	if (!r)
		r = parse_selector(p, &selector);
	if (r)
		return r;
	bool has_body = p->lx.kind == '{' || !name[0];
	if (has_body) {
		r = new_fc(p, CTF_VARIANT, fcp);
		if (!r)
			r = parse_variant_body(p, *fcp);
	} else {
		r = use_named(p, line, name, fcp);
	}
	if (r)
		return r;
	if (selector.n_names)
		(*fcp)->path = selector;
	return has_body ? define_if_named(p, name, *fcp) : 0;
}

/* ---- types by name ---- */

/* Words that C lets a type's name consist of, several at a time. */
static bool is_basic_word(const struct tsdl_lexer *lx)
{
	static const char *const words[] = {
		"void",	  "char",   "short",	"int",	 "long",     "float",
		"double", "signed", "unsigned", "_Bool", "_Complex", "_Imaginary",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (tsdl_is_word(lx, words[i]))
			return true;
	}
	return false;
}

static int add_word(struct tsdl_parser *p, char name[TSDL_NAME_SIZE])
{
	size_t n = strlen(name);

	if (n + 1 + p->lx.len >= TSDL_NAME_SIZE)
		return tsdl_fail_at(p, p->lx.line, "a name that is too long");
	if (n)
		name[n++] = ' ';
	memcpy(name + n, p->lx.text, p->lx.len);
	name[n + p->lx.len] = '\0';
	tsdl_next(&p->lx);
	return 0;
}

/* "unsigned long", "uint32_t", "char *": words joined by one space each; const says nothing. */
static int parse_type_name(struct tsdl_parser *p, char name[TSDL_NAME_SIZE])
{
	bool basic = false, done = false;
	int r = 0;

	name[0] = '\0';
	while (!r && !done) {
		if (tsdl_accept_word(p, "const"))
			continue;
		if (p->lx.kind == '*' && name[0]) {
			r = add_word(p, name);
		} else if (is_basic_word(&p->lx) && (basic || !name[0])) {
			basic = true;
			r = add_word(p, name);
		} else if (p->lx.kind == TSDL_WORD && !name[0]) {
			r = add_word(p, name);
		} else {
			done = true;
		}
	}
	return !r && !name[0] ? tsdl_expected(p, "a type") : r;
}

static int parse_named(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	char name[TSDL_NAME_SIZE];
	uint32_t line = p->lx.line;
	int r = parse_type_name(p, name);

	if (!r)
		r = use_named(p, line, name, fcp);
	if (!r && (*fcp)->kind == CTF_VARIANT)
		r = parse_selector(p, &(*fcp)->path);
	return r;
}

int tsdl_parse_type(struct tsdl_parser *p, struct ctf_fc **fcp)
{
	while (tsdl_accept_word(p, "const"))
		;
	if (tsdl_accept_word(p, "integer"))
		return parse_integer(p, fcp);
	if (tsdl_accept_word(p, "struct"))
		return parse_struct(p, fcp);
	if (tsdl_accept_word(p, "string"))
		return parse_string(p, fcp);
	if (tsdl_accept_word(p, "enum"))
		return parse_enum(p, fcp);
	if (tsdl_accept_word(p, "variant"))
		return parse_variant(p, fcp);
	if (tsdl_accept_word(p, "floating_point"))
		return parse_float(p, fcp);
	return parse_named(p, fcp);
}

/* ---- statements that give names ---- */

static int parse_typealias(struct tsdl_parser *p)
{
	char name[TSDL_NAME_SIZE];
	struct ctf_fc *fc;
	int r = tsdl_parse_type(p, &fc);

	if (!r)
		r = parse_dimensions(p, fc, &fc);
	if (!r)
		r = tsdl_expect(p, TSDL_TYPE_ASSIGN, "':='");
	uint32_t line = p->lx.line;
	if (!r)
		r = parse_type_name(p, name);
	return r ? r : define(p, line, name, fc);
}

static int parse_typedef(struct tsdl_parser *p)
{
	struct ctf_fc *type, *fc;
	int r = tsdl_parse_type(p, &type);

	while (!r) {
		char name[TSDL_NAME_SIZE] = "";
		uint32_t line = p->lx.line;

		if (p->lx.kind != TSDL_WORD)
			return tsdl_expected(p, "a name");
		r = add_word(p, name);
		if (!r)
			r = parse_dimensions(p, type, &fc);
		if (!r)
			r = define(p, line, name, fc);
		if (r || !tsdl_accept(p, ','))
			break;
	}
	return r;
}

int tsdl_parse_naming(struct tsdl_parser *p)
{
	struct ctf_fc *fc;
	int r;

	if (tsdl_accept_word(p, "typealias"))
		r = parse_typealias(p);
	else if (tsdl_accept_word(p, "typedef"))
		r = parse_typedef(p);
	else if (tsdl_is_word(&p->lx, "struct") || tsdl_is_word(&p->lx, "variant") ||
		 tsdl_is_word(&p->lx, "enum"))
		r = tsdl_parse_type(p, &fc);
	else
		return 1;
	return r ? r : tsdl_expect(p, ';', "';'");
}
