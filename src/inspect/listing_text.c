#include "inspect/listing_print.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/out.h"

enum { DEPTH_MAX = 64 };

/* A struct, array or choice that is being printed. */
struct level {
	enum field_kind kind;
	uint64_t n; /* how many were printed */
};

struct text {
	struct out out;
	struct clock_text clock;
	int64_t last_ns;
	bool had_event;
	enum clock_origin last_origin;
	struct level levels[DEPTH_MAX + 2];
	unsigned depth;
	bool printed_scopes; /* of the current event */
};

/* Everything before a value. */
static void begin_value(struct text *t, const struct field *f)
{
	struct out *o = &t->out;

	if (!t->depth)
		return;
	struct level *l = &t->levels[t->depth - 1];

	/* The name of what was chosen is that of the choice. */
	if (l->kind == FIELD_CHOICE)
		return;
	out_bytes(o, ", ", l->n ? 2 : 0);
	if (!l->n)
		out_char(o, ' ');
	if (l->kind == FIELD_STRUCT) {
		out_str(o, f->name);
		out_bytes(o, " = ", 3);
	} else {
		out_char(o, '[');
		out_uint(o, l->n);
		out_bytes(o, "] = ", 4);
	}
	l->n++;
}

static void on_open(void *ctx, const struct field *f)
{
	struct text *t = ctx;

	begin_value(t, f);
	out_bytes(&t->out,
		  f->kind == FIELD_STRUCT  ? "{"
		  : f->kind == FIELD_ARRAY ? "["
					   : "{ ",
		  f->kind == FIELD_CHOICE ? 2 : 1);
	if (t->depth <= DEPTH_MAX)
		t->levels[t->depth] = (struct level){.kind = f->kind};
	t->depth++;
}

static void on_close(void *ctx, const struct field *f)
{
	struct text *t = ctx;

	out_bytes(&t->out, f->kind == FIELD_ARRAY ? " ]" : " }", 2);
	t->depth--;
}

/* The digits that the field's own bits make, as printf would show a negative number of that size.
 */
static uint64_t own_bits(const struct field *f, uint64_t value, unsigned bits_per_digit)
{
	unsigned size = (f->size + bits_per_digit - 1) / bits_per_digit * bits_per_digit;

	return f->size && size < 64 ? value & ((UINT64_C(1) << size) - 1) : value;
}

static void print_binary(struct out *o, const struct field *f, uint64_t value)
{
	unsigned size = f->size ? f->size : 64;

	out_bytes(o, "0b", 2);
	while (size--)
		out_char(o, value >> size & 1 ? '1' : '0');
}

static void print_integer(struct out *o, const struct field *f, uint64_t value)
{
	switch (f->base) {
	case 2:
		print_binary(o, f, value);
		break;
	case 8:
		out_char(o, '0');
		out_based(o, own_bits(f, value, 3), 8);
		break;
	case 16:
		out_bytes(o, "0x", 2);
		out_based(o, own_bits(f, value, 4), 16);
		break;
	default:
		if (f->is_signed)
			out_int(o, (int64_t)value);
		else
			out_uint(o, value);
	}
}

static void print_escaped(struct out *o, uint8_t c)
{
	static const char letters[] = "\aa\bb\033e\ff\nn\rr\tt\vv\\\\''\"\"??";

	out_char(o, '\\');
	for (const char *p = letters; *p; p += 2) {
		if ((uint8_t)*p == c) {
			out_char(o, p[1]);
			return;
		}
	}
	out_char(o, 'x');
	out_char(o, "0123456789abcdef"[c >> 4]);
	out_char(o, "0123456789abcdef"[c & 15]);
}

static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c != 0x7f && c != '\\' && c != '\'' && c != '"' && c != '?';
}

static void print_quoted(struct out *o, const char *at, size_t n)
{
	out_char(o, '"');
	for (size_t i = 0; i < n;) {
		size_t start = i;

		while (i < n && is_plain((uint8_t)at[i]))
			i++;
		out_bytes(o, at + start, i - start);
		if (i < n)
			print_escaped(o, (uint8_t)at[i++]);
	}
	out_char(o, '"');
}

static void print_labels(struct out *o, const struct field *f, uint64_t value)
{
	bool any = false;

	for (uint32_t i = 0; i < f->n_labels; i++) {
		if (!field_label_fits(f, &f->labels[i], value))
			continue;
		out_bytes(o, ", ", any ? 2 : 0);
		print_quoted(o, f->labels[i].name, strlen(f->labels[i].name));
		any = true;
	}
	if (!any)
		out_str(o, "<unknown>");
}

static void on_integer(void *ctx, const struct field *f, uint64_t value)
{
	struct text *t = ctx;

	begin_value(t, f);

	if (f->is_enum) {
		out_str(&t->out, "( ");
		print_labels(&t->out, f, value);
		out_str(&t->out, " : container = ");
		print_integer(&t->out, f, value);
		out_str(&t->out, " )");
	} else if (f->is_bool) {
		out_str(&t->out, value ? "true" : "false");
	} else {
		print_integer(&t->out, f, value);
	}
}

static void on_real(void *ctx, const struct field *f, double value)
{
	struct text *t = ctx;
	begin_value(t, f);

	/* A single's nearest double has digits that nobody wrote. */
	if (f->size <= 32) {
		char text[32];

		snprintf(text, sizeof(text), "%g", value);
		out_str(&t->out, text);
	} else {
		out_double(&t->out, value);
	}
}

static void print_blob(struct out *o, const uint8_t *at, size_t n)
{
	out_bytes(o, "0x", 2);
	for (size_t i = 0; i < n; i++) {
		out_char(o, "0123456789ABCDEF"[at[i] >> 4]);
		out_char(o, "0123456789ABCDEF"[at[i] & 15]);
	}
}

static void on_bytes(void *ctx, const struct field *f, const uint8_t *at, size_t n)
{
	struct text *t = ctx;
	begin_value(t, f);

	if (f->kind == FIELD_BLOB) {
		print_blob(&t->out, at, n);
	} else if (f->code_unit > 1) {
		size_t length;
		char *utf8 = listing_utf8(f, at, n, &length);

		print_quoted(&t->out, utf8, length);
		free(utf8);
	} else {
		print_quoted(&t->out, (const char *)at, n);
	}
}

static const struct field_visitor visitor = {.open = on_open,
					     .close = on_close,
					     .integer = on_integer,
					     .real = on_real,
					     .bytes = on_bytes};

static void print_scope(struct text *t, const struct walk *w, enum field_scope scope)
{
	if (!(w->scopes & 1u << scope))
		return;
	out_bytes(&t->out, ", ", t->printed_scopes ? 2 : 0);
	t->printed_scopes = true;
	t->depth = 0;
	walk_visit(w, scope, &visitor, t);
}

static void print_head(struct text *t, const struct listing_entry *e, const char *name)
{
	struct out *o = &t->out;
	int64_t ns = e->walk->ns;

	t->clock.origin = e->origin;
	out_char(o, '[');
	clock_text_print_column(&t->clock, o, ns);
	out_str(o, "] (");
	if (t->had_event && t->last_origin == e->origin)
		clock_text_print_delta(o, (int64_t)((uint64_t)ns - (uint64_t)t->last_ns));
	else
		out_str(o, "+?.?????????");
	out_str(o, ") ");
	t->had_event = true;
	t->last_ns = ns;
	t->last_origin = e->origin;
	out_str(o, e->host);
	out_char(o, ' ');
	out_str(o, name);
	out_bytes(o, ": ", 2);
}

static void text_event(void *ctx, const struct listing_entry *e)
{
	struct text *t = ctx;
	const struct walk *w = e->walk;

	print_head(t, e, w->recording->events.at[w->event].name);
	t->printed_scopes = false;
	for (enum field_scope scope = SCOPE_PACKET; scope < N_SCOPES; scope++)
		print_scope(t, w, scope);
	out_char(&t->out, '\n');
}

/* A line in the form of an event's, named as no event can be. */
static void text_lost(void *ctx, const struct listing_entry *e)
{
	struct text *t = ctx;
	struct out *o = &t->out;
	const struct walk *w = e->walk;

	print_head(t, e, "(lost)");
	out_str(o, "{ ");
	if (w->has_cpu) {
		out_str(o, "cpu_id = ");
		out_uint(o, w->cpu);
		out_char(o, ' ');
	}
	out_str(o, "}, { events = ");
	if (w->lost)
		out_uint(o, w->lost);
	else
		out_str(o, "unknown");
	out_str(o, ", until = ");
	if (w->lost_to_ns == INT64_MAX)
		out_str(o, "end");
	else
		clock_text_print(&t->clock, o, w->lost_to_ns);
	out_str(o, " }\n");
}

static void text_free(void *ctx)
{
	struct text *t = ctx;

	out_deinit(&t->out);
	free(t);
}

const struct listing_printer *listing_text_new(FILE *f, const struct clock_text *clock, void **ctxp)
{
	static const struct listing_printer printer = {text_event, text_lost, text_free};
	struct text *t = mem_zalloc(1, sizeof(*t));

	out_init(&t->out, f);
	out_show(&t->out);
	t->clock = *clock;
	*ctxp = t;
	return &printer;
}
