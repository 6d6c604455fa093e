#include "analyze/listing_print.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/out.h"

/* A struct, array or sequence that is being printed. */
struct level {
	const struct ctf_fc *fc;
	uint32_t member; /* struct: where to look for the next field's member */
	uint64_t n;	 /* how many were printed */
	unsigned braces; /* to be closed behind it: it is what a variant holds */
};

struct text {
	struct out out;
	struct clock_text clock;
	int64_t last_ns;
	bool had_event;
	struct level levels[CTF_MAX_DEPTH + 1];
	unsigned depth;
	bool is_packet;	     /* the packet context is being printed */
	bool printed_scopes; /* of the current event */
};

/* The field class that the level has at this place: a variant is only visible there. */
static const struct ctf_fc *class_at(struct level *l, const char *name)
{
	if (l->fc->kind != CTF_STRUCT)
		return l->fc->elem;
	while (l->member < l->fc->n_members && l->fc->members[l->member].name != name)
		l->member++;
	return l->member < l->fc->n_members ? l->fc->members[l->member++].fc : NULL;
}

static unsigned open_braces(struct out *o, const struct ctf_fc *fc)
{
	while (fc && fc->kind == CTF_OPTIONAL)
		fc = fc->elem;
	if (!fc || fc->kind != CTF_VARIANT)
		return 0;
	out_bytes(o, "{ ", 2);
	return 1;
}

/* Everything before a value. Return: how many braces are to be closed after it. */
static unsigned begin_value(struct text *t, const char *name)
{
	struct out *o = &t->out;

	if (!t->depth)
		return 0;
	struct level *l = &t->levels[t->depth - 1];
	const struct ctf_fc *fc = class_at(l, name);

	out_bytes(o, ", ", l->n ? 2 : 0);
	if (!l->n)
		out_char(o, ' ');
	if (l->fc->kind == CTF_STRUCT) {
		out_str(o, name);
		out_bytes(o, " = ", 3);
	} else {
		out_char(o, '[');
		out_uint(o, l->n);
		out_bytes(o, "] = ", 4);
	}
	l->n++;
	return open_braces(o, fc);
}

static void close_braces(struct out *o, unsigned n)
{
	while (n--)
		out_bytes(o, " }", 2);
}

static void on_open(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t n)
{
	struct text *t = ctx;
	unsigned braces = begin_value(t, name);

	(void)n;
	out_char(&t->out, fc->kind == CTF_STRUCT ? '{' : '[');
	t->levels[t->depth++] = (struct level){.fc = fc, .braces = braces};
}

static void on_close(void *ctx, const struct ctf_fc *fc)
{
	struct text *t = ctx;

	out_bytes(&t->out, fc->kind == CTF_STRUCT ? " }" : " ]", 2);
	close_braces(&t->out, t->levels[--t->depth].braces);
}

/* The digits that the field's own bits make, as printf would show a negative number of that size.
 */
static uint64_t own_bits(const struct ctf_fc *fc, uint64_t value, unsigned bits_per_digit)
{
	unsigned size = (fc->size + bits_per_digit - 1) / bits_per_digit * bits_per_digit;

	return fc->size && size < 64 ? value & ((UINT64_C(1) << size) - 1) : value;
}

static void print_binary(struct out *o, const struct ctf_fc *fc, uint64_t value)
{
	unsigned size = fc->size ? fc->size : 64;

	out_bytes(o, "0b", 2);
	while (size--)
		out_char(o, value >> size & 1 ? '1' : '0');
}

static void print_integer(struct out *o, const struct ctf_fc *fc, uint64_t value)
{
	switch (fc->base) {
	case 2:
		print_binary(o, fc, value);
		break;
	case 8:
		out_char(o, '0');
		out_based(o, own_bits(fc, value, 3), 8);
		break;
	case 16:
		out_bytes(o, "0x", 2);
		out_based(o, own_bits(fc, value, 4), 16);
		break;
	default:
		if (fc->is_signed)
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

static void print_labels(struct out *o, const struct ctf_fc *fc, uint64_t value)
{
	bool any = false;

	for (uint32_t i = 0; i < fc->n_labels; i++) {
		if (!listing_label_fits(fc, &fc->labels[i], value))
			continue;
		out_bytes(o, ", ", any ? 2 : 0);
		print_quoted(o, fc->labels[i].name, strlen(fc->labels[i].name));
		any = true;
	}
	if (!any)
		out_str(o, "<unknown>");
}

static void on_integer(void *ctx, const struct ctf_fc *fc, const char *name, uint64_t value)
{
	struct text *t = ctx;

	if (t->is_packet && listing_is_hidden(fc))
		return;
	unsigned braces = begin_value(t, name);

	if (fc->is_enum) {
		out_str(&t->out, "( ");
		print_labels(&t->out, fc, value);
		out_str(&t->out, " : container = ");
		print_integer(&t->out, fc, value);
		out_str(&t->out, " )");
	} else if (fc->is_bool) {
		out_str(&t->out, value ? "true" : "false");
	} else {
		print_integer(&t->out, fc, value);
	}
	close_braces(&t->out, braces);
}

static void on_real(void *ctx, const struct ctf_fc *fc, const char *name, double value)
{
	struct text *t = ctx;
	unsigned braces = begin_value(t, name);

	/* A single's nearest double has digits that nobody wrote. */
	if (fc->size <= 32) {
		char text[32];

		snprintf(text, sizeof(text), "%g", value);
		out_str(&t->out, text);
	} else {
		out_double(&t->out, value);
	}
	close_braces(&t->out, braces);
}

static void print_blob(struct out *o, const uint8_t *at, size_t n)
{
	out_bytes(o, "0x", 2);
	for (size_t i = 0; i < n; i++) {
		out_char(o, "0123456789ABCDEF"[at[i] >> 4]);
		out_char(o, "0123456789ABCDEF"[at[i] & 15]);
	}
}

static void on_bytes(void *ctx, const struct ctf_fc *fc, const char *name, const uint8_t *at,
		     size_t n)
{
	struct text *t = ctx;
	unsigned braces = begin_value(t, name);

	if (fc->kind != CTF_STRING && fc->content == CTF_CONTENT_BLOB) {
		print_blob(&t->out, at, n);
	} else if (fc->code_unit > 1) {
		size_t length;
		char *utf8 = listing_utf8(fc, at, n, &length);

		print_quoted(&t->out, utf8, length);
		free(utf8);
	} else {
		print_quoted(&t->out, (const char *)at, n);
	}
	close_braces(&t->out, braces);
}

static const struct ctf_visitor visitor = {.open = on_open,
					   .close = on_close,
					   .integer = on_integer,
					   .real = on_real,
					   .bytes = on_bytes};

/*
 * How many fields of a packet context are shown; *onlyp is one of them. Nearly always it is the CPU
 * alone, which is known without reading the packet's header again for every event.
 */
static unsigned shown_packet_fields(const struct ctf_fc *context, const struct ctf_member **onlyp)
{
	unsigned n = 0;

	for (uint32_t i = 0; context && i < context->n_members; i++) {
		if (!listing_is_hidden(context->members[i].fc)) {
			*onlyp = &context->members[i];
			n++;
		}
	}
	return n;
}

static void print_scope(struct text *t, const struct ctf_cursor *c, enum ctf_scope scope)
{
	out_bytes(&t->out, ", ", t->printed_scopes ? 2 : 0);
	t->printed_scopes = true;
	t->depth = 0;
	t->is_packet = scope == CTF_PACKET_CONTEXT;
	ctf_cursor_visit(c, scope, &visitor, t);
}

static void print_packet_context(struct text *t, const struct ctf_cursor *c)
{
	const struct ctf_member *only;
	unsigned n = shown_packet_fields(c->cls->stream->packet_context, &only);

	if (n == 1 && only->fc->role == CTF_ROLE_CPU_ID && !only->fc->is_enum) {
		out_bytes(&t->out, "{ ", 2);
		out_str(&t->out, only->name);
		out_bytes(&t->out, " = ", 3);
		print_integer(&t->out, only->fc, c->packet.cpu);
		out_bytes(&t->out, " }", 2);
		t->printed_scopes = true;
	} else if (n) {
		print_scope(t, c, CTF_PACKET_CONTEXT);
	}
}

static void print_head(struct text *t, int64_t ns, const char *host, const char *name)
{
	struct out *o = &t->out;

	out_char(o, '[');
	clock_text_print(&t->clock, o, ns);
	out_str(o, "] (");
	if (t->had_event)
		clock_text_print_delta(o, (int64_t)((uint64_t)ns - (uint64_t)t->last_ns));
	else
		out_str(o, "+?.?????????");
	out_str(o, ") ");
	t->had_event = true;
	t->last_ns = ns;
	out_str(o, host);
	out_char(o, ' ');
	out_str(o, name);
	out_bytes(o, ": ", 2);
}

static void text_event(void *ctx, const struct listing_entry *e)
{
	struct text *t = ctx;
	const struct ctf_event_class *cls = e->cursor->cls;

	print_head(t, e->cursor->ns, e->host, cls->name);
	t->printed_scopes = false;
	print_packet_context(t, e->cursor);
	if (cls->stream->event_common_context)
		print_scope(t, e->cursor, CTF_EVENT_COMMON_CONTEXT);
	if (cls->specific_context)
		print_scope(t, e->cursor, CTF_EVENT_SPECIFIC_CONTEXT);
	if (cls->payload)
		print_scope(t, e->cursor, CTF_EVENT_PAYLOAD);
	out_char(&t->out, '\n');
}

/* A line in the form of an event's, named as no event can be. */
static void text_lost(void *ctx, const struct listing_entry *e)
{
	struct text *t = ctx;
	struct out *o = &t->out;
	const struct ctf_cursor *c = e->cursor;

	print_head(t, c->ns, e->host, "(lost)");
	out_str(o, "{ ");
	if (c->stream->has_cpu) {
		out_str(o, "cpu_id = ");
		out_uint(o, c->stream->cpu);
		out_char(o, ' ');
	}
	out_str(o, "}, { events = ");
	if (c->lost)
		out_uint(o, c->lost);
	else
		out_str(o, "unknown");
	out_str(o, ", until = ");
	if (c->lost_to_ns == INT64_MAX)
		out_str(o, "end");
	else
		clock_text_print(&t->clock, o, c->lost_to_ns);
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
	t->clock = *clock;
	*ctxp = t;
	return &printer;
}
