#include "input/ftrace/format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "input/ftrace/record.h"

enum {
	FIELDS_MAX = 512,	 /* of an event; the kernel's largest have some 30 */
	FIELD_END_MAX = 1 << 20, /* bytes; a record is at most a page or sub-buffer */
	IDS_END = 1 << 16,	 /* common_type has 16 bits */
	INT_MAX_SIZE = 8,
};

/* A piece of the format's text. */
struct span {
	const char *at;
	size_t n;
};

/* ---- pieces of text -------------------------------------------------------------------------- */

static bool span_starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && !memcmp(s.at, with, n);
}

static struct span span_skip(struct span s, size_t n)
{
	return (struct span){s.at + n, s.n - n};
}

static struct span span_trim(struct span s)
{
	while (s.n && isspace((unsigned char)s.at[0]))
		s = span_skip(s, 1);
	while (s.n && isspace((unsigned char)s.at[s.n - 1]))
		s.n--;
	return s;
}

/* Takes what is up to `c` off s, and c itself. Return: it; all of s where there is no c. */
static struct span span_until(struct span *s, char c)
{
	const char *end = s->n ? memchr(s->at, c, s->n) : NULL;
	struct span head = {s->at, end ? (size_t)(end - s->at) : s->n};

	*s = span_skip(*s, head.n + (end != NULL));
	return head;
}

/* Return: whether s is a decimal number, and nothing else, that fits. */
static bool span_number(struct span s, uint32_t *np)
{
	uint64_t n = 0;

	s = span_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		if (!isdigit((unsigned char)s.at[i]))
			return false;
		n = n * 10 + (uint64_t)(s.at[i] - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*np = (uint32_t)n;
	return s.n > 0;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* ---- a field's declaration: "unsigned long args[6]" ------------------------------------------ */

/* What is said by a declaration alone. */
struct declaration {
	struct span type, name;
	struct span dimensions; /* "[6]", with all brackets; empty: none stand behind the name */
	enum ftrace_place place;
};

static bool take_word(struct span *s, const char *word)
{
	if (!span_starts(*s, word))
		return false;
	*s = span_trim(span_skip(*s, strlen(word)));
	return true;
}

static enum ftrace_place ftrace_take_place(struct span *s)
{
	if (take_word(s, "__data_loc "))
		return FTRACE_DATA_LOC;
	return take_word(s, "__rel_loc ") ? FTRACE_REL_LOC : FTRACE_FIXED;
}

/* Return: whether it is one that we understand. */
static bool parse_declaration(struct span s, struct declaration *d)
{
	size_t end, start;

	s = span_trim(s);
	d->place = ftrace_take_place(&s);
	end = s.n;
	while (end && s.at[end - 1] == ']') {
		while (end && s.at[end - 1] != '[')
			end--;
		end -= end > 0;
	}
	d->dimensions = (struct span){s.at + end, s.n - end};
	start = end;
	while (start && is_name_char(s.at[start - 1]))
		start--;
	d->name = (struct span){s.at + start, end - start};
	d->type = span_trim((struct span){s.at, start});
	return d->name.n && d->type.n;
}

/* "[2][3]" are 6. Return: 0 where a size is a name or is missing. */
static uint32_t count_elements(struct span dimensions)
{
	uint64_t n = 1;
	uint32_t one;

	while (dimensions.n && n && n <= FIELD_END_MAX) {
		span_until(&dimensions, '[');
		n *= span_number(span_until(&dimensions, ']'), &one) ? one : 0;
	}
	return n <= FIELD_END_MAX ? (uint32_t)n : 0;
}

struct base_type {
	const char *name;
	uint8_t size; /* bytes; 0: a long's */
};

static const struct base_type base_types[] = {
	{"char", 1},
	{"signed char", 1},
	{"unsigned char", 1},
	{"u8", 1},
	{"s8", 1},
	{"__u8", 1},
	{"__s8", 1},
	{"uint8_t", 1},
	{"int8_t", 1},
	{"bool", 1},
	{"_Bool", 1},
	{"short", 2},
	{"unsigned short", 2},
	{"u16", 2},
	{"s16", 2},
	{"__u16", 2},
	{"__s16", 2},
	{"__le16", 2},
	{"__be16", 2},
	{"uint16_t", 2},
	{"int16_t", 2},
	{"int", 4},
	{"unsigned", 4},
	{"unsigned int", 4},
	{"u32", 4},
	{"s32", 4},
	{"__u32", 4},
	{"__s32", 4},
	{"__le32", 4},
	{"__be32", 4},
	{"uint32_t", 4},
	{"int32_t", 4},
	{"long", 0},
	{"unsigned long", 0},
	{"size_t", 0},
	{"cpumask_t", 0},
	{"long long", 8},
	{"unsigned long long", 8},
	{"u64", 8},
	{"s64", 8},
	{"__u64", 8},
	{"__s64", 8},
	{"uint64_t", 8},
	{"int64_t", 8},
};

/* The type of one element: without const, and without the brackets of "char[]". */
static struct span element_type(struct span type)
{
	struct span bare = type;

	take_word(&bare, "const ");
	return span_trim(span_until(&bare, '['));
}

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && span_starts(s, text);
}

/* Bytes of an element of this type, 0: nothing is known of it. */
static uint32_t type_size(const struct ftrace_formats *fs, struct span type)
{
	size_t n = sizeof(base_types) / sizeof(base_types[0]);

	if (memchr(type.at, '*', type.n))
		return fs->long_size;
	for (size_t i = 0; i < n; i++) {
		if (span_is(type, base_types[i].name))
			return base_types[i].size ? base_types[i].size : fs->long_size;
	}
	return 0;
}

static bool is_int_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == INT_MAX_SIZE;
}

/* ---- a field's line -------------------------------------------------------------------------- */

/* Return: whether the text has a number with this label, such as "offset:8;". */
static bool labelled_number(struct span line, const char *label, uint32_t *np)
{
	while (line.n) {
		struct span part = span_trim(span_until(&line, ';'));

		if (span_starts(part, label))
			return span_number(span_skip(part, strlen(label)), np);
	}
	return false;
}

/* Before "signed" was written, in kernels older than 2.6.32, only the type said so. */
static bool looks_signed(struct span type)
{
	return span_is(type, "int") || span_is(type, "long") || span_is(type, "short") ||
	       span_is(type, "pid_t") || span_is(type, "long long") || span_starts(type, "s");
}

static uint32_t element_size(const struct ftrace_formats *fs, const struct ftrace_field *f,
			     const struct declaration *d, struct span elem)
{
	uint32_t known = type_size(fs, elem), n = count_elements(d->dimensions);

	if (!f->is_array)
		return f->place == FTRACE_FIXED || !known ? f->size : known;
	if (known && (!f->size || f->place != FTRACE_FIXED || f->size % known == 0))
		return known;
	return n ? f->size / n : 0;
}

static const char *type_text(const struct ftrace_formats *fs, const struct declaration *d)
{
	return arena_printf(fs->arena, "%.*s%.*s", (int)d->type.n, d->type.at, (int)d->dimensions.n,
			    d->dimensions.at);
}

static void complete_field(const struct ftrace_formats *fs, const struct declaration *d,
			   struct ftrace_field *f)
{
	struct span elem = element_type(d->type);

	f->name = arena_strndup(fs->arena, d->name.at, d->name.n);
	f->type = type_text(fs, d);
	f->place = d->place;
	if (f->place != FTRACE_FIXED && f->size != 4)
		f->place = FTRACE_FIXED;
	f->is_array = d->dimensions.n || (f->place != FTRACE_FIXED && d->type.n);
	if (f->place == FTRACE_FIXED && !f->size)
		f->place = FTRACE_REST;
	f->elem_size = element_size(fs, f, d, elem);
	f->is_text = f->is_array && span_is(elem, "char");
	f->is_bool = span_is(elem, "bool") || span_is(elem, "_Bool");
	f->is_pointer = !f->is_text && memchr(elem.at, '*', elem.n) != NULL;
}

/* `line` is what follows "field:". Return: whether it could be read. */
static bool ftrace_parse_field(const struct ftrace_formats *fs, struct span line,
			       struct ftrace_field *f)
{
	struct declaration d;
	uint32_t is_signed;

	*f = (struct ftrace_field){0};
	if (!parse_declaration(span_until(&line, ';'), &d) ||
	    !labelled_number(line, "offset:", &f->offset) ||
	    !labelled_number(line, "size:", &f->size))
		return false;
	if (f->offset > FIELD_END_MAX || f->size > FIELD_END_MAX - f->offset)
		return false;
	f->is_signed = labelled_number(line, "signed:", &is_signed) ? is_signed != 0
								    : looks_signed(d.type);
	complete_field(fs, &d, f);
	return true;
}

/* ---- a format's text ------------------------------------------------------------------------- */

/* What is read so far of one text. */
struct parser {
	struct ftrace_formats *fs;
	struct span name;
	uint32_t id;
	bool has_id, in_print;
	VEC(struct ftrace_field) fields;
	uint32_t n_common;
};

static bool is_common(const struct ftrace_field *f)
{
	return !strncmp(f->name, "common_", strlen("common_"));
}

static void parse_field_line(struct parser *p, struct span line)
{
	struct ftrace_field f;

	if (p->fields.n == FIELDS_MAX || !ftrace_parse_field(p->fs, line, &f))
		return;
	/* Common fields are the first ones; an event's own may have such a name, too. */
	if (is_common(&f) && p->n_common == p->fields.n)
		p->n_common++;
	*vec_push(&p->fields) = f;
}

static void parse_line(struct parser *p, struct span line)
{
	line = span_trim(line);
	if (take_word(&line, "field:")) {
		parse_field_line(p, line);
	} else if (take_word(&line, "name:")) {
		p->name = p->name.n ? p->name : line;
	} else if (take_word(&line, "ID:")) {
		p->has_id = p->has_id || (span_number(line, &p->id) && p->id < IDS_END);
	} else if (span_starts(line, "print fmt:")) {
		p->in_print = true;
	}
}

static void note_common(struct ftrace_formats *fs, const struct ftrace_format *f)
{
	const struct ftrace_field *type = ftrace_find_field(f, "common_type");
	const struct ftrace_field *pid = ftrace_find_field(f, "common_pid");

	if (type && !fs->common_type.size)
		fs->common_type = *type;
	if (pid && !fs->common_pid.size)
		fs->common_pid = *pid;
}

static void grow_ids(struct ftrace_formats *fs, uint32_t id)
{
	uint32_t n = fs->n_by_id ? fs->n_by_id : 256;

	while (n <= id)
		n *= 2;
	if (n == fs->n_by_id)
		return;
	fs->by_id = mem_realloc(fs->by_id, n * sizeof(*fs->by_id));
	memset(fs->by_id + fs->n_by_id, 0, (n - fs->n_by_id) * sizeof(*fs->by_id));
	fs->n_by_id = n;
}

static void add_parsed(struct parser *p, const char *system)
{
	struct ftrace_formats *fs = p->fs;
	struct ftrace_format *f = arena_new(fs->arena, struct ftrace_format);

	f->id = (uint16_t)p->id;
	f->system = arena_strdup(fs->arena, system);
	f->name = arena_strndup(fs->arena, p->name.at, p->name.n);
	f->full_name = arena_printf(fs->arena, "%s:%s", f->system, f->name);
	f->fields = arena_memdup(fs->arena, p->fields.at, p->fields.n * sizeof(*p->fields.at));
	f->n_fields = (uint32_t)p->fields.n;
	f->n_common = p->n_common;
	f->index = (uint32_t)fs->all.n;
	grow_ids(fs, f->id);
	fs->by_id[f->id] = f;
	*vec_push(&fs->all) = f;
	note_common(fs, f);
}

static int check_parsed(const struct parser *p, const char *system, struct error *err)
{
	if (!p->name.n)
		return error_set(err, "an event format of '%s' has no name", system);
	if (!p->has_id)
		return error_set(err, "the format of %s:%.*s has no ID", system, (int)p->name.n,
				 p->name.at);
	if (!p->fields.n)
		return error_set(err, "the format of %s:%.*s has no field", system, (int)p->name.n,
				 p->name.at);
	return 0;
}

int ftrace_formats_add(struct ftrace_formats *fs, const char *system, const char *text, size_t size,
		       struct error *err)
{
	struct parser p = {.fs = fs};
	struct span rest = {text, size};

	while (rest.n && !p.in_print)
		parse_line(&p, span_until(&rest, '\n'));
	int r = check_parsed(&p, system, err);

	if (!r && !ftrace_format_of(fs, p.id))
		add_parsed(&p, system);
	vec_deinit(&p.fields);
	return r;
}

void ftrace_formats_deinit(struct ftrace_formats *fs)
{
	vec_deinit(&fs->all);
	free(fs->by_id);
	fs->by_id = NULL;
	fs->n_by_id = 0;
}

const struct ftrace_field *ftrace_find_field(const struct ftrace_format *f, const char *name)
{
	for (uint32_t i = 0; i < f->n_fields; i++) {
		if (!strcmp(f->fields[i].name, name))
			return &f->fields[i];
	}
	return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Of 1 to 8 bytes. */
static uint64_t ftrace_load_uint(const struct ftrace_formats *fs, const uint8_t *at, uint32_t size)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < size; i++)
		v = v << 8 | at[fs->big_endian ? i : size - 1 - i];
	return v;
}

static uint64_t ftrace_load_int(const struct ftrace_formats *fs, const uint8_t *at, uint32_t size,
				bool is_signed)
{
	unsigned up = 64 - size * 8;
	uint64_t v = ftrace_load_uint(fs, at, size) << up;

	return is_signed ? (uint64_t)((int64_t)v >> up) : v >> up;
}

uint64_t ftrace_read_int(const struct ftrace_formats *fs, const struct ftrace_field *field,
			 const uint8_t *record, size_t size)
{
	if (!is_int_size(field->size) || field->offset > size || field->size > size - field->offset)
		return 0;
	return ftrace_load_int(fs, record + field->offset, field->size, field->is_signed);
}

bool ftrace_locate(const struct ftrace_formats *fs, const struct ftrace_field *f,
		   const uint8_t *record, size_t size, struct ftrace_bytes *bytesp)
{
	size_t at = f->offset, n = f->size;

	if (at > size)
		return false;
	/* A stack that is less deep than its format has room for is written as deep as it is. */
	if (f->place == FTRACE_REST || (n > size - at && f->is_array && !f->is_text))
		n = size - at;
	if (n > size - at)
		return false;
	if (f->place == FTRACE_DATA_LOC || f->place == FTRACE_REL_LOC) {
		if (n < 4)
			return false;
		uint32_t word = (uint32_t)ftrace_load_uint(fs, record + at, 4);

		at = (f->place == FTRACE_REL_LOC ? at + 4 : 0) + (word & 0xffff);
		n = word >> 16;
		if (at > size || n > size - at)
			return false;
	}
	*bytesp = (struct ftrace_bytes){record + at, n};
	return true;
}

/* ---- showing --------------------------------------------------------------------------------- */

static struct field int_of(const struct ftrace_field *f, const char *name)
{
	return (struct field){.name = name,
			      .kind = FIELD_INT,
			      .size = (uint16_t)(f->elem_size * 8),
			      .is_signed = f->is_signed && !f->is_pointer,
			      .is_bool = f->is_bool,
			      .base = f->is_pointer ? 16 : 10};
}

static void show_int(const struct ftrace_formats *fs, const struct ftrace_field *f,
		     const char *name, const uint8_t *at, const struct field_visitor *v, void *ctx)
{
	struct field shown = int_of(f, name);

	if (v->integer)
		v->integer(ctx, &shown, ftrace_load_int(fs, at, f->elem_size, shown.is_signed));
}

static void show_array(const struct ftrace_formats *fs, const struct ftrace_field *f,
		       struct ftrace_bytes b, const struct field_visitor *v, void *ctx)
{
	struct field shown = {.name = f->name, .kind = FIELD_ARRAY};

	if (v->open)
		v->open(ctx, &shown);
	for (size_t i = 0; i + f->elem_size <= b.n; i += f->elem_size)
		show_int(fs, f, NULL, b.at + i, v, ctx);
	if (v->close)
		v->close(ctx, &shown);
}

static void show_bytes(const struct ftrace_field *f, struct ftrace_bytes b,
		       const struct field_visitor *v, void *ctx)
{
	struct field shown = {
		.name = f->name, .kind = f->is_text ? FIELD_TEXT : FIELD_BLOB, .code_unit = 1};

	if (f->is_text)
		b.n = strnlen((const char *)b.at, b.n);
	if (v->bytes)
		v->bytes(ctx, &shown, b.at, b.n);
}

static void show_field(const struct ftrace_formats *fs, const struct ftrace_field *f,
		       const uint8_t *record, size_t size, const struct field_visitor *v, void *ctx)
{
	struct ftrace_bytes b;

	if (!ftrace_locate(fs, f, record, size, &b))
		return;
	if (f->is_text || !is_int_size(f->elem_size))
		show_bytes(f, b, v, ctx);
	else if (f->is_array || f->place != FTRACE_FIXED)
		show_array(fs, f, b, v, ctx);
	else
		show_int(fs, f, f->name, b.at, v, ctx);
}

void ftrace_visit(const struct ftrace_formats *fs, const struct ftrace_format *f,
		  const uint8_t *record, size_t size, enum field_scope scope,
		  const struct field_visitor *v, void *ctx)
{
	static const struct field root = {.kind = FIELD_STRUCT};
	uint32_t from = scope == SCOPE_PAYLOAD ? f->n_common : 0;
	uint32_t to = scope == SCOPE_PAYLOAD ? f->n_fields : f->n_common;

	if (v->open)
		v->open(ctx, &root);
	for (uint32_t i = from; i < to; i++) {
		if (scope == SCOPE_PAYLOAD || strcmp(f->fields[i].name, "common_type") != 0)
			show_field(fs, &f->fields[i], record, size, v, ctx);
	}
	if (v->close)
		v->close(ctx, &root);
}
